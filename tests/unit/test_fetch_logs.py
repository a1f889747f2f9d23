"""Lab logs of a station: what is chosen, and that no version is lost or fetched twice whatever the station does."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.lab.extract import extract_lab
from extract.transfer.clock import Clock
from extract.transfer.sftp.download import Rules
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.log_station import fetch_station_logs
from extract.transfer.sftp.logs import FOLDERS, Folder, LogVersion, log_of, select_logs, version_of
from extract.transfer.sftp.remote import LostError, MissingFileError, Remote, RemoteFile
from extract.transfer.sftp.schema import REMOTE_FILE
from extract.transfer.sftp.select import Choice
from extract.transfer.sftp.session import Session
from extract.transfer.sftp.station import Place, StationRun
from extract.transfer.sidecar import is_landing_name, read_sidecar, sidecar_path
from tests.unit.environment.landing_files import read_lake
from tests.unit.environment.test_lab_extract import LINES, NAME

NOW = datetime(2025, 2, 8, 3)
BASE = datetime(2025, 2, 7, 10)
NAMES = ("Flow0_2025-02-07.log", "hv0_2025-02-06.log", "clean_gas_weight_measurements.log")
RULES = Rules(attempts=2, remote_hash="off")


class Station:
    """A station's log folder in memory; ``grow`` is appended to a file after its first bytes were read."""

    host = "station"

    def __init__(self) -> None:
        self.files: dict[tuple[Folder, str], tuple[bytes, datetime]] = {}
        self.seconds = 0
        self.n_read = 0
        self.grow: dict[str, bytes] = {}
        self.lost: set[str] = set()
        self.has_done = True

    def write(self, name: str, content: bytes, folder: Folder = "top") -> None:
        self.seconds += 1
        self.files[folder, name] = content, BASE + timedelta(seconds=self.seconds)

    def to_done(self, name: str) -> None:
        self.files["done", name] = self.files.pop(("top", name))

    def _folder(self, directory: str) -> Folder:
        if directory == "/logs":
            return "top"
        if directory == "/logs/done" and self.has_done:
            return "done"
        raise MissingFileError(f"{directory}: no such directory")

    def _find(self, directory: str, name: str) -> tuple[Folder, str]:
        head, _, base = f"{directory}/{name}".rpartition("/")
        key = self._folder(head), base
        if key not in self.files:
            raise MissingFileError(f"{name}: gone")
        return key

    def list_directory(self, directory: str) -> list[RemoteFile]:
        folder = self._folder(directory)
        files = [RemoteFile(n, len(c), t) for (f, n), (c, t) in sorted(self.files.items()) if f == folder]
        return files + ([RemoteFile("done", 4096, BASE, is_regular=False)] if folder == "top" and self.has_done else [])

    def stat(self, directory: str, name: str) -> RemoteFile:
        content, moment = self.files[self._find(directory, name)]
        return RemoteFile(name, len(content), moment)

    def read(self, directory: str, name: str) -> Iterator[bytes]:
        folder, base = self._find(directory, name)
        if base in self.lost:
            raise LostError(f"station: {name} broke off")
        self.n_read += 1
        content = self.files[folder, base][0]
        yield content[:3]
        if more := self.grow.pop(base, b""):
            self.write(base, content + more, folder)
        yield self.files[folder, base][0][3:]

    def sha256(self, directory: str, name: str) -> str | None:
        return None


class Home:
    """A data folder and a station."""

    def __init__(self, folder: Path) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"
        self.station = Station()

    def fetch(self, max_files: int = 100, *, is_plan: bool = False) -> StationRun:
        no_path = Path("none")
        endpoint = Endpoint(1, "MINGO01", "log", "station", 22, "u", no_path, no_path, "/logs", ("*",))

        @contextmanager
        def connected(endpoint: Endpoint) -> Iterator[Remote]:
            yield self.station

        def open_remote(endpoint: Endpoint) -> AbstractContextManager[Remote]:
            return connected(endpoint)

        clock = Clock(now=lambda: NOW, sleep=lambda seconds: None)
        with Session(endpoint, open_remote) as session:
            place = Place(self.landing, self.lake)
            return fetch_station_logs(session, place, RULES, max_files=max_files, is_plan=is_plan, clock=clock)

    def landed(self) -> dict[str, bytes]:
        root = self.landing / "lab_log" / "station=1"
        files = [p for p in root.rglob("*") if p.is_file() and is_landing_name(p.name)]
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def outcomes(run: StationRun) -> dict[str, str]:
    return {choice.file.name: choice.word for choice in run.choices}


# ------------------------------------------------------------------ selection


def test_names_are_accepted_exactly() -> None:
    wanted = [
        "sensors_bus0_2025-02-07.log",
        "rates_2025-02-07",
        "Odroid_2025-02-07.log",
        "clean_gas_weight_measurements.log",
        "hv_scan_2025-02-07T100000.csv",
    ]
    unwanted = [
        "clean_sensors_bus0_2025-02-07.log",
        "merged_hv0.log",
        "hv0_2025-02-07.log~2",
        "hv0_2025-02-30.log",
        "Hv0_2025-02-07.log",
        "hv0_2025-02-07.log\n",
        "../hv0_2025-02-07.log",
        "hv_scan.csv",
        "hv_scan_2025-02-07T250000.csv",
        "\x1b[2Jhv0_2025-02-07.log",
    ]
    listing = [RemoteFile(name, 10, BASE) for name in wanted + unwanted]
    selected = select_logs({"top": listing}, set(), 100)
    assert {s.file.name for s in selected if s.word == "fetch"} == set(wanted)
    assert {s.file.name for s in selected if s.word == "bad_name"} == {name.replace("/", "\\") for name in unwanted}


@pytest.mark.parametrize(
    ("file", "outcome"),
    [
        (RemoteFile(NAME, 0, BASE), "empty_remote"),
        (RemoteFile(NAME, 10, BASE, is_regular=False), "not_regular"),
        (RemoteFile(NAME, (1 << 30) + 1, BASE), "too_large"),
        (RemoteFile(NAME, 1 << 30, None), "fetch"),
    ],
)
def test_what_is_no_log_file(file: RemoteFile, outcome: str) -> None:
    assert [s.word for s in select_logs({"done": [file]}, set(), 9)] == [outcome]


versions = st.builds(
    LogVersion,
    folder=st.sampled_from(FOLDERS),
    name=st.sampled_from(NAMES),
    size=st.integers(1, 3),
    modified_at=st.sampled_from([None, BASE, BASE + timedelta(seconds=1)]),
)


def version(choice: Choice) -> LogVersion:
    folder, _ = log_of(choice)
    return version_of(folder, replace(choice.file, name=choice.file.name.removeprefix("done/")))


@given(st.sets(versions, max_size=8), st.sets(versions, max_size=8), st.integers(0, 8))
def test_every_listed_name_has_one_outcome(listed: set[LogVersion], held: set[LogVersion], max_files: int) -> None:
    listings = {f: [RemoteFile(v.name, v.size, v.modified_at) for v in listed if v.folder == f] for f in FOLDERS}
    selected = select_logs(listings, held, max_files)
    assert sorted(s.file.name for s in selected) == sorted(
        ("" if v.folder == "top" else "done/") + v.name for v in listed
    )
    by_outcome = {word: {version(s) for s in selected if s.word == word} for word in ("fetch", "waiting", "skipped")}
    assert by_outcome["skipped"] == listed & held
    assert by_outcome["fetch"] | by_outcome["waiting"] == listed - held
    assert len(by_outcome["fetch"]) == min(max_files, len(listed - held))
    names = [log_of(s)[1] for s in selected if s.word in ("fetch", "waiting")]
    order = [name.file_date or date.max for name in names if name]
    assert len(order) == len(listed - held)
    assert order == sorted(order, reverse=True)


# ------------------------------------------------------------------ one station


actions = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.sampled_from(NAMES), st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("truncate"), st.sampled_from(NAMES), st.binary(max_size=2)),
        st.tuples(st.just("during"), st.sampled_from(NAMES), st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("done"), st.sampled_from(NAMES), st.just(b"")),
        st.tuples(st.just("touch"), st.sampled_from(NAMES), st.just(b"")),
        st.tuples(st.just("fetch"), st.just(""), st.just(b"")),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(actions)
def test_whatever_happens_no_version_is_lost_or_fetched_twice(steps: list[tuple[str, str, bytes]]) -> None:
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        station = home.station
        for action, name, more in steps:
            content = station.files.get(("top", name), (b"",))[0]
            if action == "grow":
                station.write(name, content + more)
            elif action == "truncate":
                station.write(name, more)
            elif action == "during":
                station.grow[name] = more
            elif action == "touch" and content:
                station.write(name, content)
            elif action == "done" and content:
                station.to_done(name)
            elif action == "fetch":
                check_all_is_held(home, home.fetch())
        station.grow.clear()
        check_all_is_held(home, home.fetch())
        n_read, before = station.n_read, home.landed()
        run = home.fetch()
        assert (run.count("fetched"), station.n_read, home.landed()) == (0, n_read, before)


def check_all_is_held(home: Home, run: StationRun) -> None:
    """Every listed version is in landing: of a file that grew meanwhile at least what was listed, as a beginning."""
    assert run.problem == ""
    landed = home.landed()
    for choice in run.choices:
        if choice.word in ("fetched", "skipped"):
            folder, log_name = log_of(choice)
            assert log_name is not None
            content = home.station.files[folder, log_name.base_name][0][: choice.file.size]
            names = [n for n in landed if re.fullmatch(rf".*/{re.escape(log_name.base_name)}(~\d+)?", n)]
            assert any(landed[n].startswith(content) for n in names)
    for name in landed:
        place, _, base = name.split("/")
        same = [n for n, c in landed.items() if c == landed[name] and n.split("/")[0] == place]
        assert len([n for n in same if n.split("/")[2].split("~")[0] == base.split("~")[0]]) == 1


def test_a_growing_log_lands_in_versions_and_moves_to_done(home: Home) -> None:
    for n in (2, 4, 5):
        home.station.write(NAME, b"".join(LINES[:n]))
        assert outcomes(home.fetch()) == {NAME: "fetched"}
    home.station.to_done(NAME)
    assert outcomes(home.fetch()) == {f"done/{NAME}": "fetched"}
    folder = "2025-02"
    assert sorted(home.landed()) == [
        f"done/{folder}/{NAME}",
        *(f"top/{folder}/{NAME}{mark}" for mark in ("", "~2", "~3")),
    ]
    assert outcomes(home.fetch()) == {f"done/{NAME}": "skipped"}


def test_what_grew_while_it_was_read_is_looked_at_again(home: Home) -> None:
    home.station.write(NAME, LINES[0])
    home.station.grow[NAME] = LINES[1]
    home.fetch()
    (content,) = home.landed().values()
    assert content == LINES[0] + LINES[1]
    assert outcomes(home.fetch()) == {NAME: "fetched"}  # the same bytes: one file that knows both versions
    assert len(home.landed()) == 1
    assert outcomes(home.fetch()) == {NAME: "skipped"}


def test_the_same_bytes_are_kept_once_with_both_versions(home: Home) -> None:
    home.station.write(NAME, LINES[0])
    home.fetch()
    home.station.write(NAME, LINES[0])
    home.fetch()
    ((name, _),) = home.landed().items()
    sidecar = read_sidecar(home.landing / "lab_log" / "station=1" / name)
    assert sidecar is not None
    assert sidecar.remote_modified_at == BASE + timedelta(seconds=1)
    assert sidecar.request["further_versions"] == [
        {"folder": "top", "size": len(LINES[0]), "modified_at": "2025-02-07T10:00:02Z"}
    ]
    assert sidecar.remote_path == f"/logs/{NAME}"


def test_a_lost_sidecar_is_written_anew(home: Home) -> None:
    home.station.write(NAME, LINES[0])
    home.fetch()
    ((name, _),) = home.landed().items()
    path = home.landing / "lab_log" / "station=1" / name
    sidecar_path(path).unlink()
    assert outcomes(home.fetch()) == {NAME: "fetched"}
    assert outcomes(home.fetch()) == {NAME: "skipped"}
    assert len(home.landed()) == 1


def test_what_the_lake_has_is_not_fetched_for_a_pruned_landing(home: Home) -> None:
    home.station.write(NAME, b"".join(LINES), "done")
    home.station.write("hv0_2025-02-07.log", b"junk\n")
    home.fetch()
    assert extract_lab(home.landing, home.lake).failures == []
    for name in home.landed():
        path = home.landing / "lab_log" / "station=1" / name
        path.unlink()
        sidecar_path(path).unlink()
    assert set(outcomes(home.fetch()).values()) == {"skipped"}
    home.station.write(NAME, b"".join(LINES))  # the same bytes, in the top folder now: another version
    assert outcomes(home.fetch())[NAME] == "fetched"


def test_the_listing_has_every_name_with_what_was_done(home: Home) -> None:
    home.station.write(NAME, LINES[0])
    home.station.to_done(NAME)
    home.station.write("\x1b[2Jrestart.log", b"x")
    home.station.write(NAME, LINES[0])
    home.station.write("hv0_2025-02-07.log", b"")
    home.fetch()
    rows = read_lake(home.lake, REMOTE_FILE)
    assert {(row["file_name"], row["outcome"], row["file_size_bytes"]) for row in rows} == {
        (f"done/{NAME}", "fetched", len(LINES[0])),
        (NAME, "fetched", len(LINES[0])),
        ("\\x1b[2Jrestart.log", "bad_name", 1),
        ("hv0_2025-02-07.log", "empty_remote", 0),
    }
    assert {(row["source"], row["directory"]) for row in rows} == {("log", "/logs")}


def test_a_station_without_done_and_one_that_answers_badly(home: Home) -> None:
    home.station.has_done = False
    names = [f"hv0_2025-02-0{day}.log" for day in (1, 2, 3, 4)]
    for name in names:
        home.station.write(name, b"x\n")
    home.station.lost = {names[3]}
    run = home.fetch()
    assert outcomes(run) == {names[3]: "failed", **dict.fromkeys(names[:3], "fetched")}
    assert [choice.detail for choice in run.choices if choice.word == "failed"] == [f"station: {names[3]} broke off"]
    assert run.state == "partial"


def test_a_plan_writes_nothing_and_a_limit_leaves_the_rest(home: Home) -> None:
    for day in (1, 2, 3):
        home.station.write(f"hv0_2025-02-0{day}.log", b"x\n")
    assert set(outcomes(home.fetch(is_plan=True)).values()) == {"fetch"}
    assert not home.landing.exists()
    assert not home.lake.exists()
    run = home.fetch(max_files=2)
    assert outcomes(run) == {
        "hv0_2025-02-03.log": "fetched",
        "hv0_2025-02-02.log": "fetched",
        "hv0_2025-02-01.log": "waiting",
    }
    assert run.n_bytes == 4


def test_the_version_is_to_the_second() -> None:
    file = RemoteFile(NAME, 1, BASE + timedelta(microseconds=5))
    assert version_of("top", file) == version_of("top", replace(file, modified_at=BASE))
