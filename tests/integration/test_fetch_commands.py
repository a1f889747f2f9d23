"""`mingo acquire` as an operator uses it: outcomes and exit codes, what is written, and a run killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.conftest import Home
from tests.servers.cds import KEY, FakeCds
from tests.servers.nest import FakeNest
from tests.servers.sheets import FakeSheets

LIMIT_S = 60.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a small network: one product, a few days, nothing of the user's own."""
    start = datetime.now(UTC).date() - timedelta(days=8)
    return {
        "NO_PROXY": "127.0.0.1",
        "CDSAPI_RC": str(tmp_path / "none"),
        "MINGO_ERA5__START_DATE": start.isoformat(),
        "MINGO_ERA5__PRODUCTS": '["single"]',
        "MINGO_NMDB__START_DATE": start.isoformat(),
        "MINGO_NMDB__PAUSE_S": "0",
    }


@pytest.fixture
def service() -> Iterator[FakeCds]:
    with FakeCds() as service:
        yield service


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "data")


def cds(service: FakeCds) -> dict[str, str]:
    return {"CDSAPI_URL": f"{service.url}/api", "CDSAPI_KEY": KEY}


def wait_for(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_era5_lands_and_a_second_run_asks_nothing(home: Home, service: FakeCds, environment: dict[str, str]) -> None:
    settings = environment | cds(service)
    first = home.mingo("-v", "acquire", "era5", "--station", "MINGO01", **settings)
    assert "acquire_era5:" in first.stdout.splitlines()[-1]
    assert "answers landed" in first.stdout
    home.mingo("extract", **settings)
    n_asked = len(service.log)
    second = home.mingo("acquire", "era5", "--station", "1", **settings)
    assert "nothing to do (nothing is missing), 0 requests" in second.stdout
    assert len(service.log) == n_asked
    written = [p for p in home.data_dir.rglob("*") if p.is_file()]
    assert not [p for p in written if KEY.encode() in p.read_bytes()]
    assert KEY not in first.stdout + first.stderr


def test_sources_are_fetched_one_after_the_other(home: Home, service: FakeCds, environment: dict[str, str]) -> None:
    """NMDB and a sheet arrive although ERA5 refuses the key; the run is partly failed, and each source says why."""
    with FakeNest() as nest, FakeSheets() as sheets:
        settings = environment | {
            "MINGO_NMDB__BASE_URL": f"{nest.url}/nest/draw_graph.php",
            "MINGO_LOGBOOK__URL__MINGO01": f"{sheets.url}/secret-sheet",
            "MINGO_ACQUIRE__SOURCES": '["era5", "nmdb", "logbook"]',
        }
        result = home.mingo("acquire", check=False, **settings)
        assert result.returncode == 3, result.stdout + result.stderr
        lines = result.stdout.splitlines()
        assert any(line.startswith("acquire_era5: ") and "CDSAPI_KEY" in line for line in lines)
        assert any(line.startswith("acquire_nmdb: 3 answers landed") for line in lines)
        assert lines[-1] == "acquire: acquire_era5 Failed; acquire_nmdb Completed; acquire_logbook Completed"
        assert "secret-sheet" not in result.stdout + result.stderr
        shown = home.mingo("config", **settings).stdout
        assert "********" in shown
        assert "secret-sheet" not in shown
        offline = home.mingo("acquire", "nmdb", MINGO_NMDB__OFFLINE="true", **settings)
        assert "nothing to do (nmdb.offline is set" in offline.stdout
        assert "offline" in offline.stderr


def test_a_failure_is_one_line_and_a_code(home: Home, environment: dict[str, str]) -> None:
    result = home.mingo("acquire", "era5", check=False, **environment)
    assert (result.returncode, result.stderr.count("Traceback")) == (1, 0)
    assert "set CDSAPI_URL and CDSAPI_KEY" in result.stdout.splitlines()[-1]
    wrong = home.mingo("acquire", "nmdb", check=False, MINGO_NMDB__BASE_URL="http://nmdb.example.org/", **environment)
    assert wrong.returncode == 2
    assert "nmdb.base_url" in wrong.stderr


def test_a_run_killed_in_the_middle_leaves_nothing_half(
    home: Home, service: FakeCds, environment: dict[str, str]
) -> None:
    """Half a download is no landing file; the next run takes up the same request and completes it."""
    settings = environment | cds(service)
    service.file = "stuck"
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "acquire", "era5", "--station", "1"],
        cwd=ROOT,
        env=os.environ | settings | {"MINGO_DATA_DIR": str(home.data_dir), "MINGO_CONFIG": str(home.data_dir / "none")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = home.data_dir / "landing" / "era5" / "station=1"
    try:
        wait_for(lambda: list(folder.glob("single/*.part")))
        busy = home.mingo("acquire", "era5", check=False, MINGO_TRANSFORM__WAIT_S="0", **settings)
        assert busy.returncode == 75
        assert f"pid {process.pid}" in busy.stdout
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(LIMIT_S)
    assert list(folder.glob("single/*.nc")) == []
    notes = len(list(folder.glob("pending/*.json")))
    assert notes == service.posts() > 0
    for job in service.jobs.values():
        job.file = "ok"
    done = home.mingo("acquire", "era5", "--station", "1", **settings)
    assert f"{notes} answers landed" in done.stdout
    assert service.posts() == notes
    left = sorted(p.name for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".meta.json"))
    assert len(left) == notes
    assert all(name.endswith(".nc") for name in left)
