"""Two hundred files of four stations behind a real SSH server: each ends in the state it must, whatever happens."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from extract.transfer.clock import Clock
from extract.transfer.sftp.remote import shown
from flows.outcome import Outcome
from flows.station_fetch import acquire_events
from simulate.openssh import OpenSsh, free_ports
from simulate.openssh_log import Served
from simulate.remote import set_modified
from simulate.ssh_keys import make_key, pin
from tests.integration.conftest import Home
from tests.integration.station_world import (
    GROWING,
    N_STATIONS,
    ODD,
    World,
    make_world,
    source_settings,
    tree,
    write_text,
)
from tests.servers.cutter import Cutter
from tests.servers.faulty_sftp import FaultyFile, FaultySftp
from warehouse.settings import load_settings

CUT_AT_BYTES = 400_000
LONGER, SHORTER = 3, 6
"""Places of two plain files of the first station that are replaced between the runs."""
LONGER_EVENTS = 40


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with OpenSsh(tmp_path_factory.mktemp("stations"), n_ports=N_STATIONS) as server:
        yield make_world(server)


@dataclass(frozen=True)
class Run:
    """What a run said, what the server saw of it, the words by station and name, everything there was afterwards."""

    outcome: Outcome
    served: Served
    words: dict[int, dict[str, str]]
    before: dict[str, tuple[str, int, bytes]]
    after: dict[str, tuple[str, int, bytes]]
    slept_s: list[float]


def acquire(home: Home, settings: str) -> tuple[Outcome, list[float]]:
    """Fetch in this process, with a clock that does not wait; the outcome and the pauses it wanted (s)."""
    config = home.data_dir.with_suffix(".toml")  # not in the folder that is compared
    config.write_text(settings)
    slept: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINGO_CONFIG", str(config))
        patch.setenv("MINGO_DATA_DIR", str(home.data_dir))
        return acquire_events(load_settings(), clock=Clock(sleep=slept.append)), slept


def run(world: World, home: Home, settings: str, *elsewhere: Path) -> Run:
    """Fetch, with what was there before and after, and what the server saw."""
    mark, before = world.server.mark(), tree(home.data_dir, *elsewhere)
    outcome, slept = acquire(home, settings)
    return Run(outcome, world.server.served(mark), words(home), before, tree(home.data_dir, *elsewhere), slept)


def words(home: Home) -> dict[int, dict[str, str]]:
    """The word of every listed name by station, from the newest listing of the lake."""
    found: dict[int, dict[str, str]] = {}
    for station in range(N_STATIONS + 1):
        files = sorted((home.data_dir / "lake" / "remote_file" / f"station={station}").glob("date=*/dat.parquet"))
        if files:
            rows = duckdb.sql(f"select file_name, outcome from read_parquet('{files[-1]}')").fetchall()
            assert len(rows) == len(dict(rows))
            found[station] = dict(rows)
    return found


def landed(home: Home) -> dict[str, bytes]:
    """Content of the detector files of landing by path below it; there must be nothing unfinished."""
    folder = home.data_dir / "landing"
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".lock-")]
    assert [path.name for path in files if path.name.endswith(".part") or path.name.startswith(".")] == []
    data = {path for path in files if not path.name.endswith(".meta.json")}
    assert {path.with_name(f"{path.name}.meta.json") for path in data} == set(files) - data
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in data}


def on_server(world: World, station: int, names: list[str]) -> dict[str, bytes]:
    """What landing must hold of some files of a station."""
    folder = f"dat/station={station}/2025-"
    month = {name: datetime.strptime(name[4:9], "%y%j").strftime("%m") for name in names}
    return {f"{folder}{month[name]}/{name}": (world.folder(station) / name).read_bytes() for name in names}


def elsewhere_changed(run: Run, home: Home) -> set[str]:
    """Paths outside landing and the listings that a run made, changed or removed."""
    changed = {path for path in run.before.keys() | run.after.keys() if run.before.get(path) != run.after.get(path)}
    allowed = [home.data_dir / "landing", home.data_dir / "lake" / "remote_file"]
    outside = {path for path in changed if not any(Path(path).is_relative_to(folder) for folder in allowed)}
    return outside - {str(home.data_dir / "lake")}


@dataclass(frozen=True)
class Story:
    """The runs of the story below, one after the other, into one data folder."""

    home: Home
    first: Run
    second: Run
    third: Run
    n_cut: int
    landed_first: dict[str, bytes]
    landed_second: dict[str, bytes]
    original: dict[str, bytes]


@pytest.fixture(scope="module")
def story(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """First a broken line, a host that is away and one with another key; then all is well; then nothing is new."""
    folder = tmp_path_factory.mktemp("story")
    home, person = Home(folder / "data"), folder / "home"
    person.mkdir()
    pins = world.server.write_known_hosts(folder / "known_hosts")
    wrong = world.server.write_known_hosts(folder / "wrong", key=make_key(folder / "another_key"))
    replaced = [world.good[1][place] for place in (LONGER, SHORTER)]
    original = {name: (world.folder(1) / name).read_bytes() for name in replaced}
    with pytest.MonkeyPatch.context() as patch, Cutter(world.server.ports[1], [CUT_AT_BYTES]) as cutter:
        patch.setenv("HOME", str(person))
        cut_pins = pin(folder / "cut", world.server.host, [cutter.port], [world.server.host_key])
        first = run(
            world,
            home,
            world.settings({1: pins, 2: cut_pins, 3: pins, 4: wrong}, {2: cutter.port, 3: free_ports(1)[0]}),
            person,
            world.server.root,
        )
        landed_first = landed(home)
        change_files(world, original)
        good = world.settings(dict.fromkeys(range(1, N_STATIONS + 1), pins))
        second = run(world, home, good, person, world.server.root)
        landed_second = landed(home)
        third = run(world, home, good, person, world.server.root)
        yield Story(home, first, second, third, cutter.n_cut, landed_first, landed_second, original)


def change_files(world: World, original: dict[str, bytes]) -> None:
    """The growing file is complete and old enough, one file is longer than it was, one is cut."""
    longer, shorter = original
    modified_at = datetime(2025, 4, 20)
    write_text(world.folder(1) / GROWING, 1, 9, modified_at)
    write_text(world.folder(1) / longer, 1, LONGER_EVENTS, modified_at)
    cut = original[shorter]
    (world.folder(1) / shorter).write_bytes(cut[: len(cut) // 2])
    set_modified(world.folder(1) / shorter, modified_at)


def all_words(world: World, word: str) -> dict[int, dict[str, str]]:
    """Every listed name of the four stations, the good ones with this word."""
    found = {station: dict.fromkeys(names, word) for station, names in world.good.items()}
    found[1] |= {shown(name): odd for name, odd in ODD.items()}
    return found


def test_two_hundred_names(world: World) -> None:
    assert sum(len(list(world.folder(station).iterdir())) for station in world.good) == 200


def test_first_run_leaves_each_file_in_its_state(world: World, story: Story) -> None:
    expected = all_words(world, "fetched")
    assert story.first.words == {1: expected[1], 2: expected[2]}
    whole = on_server(world, 1, [n for n in world.good[1] if n not in story.original]) | on_server(
        world, 2, world.good[2]
    )
    month = {name: f"dat/station=1/2025-03/{name}" for name in story.original}
    assert story.landed_first == whole | {month[name]: content for name, content in story.original.items()}


def test_a_line_that_breaks_in_the_middle_of_a_file_is_taken_up_again(world: World, story: Story) -> None:
    big = world.good[2][0]
    opened = [path for path in story.first.served.opened if path.endswith(f"/{big}")]
    assert (story.n_cut, len(opened)) == (1, 2)
    assert (world.folder(2) / big).stat().st_size > CUT_AT_BYTES
    assert 4 <= sum(story.first.slept_s) <= 6


def test_a_host_that_is_away_and_one_with_another_key_are_said_and_stop_nobody(story: Story) -> None:
    outcome = story.first.outcome
    assert (outcome.state, outcome.exit_code) == ("Partial", 3)
    text = json.dumps(outcome.detail)
    assert "MINGO03" in outcome.sentence
    assert "MINGO04" in outcome.sentence
    assert "cannot be reached" in text
    assert "SHA256:" in text
    # nobody logged in where the key was another one, and the key was not accepted either
    assert story.first.served.listed == tuple(path for path in story.first.served.listed if path[-1] in "12")


def test_second_run_brings_what_was_missing_and_new_versions(world: World, story: Story) -> None:
    expected = all_words(world, "skipped")
    expected[1] |= dict.fromkeys([GROWING, *story.original], "fetched")
    for station in (3, 4):
        expected[station] = dict.fromkeys(world.good[station], "fetched")
    assert story.second.words == expected
    assert (story.second.outcome.state, story.second.outcome.exit_code) == ("Completed", 0)
    new = on_server(world, 3, world.good[3]) | on_server(world, 4, world.good[4]) | on_server(world, 1, [GROWING])
    versions = on_server(world, 1, list(story.original))
    new |= {f"{path}~2": content for path, content in versions.items()}
    assert story.landed_second == story.landed_first | new


def test_a_run_without_anything_new_asks_for_no_file(world: World, story: Story) -> None:
    third = story.third
    assert (third.outcome.state, third.outcome.exit_code) == ("NothingToDo", 0)
    assert (third.served.opened, third.served.n_bytes, third.served.n_stat) == ((), 0, 0)
    assert third.words == {
        station: {name: "skipped" if word == "fetched" else word for name, word in words.items()}
        for station, words in story.second.words.items()
    }
    changed = {path for path in third.after if third.after[path] != third.before.get(path)}
    listings = {f"station={station}" for station in world.good}
    assert {Path(path).parts[-3] for path in changed if not Path(path).name.startswith(".lock-")} == listings


def test_nothing_is_written_elsewhere_and_nothing_on_the_server(story: Story) -> None:
    for one in (story.first, story.second, story.third):
        assert elsewhere_changed(one, story.home) == set()
        assert one.served.written == ()


def test_names_cannot_leave_their_folder(world: World, story: Story) -> None:
    inside = (story.home.data_dir / "landing").resolve()
    for path in inside.rglob("*"):
        assert path.resolve().is_relative_to(inside)
        assert not path.is_symlink()
        assert path.name.isprintable()
        assert path.name.isascii()


def test_extract_takes_the_longer_version_and_not_the_cut_one(world: World, story: Story, tmp_path: Path) -> None:
    home, station = Home(tmp_path / "data"), "landing/dat/station=1"
    shutil.copytree(story.home.data_dir / station, home.data_dir / station)
    home.mingo("extract")
    rows = duckdb.sql(
        "select base_name, source_file, is_current, n_events from"
        f" read_parquet('{home.data_dir}/lake/raw_file/station=*/*/*.parquet', hive_partitioning = false)"
    ).fetchall()
    current = {name: (Path(source).name, n_events) for name, source, is_current, n_events in rows if is_current}
    longer, shorter = story.original
    expected = {name[:15]: (name, 5) for name in world.good[1]} | {GROWING[:15]: (GROWING, 9)}
    expected[longer[:15]] = (f"{longer}~2", LONGER_EVENTS)
    assert current == expected
    assert sum(name == shorter[:15] for name, *_ in rows) == 2


def test_names_that_no_file_system_holds_are_not_fetched(tmp_path: Path) -> None:
    ours = "mi0025100010000.dat"
    names: list[str | bytes] = [
        f"mi00{'2' * 292}.dat",
        f"mi00{'2' * 3992}.dat",
        f"../{ours}",
        f"../../../../tmp/{ours}",
        f"/tmp/{ours}",
        f"a/{ours}",
        f"{ours}\x00.dat",
        "mi00\x1b]0;owned\x07.dat",
        b"mi00\xff\xfe.dat",
    ]
    home, person = Home(tmp_path / "data"), tmp_path / "home"
    person.mkdir()
    with FaultySftp(tmp_path, files={name: FaultyFile(b"text\n") for name in names}) as server:
        server.files[ours] = FaultyFile(b"text\n")
        settings = source_settings(
            0, server, server.directory, server.write_known_hosts(tmp_path / "known_hosts"), server.port
        )
        outcome, after = acquire(home, settings)[0], words(home)[0]
        assert dict(server.opened) == {ours: 1}
        assert server.written == []
    assert outcome.exit_code == 0
    assert sorted(after.values()) == ["bad_name"] * len(names) + ["fetched"]
    assert landed(home) == {f"dat/station=0/2025-04/{ours}": b"text\n"}
    assert all(name.isprintable() for name in after)
    assert outcome.sentence.isprintable()
    assert "\x1b" not in json.dumps(outcome.detail, ensure_ascii=False)
