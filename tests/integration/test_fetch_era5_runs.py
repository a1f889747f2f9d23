"""Fetching ERA5, one run after the other: nothing twice, preliminary until final, and what a former run left."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.transfer.stations import Site
from tests.integration.era5_home import MADRID, NOW, SETTINGS, Home, opened, outcomes
from tests.servers.cds import KEY
from tests.servers.loopback import FakeClock
from warehouse.lake import list_files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with opened(tmp_path, monkeypatch) as home:
        yield home


def test_what_is_missing_lands_once(home: Home) -> None:
    """Two months, three products: as planned, readable, and a second run asks nothing at all."""
    settings = SETTINGS.model_copy(update={"products": ["single", "pl100", "profile"]})
    summary = home.fetch(settings)
    assert (outcomes(summary), summary.n_requests, summary.problem) == (["fetched"] * 6, 6, "")
    order = [(dataset, body["month"], body["variable"][0]) for dataset, body in home.service.submitted]
    assert order == [
        ("reanalysis-era5-single-levels", "02", "2m_temperature"),
        ("reanalysis-era5-pressure-levels", "02", "temperature"),
        ("reanalysis-era5-pressure-levels", "02", "temperature"),
        ("reanalysis-era5-single-levels", "01", "2m_temperature"),
        ("reanalysis-era5-pressure-levels", "01", "temperature"),
        ("reanalysis-era5-pressure-levels", "01", "temperature"),
    ]
    assert home.service.keys_seen == {KEY}
    assert home.files() == sorted(
        f"station=1/{product}/{product}_{first}_{last}_20250210T090000Z.nc"
        for product in settings.products
        for first, last in (("20250130", "20250131"), ("20250201", "20250204"))
    )
    n_asked = len(home.service.log)
    assert home.fetch(settings).items == []  # landed, not yet extracted
    home.extract()
    assert home.fetch(settings).items == []
    assert len(home.service.log) == n_asked
    assert len(list_files(home.lake, ERA5_SINGLE)) == 2
    assert len(list_files(home.lake, ERA5_LEVEL)) == 4


def test_a_failed_job_is_sent_again_by_the_next_run(home: Home) -> None:
    home.service.states = ("accepted", "running", "failed")
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert "a worker was lost" in summary.problem
    assert home.files() == []
    home.service.states = ("successful",)
    assert outcomes(home.fetch()) == ["fetched", "fetched"]
    assert home.service.posts() == 4


def test_polls_grow_from_half_a_minute_to_two(home: Home) -> None:
    home.service.states = ("accepted",) * 5 + ("successful",)
    summary = home.fetch(SETTINGS.model_copy(update={"start_date": date(2025, 2, 1)}))
    assert outcomes(summary) == ["fetched"]
    assert home.time.sleeps == [30.0, 45.0, 67.5, 101.25, 120.0]


def test_a_job_that_does_not_end_is_taken_up_by_the_next_run(home: Home) -> None:
    home.service.states = ("running",)
    summary = home.fetch()
    assert outcomes(summary) == ["pending", "pending"]
    assert (summary.n_failed, home.time.passed_s) == (2, SETTINGS.job_deadline_s)
    notes = home.files("station=1/pending/*.json")
    assert len(notes) == 2
    note = json.loads((home.landing / "era5" / notes[0]).read_text())
    assert note["request_id"] in home.service.jobs
    assert note["request"]["month"] == "01"
    for job in home.service.jobs.values():
        job.states.extend(["successful"])
        job.states.popleft()
    home.service.states = ("successful",)
    home.later(1)
    more = home.fetch(SETTINGS.model_copy(update={"products": ["single"]}))
    assert sorted(outcomes(more)) == ["fetched", "fetched", "fetched"]  # and the day that came meanwhile
    assert [body["day"] for _, body in home.service.submitted][2:] == [["05"]]
    assert home.files("station=1/pending/*") == []


def test_a_forgotten_job_is_sent_again(home: Home) -> None:
    home.service.states = ("running",)
    home.fetch()
    home.service.jobs.clear()
    home.service.states = ("successful",)
    assert outcomes(home.fetch()) == ["fetched", "fetched"]
    assert home.service.posts() == 4


def test_an_old_or_damaged_note_is_dropped(home: Home) -> None:
    home.service.states = ("running",)
    home.fetch()
    notes = home.files("station=1/pending/*.json")
    (home.landing / "era5" / notes[0]).write_text("{")
    home.later(7.5)
    home.service.states = ("successful",)
    summary = home.fetch()
    assert set(outcomes(summary)) == {"fetched"}
    assert home.service.posts() == 4
    assert home.files("station=1/pending/*") == []


def test_at_most_so_many_requests_a_run(home: Home) -> None:
    one = SETTINGS.model_copy(update={"max_requests_per_run": 1})
    first, second, third = home.fetch(one), home.fetch(one), home.fetch(one)
    assert [(s.n_requests, s.n_done, s.n_waiting) for s in (first, second, third)] == [(1, 1, 1), (1, 1, 0), (0, 0, 0)]


def test_preliminary_data_are_replaced_when_they_are_final(home: Home) -> None:
    """Asked again after 65 days, then weekly, until final; nothing else is asked again."""
    home.service.is_final = lambda hour: hour.day != 2

    def run_on(day: datetime) -> list[list[str]]:
        """Days asked for by a run on this day, with the last wanted day always 4 February."""
        home.time = FakeClock(day)
        n_before = len(home.service.submitted)
        latency_days = (day - datetime(2025, 2, 5)).total_seconds() / 86400
        assert home.fetch(SETTINGS.model_copy(update={"latency_days": latency_days})).problem == ""
        home.extract()
        return [body["day"] for _, body in home.service.submitted[n_before:]]

    old_enough = datetime(2025, 2, 28) + timedelta(days=66)
    assert run_on(NOW) == [["01", "02", "03", "04"], ["30", "31"]]
    assert run_on(old_enough - timedelta(days=1)) == []
    assert run_on(old_enough) == [["02"]]
    assert run_on(old_enough + timedelta(days=6)) == []
    home.service.is_final = lambda hour: True
    assert run_on(old_enough + timedelta(days=7)) == [["02"]]
    assert run_on(old_enough + timedelta(days=30)) == []


def test_a_killed_download_leaves_nothing_half(home: Home) -> None:
    class Killed(BaseException):
        pass

    def die(done: int, total: int, name: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        home.fetch(on_progress=die)
    part = home.landing / "era5" / "station=1" / "single" / "single_20250130_20250131.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"half")
    summary = home.fetch()
    assert not part.exists()
    names = [name for name in home.files() if "/pending/" not in name]
    assert len(names) == len({name.split("_2025021")[0] for name in names}) == 2
    assert summary.problem == ""
    assert home.files("station=1/pending/*") == []


def test_a_new_site_has_its_period_fetched_again(home: Home) -> None:
    home.fetch()
    home.extract()
    moved = [
        Site(MADRID.position, date(2023, 1, 1), date(2025, 2, 2)),
        Site((42.5, -3.7038), date(2025, 2, 3), None),
    ]
    summary = home.fetch(sites={1: moved})
    assert outcomes(summary) == ["fetched"]
    assert home.service.submitted[-1][1]["day"] == ["03", "04"]
    assert home.service.submitted[-1][1]["area"][0] == 42.75
    home.extract(*moved)
    assert home.fetch(sites={1: moved}).n_requests == 0


def test_without_sidecars_the_grid_tells_the_site(home: Home) -> None:
    """Answers whose landing files were pruned still count, unless the station has moved away from their grid."""
    home.fetch()
    home.extract()
    for path in (home.landing / "era5" / "station=1" / "single").iterdir():
        path.unlink()
    assert home.fetch().n_requests == 0
    assert home.fetch(sites={1: [Site((40.6, -3.7038), date(2023, 1, 1), None)]}).n_requests == 0
    assert home.fetch(sites={1: [Site((41.0, -3.7038), date(2023, 1, 1), None)]}).n_requests == 2


def test_stations_can_be_chosen(home: Home) -> None:
    sites = {1: [MADRID], 2: [Site((52.2297, 21.0122), date(2023, 1, 1), None)]}
    assert home.fetch(sites=sites, stations=[2]).n_requests == 2
    assert {name.split("/")[0] for name in home.files()} == {"station=2"}
