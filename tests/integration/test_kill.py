"""A transform killed at any moment and run again gives the tables of an undisturbed run."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT
from tests.integration.conftest import Home

# Times and identifiers of a run differ from run to run and are left out of the comparison.
RUN_COLUMNS = {"built_at", "computed_at", "run_id"}
KILLS = 5


def content(build: Path) -> dict[str, tuple[int, str]]:
    """Rows and content hash of every table; floats to six digits, since sums over threads are not bit-stable."""
    found: dict[str, tuple[int, str]] = {}
    with duckdb.connect(str(build), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where table_name <> 'build_info'"
        ).fetchall()
        for (table,) in tables:
            columns = connection.execute(f"describe {table}").fetchall()
            kept = [
                f'format(\'{{:.5e}}\', if(abs("{name}") < 1e-9, 0, "{name}")::double)'
                if kind in ("DOUBLE", "FLOAT")
                else f'"{name}"'
                for name, kind, *_ in columns
                if name not in RUN_COLUMNS
            ]
            row = connection.execute(f"select count(*), sum(hash({', '.join(kept)}))::varchar from {table}").fetchone()
            assert row is not None
            found[table] = row
    return found


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated network, extracted but not transformed."""
    home = Home(tmp_path_factory.mktemp("kill") / "data")
    home.mingo("simulate", "--days", "1", "--stations", "1,2", "--rate-hz", "0.5", "--file-hours", "8")
    home.mingo("extract")
    return home.data_dir


def start(home: Home) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "transform"],
        cwd=ROOT,
        env=os.environ | {"MINGO_DATA_DIR": str(home.data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_killed_transform_is_healed_by_the_next(landed: Path, tmp_path: Path) -> None:
    undisturbed, disturbed = Home(tmp_path / "undisturbed"), Home(tmp_path / "disturbed")
    shutil.copytree(landed, undisturbed.data_dir)
    shutil.copytree(landed, disturbed.data_dir)
    begin = time.monotonic()
    undisturbed.mingo("transform")
    duration_s = time.monotonic() - begin

    chance = random.Random(20250101)
    n_killed = 0
    for _ in range(KILLS):
        process = start(disturbed)
        try:
            process.wait(chance.uniform(0.25, 0.95) * duration_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            n_killed += 1
    assert n_killed > 0
    assert disturbed.json("transform")["state"] in ("Completed", "NothingToDo")
    assert content(disturbed.build) == content(undisturbed.build)
