"""Fetching ERA5 from a service on loopback: every answer it may give, and runs one after the other."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.era5.client import CdsService, ClientPatience
from extract.era5.extract import extract_era5
from extract.era5.fetch import fetch_era5
from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.transfer.fetched import FetchSummary
from extract.transfer.stations import Site
from tests.servers.cds import KEY, LICENCE, NO_ACCESS, NO_DATA, TOO_LARGE, FakeCds, Refusal
from tests.servers.loopback import FakeClock
from warehouse.lake import list_files
from warehouse.settings import Era5

NOW = datetime(2025, 2, 10, 9)
MADRID = Site((40.4168, -3.7038), date(2023, 1, 1), None)
# six wanted days: 30 and 31 January, 1 to 4 February
SETTINGS = Era5(start_date=date(2025, 1, 30), products=["single"], job_deadline_s=600)
PATIENCE = ClientPatience(timeout_s=10.0, tries=3, wait_s=0.0)


class Home:
    """A data folder, a service and a clock."""

    def __init__(self, folder: Path, service: FakeCds) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"
        self.service = service
        self.time = FakeClock(NOW)
        self.patience = PATIENCE

    def fetch(self, settings: Era5 = SETTINGS, **options: Any) -> FetchSummary:
        sites = options.pop("sites", {1: [MADRID]})
        return fetch_era5(
            self.landing,
            self.lake,
            settings,
            sites=sites,
            open_service=lambda: CdsService(self.patience),
            clock=self.time.clock,
            **options,
        )

    def extract(self, *sites: Site) -> None:
        summary = extract_era5(self.landing, self.lake, {1: sites or [MADRID]})
        assert (summary.failures, summary.total.n_files_rejected) == ([], 0)

    def files(self, pattern: str = "**/*") -> list[str]:
        found = (p for p in (self.landing / "era5").glob(pattern) if p.is_file() and not p.name.endswith(".meta.json"))
        return sorted(p.relative_to(self.landing / "era5").as_posix() for p in found)

    def later(self, days: float) -> None:
        self.time = FakeClock(self.time.now() + timedelta(days=days))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with FakeCds() as service:
        monkeypatch.setenv("CDSAPI_URL", f"{service.url}/api")
        monkeypatch.setenv("CDSAPI_KEY", KEY)
        monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "none"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield Home(tmp_path, service)


def outcomes(summary: FetchSummary) -> list[str]:
    return [item.outcome for item in summary.items]


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


def test_the_sidecar_tells_the_origin_and_no_secret(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    home.service.refusals.append(Refusal(400, "no", f"your key {KEY} is fine"))
    home.service.file = "html"
    home.fetch()
    home.service.file = "ok"
    summary = home.fetch()
    (path,) = [item.path for item in summary.items if item.path is not None][:1]
    sidecar = json.loads(path.with_name(path.name + ".meta.json").read_text())
    assert sidecar["source"] == "era5_cds"
    assert sidecar["host"] == "127.0.0.1"
    assert sidecar["remote_path"].endswith("/answer.nc")
    assert sidecar["request"]["dataset"] == "reanalysis-era5-single-levels"
    assert sidecar["request"]["area"] == [40.6668, -3.9538, 40.1668, -3.4538]
    assert (sidecar["http_status"], sidecar["fetched_at"]) == (200, "2025-02-10T09:00:00Z")
    assert path.stat().st_mode & 0o777 == 0o440
    written = [p for p in home.landing.rglob("*") if p.is_file()]
    assert len(written) > 4
    assert not [p for p in written if KEY.encode() in p.read_bytes()]
    assert KEY not in caplog.text
    assert "*** is fine" in caplog.text


@pytest.mark.parametrize(
    ("refusal", "outcome", "text"),
    [
        (Refusal(400, "invalid request", "no such variable"), "failed", "no such variable"),
        (Refusal(404, "not found"), "failed", "404 not found"),
        (NO_DATA, "no_data", "available yet"),
        ("html", "failed", ""),
        ("list", "failed", ""),
        ("no link", "failed", ""),
    ],
)
def test_a_refused_request_does_not_stop_the_others(home: Home, refusal: Any, outcome: str, text: str) -> None:
    home.service.refusals.append(refusal)
    summary = home.fetch()
    assert sorted(outcomes(summary)) == sorted([outcome, "fetched"])
    assert text in next(item.detail for item in summary.items if item.outcome == outcome)
    assert summary.n_requests == 2
    assert summary.stopped == ""


def test_no_data_yet_is_a_warning_for_old_days_only(home: Home) -> None:
    home.service.refusals.extend([NO_DATA, NO_DATA])
    summary = home.fetch()
    assert (outcomes(summary), summary.n_failed) == (["no_data", "no_data"], 0)
    assert len(summary.warnings) == 1
    assert "single_20250130_20250131" in summary.warnings[0]


def test_a_job_may_say_that_there_are_no_data(home: Home) -> None:
    home.service.states = ("running", "failed")
    home.service.failure = NO_DATA
    summary = home.fetch()
    assert (outcomes(summary), summary.n_failed, len(summary.warnings)) == (["no_data", "no_data"], 0, 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_client_tries_again(home: Home, status: int) -> None:
    home.service.refusals.extend([Refusal(status)] * 2)
    summary = home.fetch()
    assert (outcomes(summary), summary.problem) == (["fetched", "fetched"], "")
    assert home.service.posts() == 4


def test_refused_credentials_stop_the_run(home: Home) -> None:
    home.service.refusals.extend([NO_ACCESS])
    summary = home.fetch()
    assert home.service.posts() == 1
    assert (summary.items, summary.n_failed, summary.n_waiting) == ([], 1, 2)
    assert summary.problem.startswith("credentials refused")
    assert KEY not in summary.problem


def test_a_missing_licence_stops_its_dataset(home: Home) -> None:
    home.service.refused_dataset = ("reanalysis-era5-pressure-levels", LICENCE)
    summary = home.fetch(SETTINGS.model_copy(update={"products": ["single", "pl100", "profile"]}))
    assert sorted(outcomes(summary)) == ["failed", "fetched", "fetched"]
    assert summary.n_waiting == 3
    assert "reanalysis-era5-pressure-levels" in summary.problem
    assert "accept" in summary.problem


def test_what_is_too_large_is_halved(home: Home) -> None:
    home.service.max_days = 1
    summary = home.fetch()
    assert outcomes(summary) == ["fetched"] * 6
    assert [len(body["day"]) for _, body in home.service.submitted] == [4, 2, 1, 1, 1, 1, 1, 1]
    assert sorted(day for _, body in home.service.submitted if len(body["day"]) == 1 for day in body["day"]) == [
        "01", "02", "03", "04", "30", "31",
    ]  # fmt: skip


def test_one_day_that_is_too_large_fails(home: Home) -> None:
    home.service.max_days = 0
    summary = home.fetch()
    assert outcomes(summary) == ["failed"] * 6
    assert "cost limits" in summary.problem


@pytest.mark.parametrize(
    ("file", "reason"),
    [("html", "not_data"), ("json", "not_data"), ("empty", "not_data"), ("elsewhere", "wrong_area")],
)
def test_an_answer_without_data_is_kept_apart(home: Home, file: str, reason: str) -> None:
    home.service.file = file
    summary = home.fetch()
    assert outcomes(summary) == ["rejected", "rejected"]
    assert [name.split("/")[:2] for name in home.files()] == [["_rejected", reason]] * 2
    assert all(item.path and item.path.with_name(item.path.name + ".meta.json").exists() for item in summary.items)
    home.service.file = "ok"
    assert outcomes(home.fetch()) == ["fetched", "fetched"]  # it did not count as acquired


def test_a_truncated_file_is_kept_apart(home: Home) -> None:
    home.service.file = "truncated"
    assert outcomes(home.fetch()) == ["rejected", "rejected"]
    assert all(name.startswith("_rejected/not_readable/") for name in home.files())


@pytest.mark.parametrize("file", ["short", "wrong size", "gone"])
def test_an_incomplete_download_leaves_nothing_and_is_taken_up(home: Home, file: str) -> None:
    home.service.file = file
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert all("/pending/" in name for name in home.files())
    for job in home.service.jobs.values():
        job.file = "ok"
    assert outcomes(home.fetch()) == ["fetched", "fetched"]
    assert home.service.posts() == 2
    assert home.files("station=1/pending/*") == []


@pytest.mark.parametrize(("file", "text"), [("huge", "more than 200"), ("plain http", "not https")])
def test_an_answer_that_must_not_be_downloaded_is_left(home: Home, file: str, text: str) -> None:
    home.service.file = file
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert text in summary.problem
    assert not [path for _, path in home.service.log if path.startswith("/cache")]
    assert home.files() == []


def test_a_download_that_is_cut_is_tried_again(home: Home) -> None:
    home.service.file = "short once"
    assert outcomes(home.fetch()) == ["fetched", "fetched"]


def test_a_failed_job_is_sent_again_by_the_next_run(home: Home) -> None:
    home.service.states = ("accepted", "running", "failed")
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert "a worker was lost" in summary.problem
    assert home.files() == []
    home.service.states = ("successful",)
    assert outcomes(home.fetch()) == ["fetched", "fetched"]
    assert home.service.posts() == 4


def test_a_job_that_is_too_large_is_halved(home: Home) -> None:
    home.service.states = ("rejected",)
    home.service.failure = TOO_LARGE
    summary = home.fetch()
    assert outcomes(summary) == ["failed"] * 6
    assert home.service.posts() == 1 + 2 + 4 + 2 - 1  # 4 days, twice 2 days with the 2 of January, six times one


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


def test_a_silent_service_ends_the_run_soon(home: Home) -> None:
    settings = SETTINGS.model_copy(update={"start_date": date(2024, 9, 1)})
    home.patience = replace(PATIENCE, timeout_s=0.7)
    home.service.refusals.extend(["stall"] * 9)
    summary = home.fetch(settings)
    assert outcomes(summary) == ["failed"] * 3
    assert summary.stopped.startswith("the service is not available")
    assert summary.n_waiting == 3
    assert home.files() == []


def test_no_service_at_all(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeCds() as gone:
        address = gone.url
    monkeypatch.setenv("CDSAPI_URL", f"{address}/api")
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert summary.n_done == 0
    assert home.files() == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("CDSAPI_KEY", None, "set CDSAPI_URL and CDSAPI_KEY"),
        ("CDSAPI_KEY", f"17:{KEY}", "without a colon"),
        ("CDSAPI_URL", "http://cds.example.org/api", "https://"),
    ],
)
def test_credentials_that_cannot_be_used_are_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, text: str
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    summary = home.fetch()
    assert text in summary.problem
    assert KEY not in summary.problem
    assert (summary.n_failed, summary.n_waiting, home.service.log) == (1, 2, [])


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
