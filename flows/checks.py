"""`mingo test`: formatting, types, SQL style and dbt rules in two lanes side by side, then the tests."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.console import err, out
from warehouse.parse_cache import keep_parse, kept_parse
from warehouse.paths import PROJECT_ROOT

BIN = Path(sys.executable).parent
# the tests that start dbt use two threads each: more processes than two gain little, whatever the machine
IN_TWO_PROCESSES = ("--numprocesses", "2", "--dist", "loadgroup", "--no-loadscope-reorder")


Step = tuple[str, Sequence[str], dict[str, str]]


def _lanes(scratch: Path) -> list[list[Step]]:
    # lint has a dbt target folder of its own: another target in the same one throws the partial parse away
    lint = {"DBT_TARGET_PATH": str(scratch / "target"), "DBT_LOG_PATH": str(scratch / "logs"), "DO_NOT_TRACK": "1"}
    return [
        [
            ("ruff check", [str(BIN / "ruff"), "check", "--quiet", "."], {}),
            ("ruff format", [str(BIN / "ruff"), "format", "--quiet", "--check", "."], {}),
            ("mypy", [str(BIN / "mypy")], {}),
        ],
        [
            ("dbt parse", [str(BIN / "dbt"), "parse", "--quiet", "--target", "lint"], lint),
            ("dbt-bouncer", [str(BIN / "dbt-bouncer"), "run", "--config-file", str(scratch / "bouncer.yml")], lint),
            ("sqlfluff", [str(BIN / "sqlfluff"), "lint", "--processes", "2", "models"], lint),
        ],
    ]


def _failed_steps(lane: list[Step]) -> list[str]:
    """Run the steps of a lane, say how each ended, and return those that failed."""
    failed = []
    for name, command, extra in lane:
        start = time.monotonic()
        result = subprocess.run(
            command, cwd=PROJECT_ROOT, env=os.environ | extra, capture_output=True, text=True, check=False
        )
        if result.returncode:
            failed.append(name)
            out.print((result.stdout or "") + (result.stderr or ""), highlight=False, markup=False)
        state = "[red]failed[/]" if result.returncode else "[green]passed[/]"
        err.print(f"test: {name} {state} in {time.monotonic() - start:.0f} s", highlight=False)
    return failed


def run_checks() -> int:
    """Run every check, say how each ended, and return 0 when all passed. Pytest's summary is the last thing said."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as lanes:
        scratch = Path(folder)
        rules = (PROJECT_ROOT / "dbt-bouncer.yml").read_text()
        (scratch / "bouncer.yml").write_text(
            rules.replace("dbt_artifacts_dir: target", f"dbt_artifacts_dir: {scratch}/target")
        )
        failed = [name for names in lanes.map(_failed_steps, _lanes(scratch)) for name in names]
        keep_parse(scratch / "target", kept_parse(target="lint"))  # for the tests that compile SQL
    if failed:
        err.print(f"test: {', '.join(failed)} failed; the tests run all the same", style="red")
    tests = subprocess.run([sys.executable, "-m", "pytest", "-q", *IN_TWO_PROCESSES], cwd=PROJECT_ROOT, check=False)
    return 1 if failed or tests.returncode else 0
