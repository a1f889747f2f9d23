"""The parse of the dbt project that all data folders share: one for each set of vars, never a part of a file."""

import os
from pathlib import Path

import pytest

from warehouse import dbt
from warehouse.parse_cache import FILE_NAME, MAX_KEPT, keep_parse, kept_parse
from warehouse.paths import Paths


def parsed(folder: Path, content: bytes, time_s: int) -> Path:
    """A target folder in which dbt has just parsed."""
    folder.mkdir(exist_ok=True)
    (folder / FILE_NAME).write_bytes(content)
    os.utime(folder / FILE_NAME, (time_s, time_s))
    return folder


def test_each_set_of_vars_has_a_parse_of_its_own(tmp_path: Path) -> None:
    first, same = kept_parse({"a": 1, "b": 2}, tmp_path), kept_parse({"b": 2, "a": 1}, tmp_path)
    assert first == same
    assert kept_parse({"a": 1}, tmp_path) != first
    assert kept_parse({}, tmp_path) == kept_parse(None, tmp_path)


def test_what_dbt_wrote_anew_is_kept_and_what_it_did_not_write_is_not(tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "parse.msgpack"
    target = parsed(tmp_path / "target", b"first", 2_000_000_000)
    keep_parse(target, kept)
    assert kept.read_bytes() == b"first"
    keep_parse(parsed(target, b"older", 1_000_000_000), kept)
    assert kept.read_bytes() == b"first"
    keep_parse(parsed(target, b"newer", 4_000_000_000), kept)
    assert kept.read_bytes() == b"newer"
    assert list(kept.parent.iterdir()) == [kept]


def test_the_oldest_parses_go(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for number in range(MAX_KEPT + 3):
        keep_parse(parsed(tmp_path / "target", b"x", 4_000_000_000), kept / f"{number}.msgpack")
        os.utime(kept / f"{number}.msgpack", (number, number))
    assert len(list(kept.iterdir())) == MAX_KEPT
    assert {path.stem for path in kept.iterdir()} >= {str(MAX_KEPT + 2), "4"}


def test_a_run_without_a_parse_keeps_nothing(tmp_path: Path) -> None:
    keep_parse(tmp_path / "target", tmp_path / "kept" / "parse.msgpack")
    keep_parse(parsed(tmp_path / "other", b"x", 1), None)
    assert not (tmp_path / "kept").exists()


def test_a_folder_that_cannot_be_written_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert kept_parse({}, tmp_path) is None


def test_dbt_is_started_in_the_data_folder_without_a_path_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "parse.msgpack"
    monkeypatch.setattr(dbt, "kept_parse", lambda _: kept)
    first, second = (dbt.call(Paths(tmp_path / name), ["build"], {"max_files": 3}) for name in ("one", "two"))
    assert first.command == second.command
    assert (first.folder, second.folder) == (tmp_path / "one", tmp_path / "two")
    assert "DBT_PARTIAL_PARSE_FILE_PATH" not in first.environment
    kept.write_bytes(b"x")
    third = dbt.call(Paths(tmp_path / "one"), ["build"], {"max_files": 3})
    assert third.environment["DBT_PARTIAL_PARSE_FILE_PATH"] == str(kept)
