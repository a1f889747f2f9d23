"""The demo: claim the data folder, simulate, and compare what came out with what went in."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from flows.outcome import Outcome
from flows.simulated import network_of
from simulate.config import demo_network
from simulate.network import simulate_network
from warehouse.files import write_json
from warehouse.paths import Paths

MAX_PULL = 3.0
WORKERS = 2
OnFile = Callable[[int, int, str], None]

COUNTS = """
select
    s.station_id,
    s.station_code,
    sum(f.n_events) as n_events,
    sum(f.n_rejects) as n_rejects
from fct_file as f
inner join dim_station as s using (station_id)
group by all
order by s.station_id
"""
# The label `clean` asks whether the plane gave any good strip end: what the truth of a plane's efficiency means.
EFFICIENCIES = """
select
    plane,
    sum(n_fired) as n_fired,
    sum(n_pool) as n_pool
from fct_plane_efficiency
where station_id = ? and period_kind = 'day' and method = 'projection' and label = 'clean'
group by plane
order by plane
"""
COEFFICIENT = """
select
    beta_pct_per_hpa,
    beta_sigma_pct_per_hpa,
    applied_source
from fct_pressure_coefficient
where station_id = ? and group_code = 'all' and scope = 'config' and is_applied
order by range_start desc
limit 1
"""
# Weighted with live time: weights of 1/sigma^2 would favour the hours that counted few events by chance.
RATE = """
select
    sum(rate_final_hz * live_s) / sum(live_s) as rate_hz,
    sqrt(sum(pow(rate_final_sigma_hz * live_s, 2))) / sum(live_s) as rate_sigma_hz
from large_corrected_table
where station_id = ? and is_usable and rate_final_hz is not null
"""


class DemoError(Exception):
    """The demo cannot use the data folder; the message says why and what to do."""


@dataclass(frozen=True)
class Recovered:
    """What came out for a station beside what went in; efficiencies are 0..1, beta in %/hPa, rates in Hz."""

    station_code: str
    n_events: int
    n_rejects: int
    efficiency: list[float]
    efficiency_sigma: list[float]
    efficiency_true: list[float]
    beta: float
    beta_sigma: float
    beta_true: float
    applied_source: str
    rate_hz: float
    rate_sigma_hz: float

    @property
    def quantities(self) -> list[tuple[str, float, float, float, int]]:
        """Name, recovered value, its sigma, true value and decimals of the four efficiencies and of beta."""
        triples = zip(self.efficiency, self.efficiency_sigma, self.efficiency_true, strict=True)
        planes = [(f"efficiency {plane}", e, s, t, 4) for plane, (e, s, t) in enumerate(triples, start=1)]
        return [*planes, ("β (%/hPa)", self.beta, self.beta_sigma, self.beta_true, 3)]

    @property
    def pulls(self) -> list[float]:
        """(recovered - true) / sigma of each quantity."""
        return [(value - true) / sigma for _, value, sigma, true, _ in self.quantities]


def table_rows(stations: Sequence[Recovered]) -> list[list[str]]:
    """The table a person reads: a row a quantity, a column a station."""
    rows = [
        ["events", *(f"{station.n_events:,}" for station in stations)],
        ["rejects", *(f"{station.n_rejects:,}" for station in stations)],
    ]
    for position, (name, *_) in enumerate(stations[0].quantities):
        cells = []
        for station in stations:
            _, value, sigma, true, decimals = station.quantities[position]
            pull = station.pulls[position]
            cells.append(f"{value:.{decimals}f} ± {sigma:.{decimals}f}\n{true:.{decimals}f} ({pull:+.1f} σ)")
        rows.append([name, *cells])
    rows.append(["β from", *(station.applied_source for station in stations)])
    rows.append(["rate (Hz)", *(f"{station.rate_hz:.4f} ± {station.rate_sigma_hz:.4f}" for station in stations)])
    return rows


def truth_rows(paths: Paths) -> list[dict[str, str | float]] | None:
    """Recovered beside true for the report; None where the data folder holds no finished demo."""
    if not _mark(paths).exists() or not (paths.truth / "station.parquet").exists():
        return None
    try:
        stations = compare(paths)
    except (DemoError, duckdb.Error):
        return None
    return [
        {"station": s.station_code, "quantity": name, "recovered": value, "sigma": sigma, "true": true}
        for s in stations
        for name, value, sigma, true, _ in s.quantities
    ]


def _named(on_file: OnFile | None) -> Callable[[int, int], None] | None:
    return None if on_file is None else lambda done, total: on_file(done, total, "")


def _mark(paths: Paths) -> Path:
    return paths.data_dir / "demo.json"


def claim(paths: Paths, days: int, stations: Sequence[int]) -> bool:
    """Whether the demo's inputs have still to be simulated in this data folder.

    Raises
    ------
    DemoError
        When the folder holds other data, or a demo with other options.
    """
    wanted = {"days": days, "stations": list(stations)}
    if _mark(paths).exists():
        found = json.loads(_mark(paths).read_text())
        if {key: found[key] for key in wanted} != wanted:
            raise DemoError(
                f"{paths.data_dir} holds a demo of {found['days']} days with stations {found['stations']};"
                " remove that folder or set MINGO_DATA_DIR to another one"
            )
        return not found["is_complete"]
    if paths.landing.exists() and any(paths.landing.iterdir()):
        raise DemoError(f"{paths.data_dir} holds other data; set MINGO_DATA_DIR to an empty folder for the demo")
    write_json(_mark(paths), wanted | {"is_complete": False})
    return True


def simulate(paths: Paths, days: int, stations: Sequence[int], on_file: OnFile | None = None) -> Outcome:
    """Simulate the demo's inputs; the mark of the folder is completed last, so a killed run is done again."""
    start = time.monotonic()
    config = demo_network(days, stations)
    summary = simulate_network(config, paths.landing, paths.truth, on_progress=_named(on_file), workers=WORKERS)
    write_json(_mark(paths), {"days": days, "stations": list(stations), "is_complete": True})
    sentence = f"{summary.n_events:,} events in {summary.n_files} files, {time.monotonic() - start:.1f} s"
    return Outcome("simulate", "Completed", sentence, asdict(summary))


def simulate_free(
    paths: Paths,
    days: float,
    stations: Sequence[int],
    rate_hz: float,
    file_hours: float,
    seed: int,
    has_truth_rows: bool,
    on_file: OnFile | None = None,
) -> Outcome:
    """Simulate a network with a rate and a file length of one's own.

    Raises
    ------
    UnknownNumberError
        For a station that no seed knows.
    """
    start = time.monotonic()
    config = network_of(stations, seed)
    config = replace(
        config,
        days=days,
        file_hours=file_hours,
        event_truth=has_truth_rows,
        stations=tuple(replace(station, rate_hz=rate_hz) for station in config.stations),
    )
    summary = simulate_network(config, paths.landing, paths.truth, on_progress=_named(on_file), workers=WORKERS)
    seconds = time.monotonic() - start
    sentence = f"{summary.n_events:,} events in {summary.n_files} files in {paths.landing}, {seconds:.1f} s"
    return Outcome("simulate", "Completed", sentence, asdict(summary))


def compare(paths: Paths) -> list[Recovered]:
    """Recovered and true values of every station of the demo, from the published file and the truth tables."""
    truth = {row["station_id"]: row for row in pl.read_parquet(paths.truth / "station.parquet").to_dicts()}
    with duckdb.connect(str(paths.serving), read_only=True) as connection:
        stations = connection.execute(COUNTS).fetchall()
        return [_recovered(connection, row, truth[row[0]]) for row in stations]


def _recovered(
    connection: duckdb.DuckDBPyConnection, counts: tuple[int, str, int, int], truth: dict[str, float]
) -> Recovered:
    station_id, station_code, n_events, n_rejects = counts
    planes = connection.execute(EFFICIENCIES, [station_id]).fetchall()
    beta = connection.execute(COEFFICIENT, [station_id]).fetchone()
    rate = connection.execute(RATE, [station_id]).fetchone()
    if beta is None or rate is None or len(planes) != len((1, 2, 3, 4)):
        raise DemoError(f"{station_code}: no coefficient, rate or efficiency was published; see the report page")
    efficiency = [fired / pool for _, fired, pool in planes]
    efficiency_true = [truth[f"eff_{plane}"] for plane in (1, 2, 3, 4)]
    sigma = [(e * (1 - e) / pool) ** 0.5 for e, (_, _, pool) in zip(efficiency, planes, strict=True)]
    return Recovered(
        station_code=station_code,
        n_events=int(n_events),
        n_rejects=int(n_rejects),
        efficiency=efficiency,
        efficiency_sigma=sigma,
        efficiency_true=efficiency_true,
        beta=beta[0],
        beta_sigma=beta[1],
        beta_true=truth["beta_pct_per_hpa"],
        applied_source=beta[2],
        rate_hz=rate[0],
        rate_sigma_hz=rate[1],
    )


def places(paths: Paths) -> dict[str, Path]:
    """Where a person finds what."""
    return {
        "published": paths.serving,
        "report": paths.report / "index.html",
        "exports": paths.export,
        "truth": paths.truth,
        "raw files": paths.landing,
    }
