"""What the pages need from the published file: one query a question, on read-only connections."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

BIN_WIDTH_S = 3600
PRELIMINARY = timedelta(days=5)

SUMMARY = """
with rate as (
    select
        station_id,
        min(bin_start) as start_at,
        max(bin_start + to_seconds(bin_width_s)) as end_at,
        sum(n_events) as n_events,
        sum(live_s) as live_s,
        sum(live_s) / nullif(epoch(max(bin_start + to_seconds(bin_width_s)) - min(bin_start)), 0) as coverage,
        count(*) filter (where is_usable) as n_usable,
        sum(rate_final_hz * live_s) filter (where is_usable and rate_final_hz is not null)
            / sum(live_s) filter (where is_usable and rate_final_hz is not null) as rate_hz,
        sqrt(sum(pow(rate_final_sigma_hz * live_s, 2)) filter (where is_usable and rate_final_hz is not null))
            / sum(live_s) filter (where is_usable and rate_final_hz is not null) as rate_sigma_hz
    from large_corrected_table
    where bin_width_s = ?
    group by station_id
),

file as (
    select
        station_id,
        count(*) as n_files,
        sum(n_rejects) as n_rejects
    from fct_file
    group by station_id
)

select *
from dim_station
inner join rate using (station_id)
left join file using (station_id)
order by station_id
"""

# An efficiency from a 24 h window is taken once a day, at noon, so that no track counts twice.
EFFICIENCY = """
select
    plane,
    sum(efficiency * n_pool) / sum(n_pool) as efficiency,
    sqrt(sum(pow(efficiency_sigma * n_pool, 2))) / sum(n_pool) as efficiency_sigma
from fct_efficiency
where
    station_id = ? and bin_width_s = ? and eff_status = 'ok'
    and (eff_source = 'bin' or extract('hour' from bin_start) = 12)
group by plane
order by plane
"""

HOURS = """
select *
from large_corrected_table
where station_id = ? and bin_width_s = ?
order by bin_start
"""

COEFFICIENTS = """
select *
from fct_pressure_coefficient
where station_id = ? and group_code = 'all' and scope in ('config', 'month')
order by scope, range_start
"""

LOST = """
select
    fit_exclusion_reason as reason,
    count(*) as n_bins
from large_corrected_table
where station_id = ? and bin_width_s = ? and fit_exclusion_reason is not null
group by all
order by n_bins desc, reason
"""

FILES = """
select
    status,
    count(*) as n_files,
    sum(n_lines) as n_lines,
    sum(n_rejects) as n_rejects
from fct_file
where station_id = ?
group by status
order by n_files desc, status
"""


@dataclass(frozen=True)
class Publication:
    """The row that describes the published file."""

    publication_id: str
    published_at: datetime
    code_version: str
    schema_version: int
    data_start_at: datetime | None
    data_end_at: datetime | None
    n_warnings: int

    @property
    def is_preliminary(self) -> bool:
        """Whether the newest data may still change: the last day is less than five days old."""
        return self.data_end_at is not None and self.published_at - self.data_end_at < PRELIMINARY


@dataclass(frozen=True)
class Station:
    """A station and what was published of it. Times are UTC; rates in Hz; coverage is live time over time, 0..1."""

    station_id: int
    station_code: str
    city: str
    altitude_m: float | None
    reference_pressure_hpa: float
    start_at: datetime
    end_at: datetime
    n_events: float
    live_s: float
    coverage: float | None
    n_usable: int
    rate_hz: float | None
    rate_sigma_hz: float | None
    n_files: int | None
    n_rejects: float | None


class Serving:
    """The published file, opened read-only for as long as the pages are made."""

    def __init__(self, path: Path) -> None:
        self.connection = duckdb.connect(str(path), read_only=True)

    def close(self) -> None:
        """Let go of the file; whoever opens it next sees the newest publication."""
        self.connection.close()

    def _frame(self, query: str, *values: object) -> pl.DataFrame:
        return self.connection.execute(query, list(values)).pl()

    def publication(self) -> Publication:
        """What is published."""
        (row,) = self._frame("select * from publication").to_dicts()
        return Publication(**{name: row[name] for name in Publication.__dataclass_fields__})

    def stations(self) -> list[Station]:
        """The stations with data, by number."""
        rows = self._frame(SUMMARY, BIN_WIDTH_S).to_dicts()
        return [Station(**{name: row[name] for name in Station.__dataclass_fields__}) for row in rows]

    def hours(self, station_id: int) -> pl.DataFrame:
        """The hours of a station, all columns of `large_corrected_table`, in order."""
        return self._frame(HOURS, station_id, BIN_WIDTH_S)

    def efficiencies(self, station_id: int) -> list[tuple[float, float]]:
        """Mean efficiency of each plane with its error, over the hours with an efficiency of their own."""
        frame = self._frame(EFFICIENCY, station_id, BIN_WIDTH_S)
        return [(row["efficiency"], row["efficiency_sigma"]) for row in frame.to_dicts()]

    def coefficients(self, station_id: int) -> pl.DataFrame:
        """The pressure coefficients of all directions together: one a configuration, one a month."""
        return self._frame(COEFFICIENTS, station_id)

    def lost_hours(self, station_id: int) -> pl.DataFrame:
        """Hours left out of the fit, counted by reason."""
        return self._frame(LOST, station_id, BIN_WIDTH_S)

    def files(self, station_id: int) -> pl.DataFrame:
        """Detector files, counted by status."""
        return self._frame(FILES, station_id)

    def source_terms(self) -> list[dict[str, str]]:
        """Acknowledgements that the owners of outside data ask for, as far as they are published."""
        known = {row[0] for row in self.connection.execute("select table_name from duckdb_tables()").fetchall()}
        table = next((name for name in ("dim_source_terms", "source_terms") if name in known), None)
        if table is None:
            return []
        return self._frame(f"select title, acknowledgement, citations from {table} order by source").to_dicts()
