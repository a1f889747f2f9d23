"""A whole file: status, times, duplicates, long lines, segments of any size."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from extract.daq import lines as lines_module
from extract.daq.bulk import LAYOUTS, SIMULATED, Layout
from extract.daq.limits import Limits
from extract.daq.name import parse_name
from extract.daq.parser import parse_bytes, parse_dat, parse_segments
from extract.daq.sample import random_values, write_rows
from tests.unit.daq.rows import GOLDEN_NAME, ROW_A, ROW_B, at, golden_file, joined, lines, name_of, tokens

EPOCH = datetime(1970, 1, 1)
BOTH_PATHS = pytest.mark.parametrize("use_bulk", [True, False], ids=["bulk", "careful"])


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", "empty_file"),
        (b"\x00" * 100, "binary_file"),
        (b"a" * 69 + b"\x80" * 31, "binary_file"),
        (b"a" * 70 + b"\x80" * 30, "no_events"),
        (b"a" * 65_536 + b"\x80" * 65_536, "no_events"),
        (b"\n", "no_events"),
        (b"# only a comment", "no_events"),
        (ROW_A, "ok"),
        (ROW_A + b"\n\n", "ok_with_rejects"),
        (ROW_A + b"\n# comment\n", "ok"),
    ],
)
def test_status(tmp_path: Path, content: bytes, status: str) -> None:
    path = tmp_path / GOLDEN_NAME
    path.write_bytes(content)
    assert parse_dat(path).status == status
    assert parse_bytes(content, name_of()).status == status


@pytest.mark.parametrize("name", ["merged-250101.txt", "mi0125161140327.hld"])
def test_bad_name(tmp_path: Path, name: str) -> None:
    result = parse_dat(tmp_path / name)
    assert (result.status, result.facts) == ("bad_name", None)


def test_wrong_station(tmp_path: Path) -> None:
    path = tmp_path / GOLDEN_NAME
    path.write_bytes(golden_file())
    assert parse_dat(path, 2).status == "wrong_station"
    assert parse_dat(path, 1).status == parse_dat(path).status == "ok_with_rejects"
    assert path.read_bytes() == golden_file()


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parse_dat(tmp_path / GOLDEN_NAME)


@BOTH_PATHS
def test_times(use_bulk: bool) -> None:
    start = name_of().start_time
    offsets = [0, 5, 3, 86_400, 86_401, -86_401, 6, 86_400]
    rows = [_dated(start + timedelta(seconds=offset)) for offset in offsets]
    result = parse_bytes(lines(rows), name_of(), use_bulk=use_bulk)
    assert result.events["is_time_far"].to_pylist() == [False] * 4 + [True, True, False, False]
    assert result.events["is_time_backwards"].to_pylist() == [False, False, True, False, False, True, True, False]
    counters = result.counters
    assert (counters.n_time_far, counters.n_time_backwards, counters.max_backward_s) == (2, 3, 172_801)
    assert result.first_event_time == start
    assert result.last_event_time == start + timedelta(days=1)


def test_all_times_far() -> None:
    result = parse_bytes(lines([joined(ROW_A, {0: b"2099"}), joined(ROW_A, {0: b"2000"})]), name_of())
    assert (result.first_event_time, result.last_event_time) == (None, None)
    assert result.counters.n_time_far == 2
    assert result.counters.n_time_backwards == 0


def _dated(time: datetime, row: bytes = ROW_A) -> bytes:
    return f"{time:%Y %m %d %H %M %S}".encode() + row[19:]


@BOTH_PATHS
def test_duplicates(use_bulk: bool) -> None:
    empty = joined(ROW_A, dict.fromkeys(range(7, 71), b"0000.0000"))
    swapped = joined(ROW_A, {23: b"-117.3056", 24: b"-118.2200"})
    rows = [ROW_A, joined(ROW_A), at(28), joined(ROW_A, {6: b"2"}), swapped, empty, empty, swapped, ROW_A]
    result = parse_bytes(lines(rows), name_of(), use_bulk=use_bulk)
    expected = [False, True, False, False, False, False, False, True, True]
    assert result.events["is_duplicate"].to_pylist() == expected
    assert result.counters.n_duplicate == 3


def test_a_file_unpacked_twice() -> None:
    values = random_values(3000, seed=3)
    text = write_rows(values, 1_749_513_600 + np.arange(3000) // 12)
    once = parse_bytes(text, name_of())
    twice = parse_bytes(text + text, name_of())
    assert once.counters.n_duplicate == 0
    with_values = int(np.count_nonzero((values != 0).any(axis=1)))
    assert twice.counters.n_duplicate == with_values
    assert twice.events["is_duplicate"].to_numpy()[:3000].sum() == 0


@BOTH_PATHS
def test_missing_edges(use_bulk: bool) -> None:
    no_trailing = joined(ROW_B, {15: b"0005.1000"})
    nearly = joined(ROW_B, {15: b"0005.1001"})
    not_quite = joined(ROW_B, {15: b"0005.1002"})
    no_leading = joined(ROW_B, {7: b"0000.0000"})
    result = parse_bytes(lines([no_trailing, nearly, not_quite, no_leading]), name_of(), use_bulk=use_bulk)
    assert (result.counters.n_no_trailing, result.counters.n_no_leading) == (2, 1)
    assert result.hits["q_front_ns"].to_pylist()[0] == pytest.approx(5.1)


def test_topology_follows_charge_not_time() -> None:
    only_times = joined(ROW_A, dict.fromkeys((*range(15, 23), *range(31, 39), *range(47, 55)), b"0000.0000"))
    result = parse_bytes(lines([only_times]), name_of())
    assert result.events["raw_tt"].to_pylist() == [1]
    assert result.events["n_hits"].to_pylist() == [4]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_values_of_every_layout(layout: Layout) -> None:
    values = random_values(500, seed=5)
    values[0] = np.arange(64) * 1_000_003 + 9_000_000 - 32_000_000
    values[0] = np.clip(values[0], -9_999_999, 99_999_999)
    text = write_rows(values, np.full(500, 1_749_513_600), layout=layout)
    assert len(text) == 500 * layout.line_bytes
    bulk = parse_bytes(text, name_of())
    careful = parse_bytes(text, name_of(), use_bulk=False)
    assert bulk.hits.combine_chunks().equals(careful.hits.combine_chunks())
    assert bulk.counters == careful.counters
    nearest = (values / 10_000).astype(np.float32)
    assert bulk.counters.n_nonzero_by_channel == (nearest != 0).sum(axis=0).tolist()
    total = sum(np.nan_to_num(bulk.hits[f"{c}_ns"].to_numpy().astype(float)).sum() for c in _QUANTITIES)
    assert total == pytest.approx(nearest.astype(float).sum())


_QUANTITIES = ("t_front", "t_back", "q_front", "q_back")


def test_size_of_a_simulated_file() -> None:
    text = b"# param_hash=" + b"a" * 64 + b"\n" + write_rows(random_values(7, 1), np.zeros(7) + 1.7e9, layout=SIMULATED)
    assert len(text) == 78 + 662 * 7


def test_long_lines_over_segments() -> None:
    long_line = b"7 " * 50_000
    content = ROW_A + b"\n" + long_line + b"\n" + at(28) + b"\n" + long_line
    whole = parse_bytes(content, name_of())
    for size in (1, 7, 4096, 65_537):
        if size == 1:
            content_part = content[:20_000] + b"\n" + at(28)
            pieces = [content_part[i : i + 1] for i in range(len(content_part))]
            cut = parse_segments(pieces, name_of())
            assert cut.rejects["n_bytes"].to_pylist() == [20_000 - 687]
            continue
        cut = parse_segments([content[i : i + size] for i in range(0, len(content), size)], name_of())
        assert cut.rejects.equals(whole.rejects)
        assert cut.events.equals(whole.events)
    assert whole.rejects["n_bytes"].to_pylist() == [100_000, 100_000]
    assert whole.rejects["n_tokens"].to_pylist() == [50_000, 50_000]
    assert {len(text) for text in whole.rejects["line_text"].to_pylist()} == {1024}


@pytest.mark.parametrize("ending", [b"", b"\n", b"\n\n", b"\r\n"])
def test_segments_of_any_size(ending: bytes) -> None:
    content = golden_file() + ending
    whole = parse_bytes(content, name_of())
    for size in (1, 2, 100, 686, 687, 688, 5000):
        cut = parse_segments([content[i : i + size] for i in range(0, len(content), size)], name_of())
        assert cut.counters == whole.counters
        assert cut.events.equals(whole.events)
        assert cut.hits.combine_chunks().equals(whole.hits.combine_chunks())
        assert cut.rejects.equals(whole.rejects)


@pytest.mark.parametrize("block_bytes", [1, 700, 2000, 10_000])
def test_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    content = golden_file() * 3
    whole = parse_bytes(content, name_of())
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", block_bytes)
    cut = parse_bytes(content, name_of())
    assert cut.counters == whole.counters
    assert cut.events.equals(whole.events)
    assert cut.hits.combine_chunks().equals(whole.hits.combine_chunks())


def test_limits_are_settings() -> None:
    limits = Limits(max_line_bytes=700, max_time_from_name_s=10)
    rows = [ROW_A, ROW_A + b" " * 20, at(38)]
    result = parse_bytes(lines(rows), name_of(), limits=limits)
    assert result.counters.n_reject_over_long_line == 1
    assert result.counters.n_time_far == 1


def test_line_endings() -> None:
    rows = [ROW_A + b"\r", b"\r", b"# comment\r", at(28) + b"\r"]
    result = parse_bytes(lines(rows), name_of())
    assert result.events["event_number"].to_pylist() == [1, 4]
    assert result.counters.n_reject_blank == 1
    assert result.counters.n_comments == 1


def test_legacy_files_are_truncated_rows() -> None:
    legacy = b" ".join(b"00012.3000" for _ in range(64))
    result = parse_bytes(lines([legacy] * 3), name_of())
    assert (result.status, result.counters.n_reject_truncated) == ("no_events", 3)


def test_first_comment_with_a_hash_counts() -> None:
    content = lines([b"# hello", b"# param_hash=0a", ROW_A, b"# param_hash=0b"])
    assert parse_bytes(content, name_of()).param_hash == "0a"


@pytest.mark.parametrize("byte", [b"\t", b"/", b":", b".", b"-", b"5", b"X", b"\xff", b" ", b"\r"])
def test_one_changed_byte(byte: bytes) -> None:
    for position in (0, 4, 19, 20, 21, 22, 24, 25, 26, 29, 34, 35, 65, 107, 189, 190, 400, 685):
        changed = at(28)[:position] + byte + at(28)[position + 1 :]
        content = lines([ROW_A, changed, at(29)])
        bulk, careful = (parse_bytes(content, name_of(), use_bulk=use) for use in (True, False))
        assert bulk.counters == careful.counters
        assert bulk.events.equals(careful.events)
        assert bulk.hits.combine_chunks().equals(careful.hits.combine_chunks())
        assert bulk.rejects.equals(careful.rejects)


def test_minI_file() -> None:  # noqa: N802
    row = joined(ROW_A, {0: b"2023", 1: b"07", 2: b"21", 3: b"06", 4: b"07"})
    result = parse_bytes(lines([row]), parse_name("minI23202060708.dat"))
    assert set(result.events["file_id"].to_pylist()) == {123202060708}
    assert set(result.events["station_id"].to_pylist()) == {1}
    assert result.counters.n_time_far == 0
    assert len(tokens(row)) == 71
