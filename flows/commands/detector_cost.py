"""What `mingo bench detector` prints."""

from dataclasses import asdict
from typing import Any

from flows.console import print_table
from flows.detector_bench import DetectorCost, StepCost
from flows.outcome import Outcome

COLUMNS = ["nodes", "CPU (s)", "of it fixed (s)", "µs/event", "µs/event beyond fixed", "share"]


def show_detector_cost(cost: DetectorCost, *, has_nodes: bool) -> None:
    """Print the table of steps, what lies beside them and, if asked for, every node."""
    files = cost.source if cost.n_files == 1 else f"{cost.source}, {cost.n_files} files"
    place = "added to tables that hold a small file" if cost.is_added else "into new tables"
    title = f"{files}: {cost.n_events:,} events {place}, one thread, processor time"
    print_table(title, ["event-level SQL", *COLUMNS], [_row(step) for step in [*cost.steps, cost.total]])
    print_table("Beside it", ["", *COLUMNS[:-1]], [_row(step)[:-1] for step in cost.rest])
    if has_nodes:
        slope = 1e6 / (cost.n_events - cost.n_tiny_events)
        rows = [
            [n.name, n.step, f"{n.seconds:.2f}", f"{n.fixed_s:.2f}", f"{(n.seconds - n.fixed_s) * slope:.2f}"]
            for n in sorted(cost.nodes, key=lambda node: -node.seconds)
        ]
        print_table("Nodes", ["node", "step", *COLUMNS[1:3], COLUMNS[4]], rows, right_from=2)


def _row(step: StepCost) -> list[str]:
    return [
        step.step,
        str(step.n_nodes),
        f"{step.seconds:.2f}",
        f"{step.fixed_s:.2f}",
        f"{step.us_per_event:.2f}",
        f"{step.us_beyond_fixed:.2f}",
        "" if step.share is None else f"{100 * step.share:.1f} %",
    ]


def detector_outcome(cost: DetectorCost) -> Outcome:
    """The measurement as one sentence, and as an object for scripts."""
    total = cost.total
    sentence = (
        f"event-level SQL {total.us_per_event:.1f} µs per event ({total.us_beyond_fixed:.1f} beyond what a file of"
        f" {cost.n_tiny_events:,} events costs); fits {cost.fits_s_per_file:.2f} s a file;"
        f" peak memory {cost.peak_mib:,.0f} MiB"
    )
    detail: dict[str, Any] = {
        "source": cost.source,
        "n_files": cost.n_files,
        "n_events": cost.n_events,
        "n_tiny_events": cost.n_tiny_events,
        "is_added": cost.is_added,
        "steps": [asdict(step) for step in cost.steps],
        "total": asdict(total),
        "rest": [asdict(step) for step in cost.rest],
        "fits_s_per_file": cost.fits_s_per_file,
        "cpu_s": cost.cpu_s,
        "wall_s": cost.wall_s,
        "peak_mib": cost.peak_mib,
        "nodes": [asdict(node) for node in cost.nodes],
    }
    return Outcome("bench", "Completed", sentence, detail)
