"""Fetching NMDB from a page on loopback: every answer it may give, and runs one after the other."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.nmdb.extract import extract_nmdb
from extract.nmdb.fetch import PATIENCE, fetch_nmdb
from extract.nmdb.schema import NMDB
from extract.transfer.fetched import FetchSummary
from tests.servers.loopback import FakeClock
from tests.servers.nest import FakeNest
from tests.unit.environment.landing_files import read_lake
from warehouse.settings import Nmdb

NOW = datetime(2025, 2, 10, 9, 25)
PRODUCTS = ["corr_for_efficiency", "uncorrected", "pressure_mbar"]
# one day and so one block a product, unless a test says otherwise
TODAY = {"start_date": date(2025, 2, 10)}


class Home:
    """A data folder, a service and a clock."""

    def __init__(self, folder: Path, service: FakeNest) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"
        self.service = service
        self.time = FakeClock(NOW)
        self.read_s = 10.0

    def fetch(self, **settings: Any) -> FetchSummary:
        chosen = Nmdb(base_url=f"{self.service.url}/nest/draw_graph.php", **{**TODAY, **settings})
        patience = replace(
            PATIENCE, read_s=self.read_s, max_bytes=60_000 if "start_date" not in settings else 5_000_000
        )
        return fetch_nmdb(
            self.landing, self.lake, chosen, contact="ops@example.org", patience=patience, clock=self.time.clock
        )

    def extract(self) -> list[dict[str, Any]]:
        assert extract_nmdb(self.landing, self.lake).failures == []
        return read_lake(self.lake, NMDB)

    def files(self, pattern: str = "**/*") -> list[str]:
        found = (p for p in (self.landing / "nmdb").glob(pattern) if p.is_file() and not p.name.endswith(".meta.json"))
        return sorted(p.relative_to(self.landing / "nmdb").as_posix() for p in found)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeNest() as service:
        yield Home(tmp_path, service)


def outcomes(summary: FetchSummary) -> list[str]:
    return [item.outcome for item in summary.items]


def test_the_last_days_land(home: Home) -> None:
    home.service.last_row = datetime(2025, 2, 10, 9, 20)
    summary = home.fetch()
    assert (outcomes(summary), summary.problem) == (["fetched"] * 3, "")
    assert home.files() == [
        "baro/pressure_mbar_20250210_20250210_20250210T092504Z.txt",
        "baro/uncorrected_20250210_20250210_20250210T092502Z.txt",
        "rate/corr_for_efficiency_20250210_20250210_20250210T092500Z.txt",
    ]
    assert home.time.sleeps == [2.0, 2.0]  # one request at a time, with a pause
    (agent,) = home.service.agents
    assert agent is not None
    assert agent.startswith("mingo/")
    assert "ops@example.org" in agent
    path = home.landing / "nmdb" / home.files()[2]
    sidecar = json.loads(path.with_name(path.name + ".meta.json").read_text())
    assert sidecar["source"] == "nmdb_nest"
    assert sidecar["remote_path"] == f"{home.service.url}/nest/draw_graph.php"
    assert sidecar["request"]["stations[]"][-1] == "OULU"
    assert sidecar["request"]["tresolution"] == "10"
    rows = [row for row in home.extract() if row["dtype"] == "corr_for_efficiency"]
    assert len(rows) == 10 * 57
    assert {row["interval_start"] for row in rows if row["is_partial"]} == {datetime(2025, 2, 10, 9, 20)}


def test_older_days_are_asked_for_once_and_the_last_ones_again(home: Home) -> None:
    settings = {"start_date": date(2025, 1, 1), "refresh_days": 2, "block_days": 20}
    first = home.fetch(**settings)
    assert outcomes(first) == ["fetched"] * 9
    assert [name for name in home.service.names() if name.startswith("uncorrected")] == [
        "uncorrected_20250210_20250210",
        "uncorrected_20250121_20250209",
        "uncorrected_20250101_20250120",
    ]
    home.service.queries.clear()
    assert home.fetch(**settings).n_requests == 6  # landed counts, also before it is extracted
    home.extract()
    home.service.queries.clear()
    again = home.fetch(**settings)
    assert home.service.names() == [
        f"{dtype}_{span}" for span in ("20250210_20250210", "20250209_20250209") for dtype in PRODUCTS
    ]
    assert outcomes(again) == ["fetched"] * 3 + ["unchanged"] * 3  # of today more may come


def test_a_revision_lands_and_wins(home: Home) -> None:
    settings = {"start_date": date(2025, 2, 8), "block_days": 1}
    home.fetch(**settings)
    n_rows = len(home.extract())
    home.service.raised_by = 0.5
    home.time = FakeClock(NOW + timedelta(hours=3))
    assert outcomes(home.fetch(**settings)) == ["fetched"] * 9
    assert len(home.extract()) == 2 * n_rows  # the lake keeps both versions


@pytest.mark.parametrize(
    ("mode", "outcome", "reason"),
    [
        ("html", "rejected", "html_page"),
        ("empty", "rejected", "empty_body"),
        ("wrong type", "rejected", "wrong_type"),
        ("words", "rejected", "no_rows"),
        ("sorry", "no_data", "no_data"),
    ],
)
def test_an_answer_without_data_is_kept_apart(home: Home, mode: str, outcome: str, reason: str) -> None:
    home.service.script.append(mode)
    summary = home.fetch()
    assert outcomes(summary) == [outcome, "fetched", "fetched"]
    assert summary.n_failed == int(outcome == "rejected")
    (path,) = [name for name in home.files() if name.startswith("_rejected")]
    assert path.startswith(f"_rejected/{reason}/corr_for_efficiency_20250210_20250210_")
    assert (home.landing / "nmdb" / f"{path}.meta.json").exists()
    assert home.files("rate/*") == []
    assert outcomes(home.fetch())[0] == "fetched"  # it did not count as acquired


def test_data_inside_a_page_are_data(home: Home) -> None:
    home.service.script.append("page")
    assert outcomes(home.fetch())[0] == "fetched"
    assert len(home.extract()) > 0


def test_no_data_is_a_warning_at_the_third_run(home: Home) -> None:
    warnings = []
    for _ in range(3):
        home.service.script.append("sorry")
        warnings.append(home.fetch().warnings)
    assert warnings[:2] == [[], []]
    assert len(warnings[2]) == 1
    assert "3" in warnings[2][0]
    home.fetch()
    home.service.script.append("sorry")
    assert home.fetch().warnings == []


@pytest.mark.parametrize("mode", [429, 500, 503, "cut", "stall", "redirect"])
def test_a_bad_moment_is_tried_again(home: Home, mode: str | int) -> None:
    home.read_s = 1.5 if mode == "stall" else home.read_s
    home.service.script.extend([mode, mode])
    summary = home.fetch()
    assert (outcomes(summary), summary.problem) == (["fetched"] * 3, "")
    assert home.time.sleeps == [5.0, 20.0, 2.0, 2.0]
    assert [name for name in home.files() if name.endswith(".part")] == []


def test_a_service_that_is_down_ends_the_run(home: Home) -> None:
    home.service.script.extend([503] * 12)
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert summary.stopped.startswith("the service is not available")
    assert (summary.n_waiting, len(home.service.queries)) == (1, 8)
    assert home.files() == []


@pytest.mark.parametrize(("mode", "text"), [(404, "status 404"), (403, "status 403"), ("big", "more than 0.06 MB")])
def test_a_refusal_is_not_tried_again(home: Home, mode: str | int, text: str) -> None:
    home.service.script.append(mode)
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "fetched", "fetched"]
    assert text in summary.problem
    assert len(home.service.queries) == 3


def test_offline_asks_nothing_and_says_so(home: Home) -> None:
    summary = home.fetch(offline=True)
    assert (summary.items, home.service.log) == ([], [])
    assert "offline" in summary.warnings[0]


def test_no_request_begins_after_the_budget(home: Home) -> None:
    summary = home.fetch(budget_s=3.0)
    assert (outcomes(summary), summary.n_waiting, summary.n_failed) == (["fetched", "fetched"], 1, 0)


def test_what_a_killed_run_left_is_removed(home: Home) -> None:
    part = home.landing / "nmdb" / "rate" / "corr_for_efficiency_20250210_20250210_20250210T080000Z.txt.part"
    part.parent.mkdir(parents=True)
    part.write_text("2025-02-10")
    home.fetch()
    assert not part.exists()


def test_three_runs_give_the_rows_of_one(home: Home) -> None:
    """By the newest fetch of each key, as the staging model takes them."""

    def newest() -> dict[tuple[str, datetime, str], float | None]:
        rows = sorted(home.extract(), key=lambda row: row["fetched_at"])
        return {
            (row["nm_code"], row["interval_start"], row["dtype"]): row["rate_hz"] or row["pressure_hpa"]
            for row in rows
            if not row["is_partial"]
        }

    home.service.last_row = datetime(2025, 2, 10, 9, 0)
    home.fetch()
    once = newest()
    for _ in range(2):
        home.fetch()
    assert newest() == once
    assert len(once) == 10 * 55 + 2 * 9
