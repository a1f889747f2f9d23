"""Fetching logbook sheets from loopback: stored when they changed, and never a bad one in place of a good one."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from extract.daq.logbook import extract_logbook
from extract.daq.logbook_fetch import PATIENCE, fetch_logbooks
from extract.transfer.fetched import FetchSummary
from extract.transfer.stations import UnknownStationError, read_stations
from tests.servers.loopback import FakeClock
from tests.servers.sheets import HEAD, SHEET, FakeSheets
from warehouse.settings import Logbook

NOW = datetime(2025, 2, 20, 6, 25)
SECRET = "d/1Abc5ecret/export?format=csv&gid=7"


class Home:
    """A data folder, a server and a clock."""

    def __init__(self, folder: Path, server: FakeSheets) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"
        self.server = server
        self.time = FakeClock(NOW)
        self.read_s = 10.0

    def fetch(self, code: str = "MINGO01") -> FetchSummary:
        settings = Logbook.model_validate({"url": {code: f"{self.server.url}/{SECRET}"}})
        patience = replace(PATIENCE, read_s=self.read_s, max_bytes=2000)
        self.time = FakeClock(self.time.now() + timedelta(hours=6))
        return fetch_logbooks(self.landing, settings, patience=patience, clock=self.time.clock)

    def sheets(self) -> list[str]:
        return sorted(p.name for p in (self.landing / "logbook" / "station=1").glob("*.csv"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeSheets() as server:
        yield Home(tmp_path, server)


def test_an_address_may_be_a_variable(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Logbook.model_validate({"url": {"MINGO01": "${SHEET_01}"}})

    def fetch() -> FetchSummary:
        return fetch_logbooks(home.landing, settings, clock=home.time.clock)

    (item,) = fetch().items
    assert (item.outcome, "SHEET_01 is not set" in item.detail) == ("failed", True)
    monkeypatch.setenv("SHEET_01", "http://sheets.example/a")
    (item,) = fetch().items
    assert (item.outcome, "must begin with https" in item.detail) == ("failed", True)
    assert "sheets.example" not in item.detail
    monkeypatch.setenv("SHEET_01", f"{home.server.url}/{SECRET}")
    assert outcome(fetch()) == "fetched"


def test_a_disabled_station_is_not_asked(home: Home) -> None:
    settings = Logbook.model_validate({"url": {"MINGO01": f"{home.server.url}/{SECRET}"}})
    disabled = {number: replace(station, is_enabled=False) for number, station in read_stations().items()}
    summary = fetch_logbooks(home.landing, settings, stations=disabled, clock=home.time.clock)
    assert (summary.items, summary.stopped) == ([], "")
    assert home.sheets() == []


def outcome(summary: FetchSummary) -> str:
    (item,) = summary.items
    return item.outcome


def test_a_sheet_is_stored_when_it_changed(home: Home) -> None:
    assert [outcome(home.fetch()) for _ in range(3)] == ["fetched", "unchanged", "unchanged"]
    assert home.sheets() == ["20250220T122500Z.csv"]
    home.server.sheet = SHEET + "1,16,2026-01-01,,0,100,200,300\n"
    assert outcome(home.fetch()) == "fetched"
    home.server.sheet = SHEET
    assert outcome(home.fetch()) == "fetched"  # the newest stored one differs
    assert len(home.sheets()) == 3
    assert extract_logbook(home.landing, home.lake).n_done == 2  # two days


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("<!DOCTYPE html><html>Sign in</html>", "html_page"),
        ("", "empty_body"),
        ("a,b\nc,d\n", "invalid"),
        (HEAD, "invalid"),
        (SHEET.replace("\n1,", "\n2,"), "invalid"),
    ],
)
def test_a_bad_answer_leaves_the_last_good_sheet(home: Home, mode: str, reason: str) -> None:
    home.fetch()
    home.server.script.append(mode)
    summary = home.fetch()
    assert (outcome(summary), summary.n_failed) == ("rejected", 1)
    assert "last good sheet stays in use" in summary.problem
    assert len(home.sheets()) == 1
    kept = [p for p in (home.landing / "logbook" / "_rejected" / reason).iterdir() if p.suffix == ".csv"]
    assert [p.read_text() for p in kept] == [mode]
    assert extract_logbook(home.landing, home.lake).failures == []


@pytest.mark.parametrize("mode", [500, 429, "cut", "stall"])
def test_a_bad_moment_is_tried_again(home: Home, mode: str | int) -> None:
    home.read_s = 1.5 if mode == "stall" else home.read_s
    home.server.script.extend([mode, mode])
    assert outcome(home.fetch()) == "fetched"
    assert home.time.sleeps == [5.0, 15.0]


@pytest.mark.parametrize(
    ("modes", "text"),
    [
        ([503] * 3, "gives no answer"),
        ([404], "status 404"),
        (["x" * 3000], "more than 0.002 MB"),
        (["moved to http"] * 3, "plain http is refused"),
    ],
)
def test_a_failure_says_so_and_names_no_address(home: Home, modes: list[str | int], text: str) -> None:
    home.server.script.extend(modes)
    summary = home.fetch()
    assert outcome(summary) == "failed"
    assert text in summary.problem
    assert "5ecret" not in summary.problem
    assert home.sheets() == []


def test_a_redirect_is_followed(home: Home) -> None:
    home.server.script.append("moved")
    assert outcome(home.fetch()) == "fetched"


def test_the_address_is_written_nowhere(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    home.server.script.extend([500, "<html>"])
    home.fetch()
    home.fetch()
    written = [p for p in home.landing.rglob("*") if p.is_file()]
    assert len(written) == 4
    assert not [p for p in written if b"5ecret" in p.read_bytes()]
    assert "5ecret" not in caplog.text


def test_settings_are_checked() -> None:
    for address in ("http://sheets.example.org/x", "ftp://sheets.example.org/x", "sheet"):
        with pytest.raises(ValidationError, match="https"):
            Logbook.model_validate({"url": {"MINGO01": address}})
    assert "5ecret" not in repr(Logbook.model_validate({"url": {"MINGO01": f"https://example.org/{SECRET}"}}))


def test_nothing_configured_and_unknown_stations_are_said(home: Home) -> None:
    summary = fetch_logbooks(home.landing, Logbook())
    assert "logbook.url" in summary.problem
    with pytest.raises(UnknownStationError, match="MINGO01"):
        home.fetch("MINGO77")
