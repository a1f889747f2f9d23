"""What the corrections cost: a build from scratch, with its tests, on years of simulated hours."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from flows.corrections_home import FOLDERS, SEEDS_AND_STATIONS, CorrectionsError, selection
from flows.node_clock import Run, Span, run_timed
from simulate.hourly import network_of_years
from simulate.hourly_monitors import write_monitors
from simulate.hourly_tables import write_hours
from simulate.hourly_truth import simulate_hours
from warehouse import dbt
from warehouse.paths import Paths


@dataclass(frozen=True)
class CorrectionsCost:
    """A build of the corrections: the dbt run, with the times of its nodes, and the rows of rates it made."""

    n_rate_rows: int
    run: Run

    def slowest(self, n: int) -> list[Span]:
        """The ``n`` slowest nodes, by the clock."""
        return sorted(self.run.nodes, key=lambda node: -node.wall_s)[:n]

    def total_s(self, kind: str) -> tuple[int, float]:
        """Number and seconds of all nodes of a kind."""
        own = [node.wall_s for node in self.run.nodes if node.kind == kind]
        return len(own), sum(own)


def corrections_cost(years: float, stations: tuple[int, ...] = (1, 2, 3, 4), seed: int = 1) -> CorrectionsCost:
    """Write the hours into a scratch folder and build seeds, corrections and tests there.

    The project is parsed beforehand: that costs the same however much data there is.

    Raises
    ------
    CorrectionsError
        When dbt fails.
    """
    with TemporaryDirectory(prefix="mingo-bench-") as folder:
        paths = Paths(Path(folder) / "data")
        network = network_of_years(years, seed, stations)
        write_hours(paths.build, [hours for _, hours in simulate_hours(network)])
        write_monitors(paths.build, [("", network)])
        parsed = dbt.run(paths, ["parse"])
        if parsed.error is not None:
            raise CorrectionsError(parsed.error)
        # tests that also need a table which is not built here are left out
        chosen = selection(*SEEDS_AND_STATIONS, *FOLDERS)
        call = dbt.call(paths, ["build", *chosen, "--indirect-selection", "cautious"])
        log = paths.data_dir / "dbt.out"
        run = run_timed(call, {}, paths.dbt_target / "run_results.json", log)
        if run.exit_code:
            failed = [n for n in dbt.read_nodes(paths.dbt_target / "run_results.json") if n.status in dbt.BAD_STATUSES]
            raise CorrectionsError("; ".join(f"{n.name}: {n.message}" for n in failed) or "dbt gave no reason")
        with duckdb.connect(str(paths.build), read_only=True) as connection:
            row = connection.execute("select count(*) from fct_rate").fetchone()
        assert row is not None
        return CorrectionsCost(int(row[0]), run)
