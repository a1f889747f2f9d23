"""Running dbt in a child process: its environment, its progress, its results.

A child process, because two dbt runs in one interpreter disturb each other; the lock's descriptor goes with it, so that
the build file stays locked until parent and child are both dead.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.masking import without_secrets
from warehouse.parse_cache import keep_parse, kept_parse
from warehouse.paths import PROJECT_ROOT, Paths

FINISHED_EVENTS = {
    "LogModelResult",
    "LogTestResult",
    "LogSeedResult",
    "LogSnapshotResult",
    "LogNodeNoOpResult",
    "SkippingDetails",
}
BAD_STATUSES = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class Node:
    """One executed node of a dbt run; ``kind`` is model, seed or test, ``status`` as dbt words it."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str


@dataclass(frozen=True)
class DbtResult:
    """What a dbt run did. ``error`` is its first error as one line when it did not succeed."""

    return_code: int
    nodes: list[Node]
    error: str | None

    @property
    def failed_nodes(self) -> list[Node]:
        """Nodes that ended in an error, and tests of severity error that failed."""
        return [node for node in self.nodes if node.status in BAD_STATUSES]

    @property
    def warned_nodes(self) -> list[Node]:
        """Tests of severity warn that failed."""
        return [node for node in self.nodes if node.status == "warn"]


Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Call:
    """How a dbt process is started. Its working folder is the data folder: the target `here` knows no other path."""

    command: list[str]
    folder: Path
    environment: dict[str, str]


def call(
    paths: Paths, arguments: Sequence[str], variables: dict[str, Any] | None = None, memory_limit: str = "1GB"
) -> Call:
    """The call of a dbt process that builds in ``paths``."""
    kept = kept_parse(variables)
    environment = without_secrets(os.environ) | {
        "MINGO_DATA_DIR": str(paths.data_dir),
        "MINGO_MEMORY_LIMIT": memory_limit,
        "DBT_PROJECT_DIR": str(PROJECT_ROOT),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
        "DBT_TARGET_PATH": str(paths.dbt_target),
        "DBT_LOG_PATH": str(paths.dbt_logs),
        "DBT_LOG_LEVEL_FILE": "info",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    if kept is not None and kept.exists():
        environment["DBT_PARTIAL_PARSE_FILE_PATH"] = str(kept)
    options = ["--vars", json.dumps(variables, sort_keys=True)] if variables else []
    program = str(Path(sys.executable).with_name("dbt"))
    return Call([program, *arguments, "--target", "here", *options], paths.data_dir, environment)


def run(
    paths: Paths,
    arguments: Sequence[str],
    *,
    variables: dict[str, Any] | None = None,
    memory_limit: str = "1GB",
    pass_fds: Sequence[int] = (),
    on_node: Progress | None = None,
) -> DbtResult:
    """Run dbt and wait for it.

    Parameters
    ----------
    arguments
        dbt's own, such as ``["build", "--select", "staging"]``.
    variables
        dbt ``vars``; a new set makes dbt parse the whole project, so nothing that differs from run to run belongs here.
    pass_fds
        Descriptors the child keeps open (the lock).
    on_node
        Called after each finished node with (number done, number in all, name).
    """
    paths.data_dir.mkdir(parents=True, exist_ok=True)
    results = paths.dbt_target / "run_results.json"
    results.unlink(missing_ok=True)
    started = call(paths, [*arguments, "--log-format", "json", "--log-level", "info"], variables, memory_limit)
    process = subprocess.Popen(
        started.command,
        cwd=started.folder,
        env=started.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=tuple(pass_fds),
    )
    error: str | None = None
    assert process.stdout is not None
    try:
        with process.stdout as stream:
            for line in stream:
                error = _follow(line, on_node) or error
    except BaseException:  # stopped by a signal: dbt does not outlive the one who asked for it
        process.terminate()
        process.wait()
        raise
    return_code = process.wait()
    keep_parse(paths.dbt_target, kept_parse(variables))
    nodes = read_nodes(results)
    if return_code and not error:
        error = f"dbt ended with code {return_code}; see {paths.dbt_logs / 'dbt.log'}"
    return DbtResult(return_code, nodes, error if return_code else None)


def _follow(line: str, on_node: Progress | None) -> str | None:
    """Report a finished node; return the text of an error event."""
    try:
        event = json.loads(line)
    except ValueError:
        return line.strip()[:500] if "Error" in line else None
    info, data = event.get("info", {}), event.get("data", {})
    if on_node is not None and info.get("name") in FINISHED_EVENTS and data.get("total"):
        on_node(int(data["index"]), int(data["total"]), str(data.get("node_info", {}).get("node_name", "")))
    if info.get("level") == "error" and info.get("msg", "").strip():
        return " ".join(str(info["msg"]).split())[:500]
    return None


def read_nodes(run_results: Path) -> list[Node]:
    """The nodes of a `run_results.json`; empty when dbt wrote none."""
    if not run_results.exists():
        return []
    results = json.loads(run_results.read_text())["results"]
    return [
        Node(
            name=result["unique_id"].split(".")[2],
            kind=result["unique_id"].split(".")[0],
            status=result["status"],
            seconds=round(result["execution_time"], 3),
            message=" ".join((result.get("message") or "").split())[:300],
        )
        for result in results
    ]


def read_manifest(paths: Paths) -> dict[str, Any]:
    """The manifest of the last dbt run."""
    manifest: dict[str, Any] = json.loads((paths.dbt_target / "manifest.json").read_text())
    return manifest
