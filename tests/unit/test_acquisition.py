"""Fetches as steps: what a summary means as an outcome, the lock of a source, and fetches inside a chain."""

from pathlib import Path
from typing import Any

import pytest

from extract.transfer.fetched import MAX_PROBLEM_CHARACTERS, Fetched, FetchOutcome, FetchSummary
from flows import acquisition, health
from flows.acquisition import acquire_configured, acquire_source
from flows.outcome import EXIT_CODES, Outcome, State
from flows.steps import summarise
from warehouse.lock import held
from warehouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("CDSAPI_KEY", raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "none"))
    return load_settings(data_dir=tmp_path, transform={"wait_s": 0}, acquire={"sources": ["nmdb", "era5"]})


def answer_with(monkeypatch: pytest.MonkeyPatch, summary: FetchSummary) -> None:
    monkeypatch.setitem(acquisition._FETCHERS, "nmdb", lambda settings, stations, on_request: summary)


@pytest.mark.parametrize(
    ("outcomes", "stopped", "state", "text"),
    [
        ([], "", "NothingToDo", "nothing to do (nothing is missing), 4 requests"),
        (["unchanged", "unchanged"], "", "NothingToDo", "2 answers as before"),
        (["no_data"], "", "NothingToDo", "no data yet for 1"),
        (["fetched", "unchanged"], "", "Completed", "1 answers landed, 4 requests"),
        (["fetched", "no_data"], "", "Completed", "1 without data"),
        (["fetched", "failed"], "", "Partial", "1 failed; block 1: why"),
        (["fetched", "rejected", "pending"], "", "Partial", "2 failed"),
        (["fetched"], "the service is down", "Partial", "1 failed; the service is down"),
        (["failed"], "", "Failed", "0 answers landed"),
        ([], "credentials refused", "Failed", "credentials refused"),
    ],
)
def test_a_summary_becomes_an_outcome(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    outcomes: list[FetchOutcome],
    stopped: str,
    state: State,
    text: str,
) -> None:
    items = [Fetched(f"block {n}", outcome, "why") for n, outcome in enumerate(outcomes)]
    answer_with(monkeypatch, FetchSummary("nmdb_nest", items, n_requests=4, stopped=stopped))
    outcome = acquire_source("nmdb", settings)
    assert (outcome.flow, outcome.state) == ("acquire_nmdb", state)
    assert text in outcome.sentence
    assert "\n" not in outcome.sentence
    assert [item[1] for item in outcome.detail["items"]] == outcomes


def test_a_long_problem_is_cut(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, FetchSummary("nmdb_nest", [Fetched("block", "rejected", "x" * 999)]))
    outcome = acquire_source("nmdb", settings)
    assert len(outcome.sentence) < MAX_PROBLEM_CHARACTERS + 100
    assert len(outcome.detail["items"][0][2]) == 999


def test_a_source_is_fetched_by_one_process(settings: Settings) -> None:
    with held(settings.paths.locks / "nmdb.lock", "acquire_nmdb"):
        outcome = acquire_source("nmdb", settings)
    assert (outcome.state, outcome.exit_code) == ("Skipped", 75)
    assert "acquire_nmdb" in outcome.sentence


def test_one_source_that_fails_does_not_keep_the_others_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, FetchSummary("nmdb_nest", stopped="down"))
    outcomes = acquire_configured(settings)
    assert [(o.flow, o.state) for o in outcomes] == [("acquire_nmdb", "Failed"), ("acquire_era5", "Failed")]
    assert (
        acquire_configured(settings.model_copy(update={"acquire": settings.acquire.model_copy(update={"sources": []})}))
        == []
    )


@pytest.mark.parametrize(
    ("states", "chain"),
    [
        (["Failed", "Completed", "Completed"], "Partial"),
        (["Skipped", "NothingToDo", "Completed"], "Completed"),
        (["NothingToDo", "NothingToDo", "NothingToDo"], "NothingToDo"),
        (["Completed", "Failed", "NothingToDo"], "Failed"),
    ],
)
def test_a_fetch_never_fails_the_chain_behind_it(states: list[State], chain: State) -> None:
    names = ("acquire_era5", "extract", "transform")
    outcome = summarise([Outcome(name, state, "") for name, state in zip(names, states, strict=True)])
    assert (outcome.flow, outcome.state) == ("run", chain)
    assert outcome.exit_code == EXIT_CODES[chain]


def test_the_doctor_names_what_is_lacking(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def sources(**changes: Any) -> health.Check:
        return health.check_sources(settings.model_copy(update=changes))

    assert sources().status == "warning"
    assert "CDSAPI_KEY" in sources().message
    everything = settings.acquire.model_copy(update={"sources": ["era5", "nmdb", "logbook"]})
    monkeypatch.setenv("CDSAPI_URL", "https://cds.example.org/api")
    monkeypatch.setenv("CDSAPI_KEY", "a-word")
    assert sources().status == "ok"
    assert "logbook.url" in sources(acquire=everything).message
    offline = settings.nmdb.model_copy(update={"offline": True})
    assert "offline" in sources(nmdb=offline).message


def test_the_doctor_looks_at_the_stations_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "mingo.toml"))
    monkeypatch.delenv("STATION_KEY", raising=False)

    def said(**stations: dict[str, Any]) -> health.Check:
        return health.check_sources(load_settings(acquire={"stations": stations}))

    dat = {"host": "a", "user": "reader", "key_file": "${STATION_KEY}", "known_hosts": "pins", "directory": "/x"}
    assert "STATION_KEY is not set" in said(MINGO01={"dat": dat}).message
    assert "known are MINGO00" in said(MINGO77={"dat": dat}).message
    monkeypatch.setenv("STATION_KEY", "key")
    assert f"MINGO01 dat: no file {tmp_path / 'key'}" in said(MINGO01={"dat": dat}).message
    for name in ("key", "pins"):
        (tmp_path / name).touch()
    assert said(MINGO01={"dat": dat}) == health.Check("remote sources", "ok", "events")
