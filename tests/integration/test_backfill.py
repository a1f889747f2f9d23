"""`mingo backfill` against a real SSH server: text of a station, HLD of its archive, stops at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulate.config import StationConfig
from simulate.file import simulate_file
from simulate.hld import render_hld
from simulate.openssh import OpenSsh
from simulate.text import render_rows
from tests.conftest import ROOT
from tests.integration.conftest import Home
from tests.unit.daq.home import Home as Lake
from tests.unit.daq.home import tar_gz

FIRST = datetime(2025, 6, 10)
N_DAYS, PER_DAY = 3, 4
ENDINGS = (".hld", ".hld.tar.gz", ".hld-tar-gz")
N_EVENTS = 200
LIMIT_S = 60.0
FORGET = {"fetched_at", "remote_modified_at"}


def bases(*days: int) -> list[str]:
    starts = [FIRST + timedelta(days=day, hours=6 * n) for day in days for n in range(PER_DAY)]
    return [f"mi01{start:%y%j%H%M%S}" for start in starts]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    """A station that still has text of days 1 and 2, and an archive with HLD of all three days in three forms."""
    with OpenSsh(tmp_path_factory.mktemp("backfill")) as server:
        for folder in ("station", "archive"):
            (server.root / folder).mkdir()
        for number, base in enumerate(bases(*range(N_DAYS))):
            block = simulate_file(N_EVENTS, station=StationConfig(station_id=1), seed=number, layout="production").block
            hld = render_hld(np.random.default_rng(number), block.time_s, block.trigger, block.values)
            ending = ENDINGS[number % len(ENDINGS)]
            is_packed = ending != ".hld"
            content = tar_gz(f"/home/station/hlds/{base}.hld", hld.content) if is_packed else hld.content
            put(server.root / "archive" / f"{base}{ending}", content)
            if base not in bases(0):
                text = render_rows("production", block.time_s, block.trigger, hld.values).tobytes()
                put(server.root / "station" / f"{base}.dat.tar.gz", tar_gz(f"{base}.dat", text))
        put(server.root / "archive" / "mi0225161000000.hld", b"of another station")
        put(server.root / "archive" / "merged-2025.hld", b"no file of a run")
        yield server


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, (1_749_800_000, 1_749_800_000))


def make_home(server: OpenSsh, folder: Path) -> Home:
    folder.mkdir()
    known_hosts = server.write_known_hosts(folder / "known_hosts")
    lines = [
        "acquire.min_free_gib = 0",
        "backfill.pause_s = 0",
        "[acquire.stations.MINGO01]",
        f'dat.host = "{server.host}"',
        f"dat.port = {server.port}",
        f'dat.user = "{server.user}"',
        f'dat.key_file = "{server.client_key}"',
        f'dat.known_hosts = "{known_hosts}"',
        f'dat.directory = "{server.remote(server.root / "station")}"',
        f'hld.host = "{server.host}"',
        f'hld.directory = "{server.remote(server.root / "archive")}"',
    ]
    (folder / "mingo.toml").write_text("\n".join(lines) + "\n")
    return Home(folder)


@pytest.fixture
def home(server: OpenSsh, tmp_path: Path) -> Home:
    return make_home(server, tmp_path / "data")


BACKFILL = ("backfill", "--station", "MINGO01", "--mode")


def rows(home: Home) -> dict[str, list[dict[str, Any]]]:
    """All rows of the lake, without the times of the transfer."""
    return {
        name: [{key: value for key, value in row.items() if key not in FORGET} for row in found]
        for name, found in Lake(home.data_dir).rows().items()
        if not name.startswith("remote_file")
    }


def lake_files(home: Home) -> dict[str, tuple[int, int, int]]:
    """Identity of every file of the lake but the listings, which each run makes anew."""
    return {name: one for name, one in Lake(home.data_dir).files().items() if not name.startswith("remote_file")}


def kinds(home: Home) -> dict[str, str]:
    return {row["base_name"]: row["source_kind"] for row in Lake(home.data_dir).raw_files() if row["is_current"]}


def test_a_missing_day_after_an_outage_comes_back_from_the_archive(home: Home, server: OpenSsh) -> None:
    """The story of the operator: text of the station first, the day it has lost from the archive, and nothing twice."""
    home.mingo(*BACKFILL, "range", "--source", "station")
    assert kinds(home) == dict.fromkeys(bases(1, 2), "dat")
    day = ("range", "--from", "2025-06-10", "--to", "2025-06-10", "--source", "archive")
    before = sorted(home.data_dir.rglob("*"))
    plan = home.json(*BACKFILL, *day, "--plan")
    assert sorted(home.data_dir.rglob("*")) == before
    assert [(row["station"], row["day"], row["n_files"]) for row in plan["days"]] == [("MINGO01", "2025-06-10", 4)]
    archived = [path for path in (server.root / "archive").iterdir() if path.name.partition(".")[0] in bases(0)]
    assert plan["bytes"] == sum(path.stat().st_size for path in archived)
    assert plan["files_per_minute"] > 0
    done = home.mingo(*BACKFILL, *day)
    assert done.stdout.splitlines()[-1].startswith("backfill: 4 files brought into the lake")
    assert kinds(home) == dict.fromkeys(bases(0), "hld") | dict.fromkeys(bases(1, 2), "dat")
    assert all(row["n_events"] == N_EVENTS for row in Lake(home.data_dir).raw_files())
    mark, files = server.mark(), lake_files(home)
    again = home.json(*BACKFILL, "range")
    assert (again["state"], again["waiting"], again["problems"]) == ("NothingToDo", 0, [])
    assert server.served(mark).n_bytes == 0
    assert lake_files(home) == files


def test_newest_and_a_drawn_day(home: Home) -> None:
    home.mingo(*BACKFILL, "newest", "--limit", "3", "--source", "archive")
    assert kinds(home) == dict.fromkeys(bases(2)[-3:], "hld")
    drawn = home.json(*BACKFILL, "random_day", "--seed", "5")
    day = datetime.fromisoformat(drawn["drawn_day"])
    assert set(bases((day - FIRST).days)) <= set(kinds(home))
    assert home.json(*BACKFILL, "random_day", "--seed", "5")["state"] == "NothingToDo"


def test_killed_runs_end_in_the_lake_of_an_undisturbed_one(home: Home, server: OpenSsh, tmp_path: Path) -> None:
    other = make_home(server, tmp_path / "other")
    other.mingo(*BACKFILL, "range")
    draw = random.Random(11)
    for n_landed in (1, 4, 9):
        kill_when_landed(home, n_landed, draw)
    home.mingo(*BACKFILL, "range")
    assert rows(home) == rows(other)
    assert not list(home.data_dir.rglob("*.part")) + list(home.data_dir.glob("lake/raw_*/station=1/*/.*"))
    assert home.json(*BACKFILL, "range")["state"] == "NothingToDo"


def kill_when_landed(home: Home, n_landed: int, draw: random.Random) -> None:
    """Start a run and kill all of it a little after so many files have landed."""
    environment = os.environ | {
        "MINGO_DATA_DIR": str(home.data_dir),
        "MINGO_CONFIG": str(home.data_dir / "mingo.toml"),
    }
    words = [sys.executable, "-m", "flows.cli", *BACKFILL, "range"]
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + LIMIT_S
        while process.poll() is None and len(list(home.data_dir.glob("landing/*/*/*/*.json"))) < n_landed:
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
