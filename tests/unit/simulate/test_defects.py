"""Every defect does what it says to the reader of the file, and nothing else."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from extract.daq.name import parse_name
from extract.daq.parser import parse_bytes
from extract.daq.reading import RawResult
from simulate.config import StationConfig
from simulate.defects import REASON, RECOVERY, VALUE_DEFECTS, choose, spoil_line
from simulate.file import DetectorFile, simulate_file

STATION = StationConfig(0, rate_hz=5.0)
N_EVENTS = 600
FLAGGED = ("time_back", "duplicated_block")


def defective(kind: str, share: float = 0.05) -> DetectorFile:
    return simulate_file(N_EVENTS, station=STATION, layout="production", defect_share=share, defects=(kind,), seed=8)


def parsed(file: DetectorFile) -> RawResult:
    return parse_bytes(file.content, parse_name(f"{file.base_name}.dat"))


def by_line(table: pa.Table, key: str, column: str) -> dict[int, object]:
    return dict(zip(table.column(key).to_pylist(), table.column(column).to_pylist(), strict=True))


def healthy_rows(file: DetectorFile) -> int:
    return sum(not kind for kind in file.lines.defect)


@pytest.mark.parametrize("kind", [kind for kind in REASON if kind != "truncated_last"])
def test_each_defect_is_met_as_expected(kind: str) -> None:
    file = defective(kind)
    truth, result = file.truth(), parsed(file)
    summary = file.summary()
    assert summary[f"n_defect_{kind}"] == sum(mark == kind for mark in file.lines.defect) > 10

    whole = result.rejects.filter(pa.compute.invert(result.rejects.column("is_fragment")))
    reasons = by_line(truth, "line_number", "expected_reason")
    assert by_line(whole, "line_number", "reason") == {line: word for line, word in reasons.items() if word}
    accepted = {line for line, word in reasons.items() if word is None}
    assert set(result.events.column("event_number").to_pylist()) == accepted
    for expected, found in (
        ("tt_trigger", "raw_tt"),
        ("event_time", "event_time"),
        ("expected_recovery", "recovery"),
        ("trigger_type", "trigger_type"),
    ):
        wanted = by_line(truth, "line_number", expected)
        assert by_line(result.events, "event_number", found) == {line: wanted[line] for line in accepted}, expected


@pytest.mark.parametrize("kind", sorted(VALUE_DEFECTS))
def test_value_defects_touch_only_their_rows(kind: str) -> None:
    clean = simulate_file(N_EVENTS, station=STATION, layout="production", seed=8).content.splitlines()
    file = defective(kind)
    changed = [a != b for a, b in zip(clean, file.content.splitlines(), strict=True)]
    assert changed == [bool(mark) for mark in file.lines.defect]


def test_noise_adds_one_strip_and_lost_edges_are_seen_by_the_parser() -> None:
    clean = parsed(simulate_file(N_EVENTS, station=STATION, layout="production", seed=8))
    noisy = defective("noise_hit")
    assert parsed(noisy).hits.num_rows == clean.hits.num_rows + noisy.summary()["n_defect_noise_hit"]
    for kind, counter in (("no_trailing", "n_no_trailing"), ("no_leading", "n_no_leading")):
        file = defective(kind)
        assert getattr(parsed(file).counters, counter) == file.summary()[f"n_defect_{kind}"]


def test_duplicates_and_steps_back_are_flagged() -> None:
    copies = defective("duplicated_block", share=0.02)
    assert (
        sum(parsed(copies).events.column("is_duplicate").to_pylist()) == copies.summary()["n_defect_duplicated_block"]
    )
    steps = defective("time_back", share=0.02)
    flagged = parsed(steps).events.filter(parsed(steps).events.column("is_time_backwards"))
    marked = {k + 1 for k, mark in enumerate(steps.lines.defect) if mark == "time_back"}
    assert set(flagged.column("event_number").to_pylist()) <= marked


def test_all_kinds_together_add_up() -> None:
    file = simulate_file(20_000, station=STATION, layout="production", defect_share=0.05, seed=9)
    result, summary = parsed(file), file.summary()
    rejects = Counter(
        reason
        for reason, is_fragment in zip(
            result.rejects.column("reason").to_pylist(), result.rejects.column("is_fragment").to_pylist(), strict=True
        )
        if not is_fragment
    )
    assert rejects == {name.removeprefix("n_reject_"): n for name, n in summary.items() if "n_reject_" in name and n}
    assert result.events.num_rows == summary["n_events"]
    assert summary["n_lines"] == file.content.count(b"\n")
    assert (
        healthy_rows(file) + sum(n for name, n in summary.items() if name.startswith("n_defect_"))
        == (summary["n_lines"])
    )


def test_cut_last_line() -> None:
    station = replace(STATION, rate_hz=1.0)
    for seed in range(50):
        file = simulate_file(
            3, station=station, layout="production", defect_share=0.5, defects=("truncated_last",), seed=seed
        )
        if file.lines.defect[-1]:
            break
    assert not file.content.endswith(b"\n")
    assert by_line(parsed(file).rejects, "line_number", "reason")[3] == "truncated"


def test_a_row_that_cannot_be_glued_is_left_alone() -> None:
    line = b"2025 06 10 14 03 28  2   " + b" ".join([b"0000.0000"] * 64)
    assert spoil_line(np.random.default_rng(1), line, "glued_negative") is None


def test_kinds_take_turns() -> None:
    chosen = choose(np.random.default_rng(1), 10_000, 0.05)
    counts = Counter(chosen.values())
    assert max(counts.values()) - min(counts.values()) <= 1
    assert 350 < len(chosen) < 650
    with pytest.raises(ValueError, match="unknown defects"):
        choose(np.random.default_rng(1), 10, 0.5, ("nonsense",))
    assert choose(np.random.default_rng(1), 10, 0.5, ()) == {}


def test_recoveries_are_accepted_kinds() -> None:
    assert all(REASON[kind] is None for kind in (*RECOVERY, *VALUE_DEFECTS, *FLAGGED))


def test_legacy_files_carry_no_defects() -> None:
    with pytest.raises(ValueError, match="legacy"):
        simulate_file(10, layout="legacy", defect_share=0.1)
    file = simulate_file(10, layout="legacy", start=datetime(2023, 7, 1))
    assert parsed(file).rejects.column("reason").to_pylist() == ["truncated"] * 10
