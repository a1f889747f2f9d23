"""Many stations at once: what each leaves in landing and lake, and that none harms another."""

import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from extract.transfer.clock import Clock
from extract.transfer.sftp.download import Rules
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import HostKeyError, LostError, Remote
from extract.transfer.sftp.run import at_each
from extract.transfer.sftp.schema import REMOTE_FILE
from extract.transfer.sftp.select import SECOND_LOOK_S, Wanted
from extract.transfer.sftp.session import Session
from extract.transfer.sftp.station import Place, StationRun, fetch_station
from flows.station_fetch import Failure, to_outcome
from tests.unit.transfer.fake_remote import NOW, FakeServer, FakeTime, endpoint
from warehouse.lock import held

HOURS = 6


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "landing", tmp_path / "lake")


def filled(station_id: int = 1) -> FakeServer:
    server = FakeServer(piece_bytes=50)
    for hour in range(HOURS):
        server.put(f"mi0{station_id}25170{hour:02d}0000.dat", bytes([hour]) * 120)
    return server


def go(server: FakeServer, place: Place, time: FakeTime | None = None, **more: Any) -> StationRun:
    wanted = more.pop("wanted", Wanted(1, "dat", ("*.dat", "*.dat.tar.gz")))
    with Session(endpoint(), server.open) as session:
        return fetch_station(session, wanted, place, Rules(), clock=(time or FakeTime()).clock, **more)


def tree(folder: Path) -> dict[str, bytes]:
    """Bytes by path; none of locks, which hold the time of their run."""
    return {
        p.relative_to(folder).as_posix(): b"" if p.name.startswith(".lock-") else p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def listing(place: Place, station_id: int = 1) -> dict[str, str]:
    path = place.lake / f"remote_file/station={station_id}/date={NOW.date()}/dat.parquet"
    table = pq.read_table(path, partitioning=None)
    REMOTE_FILE.check(table)
    return dict(zip(*(table.column(name).to_pylist() for name in ("file_name", "outcome")), strict=True))


def test_everything_lands_once_and_the_listing_says_so(place: Place) -> None:
    server = filled()
    server.put("notes.txt", b"not ours")
    server.put("mi0225170000000.dat", b"of another")
    run = go(server, place)
    assert run.state == "done"
    assert run.counts | {"listed": HOURS + 2, "fetched": HOURS, "wrong_station": 1, "failed": 0} == run.counts
    assert run.n_bytes == HOURS * 120
    names = [name for name in tree(place.landing) if name.endswith(".dat")]
    assert names == [f"dat/station=1/2025-06/mi0125170{hour:02d}0000.dat" for hour in range(HOURS)]
    assert set(listing(place).values()) == {"fetched", "not_included", "wrong_station"}
    before, n_reads = tree(place.landing), server.n_reads
    again = go(server, place)
    assert (again.state, again.count("skipped"), server.n_reads) == ("nothing", HOURS, n_reads)
    assert tree(place.landing) == before
    assert set(listing(place).values()) == {"skipped", "not_included", "wrong_station"}


def test_a_plan_writes_nothing(place: Place) -> None:
    run = go(filled(), place, is_plan=True)
    assert (run.state, run.count("fetch")) == ("planned", HOURS)
    assert not place.landing.exists()
    assert not place.lake.exists()


def test_a_file_that_fails_leaves_the_others_alone(place: Place) -> None:
    def breaks(server: FakeServer, name: str, piece: int) -> None:
        if name == "mi0125170030000.dat":
            raise LostError("the line drops")

    server = filled()
    server.fault = breaks
    run = go(server, place)
    assert (run.state, run.count("fetched"), run.count("failed")) == ("partial", HOURS - 1, 1)
    assert listing(place)["mi0125170030000.dat"] == "failed"
    assert not list(place.landing.rglob("*.part"))
    server.fault = None
    assert (go(server, place).count("fetched"), go(server, place).state) == (1, "nothing")


def test_a_host_that_goes_away_costs_one_file_not_all(place: Place) -> None:
    def goes_down(server: FakeServer, name: str, piece: int) -> None:
        if server.n_reads == 3:
            server.is_down = True
            raise LostError("gone")

    server, time = filled(), FakeTime()
    server.fault = goes_down
    run = go(server, place, time)
    assert (run.state, run.count("fetched"), run.count("failed"), run.count("waiting")) == ("partial", 2, 1, 3)
    assert "cannot be reached" in run.problem
    assert len(time.pauses) == 2, "the pauses of one file"


def test_a_vanished_file_is_no_error(place: Place) -> None:
    server = filled()
    del server.files["mi0125170020000.dat"]
    run = go(server, place)
    assert (run.state, run.count("vanished"), run.count("fetched")) == ("done", 1, HOURS - 1)


def test_little_disk_ends_the_run_and_keeps_what_came(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([30.0, 30.0, 19.0])
    monkeypatch.setattr("extract.transfer.sftp.station.free_gib", lambda folder: next(free))
    run = go(filled(), replace(place, min_free_gib=20.0))
    assert (run.state, run.count("fetched"), run.count("waiting")) == ("partial", 2, HOURS - 2)
    assert "19.0 GiB free, less than acquire.min_free_gib = 20" in run.problem


def test_a_busy_station_is_skipped_and_says_who_has_it(place: Place) -> None:
    with held(place.lock(1), "backfill"):
        run = go(filled(), place, lock_wait_s=0.0)
    assert run.state == "skipped"
    assert "backfill" in run.problem
    assert to_outcome("acquire_events", [run], [], [], 0.1).exit_code == 75


def test_a_clock_in_the_future_is_looked_at_twice(place: Place) -> None:
    server = filled()
    server.put("mi0125170100000.dat", b"steady", NOW + timedelta(hours=5))
    server.put("mi0125170110000.dat", b"grows", NOW + timedelta(hours=5))

    def grow() -> None:
        server.put("mi0125170110000.dat", b"grows and grows", NOW + timedelta(hours=5))

    time = FakeTime(on_sleep=grow)
    run = go(server, place, time)
    assert time.pauses == [SECOND_LOOK_S]
    words = {choice.file.name: choice.word for choice in run.choices}
    assert (words["mi0125170100000.dat"], words["mi0125170110000.dat"]) == ("fetched", "too_fresh")


def test_left_overs_of_a_killed_run_are_removed(place: Place) -> None:
    part = place.landing / "dat/station=1/2025-06/mi0125170000000.dat.part"
    other = place.landing / "dat/station=2/2025-06/mi0225170000000.dat.part"
    for path in (part, other):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    go(filled(), place)
    assert not part.exists()
    assert other.exists(), "another station's run may be writing it"


def test_names_that_are_hostile_stay_there_and_are_stored_inert(place: Place) -> None:
    server = filled()
    hostile = [
        "..",
        "../mi0125170090000.dat",
        "/etc/passwd.dat",
        "a\nb.dat",
        "\x1b[2J.dat",
        "é\udcff.dat",
        "x" * 300 + ".dat",
    ]
    for name in hostile:
        server.put(name, b"evil")
    run = go(server, place)
    assert run.count("fetched") == HOURS
    assert run.count("bad_name") == len(hostile) - 1
    assert all(name.isprintable() for name in listing(place))
    assert len(listing(place)) == HOURS + len(hostile)
    assert {path.split("/")[0] for path in tree(place.landing)} == {"dat", ".lock-station-1"}


def test_stations_do_not_wait_for_one_another(place: Place) -> None:
    """Two runs meet in the middle of their work; a third that fails at once disturbs neither."""
    meeting = threading.Barrier(2, timeout=20)

    def work(session: Session, clock: Clock) -> str:
        if session.endpoint.station_id == 3:
            return "failed"
        meeting.wait()
        return "met"

    results = at_each([endpoint(n) for n in (1, 2, 3)], FakeServer().open, work, workers=4)
    assert results == ["met", "met", "failed"]


def test_a_stop_breaks_pauses_off_and_closes_connections(place: Place) -> None:
    server, started = filled(), threading.Event()

    def breaks(server: FakeServer, name: str, piece: int) -> None:
        started.set()
        raise LostError("gone")

    server.fault = breaks
    runs: list[StationRun] = []

    def work(session: Session, clock: Clock) -> None:
        if session.endpoint.station_id == 2:
            started.wait(20)
            raise SystemExit(130)  # what the signal does to the thread that waits
        wanted = Wanted(1, "dat", ("*.dat",))
        here = Clock(lambda: NOW, clock.monotonic, clock.sleep)
        runs.append(fetch_station(session, wanted, place, Rules(), clock=here))

    with pytest.raises(SystemExit):
        at_each([endpoint(1), endpoint(2)], server.open, work, workers=2)
    assert "stopped" in runs[0].problem
    assert not list(place.landing.rglob("*.part"))


def test_a_stop_ends_the_wait_for_a_busy_station(place: Place) -> None:
    runs: list[StationRun] = []
    began = threading.Event()

    def work(session: Session, clock: Clock) -> None:
        if session.endpoint.station_id == 2:
            began.wait(20)
            raise SystemExit(130)
        began.set()
        runs.append(fetch_station(session, Wanted(1, "dat"), place, Rules(), lock_wait_s=60.0, clock=clock))

    with held(place.lock(1), "backfill"), pytest.raises(SystemExit):
        at_each([endpoint(1), endpoint(2)], filled().open, work, workers=2)
    assert ["stopped" in run.problem for run in runs] == [True]


def test_an_error_of_ours_at_one_station_stays_there(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    servers = {number: filled(number) for number in (1, 2, 3)}

    def breaks(server: FakeServer, name: str, piece: int) -> None:
        raise ZeroDivisionError("a mistake in the program")

    servers[2].fault = breaks

    def work(session: Session, clock: Clock) -> StationRun:
        wanted = Wanted(session.endpoint.station_id, "dat", ("*.dat",))
        return fetch_station(session, wanted, place, Rules(), clock=FakeTime().clock)

    opened = [endpoint(number) for number in servers]
    runs = at_each(opened, lambda at: servers[at.station_id].open(at), work, workers=1)
    assert [run.state for run in runs] == ["done", "failed", "done"]
    assert runs[1].problem == "unexpected ZeroDivisionError: a mistake in the program"
    assert "Traceback" in caplog.text
    assert to_outcome("acquire_events", runs, [], [], 1.0).exit_code == 3


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["done", "nothing"], ("Completed", 0)),
        (["nothing", "nothing"], ("NothingToDo", 0)),
        (["done", "failed"], ("Partial", 3)),
        (["nothing", "failed"], ("Failed", 1)),
        (["skipped", "done"], ("Completed", 0)),
        (["skipped", "skipped"], ("Skipped", 75)),
    ],
)
def test_outcomes_of_many_stations(tmp_path: Path, states: list[str], expected: tuple[str, int]) -> None:
    def refused(at: Endpoint) -> AbstractContextManager[Remote]:
        raise HostKeyError("the host key of fake has CHANGED")

    runs = []
    for number, state in enumerate(states):
        there = Place(tmp_path / str(number) / "landing", tmp_path / str(number) / "lake")
        server = filled() if state == "done" else FakeServer()
        with Session(endpoint(), refused if state == "failed" else server.open) as session:
            wanted = Wanted(1, "dat", ("*.dat",))
            run = fetch_station(session, wanted, there, Rules(), clock=FakeTime().clock)
        run.is_skipped = state == "skipped"
        runs.append(run)
    outcome = to_outcome("acquire_events", runs, [], [], 1.0)
    assert (outcome.state, outcome.exit_code) == expected
    assert "\n" not in outcome.sentence
    if "failed" in states:
        assert "CHANGED" in outcome.sentence


def test_an_entry_that_cannot_be_used_is_a_failed_station() -> None:
    outcome = to_outcome(
        "acquire_events", [], [Failure("MINGO04", "acquire.stations.MINGO04.dat.user: not set")], [], 0.0
    )
    assert (outcome.state, outcome.detail["stations"][0]["station"]) == ("Failed", "MINGO04")
    assert "MINGO04.dat.user" in outcome.sentence
