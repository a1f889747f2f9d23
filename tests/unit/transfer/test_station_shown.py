"""What a person is told of a fetch from the stations."""

from pathlib import Path
from typing import Any

import pytest

from extract.transfer.sftp.remote import RemoteFile
from extract.transfer.sftp.select import Choice
from extract.transfer.sftp.station import StationRun
from flows.commands import acquire as command
from flows.console import Console
from flows.outcome import Outcome
from flows.station_fetch import acquire_events, to_outcome
from tests.unit.transfer.fake_remote import endpoint
from warehouse.settings import Settings


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `show_stations` prints of an outcome."""

    def show(outcome: Outcome) -> str:
        wide = Console(width=200)
        monkeypatch.setattr("flows.console.out", wide)
        monkeypatch.setattr(command, "out", wide)
        command.show_stations(outcome)
        return capsys.readouterr().out

    return show


def of(name: str, word: Any, size: int = 0, **more: Any) -> Choice:
    return Choice(RemoteFile(name, size, None), word, **more)


@pytest.mark.parametrize("name", ["[bold]x.dat", "a[/x].dat", "[link=http://x]y.dat", "\x1b[2J.dat"])
@pytest.mark.parametrize("word", ["bad_name", "failed"])
def test_a_foreign_name_is_text_and_nothing_else(told: Any, name: str, word: str) -> None:
    run = StationRun(endpoint(), [of(name, word, detail="[/why]")])
    text = told(to_outcome("acquire_events", [run], [], [], 1.0))
    assert name.replace("\x1b", "\\x1b") in text
    assert "\x1b" not in text


@pytest.mark.parametrize("word", ["bad_name", "wrong_station", "not_regular", "too_large", "empty_remote"])
def test_each_file_that_stays_has_a_remedy(told: Any, word: str) -> None:
    text = told(to_outcome("acquire_events", [StationRun(endpoint(), [of("a.dat", word)])], [], [], 1.0))
    assert f"{word}: {command.STAYS[word]}" in text


def test_a_plan_shows_the_bytes_of_each_station(told: Any) -> None:
    chosen = [of("a.dat", "fetch", 3_000_000), of("b.dat", "fetch", 1_500_000), of("c.dat", "waiting", 9_000_000)]
    outcome = to_outcome("acquire_events", [StationRun(endpoint(), chosen, is_plan=True)], [], [], 1.0)
    text = told(outcome)
    assert ("to fetch" in text, "4.5 MB" in text, "received" in text) == (True, True, False)
    assert "2 of 3 listed files (4.5 MB)" in outcome.sentence


def test_stations_that_are_switched_off_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = StationRun(endpoint(), [of("a.dat", "skipped")])
    assert "disabled (is_enabled in seeds/station.csv): MINGO03" in (
        to_outcome("acquire_events", [run], [], ["MINGO03"], 1.0).sentence
    )
    monkeypatch.setattr("flows.station_fetch.find_endpoints", lambda *_: ([], [], ["MINGO03"]))
    outcome = acquire_events(Settings())
    assert (outcome.state, outcome.detail) == ("NothingToDo", {"disabled": ["MINGO03"]})
    assert "MINGO03" in outcome.sentence
