"""Attempts are counted by content and code, rest in between, end in quarantine, and never outlive a success."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.attempts import MAX_MESSAGE, Attempts, Subject, list_bad, list_records, record_name

START = datetime(2025, 6, 10, 12)
FILE = Subject(1, "mi0125161100000", {"dat/station=1/2025-06/mi0125161100000.dat": "0" * 64})


def at(folder: Path, minutes: float, code: str = "a") -> Attempts:
    """The records as seen some minutes after the start."""
    return Attempts(folder, "extract", code, lambda: START + timedelta(minutes=minutes))


def fail(folder: Path, minutes: float) -> None:
    attempts = at(folder, minutes)
    attempts.begin(FILE)
    attempts.fail(FILE, "OSError", "no space left")


def test_three_failures_with_rests_are_a_quarantine(tmp_path: Path) -> None:
    verdicts = []
    for minute in range(0, 60, 2):
        verdict = at(tmp_path, minute).verdict(FILE)
        verdicts.append((minute, verdict))
        if verdict in ("free", "suspect"):
            fail(tmp_path, minute)
    tried = [minute for minute, verdict in verdicts if verdict in ("free", "suspect")]
    assert tried == [0, 6, 26]
    assert verdicts[-1][1] == "quarantined"
    ((path, record),) = list_records(tmp_path)
    assert path == tmp_path / "extract" / "station=1" / "mi0125161100000.json"
    assert (record.is_quarantined, record.reason) == (True, "OSError: no space left")


def test_success_leaves_nothing(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    attempts = at(tmp_path, 10)
    attempts.begin(FILE)
    attempts.succeed(FILE)
    assert attempts.verdict(FILE) == "free"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_kill_counts_and_needs_no_rest(tmp_path: Path) -> None:
    for _ in range(3):
        assert at(tmp_path, 0).verdict(FILE) in ("free", "suspect")
        at(tmp_path, 0).begin(FILE)
    assert at(tmp_path, 0).verdict(FILE) == "quarantined"
    ((_, record),) = list_records(tmp_path)
    assert "killed" in record.reason


def test_a_stop_by_a_person_is_no_attempt(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    before = list(list_records(tmp_path))
    attempts = at(tmp_path, 10)
    attempts.begin(FILE)
    assert attempts.is_open(FILE)
    attempts.withdraw(FILE)
    attempts.withdraw(FILE)
    assert list(list_records(tmp_path)) == before


@pytest.mark.parametrize("change", ["content", "code", "new version"])
def test_new_content_or_code_is_tried_again(tmp_path: Path, change: str) -> None:
    for minute in (0, 10, 60):
        fail(tmp_path, minute)
    assert at(tmp_path, 61).verdict(FILE) == "quarantined"
    path = next(iter(FILE.contents))
    contents = {"content": {path: "1" * 64}, "new version": dict(FILE.contents) | {path + "~2": "1" * 64}}
    subject = replace(FILE, contents=contents.get(change, FILE.contents))
    attempts = at(tmp_path, 61, "b" if change == "code" else "a")
    assert attempts.verdict(subject) == "free"
    attempts.begin(subject)
    ((_, record),) = list_records(tmp_path)
    assert len(record.attempts) == 1


def test_a_clock_set_back_does_not_hold_a_file(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    assert at(tmp_path, -600).verdict(FILE) == "suspect"


def test_long_messages_are_cut(tmp_path: Path) -> None:
    at(tmp_path, 0).fail(FILE, "ValueError", "x" * 10_000)
    ((_, record),) = list_records(tmp_path)
    assert len(record.attempts[0].message or "") == MAX_MESSAGE


@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["attempts", "contents", "stage", "station_id", "started_at"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_whatever_a_record_holds_is_put_aside(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("attempts")
    path = folder / "extract" / "station=1" / "mi0125161100000.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert at(folder, 0).verdict(FILE) == "free"
    assert (path.exists(), list_bad(folder)) == (False, [path.with_name(path.name + ".bad")])


@given(name=st.text(min_size=1, max_size=300))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    made = record_name(name)
    assert "/" not in made
    assert "\0" not in made
    assert not made.startswith(".")
    assert made.endswith(".json")
    assert len(made.encode()) <= 255


@given(first=st.text(min_size=1, max_size=220), second=st.text(min_size=1, max_size=220))
def test_different_names_have_different_records(first: str, second: str) -> None:
    assert (record_name(first) == record_name(second)) == (first == second)
