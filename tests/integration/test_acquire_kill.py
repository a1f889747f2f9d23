"""Fetching that is killed at any moment, or whose disk is full, leaves whole files only, and the next run completes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulate.openssh import OpenSsh
from tests.conftest import ROOT
from tests.integration.conftest import Home
from tests.integration.station_world import N_STATIONS, World, make_world

N_KILLS = 10
SEED = 20250303
RUN_LIMIT_S = 120.0
TMPFS_KIB = 256


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with OpenSsh(tmp_path_factory.mktemp("stations"), n_ports=N_STATIONS) as server:
        yield make_world(server)


@pytest.fixture(scope="module")
def settings(world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    pins = world.server.write_known_hosts(tmp_path_factory.mktemp("pins") / "known_hosts")
    return world.settings(dict.fromkeys(world.good, pins), attempts=1)


@pytest.fixture(scope="module")
def undisturbed(settings: str, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = configured(tmp_path_factory.mktemp("undisturbed"), settings)
    home.mingo("acquire", "events")
    return home


def configured(folder: Path, settings: str) -> Home:
    """A data folder with these settings."""
    home = Home(folder / "data")
    home.data_dir.mkdir()
    (home.data_dir / "mingo.toml").write_text(settings)
    return home


def start(home: Home) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "acquire", "events"],
        cwd=ROOT,
        env=os.environ | {"MINGO_DATA_DIR": str(home.data_dir), "MINGO_CONFIG": str(home.data_dir / "mingo.toml")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def files(home: Home) -> list[Path]:
    """Everything in landing but folders and locks."""
    found = (home.data_dir / "landing").rglob("*")
    return [path for path in found if path.is_file() and not path.name.startswith(".lock-")]


def finished(home: Home) -> dict[str, bytes]:
    """Content of the finished files by path below landing."""
    ends = (".part", ".meta.json")
    data = [path for path in files(home) if not path.name.endswith(ends) and not path.name.startswith(".")]
    return {path.relative_to(home.data_dir).as_posix(): path.read_bytes() for path in data}


def sidecars(home: Home) -> dict[str, dict[str, object]]:
    """Sidecars by path, without the time of fetching."""
    found = {}
    for path in files(home):
        if path.name.endswith(".meta.json"):
            content = json.loads(path.read_bytes())
            found[path.relative_to(home.data_dir).as_posix()] = {k: v for k, v in content.items() if k != "fetched_at"}
    return found


def times(home: Home) -> dict[str, int]:
    """Modification times of the finished files, ns."""
    return {name: (home.data_dir / name).stat().st_mtime_ns for name in finished(home)}


def kill_when(process: subprocess.Popen[bytes], home: Home, n_files: int, pause_s: float) -> bool:
    """Kill a run some moment after it has so many finished files; whether it was still running."""
    end = time.monotonic() + RUN_LIMIT_S
    while process.poll() is None and time.monotonic() < end:
        if sum(not path.name.endswith((".part", ".json")) for path in files(home)) >= n_files:
            break
    try:
        process.wait(pause_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def test_killed_fetching_leaves_whole_files_and_is_completed_by_the_next(
    undisturbed: Home, settings: str, tmp_path: Path
) -> None:
    expected, home = finished(undisturbed), configured(tmp_path, settings)
    draw, n_killed = random.Random(SEED), 0
    for number in range(N_KILLS):
        # the first before anything is there, the others spread over the files
        n_files = int(len(expected) * number / (N_KILLS + 1))
        n_killed += kill_when(start(home), home, n_files, draw.uniform(0, 0.05))
        found = finished(home)
        assert {name for name in found if found[name] != expected[name]} == set()
        assert {f"{name}.meta.json" for name in found} <= sidecars(home).keys()
    assert n_killed >= N_KILLS - 2
    assert len(finished(home)) < len(expected)
    home.mingo("acquire", "events")
    assert finished(home) == expected
    assert sidecars(home) == sidecars(undisturbed)
    assert times(home) == times(undisturbed)
    left = [path for path in home.data_dir.rglob("*") if path.is_file() and path.suffix in (".part", ".tmp")]
    left += home.data_dir.rglob(".*.tmp.*")
    assert left == []


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A memory disk of `TMPFS_KIB` at a folder; a test skips where it cannot be made."""
    folder.mkdir(parents=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_KIB}k,mode=755", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no small disk: only root of a machine may mount one ({made.stderr.strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def test_full_disk_stops_fetching_and_nothing_is_lost(
    world: World, undisturbed: Home, settings: str, tmp_path: Path
) -> None:
    home, landing = configured(tmp_path, settings), tmp_path / "data" / "landing"
    with small_disk(landing):
        full = home.mingo("acquire", "events", check=False)
        assert full.returncode == 3
        assert "free some disk" in full.stdout.splitlines()[-1]
        assert "Traceback" not in full.stdout + full.stderr
        found, expected = finished(home), finished(undisturbed)
        assert 0 < len(found) < len(expected)
        assert {name for name in found if found[name] != expected[name]} == set()
        assert {f"{name}.meta.json" for name in found} == sidecars(home).keys()
        assert len(files(home)) == 2 * len(found)
        subprocess.run(["mount", "-o", "remount,size=64m", str(landing)], check=True, capture_output=True)
        home.mingo("acquire", "events")
        assert finished(home) == expected
        assert sidecars(home) == sidecars(undisturbed)
