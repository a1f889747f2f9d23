"""What `mingo bench closure`, `mingo bench pressure` and `mingo bench corrections` print."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from flows.closure import MEAN_WITHIN, WIDTH_WITHIN, Closure, Rest, pull_rows
from flows.console import print_table
from flows.corrections_bench import CorrectionsCost
from flows.method_bench import MethodRow
from flows.outcome import Outcome


def show_closure(result: Closure) -> None:
    """Print the table of pulls, then what is left in the corrected rate."""
    low, high = WIDTH_WITHIN
    bounds = f"mean within {MEAN_WITHIN:g}, width {low:g} to {high:g}"
    title = f"Pulls of {result.n_seeds} networks of {result.years:g} years: {bounds}"
    rows = [
        [
            row.quantity,
            row.variant,
            row.n,
            f"{row.mean:+.2f} ± {row.mean_sigma:.2f}",
            f"{row.width:.2f} ± {row.width_sigma:.2f}",
            {True: "yes", False: "no", None: "–"}[row.is_held],
        ]
        for row in pull_rows(result)
    ]
    print_table(title, ["coefficient", "network", "n", "mean", "width", "within"], rows, right_from=2)
    print_table("What is left in the corrected rate", ["", "mean", "spread", "largest"], rest_rows(result))


def rest_rows(result: Closure) -> list[list[str]]:
    """Mean, spread and largest size of each check."""

    def line(label: str, values: list[float], form: str) -> list[str]:
        found = np.array(values)
        return [label, *(f"{value:{form}}" for value in (found.mean(), found.std(), np.abs(found).max()))]

    def of(get: Callable[[Rest], float]) -> list[float]:
        return [get(rest) for rest in result.rests]

    return [
        line("beta with a Forbush decrease less without (sigma)", result.shifts, "+.2f"),
        line("final rate on pressure, within months (sigma)", of(lambda rest: rest.pressure_sigma), "+.2f"),
        line("correlation of the two", of(lambda rest: rest.pressure_correlation), "+.4f"),
        line("final rate on true efficiency (sigma)", of(lambda rest: rest.flat_sigma), "+.2f"),
        line("uncorrected rate on true efficiency (sigma)", of(lambda rest: rest.raw_sigma), "+.0f"),
        line("slope of the latter", of(lambda rest: rest.raw_slope), "+.3f"),
        line("half-daily wave before the correction (%)", of(lambda rest: rest.tide_before_pct), ".3f"),
        line("half-daily wave after it (sigma)", of(lambda rest: rest.tide_sigma), ".2f"),
    ]


def closure_outcome(result: Closure) -> Outcome:
    """All figures, and whether the bounds hold."""
    rows = pull_rows(result)
    broken = [row.quantity for row in rows if row.is_held is False]
    detail: dict[str, Any] = {
        "seeds": result.n_seeds,
        "years": result.years,
        "pulls": [asdict(row) for row in rows],
        "rest": {label: numbers for label, *numbers in rest_rows(result)},
    }
    sentence = f"closure: {result.n_seeds} networks; " + (
        f"outside the bounds: {', '.join(broken)}" if broken else "all pulls within their bounds"
    )
    return Outcome("bench", "Failed" if broken else "Completed", sentence, detail)


def show_methods(rows: Sequence[MethodRow]) -> None:
    """Print what each method finds in each case."""
    table = [
        [
            row.case,
            row.method,
            f"{row.truth:+.3f}",
            f"{row.beta:+.4f}",
            f"{row.sigma:.4f}",
            f"{row.off_sigma:+.1f}",
            f"{row.rate_bias_pct:+.2f}",
        ]
        for row in rows
    ]
    columns = ["hours", "method", "truth", "beta", "stated sigma", "off by (sigma)", "rate bias (%)"]
    print_table("Barometric coefficient of the same hours (%/hPa)", columns, table, right_from=2)


def methods_outcome(rows: Sequence[MethodRow]) -> Outcome:
    """All figures."""
    largest = max(abs(row.off_sigma) for row in rows if row.method == rows[0].method)
    sentence = f"pressure: {rows[0].method} is off by at most {largest:.1f} of its own sigma"
    return Outcome("bench", "Completed", sentence, {"rows": [asdict(row) for row in rows]})


KINDS = ("seed", "model", "test", "unit_test")


def show_cost(cost: CorrectionsCost, n_nodes: int) -> None:
    """Print seconds by kind of node, and the slowest nodes."""
    totals = [[kind, n, f"{seconds:.1f}"] for kind in KINDS for n, seconds in [cost.total_s(kind)]]
    print_table("Build of the corrections", ["kind", "nodes", "seconds"], totals)
    rows = [[node.name[:80], node.kind, f"{node.wall_s:.2f}", f"{node.cpu_s:.2f}"] for node in cost.slowest(n_nodes)]
    print_table("Slowest nodes", ["node", "kind", "seconds", "CPU (s)"], rows, right_from=2)


def cost_outcome(cost: CorrectionsCost) -> Outcome:
    """All figures of the build."""
    run = cost.run
    sentence = (
        f"corrections: {cost.n_rate_rows:,} rows of rates in {run.wall_s:.1f} s ({run.cpu_s:.1f} s on processors),"
        f" largest process {run.peak_mib:,.0f} MiB"
    )
    detail = {"rate_rows": cost.n_rate_rows, "seconds": run.wall_s, "cpu_s": run.cpu_s, "peak_mib": run.peak_mib}
    return Outcome("bench", "Completed", sentence, detail | {"nodes": [asdict(node) for node in run.nodes]})
