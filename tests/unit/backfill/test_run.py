"""Backfills over folders that stand for servers: order, batches, pauses, stops, and what a repeated run does."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.landing import list_files
from extract.transfer.sftp.draw import read_draws
from extract.transfer.stations import read_stations
from flows.backfill import backfill, plan_only
from flows.backfill_plan import Request
from flows.backfill_run import LARGEST_BATCH, next_batch_size
from flows.outcome import Outcome, State
from tests.unit.backfill.folder_supply import FolderSupply, Time
from tests.unit.daq.home import Home, tar_gz, text
from warehouse.lock import held
from warehouse.settings import Settings, load_settings

STATIONS = read_stations()
START = datetime(2025, 6, 10)


def base(n: int, station_id: int = 1, step: timedelta = timedelta(hours=8)) -> str:
    """Name of the n-th file; three a day."""
    return f"mi0{station_id}{START + n * step:%y%j%H%M%S}"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "none.toml"))
    return load_settings(data_dir=tmp_path / "data", extract={"workers": 1}, acquire={"min_free_gib": 0})


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home(settings.paths.data_dir)


def fill(folder: Path, bases: list[str], ending: str = ".dat") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(bases):
        content = text(20, seed=number + 10 * int(name[3]))
        (folder / f"{name}{ending}").write_bytes(tar_gz(f"{name}.dat", content) if ".tar" in ending else content)
    return folder


@pytest.fixture
def supply(settings: Settings, tmp_path: Path) -> FolderSupply:
    """Station 1 with seven files over three days."""
    return FolderSupply(settings, 1, {"station": fill(tmp_path / "one", [base(n) for n in range(7)])})


def request(**options: Any) -> Request:
    return Request(**({"stations": (STATIONS[1],), "mode": "range"} | options))


@pytest.fixture
def run(settings: Settings, supply: FolderSupply) -> Callable[..., Outcome]:
    def run_one(time: Time | None = None, supplies: dict[int, Any] | None = None, **options: Any) -> Outcome:
        clock = (time or Time()).clock
        return backfill(settings, request(**options), supplies or {1: supply}, clock=clock, lock_wait_s=0)

    return run_one


def extracted(home: Home) -> list[str]:
    return sorted(row["base_name"] for row in home.raw_files())


def reference(tmp_path: Path, supply: FolderSupply) -> dict[str, list[dict[str, Any]]]:
    """Rows of a lake to which all files came undisturbed."""
    other = load_settings(data_dir=tmp_path / "other", extract={"workers": 1}, acquire={"min_free_gib": 0})
    undisturbed = FolderSupply(other, 1, supply.folders)
    backfill(other, request(), {1: undisturbed}, clock=Time().clock)
    return rows(Home(other.paths.data_dir))


def rows(home: Home) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{key: value for key, value in row.items() if key != "fetched_at"} for row in found]
        for name, found in home.rows().items()
    }


# ---------------------------------------------------------------- order, limit, repetition


def test_runs_go_on_where_the_last_one_ended(
    run: Callable[..., Outcome], home: Home, supply: FolderSupply, tmp_path: Path
) -> None:
    first = run(limit=3)
    assert (first.state, first.detail["extracted"], first.detail["waiting"]) == ("Completed", 3, 4)
    assert extracted(home) == [base(n) for n in range(3)]
    assert "4 files wait" in first.sentence
    assert run(limit=100).detail["extracted"] == 4
    assert supply.fetched == [f"{base(n)}.dat" for n in range(7)]
    before = home.files()
    third = run(limit=100)
    assert (third.state, third.sentence) == ("NothingToDo", "nothing to do (no file is pending)")
    assert home.files() == before
    assert rows(home) == reference(tmp_path, supply)


def test_days_are_inclusive(run: Callable[..., Outcome], home: Home) -> None:
    outcome = run(first=date(2025, 6, 11), last=date(2025, 6, 11))
    assert extracted(home) == [base(3), base(4), base(5)]
    assert [(row["station"], row["day"], row["n_extracted"]) for row in outcome.detail["days"]] == [
        ("MINGO01", "2025-06-11", 3)
    ]


def test_newest_comes_first(run: Callable[..., Outcome], supply: FolderSupply) -> None:
    run(mode="newest", limit=2)
    assert supply.fetched == [f"{base(n)}.dat" for n in (6, 5)]


def test_landing_alone_asks_no_server(run: Callable[..., Outcome], home: Home, supply: FolderSupply) -> None:
    home.land(f"{base(0)}.dat", text(20), month="2025-06")
    supply.is_down = True
    assert run(origin="landing").state == "Completed"
    assert extracted(home) == [base(0)]


# ---------------------------------------------------------------- the drawn day


def test_a_drawn_day_is_finished_and_its_seed_repeats_it(
    settings: Settings, run: Callable[..., Outcome], home: Home
) -> None:
    first = run(mode="random_day", seed=7, limit=2)
    (draw,) = read_draws(settings.paths.backfill)
    assert (first.detail["seed"], first.detail["drawn_day"]) == (7, draw.day.isoformat())
    assert f"{draw.day} was drawn with seed 7" in first.sentence
    run(mode="random_day", seed=7)
    assert {row["start_time"].date() for row in home.raw_files()} == {draw.day}
    assert run(mode="random_day", seed=7).state == "NothingToDo"


def test_without_a_seed_a_stopped_day_goes_on(run: Callable[..., Outcome], home: Home) -> None:
    first = run(mode="random_day", limit=1, last=date(2025, 6, 11))
    second = run(mode="random_day", limit=1, last=date(2025, 6, 11))
    assert first.detail["drawn_day"] == second.detail["drawn_day"]
    assert len(extracted(home)) == 2


def test_days_before_the_first_day_are_not_drawn(run: Callable[..., Outcome], supply: FolderSupply) -> None:
    supply.folders["station"].joinpath("mi0123001000000.dat").write_bytes(text(5))
    days = {run(mode="random_day").detail.get("drawn_day") for _ in range(5)}
    assert days == {"2025-06-10", "2025-06-11", "2025-06-12", None}


# ---------------------------------------------------------------- batches, budget, disk


@given(st.integers(1, LARGEST_BATCH), st.floats(0, 1e6), st.floats(0.1, 1e4))
def test_batches_stay_within_their_time_and_bound(n_files: int, seconds: float, batch_s: float) -> None:
    size = next_batch_size(n_files, seconds, batch_s)
    assert 1 <= size <= min(2 * n_files, LARGEST_BATCH)
    assert size == 1 or size * seconds / n_files <= batch_s * (1 + 1e-9)


def test_others_pass_between_batches(settings: Settings, run: Callable[..., Outcome], supply: FolderSupply) -> None:
    time = Time()

    def take_both_locks() -> None:
        for lock in (settings.paths.landing / ".lock-station-1", settings.paths.locks / "extract.lock"):
            with held(lock, "live"):
                pass

    def fetch_slowly(name: str) -> None:
        time.seconds += 25

    time.on_sleep, supply.on_fetch = take_both_locks, fetch_slowly
    assert run(time).detail["extracted"] == 7
    assert (
        time.slept_s == [settings.backfill.pause_s] * 2
    )  # after three files, which take more than a batch, and after two


def test_the_budget_ends_a_run_softly(run: Callable[..., Outcome], home: Home, supply: FolderSupply) -> None:
    time = Time()

    def fetch_slowly(name: str) -> None:
        time.seconds += 40

    supply.on_fetch = fetch_slowly
    outcome = run(time, budget_s=100)
    assert (outcome.state, outcome.detail["waiting"]) == ("Completed", 7 - len(supply.fetched))
    assert "the budget is used up" in outcome.sentence
    assert extracted(home) == [name.removesuffix(".dat") for name in supply.fetched]  # nothing lies half done
    assert len(supply.fetched) == 3


def test_a_full_disk_stops_fetching_but_not_what_landed(settings: Settings, home: Home, supply: FolderSupply) -> None:
    full = settings.model_copy(update={"acquire": settings.acquire.model_copy(update={"min_free_gib": 1e9})})
    outcome = backfill(full, request(), {1: supply}, clock=Time().clock)
    assert (outcome.state, outcome.exit_code, supply.fetched) == ("Skipped", 75, [])
    assert "acquire.min_free_gib is 1e+09; 7 files wait" in outcome.sentence
    home.land(f"{base(0)}.dat", text(20))
    assert backfill(full, request(), {1: supply}, clock=Time().clock).detail["extracted"] == 1


def test_never_more_than_a_batch_waits_in_landing(
    settings: Settings, run: Callable[..., Outcome], home: Home, supply: FolderSupply
) -> None:
    fill(supply.folders["station"], [base(n, step=timedelta(hours=1)) for n in range(40)])
    most = 0

    def look(name: str) -> None:
        nonlocal most
        most = max(most, len(list_files(settings.paths.landing, 1).groups) - len(home.names("raw_file")))

    supply.on_fetch = look
    assert run(limit=300).state == "Completed"
    assert 4 < most < 30


# ---------------------------------------------------------------- faults


def test_a_silent_station_does_not_stop_the_others(
    settings: Settings, run: Callable[..., Outcome], home: Home, supply: FolderSupply, tmp_path: Path
) -> None:
    other = FolderSupply(settings, 2, {"station": fill(tmp_path / "two", [base(0, 2), base(1, 2)])})

    def go_down(name: str) -> None:
        supply.is_down = len(supply.fetched) == 1

    supply.on_fetch = go_down
    options = {"supplies": {1: supply, 2: other}, "stations": (STATIONS[1], STATIONS[2])}
    outcome = run(**options)
    assert {base(0, 2), base(1, 2)} < set(extracted(home))
    assert (outcome.state, outcome.exit_code) == ("Partial", 3)
    assert "station-1: no answer" in outcome.sentence
    again = run(**options)
    assert (again.state, again.detail["extracted"]) == ("Failed", 0)
    supply.is_down, supply.on_fetch = False, lambda name: None
    assert run(**options).state == "Completed"
    assert len(extracted(home)) == 9


def test_a_file_that_was_packed_meanwhile_is_found_under_its_new_name(
    run: Callable[..., Outcome], home: Home, supply: FolderSupply
) -> None:
    folder = supply.folders["station"]
    run(limit=1)
    for number in (2, 3):
        path = folder / f"{base(number)}.dat"
        (folder / f"{path.name}.tar.gz").write_bytes(tar_gz(path.name, path.read_bytes()))
        path.unlink()
    outcome = run()
    assert outcome.state == "Completed"
    assert extracted(home) == [base(n) for n in range(7)]
    assert len(outcome.detail["vanished"]) == 2
    assert run().state == "NothingToDo"


def test_a_busy_station_is_left_for_later(settings: Settings, run: Callable[..., Outcome]) -> None:
    with held(settings.paths.landing / ".lock-station-1", "acquire_events"):
        outcome = run()
    assert (outcome.state, outcome.detail["waiting"]) == ("Skipped", 7)
    assert "'acquire_events'" in outcome.sentence


def test_a_stopped_run_is_finished_by_the_next(
    run: Callable[..., Outcome], home: Home, supply: FolderSupply, tmp_path: Path
) -> None:
    class StoppedError(BaseException):
        pass

    def stop_at(name: str) -> None:
        if name == f"{base(5)}.dat":
            raise StoppedError

    supply.on_fetch = stop_at
    with pytest.raises(StoppedError):
        run()
    supply.on_fetch = lambda name: None
    assert extracted(home) == [base(n) for n in range(4)]  # the fifth has landed only
    run()
    assert supply.fetched == [f"{base(n)}.dat" for n in range(7)]
    assert rows(home) == reference(tmp_path, supply)


@pytest.mark.parametrize(
    ("built", "state"),
    [("Completed", "Completed"), ("NothingToDo", "Completed"), ("Skipped", "Skipped"), ("Failed", "Failed")],
)
def test_the_tables_are_built_at_the_end(
    run: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, home: Home, built: State, state: State
) -> None:
    in_lake: list[int] = []

    def build(settings: Settings, on_node: object) -> Outcome:
        in_lake.append(len(extracted(home)))
        return Outcome("transform", built, "the tables")

    monkeypatch.setattr("flows.backfill.transform", build)
    outcome = run(has_transform=True)
    assert (in_lake, outcome.state) == ([7], state)
    assert outcome.sentence.endswith("; transform: the tables")


# ---------------------------------------------------------------- text and HLD, plan


def test_hld_is_fetched_only_where_there_is_no_text(
    settings: Settings, run: Callable[..., Outcome], home: Home, supply: FolderSupply, tmp_path: Path
) -> None:
    supply.folders["archive"] = fill(tmp_path / "archive", [base(n) for n in (0, 1, 7)], ".hld")
    supply.origins = ["station", "archive"]
    home.land(f"{base(1)}.dat", text(20))
    supply.folders["station"].joinpath(f"{base(1)}.dat").unlink()
    run()
    assert [name for name in supply.fetched if name.endswith(".hld")] == [f"{base(7)}.hld"]


def test_forced_hld_is_fetched_beside_the_text(
    run: Callable[..., Outcome], supply: FolderSupply, tmp_path: Path
) -> None:
    supply.folders["archive"] = fill(tmp_path / "archive", [base(0)], ".hld")
    supply.origins = ["station", "archive"]
    run(has_force_hld=True, last=date(2025, 6, 10))
    assert f"{base(0)}.hld" in supply.fetched


def test_a_plan_changes_nothing(settings: Settings, supply: FolderSupply) -> None:
    settings.paths.data_dir.mkdir()
    plan = plan_only(settings, request(mode="random_day", seed=1), {1: supply}, Time().clock)
    assert list(settings.paths.data_dir.iterdir()) == []
    assert plan.detail["files"] == plan.detail["to_fetch"] == sum(row["n_files"] for row in plan.detail["days"])
    assert plan.detail["bytes"] == sum(row["n_bytes"] for row in plan.detail["days"]) > 0
    assert plan.detail["expected_s"] is None
    assert "expected time unknown" in plan.sentence
    done = backfill(settings, request(mode="random_day", seed=1), {1: supply}, clock=Time().clock)
    assert done.detail["drawn_day"] == plan.detail["drawn_day"]
    assert done.detail["bytes"] == plan.detail["bytes"]
