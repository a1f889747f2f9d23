"""The arithmetic of `mingo bench detector`: shares, slopes, and that no node is left out."""

import json
import sys
from datetime import datetime
from pathlib import Path

import pytest

from flows.commands.detector_cost import detector_outcome
from flows.detector_bench import (
    FITS,
    OTHER,
    PER_RUN,
    SEEDS,
    DetectorCost,
    NodeCost,
    StepCost,
    step_of,
    with_shares,
)
from flows.node_clock import Span, node_spans, run_timed
from warehouse.dbt import Call


def cost(nodes: list[NodeCost]) -> DetectorCost:
    return DetectorCost(
        source="simulated",
        n_files=2,
        n_events=101_000,
        n_tiny_events=1_000,
        nodes=nodes,
        wall_s=20.0,
        cpu_s=19.0,
        peak_mib=300.0,
        is_added=False,
    )


NODES = [
    NodeCost("int_hit", "cleaning", 1.5, 0.5),
    NodeCost("int_event_clean", "cleaning", 0.5, 0.25),
    NodeCost("fct_track", "track", 3.0, 0.25),
    NodeCost("int_new", OTHER, 1.0, 0.0),
    NodeCost("int_cal_channel", FITS, 3.0, 1.0),
    NodeCost("dim_file", PER_RUN, 1.0, 1.0),
    NodeCost("station", SEEDS, 1.0, 1.0),
]


def test_shares_add_up_and_the_total_is_the_sum() -> None:
    measured = cost(NODES)
    assert [step.step for step in measured.steps] == ["cleaning", "track", OTHER]
    assert [step.share for step in measured.steps] == pytest.approx([2 / 6, 3 / 6, 1 / 6])
    assert sum(step.share or 0 for step in measured.steps) == pytest.approx(1)
    assert measured.total.seconds == pytest.approx(sum(step.seconds for step in measured.steps))
    assert measured.total.n_nodes == sum(step.n_nodes for step in measured.steps) == 4


def test_event_cost_and_fixed_cost_are_told_apart() -> None:
    total = cost(NODES).total
    assert total.us_per_event == pytest.approx(6.0e6 / 101_000)
    assert total.us_beyond_fixed == pytest.approx((6.0 - 1.0) * 1e6 / 100_000)
    assert cost(NODES).fits_s_per_file == pytest.approx(1.5)


def test_everything_measured_is_in_the_table_once() -> None:
    measured = cost(NODES)
    assert sum(step.seconds for step in [*measured.steps, *measured.rest]) == pytest.approx(measured.cpu_s)
    assert sum(step.n_nodes for step in [*measured.steps, *measured.rest]) == len(NODES)


def test_nothing_measured_has_no_shares() -> None:
    assert [step.share for step in with_shares([StepCost("track", 0, 0.0, 0.0, 0.0, 0.0)])] == [0.0]


@pytest.mark.parametrize(
    ("name", "kind", "language", "materialization", "step"),
    [
        ("int_hit", "model", "sql", "incremental", "cleaning"),
        ("int_strip_hit", "model", "sql", "table", "strip hits"),
        ("int_cal_histogram_first", "model", "sql", "table", "calibration statistics"),
        ("int_cal_channel", "model", "python", "incremental", FITS),
        ("int_cal_channel_used", "model", "sql", "table", PER_RUN),
        ("int_file_track", "model", "sql", "incremental", "diagnostics"),
        ("fct_file_quality", "model", "sql", "table", "diagnostics"),
        ("fct_file", "model", "sql", "incremental", PER_RUN),
        ("stg_raw_hit", "model", "sql", "view", SEEDS),
        ("tt_label", "seed", "sql", "seed", SEEDS),
        ("int_made_tomorrow", "model", "sql", "table", OTHER),
    ],
)
def test_each_node_has_its_step(name: str, kind: str, language: str, materialization: str, step: str) -> None:
    assert step_of(name, kind, language, materialization) == step


def test_scripts_get_the_same_rows() -> None:
    detail = detector_outcome(cost(NODES)).detail
    assert sum(step["share"] for step in detail["steps"]) == pytest.approx(1)
    assert detail["total"]["seconds"] == pytest.approx(6)


def test_processor_time_of_a_node_is_what_its_process_worked_between_its_ends(tmp_path: Path) -> None:
    day = "2025-06-10T00:00:0"
    timing = [
        {"name": "compile", "started_at": f"{day}1Z", "completed_at": f"{day}2Z"},
        {"name": "execute", "started_at": f"{day}2Z", "completed_at": f"{day}4Z"},
    ]
    names = [("model.mingo.int_hit", timing, 3.0), ("seed.mingo.station", [], 0.0)]
    results = [{"unique_id": name, "timing": spans, "execution_time": wall} for name, spans, wall in names]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    start = datetime.fromisoformat(f"{day}0Z").timestamp()
    samples = [(start, 0.0), (start + 2, 1.0), (start + 5, 1.6)]
    assert node_spans(tmp_path / "run_results.json", samples) == [
        Span("int_hit", "model", pytest.approx(0.9, abs=1e-5), 3.0),
        Span("station", "seed", 0.0, 0.0),
    ]


def test_work_and_memory_of_a_process_are_measured(tmp_path: Path) -> None:
    results = tmp_path / "run_results.json"
    program = f"""
import json, time
from datetime import UTC, datetime
start = datetime.now(UTC).isoformat()
data = bytearray(64 << 20)
while time.process_time() < 0.3:
    pass
end = datetime.now(UTC).isoformat()
time.sleep(0.3)
rest = datetime.now(UTC).isoformat()
timing = [[start, end], [end, rest]]
names = ["model.mingo.work", "model.mingo.rest"]
json.dump({{"results": [
    {{"unique_id": n, "timing": [{{"started_at": a, "completed_at": b}}], "execution_time": 0.3}}
    for n, (a, b) in zip(names, timing)
]}}, open({str(results)!r}, "w"))
"""
    run = run_timed(Call([sys.executable, "-c", program], tmp_path, {}), {}, results, tmp_path / "log")
    work, rest = run.nodes
    assert run.exit_code == 0
    assert 0.1 < work.cpu_s < run.cpu_s < 5
    assert rest.cpu_s < 0.1
    assert run.wall_s > 0.3
    assert run.peak_mib > 64
