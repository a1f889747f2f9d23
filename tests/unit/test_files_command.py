"""`mingo files` on a small data folder: questions, answers, names that would move a terminal, release."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.attempts import extract_attempts
from flows.cli import app
from flows.files import read_age
from tests.unit.daq.home import Home
from tests.unit.daq.rows import GOLDEN_NAME, golden_file
from warehouse.attempts import Subject, list_records
from warehouse.paths import Paths

BASE = GOLDEN_NAME.removesuffix(".dat")
EVIL = "mi01\x1b[2J\u202e[red]x.dat"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A data folder with a good, an empty and a badly named file, extracted; and a fresh one."""
    monkeypatch.setenv("MINGO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    home = Home(tmp_path)
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", b"")
    home.run()
    home.land("mi0125161160000.dat", b"fresh")
    home.land(EVIL, b"x")
    return home


def ask(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["files", *words])
    assert result.exit_code == code, result.output
    return result.output


def answer(*words: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(ask(*words, "--json"))
    return content


@pytest.mark.usefixtures("home")
def test_counts() -> None:
    counts = {row["state"]: row["n"] for row in answer()["counts"]}
    assert counts == {"extracted": 1, "rejected": 2, "acquired": 1}
    assert "4 files" in ask().splitlines()[-1]
    assert answer("MINGO02")["counts"] == []
    assert {row["state"] for row in answer("--older-than", "1d")["counts"]} == set(counts)
    assert answer("--newer-than", "1h")["counts"] == []


@pytest.mark.usefixtures("home")
def test_list_with_reasons() -> None:
    found = {file["name"]: file["reason"] for file in answer("--state", "rejected")["files"]}
    assert found == {"mi0125161150000": "empty_file", EVIL: "bad_name"}
    listed = ask("--state", "rejected,acquired")
    assert "\x1b" not in listed
    assert "\u202e" not in listed
    assert "mi01\\x1b[2J\\u202e[red]x.dat" in listed
    assert len(answer("--state", "rejected", "--limit", "1")["files"]) == 1


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("word", [BASE, GOLDEN_NAME, "125161140327", f"dat/station=1/2025-06/{GOLDEN_NAME}"])
def test_show(word: str) -> None:
    (file,) = answer("--show", word)["files"]
    assert (file["name"], file["state"], file["file_id"]) == (BASE, "extracted", 125161140327)
    assert {row["reason"]: row["n"] for row in file["rejects"]}
    assert file["rows"][0]["n_rejects"] == sum(row["n"] for row in file["rejects"] if row["reason"] != "x_joined")
    assert "raw_file/station=1" in ask("--show", word)


@pytest.mark.usefixtures("home")
def test_days() -> None:
    (day,) = answer("--coverage")["days"]
    assert (day["n_landed"], day["n_in_lake"], day["n_rejected"], day["live_share"]) == (3, 2, 1, None)
    assert answer("--missing", "--from", "2025-06-01", "--to", "2025-06-30")["days"][0]["here"] == 3
    ask("--missing")
    ask("--coverage")


def test_quarantine_and_release(home: Home) -> None:
    paths = Paths(home.landing.parent)
    attempts = extract_attempts(paths)
    path = home.landing / "dat" / "station=1" / "2025-06" / "mi0125161160000.dat"
    contents = {path.relative_to(home.landing).as_posix(): f"5 bytes, {path.stat().st_mtime_ns} ns"}
    subject = Subject(1, "mi0125161160000", contents)
    for _ in range(3):
        attempts.begin(subject)
        attempts.fail(subject, "MemoryError", "cannot allocate\x1b[1m")
    (file,) = answer("--state", "quarantined")["files"]
    assert file["reason"].startswith("MemoryError: cannot allocate")
    assert "\x1b" not in ask("--state", "quarantined")
    assert "quarantined" in ask("--show", "mi0125161160000")
    assert "nothing to release" in ask("--release", GOLDEN_NAME)
    assert "1 released" in ask("--release", "mi0125161160000.dat")
    assert list(list_records(paths.attempts)) == []
    assert answer("--state", "quarantined")["files"] == []


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "words",
    [
        ("--state", "lost"),
        ("--kind", "jpg"),
        ("--older-than", "soon"),
        ("--from", "2025-02-02", "--to", "2025-02-01"),
        ("--missing", "--coverage"),
        ("--release",),
        ("--release", "x", "--all"),
        ("--all",),
        ("NOWHERE",),
        ("MINGO01", "MINGO02"),
        ("--missing", "--state", "remote"),
    ],
)
def test_usage(words: tuple[str, ...]) -> None:
    assert "Traceback" not in ask(*words, code=2)


@pytest.mark.usefixtures("home")
def test_unknown_file() -> None:
    ask("--show", "mi0199\x1b", code=1)


def test_ages() -> None:
    assert [read_age(text).total_seconds() for text in ("15min", "6h", "1.5d", "2w")] == [900, 21600, 129600, 1209600]
