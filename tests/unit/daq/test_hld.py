"""HLD: the words of the golden table, the same events as text, limits of fine times, a file of another detector."""

import struct
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from extract.daq.hld.batch import read_calendar
from extract.daq.hld.fine import FineLimits, limits_of_seed
from extract.daq.hld.read import parse_hld, parse_hld_bytes
from extract.daq.hld.text import UnreadableHldError, hld_to_dat, text_of_hld
from extract.daq.limits import DEFAULT_LIMITS
from extract.daq.name import parse_name
from extract.daq.parser import parse_bytes, parse_dat
from extract.daq.reading import RawResult
from simulate.file import simulate_file
from simulate.hld import HldFormat, render_hld
from simulate.text import render_rows
from tests.unit.daq.home import tar_gz

NAME = parse_name("mi0025161140327.hld")
GOLDEN_LIMITS = FineLimits(np.full(33, 20), np.full(33, 480), "seed")
GOLDEN_WORDS = (0x60B9BD70, 0x800FAA96, 0x80522A85, 0x804AA30B)
"""An epoch, the reference edge, and both edges of channel 1."""

DATE, TIME = 0x007D050A, 0x000E031B
EVENT = {
    "date": DATE,
    "time": TIME,
    "kind": 0x2001,
    "decoding": 0x00020011,
    "id": 0xC001,
    "padding": (0,) * 20,
    "first": 13,
}


def event(words: tuple[int, ...], **changes: object) -> bytes:
    """One event with the given TDC words after the header; further trigger-system words make it larger than empty."""
    parts = EVENT | changes
    data = [*range(1, parts["first"] + 1), 0x21C30002, *words, *parts["padding"]]
    opening = [len(data) << 16 | 0xC001, *data, 0x00015555, 1]
    size = 16 + 4 * len(opening)
    subevent = struct.pack(f">{4 + len(opening)}I", size, parts["decoding"], parts["id"], 1, *opening)
    header = struct.pack("<8I", 32 + size, 0x00030001, parts["kind"], 1, parts["date"], parts["time"], 0, 0)
    return header + subevent + bytes(-len(subevent) % 8)


def read(content: bytes, **options: object) -> RawResult:
    return parse_hld_bytes(content, NAME, **({"fine_limits": GOLDEN_LIMITS} | options))


def test_golden_words() -> None:
    row = read(event(GOLDEN_WORDS)).hits.to_pylist()[0]
    assert (row["plane"], row["strip"]) == (1, 4)
    assert (row["t_front_ns"], row["q_front_ns"]) == (None, None)
    assert row["t_back_ns"] == np.float32("-85.4348")
    assert row["q_back_ns"] == np.float32("671.3043")


def test_without_trailing_edge_the_charge_is_minus_the_time() -> None:
    result = read(event(GOLDEN_WORDS[:3]))
    assert result.hits["q_back_ns"].to_pylist() == [np.float32("85.4348")]
    assert (result.counters.n_no_trailing, result.counters.n_no_leading) == (1, 0)


def test_without_leading_edge_there_is_a_charge_and_no_time() -> None:
    result = read(event((*GOLDEN_WORDS[:2], GOLDEN_WORDS[3])))
    assert result.hits["t_back_ns"].to_pylist() == [None]
    assert result.hits["q_back_ns"].to_pylist() == [np.float32("585.8696")]
    assert (result.counters.n_no_trailing, result.counters.n_no_leading) == (0, 1)


def test_first_edges_count_and_edges_of_code_zero_or_other_channels_do_not() -> None:
    no_code = GOLDEN_WORDS[2] & ~(0x3FF << 12)
    other_channel = 4 << 29 | 40 << 22 | 100 << 12 | 1 << 11
    later = (GOLDEN_WORDS[1] + 5, GOLDEN_WORDS[2] + 7, GOLDEN_WORDS[3] + 9)
    words = (*GOLDEN_WORDS[:2], no_code, other_channel, *GOLDEN_WORDS[2:], *later)
    assert read(event(words)).hits.equals(read(event(GOLDEN_WORDS)).hits)


def test_the_epoch_wraps_the_shorter_way() -> None:
    words = (0x60000000, GOLDEN_WORDS[1], 0x6FFFFFFF, GOLDEN_WORDS[2] + 300)
    assert read(event(words)).hits["t_back_ns"].to_pylist() == [np.float32(round(-85.434783 + 1500 - 10240, 4))]


def test_dates_of_headers() -> None:
    date = np.array([0x00730405, DATE, 0x007D0C01, 0x007D011D, 0x00630B1F, 0x007D0100, DATE], np.uint32)
    time = np.array([0x000E0C2C, TIME, TIME, TIME, TIME, TIME, 0x000E033C], np.uint32)
    seconds, is_real = read_calendar(date, time)
    assert is_real.tolist() == [True, True, False, False, False, False, False]
    assert seconds[:2].astype("datetime64[s]").astype(str).tolist() == ["2015-05-05T14:12:44", "2025-06-10T14:03:27"]
    assert seconds[0] == 1_200_000_000 + 0x0DC243DC


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (event((GOLDEN_WORDS[0], *GOLDEN_WORDS[2:])), "no_reference_time"),
        (event(GOLDEN_WORDS[1:]), "no_tdc_header"),
        (event(GOLDEN_WORDS, id=0x8000), "no_tdc_header"),
        (event(GOLDEN_WORDS)[:-8], "hld_truncated"),
        (event(GOLDEN_WORDS)[:9], "hld_truncated"),
        (event(GOLDEN_WORDS, date=0x007D0C01), "bad_date"),
    ],
)
def test_rejected_events_keep_their_number(content: bytes, reason: str) -> None:
    good = event(GOLDEN_WORDS)
    result = read(good + content)
    assert result.rejects.select(["line_number", "reason"]).to_pylist() == [{"line_number": 2, "reason": reason}]
    assert result.rejects["line_text"][0].as_py().replace(" ", "")[:16] == content[:8].hex()
    if not reason.startswith("hld_truncated"):
        assert read(content + good).events["event_number"].to_pylist() == [2]


def test_trigger_types_and_records_that_are_no_events() -> None:
    good = event(GOLDEN_WORDS)
    content = good + event(GOLDEN_WORDS, kind=0x00010002) + event(GOLDEN_WORDS, kind=0x2002) + good
    result = read(content + event(GOLDEN_WORDS[:2], padding=()) + event(GOLDEN_WORDS, decoding=0x00020021))
    assert result.hld
    assert result.events["trigger_type"].to_pylist() == [1, 2, 1, 1]
    assert (result.hld.n_hld_other_id, result.hld.n_hld_empty, result.hld.n_hld_type_mismatch) == (1, 1, 2)


@pytest.fixture(scope="module")
def simulated() -> tuple[bytes, bytes, HldFormat]:
    """The same events as text and as HLD; every twentieth lacks its leading or its trailing edges."""
    block = simulate_file(6_000, layout="production").block
    form = HldFormat(empty_every=9)
    values = block.values.reshape(-1, 4, 2, 8).copy()  # plane, quantity, end and strip
    values[::20, :, 0] = 0
    values[10::20, :, 1] = -values[10::20, :, 0]
    hld = render_hld(np.random.default_rng(3), block.time_s, block.trigger, values.reshape(-1, 64), form)
    return render_rows("production", block.time_s, block.trigger, hld.values).tobytes(), hld.content, form


def same_events(result: RawResult, text: RawResult) -> bool:
    return result.events.equals(text.events) and result.hits.equals(text.hits) and result.counters == text.counters


def test_hld_equals_text_with_given_limits(simulated: tuple[bytes, bytes, HldFormat]) -> None:
    text, content, form = simulated
    result = read(content, fine_limits=FineLimits(form.fine_low, form.fine_high, "seed"))
    assert same_events(result, parse_bytes(text, NAME))
    assert min(result.counters.n_no_leading, result.counters.n_no_trailing) > 1_000
    assert result.hld
    assert (result.hld.n_hld_empty, result.hld.n_hld_other_id, result.hld.n_hld_resync) == (6_000 // 9, 1, 0)


def test_hld_is_near_text_with_limits_of_the_file(simulated: tuple[bytes, bytes, HldFormat]) -> None:
    text, content, _ = simulated
    result = read(content, fine_limits=None, limits=replace(DEFAULT_LIMITS, hld_min_edges=1000))
    expected = parse_bytes(text, NAME)
    assert result.hld
    assert (result.hld.hld_limits_source, result.hld.detail_hld) == ("file", None)
    assert result.events.equals(expected.events)
    for name in ("t_front_ns", "t_back_ns", "q_front_ns", "q_back_ns"):
        given, read_back = expected.hits[name].to_numpy(), result.hits[name].to_numpy()
        assert np.array_equal(np.isnan(given), np.isnan(read_back))
        assert np.nanmax(np.abs(given - read_back)) < 0.05


def test_channels_with_few_edges_take_common_limits(simulated: tuple[bytes, bytes, HldFormat]) -> None:
    _, content, _ = simulated
    pooled = read(content, fine_limits=None, limits=replace(DEFAULT_LIMITS, hld_min_edges=10**6))
    some = read(content, fine_limits=None)
    assert pooled.hld
    assert (pooled.hld.hld_limits_source, pooled.hld.detail_hld) == ("pooled", None)
    assert some.hld
    assert some.hld.hld_limits_source == "file"
    assert (some.hld.detail_hld or "").startswith("common limits 19..479: channels ")


def test_another_place_of_the_tdc_data() -> None:
    file = simulate_file(50, layout="production")
    block = file.block
    form = HldFormat(n_trigger_words=20, has_second_word=True, has_run_start=False)
    hld = render_hld(np.random.default_rng(3), block.time_s, block.trigger, block.values, form)
    text = render_rows("production", block.time_s, block.trigger, hld.values).tobytes()
    fine = FineLimits(form.fine_low, form.fine_high, "seed")
    result = read(hld.content, fine_limits=fine, limits=replace(DEFAULT_LIMITS, hld_cts_words=21))
    assert same_events(result, parse_bytes(text, NAME))
    assert result.hld
    assert result.hld.n_hld_other_offset == 0


@pytest.mark.parametrize("first", [3, 11, 17])
def test_tdc_data_are_searched(first: int) -> None:
    result = read(event(GOLDEN_WORDS) + event(GOLDEN_WORDS, first=first))
    assert result.hld
    assert (result.counters.n_events, result.hld.n_hld_other_offset) == (2, 1)
    times = result.hits["t_back_ns"].to_pylist()
    assert times[0] == times[1]


def test_foreign_file_is_walked_to_its_end(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mi0114099113231.hld"
    path.symlink_to(shared_data / "hld" / "xx14099113231.hld")
    result = parse_hld(path)
    assert result.hld
    assert (result.status, result.counters.n_lines, result.counters.n_reject_hld) == ("no_events", 4115, 4115)
    assert (result.hld.n_hld_other_id, result.hld.n_hld_resync, result.hld.n_hld_empty) == (1, 0, 0)
    assert set(result.rejects["reason"].to_pylist()) == {"no_tdc_header"}


def test_text_of_hld_is_the_text_of_its_events(simulated: tuple[bytes, bytes, HldFormat]) -> None:
    text, content, form = simulated
    fine = FineLimits(form.fine_low, form.fine_high, "seed")
    assert b"".join(text_of_hld(content, fine)) == text


def test_wide_values_make_a_row_longer() -> None:
    early = (0x60B9BD70, GOLDEN_WORDS[1], 0x60B9BD60, *GOLDEN_WORDS[2:])
    content = event(early) + event(GOLDEN_WORDS, kind=0x2002)
    text = b"".join(text_of_hld(content, GOLDEN_LIMITS))
    first, second = text.splitlines()
    assert first[:22] == b"2025 06 10 14 03 27  1"
    assert b" -163925.4348" in first
    assert b" -085.4348 " in second
    assert second[:22] == b"2025 06 10 14 03 27  2"
    assert same_events(read(content), parse_bytes(text, NAME))


def test_hld_to_dat(simulated: tuple[bytes, bytes, HldFormat], tmp_path: Path) -> None:
    path = tmp_path / "mi0025161140327.hld.tar.gz"
    path.write_bytes(tar_gz("/home/daq/mi0025161140327.hld", simulated[1]))
    target = hld_to_dat(path, tmp_path / "text")
    result, expected = parse_dat(target), parse_hld(path)
    assert target == tmp_path / "text" / "mi0025161140327.dat"
    assert same_events(result, expected)
    path.write_bytes(b"no archive")
    with pytest.raises(UnreadableHldError, match="no event header"):
        hld_to_dat(path, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_names_that_are_refused(tmp_path: Path) -> None:
    statuses = [
        parse_hld(tmp_path / "notes.txt").status,
        parse_hld(tmp_path / "mi0025161140327.dat").status,
        parse_hld(tmp_path / "mi0025161140327.hld", expected_station=1).status,
    ]
    assert statuses == ["bad_name", "bad_name", "wrong_station"]


def test_limits_of_the_seed(tmp_path: Path) -> None:
    seed = tmp_path / "limits.csv"
    rows = ["1,2024-01-01,0,21,490", "1,2024-01-01,5,30,470", "1,2025-01-01,5,31,471", "1,2026-01-01,5,32,472"]
    seed.write_text("\n".join(["station_id,valid_from,channel,fine_min,fine_max", *rows, ""]))
    limits = limits_of_seed(1, date(2025, 6, 1), seed)
    assert limits
    assert (limits.low[[0, 1, 5]].tolist(), limits.high[[0, 1, 5]].tolist()) == ([21, 21, 31], [490, 490, 471])
    assert limits.source == "seed"
    assert (limits.detail or "").startswith("common limits 21..490: channels 1 2 3 4 6 ")
    assert limits_of_seed(2, date(2025, 6, 1), seed) is None
    assert limits_of_seed(1, date(2023, 6, 1), seed) is None


def test_fine_codes_above_the_usual_are_used_and_counted() -> None:
    over = GOLDEN_WORDS[2] & ~(0x3FF << 12) | 1010 << 12
    result = read(event((*GOLDEN_WORDS[:2], over)), fine_limits=None)
    assert result.hld
    assert (result.hld.n_hld_fine_over, result.hld.hld_limits_source) == (1, "pooled")
    assert result.counters.n_hits == 1
