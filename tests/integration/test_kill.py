"""A transform killed at any moment and run again gives the tables of an undisturbed run."""

import json
import os
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
# Moments of the kills, as shares of the time an undisturbed run takes; the first is early enough on any machine.
MOMENTS = (0.25, 0.5, 0.75)


def lasting_tables(home: Home) -> set[str]:
    """Every mart and every incremental model; other tables hold the last run only, and may be empty after a repair."""
    nodes = json.loads((home.data_dir / "dbt" / "target" / "manifest.json").read_text())["nodes"].values()
    models = [node for node in nodes if node["resource_type"] == "model" and node["config"]["materialized"] != "view"]
    return {
        node["name"]
        for node in models
        if node["path"].startswith("marts") or node["config"]["materialized"] == "incremental"
    }


def content(home: Home) -> dict[str, tuple[tuple[int, str], tuple[float, ...]]]:
    """Of each lasting table: rows, hash of all but the floats, and the sum of each float bound to the rows by a weight.

    Floats are compared with a tolerance, since parallel sums are not bit-stable.
    """
    found = {}
    with duckdb.connect(str(home.build), read_only=True) as connection:
        for table in sorted(lasting_tables(home)):
            columns = connection.execute(f"describe {table}").fetchall()
            floats = [f'"{name}"' for name, kind, *_ in columns if kind in ("DOUBLE", "FLOAT")]
            others = [f'"{c[0]}"' for c in columns if c[1] not in ("DOUBLE", "FLOAT") and c[0] not in RUN_COLUMNS]
            weight = f"(hash({', '.join(others)}) % 1009)"
            sums = "".join(f", coalesce(sum({name} * {weight}), 0)" for name in floats)
            row = connection.execute(
                f"select count(*), sum(hash({', '.join(others)}))::varchar{sums} from {table}"
            ).fetchone()
            assert row is not None
            found[table] = (row[:2], row[2:])
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

    n_killed = 0
    for moment in MOMENTS:
        process = start(disturbed)
        try:
            process.wait(moment * duration_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            n_killed += 1
    assert n_killed > 0
    assert disturbed.json("transform")["state"] in ("Completed", "NothingToDo")
    healed, expected = content(disturbed), content(undisturbed)
    assert {name for name in expected if healed[name][0] != expected[name][0]} == set()
    assert {
        name for name in expected if healed[name][1] != pytest.approx(expected[name][1], rel=1e-9, abs=1e-6)
    } == set()
