"""Which files there are: families of files, each made from one published table, split by station and time."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.export.form import printed
from warehouse.paths import PROJECT_ROOT
from warehouse.settings import Settings

HOUR = "bin_width_s = 3600"
STATION = {"station": "station_id"}
ERA5 = ("era5_cds",)
ERA5_NMDB = ("era5_cds", "nmdb_nest")
PATTERN_COUNTS = "fct_minute_count"


@dataclass(frozen=True)
class Family:
    """Files of one kind.

    Attributes
    ----------
    table
        The published table.
    path
        Where a file lies below the export folder, with the names of ``keys`` (and ``code``, of the station) in braces.
    keys
        What splits the table into files: name and SQL expression.
    time
        Column of the time span, if any; files are ordered by it after ``order``.
    order
        Columns that order the rows of a file.
    without
        Columns that are left out.
    condition
        Which rows of the table.
    terms
        Sources whose terms stand in the footer (Parquet).
    counts
        A table of counts by minute, label and region that is laid out beside the rows, a column for each pair.
    """

    table: str
    path: str
    keys: dict[str, str]
    time: str | None = None
    order: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    condition: str = "true"
    terms: tuple[str, ...] = ()
    counts: str | None = None

    @property
    def is_parquet(self) -> bool:
        """Parquet keeps full numbers; a text file is rounded."""
        return self.path.endswith(".parquet")


def families(settings: Settings) -> Iterator[Family]:
    """Every family the settings ask for."""
    if settings.export.csv:
        yield from _tables_of_a_station()
        yield from _tables_of_the_network()
    if settings.export.parquet:
        yield _history("{code}/large_corrected_table_{code}.parquet", terms=ERA5_NMDB)
        yield _months("large_table", "minute_start", terms=ERA5)
        yield _months("large_corrected_table", "bin_start", "bin_width_s", terms=ERA5_NMDB)
        yield _months("fct_rate", "bin_start", "bin_width_s", "group_code")
        yield _months("fct_efficiency", "bin_start", "bin_width_s", "plane")
    if settings.export.large_table_full:
        yield _months("large_table", "minute_start", terms=ERA5, counts=PATTERN_COUNTS)


def _history(path: str, terms: tuple[str, ...] = ()) -> Family:
    return Family("large_corrected_table", path, STATION, "bin_start", condition=HOUR, terms=terms)


def _tables_of_a_station() -> Iterator[Family]:
    yield _history("{code}/large_corrected_table_{code}.csv")
    keys = ("station_id", "bin_width_s")
    path = "{code}/large_corrected_table_legacy_{code}.csv"
    yield Family("int_legacy_row", path, STATION, "Time", without=(*keys, "miniTRASGO"), condition=HOUR)
    path = "{code}/third_stage_table_{code}.csv"
    yield Family("third_stage_table", path, STATION, "Time", without=keys, condition=HOUR)
    yield Family("grafana_short_table", "{code}/data_for_grafana_{station}.csv", STATION, "Time")
    by_day = STATION | {"day": "date_trunc('day', \"Time\")"}
    yield Family("grafana_short_table", "{code}/daily/{day:%Y-%m-%d}.dat", by_day, "Time")


def _tables_of_the_network() -> Iterator[Family]:
    yield Family("network_table", "network/network_table.csv", {}, "bin_start", ("bin_width_s",))
    yield Family("fct_pressure_coefficient", "network/pressure_coefficient.csv", {}, order=("coefficient_id",))
    key = ("station_id", "conf_number", "method")
    yield Family("fct_temperature_coefficient", "network/temperature_coefficient.csv", {}, order=key)


def _months(table: str, time: str, *order: str, terms: tuple[str, ...] = (), counts: str | None = None) -> Family:
    name = f"{table}_full" if counts else table
    keys = STATION | {"month": f"date_trunc('month', {time})"}
    path = f"parquet/{name}/station={{station}}/month={{month:%Y-%m}}/part-0.parquet"
    return Family(table, path, keys, time, order, terms=terms, counts=counts)


@dataclass(frozen=True)
class Target:
    """One file: its path below the export folder, the query that fills it, and what it holds.

    ``fingerprint`` is equal when rows and columns are.
    """

    path: str
    query: str
    family: Family
    fingerprint: str
    start_at: str | None
    end_at: str | None


def targets(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Target]:
    """Every file that has rows. Each family is read once, however many files it has."""
    published = {row[0] for row in connection.execute("select distinct table_name from duckdb_columns()").fetchall()}
    codes: dict[int, str] = dict(
        connection.execute("select distinct station_id, station_code from large_corrected_table").fetchall()
    )
    for family in families(settings):
        if {family.table, family.counts or family.table} <= published:
            yield from _targets_of(connection, family, codes)


def _targets_of(connection: duckdb.DuckDBPyConnection, family: Family, codes: dict[int, str]) -> Iterator[Target]:
    columns = _columns(connection, family)
    counted = _hashes_of_counts(connection, family)
    values = [column.rpartition(" as ")[0] or column for column in columns]
    form = hashlib.sha256(", ".join(columns).encode()).hexdigest()[:8]
    time = f'"{family.time}"' if family.time else "null"
    keys = "".join(f"{expression}, " for expression in family.keys.values())
    rows = connection.execute(
        f"select {keys} count(*), sum(hash({', '.join(values)}))::varchar, min({time})::varchar, max({time})::varchar"
        f" from {family.table} where {family.condition} group by all order by all"
    ).fetchall()
    for *found, n_rows, hashed, start_at, end_at in rows:
        if not n_rows:
            continue
        key = dict(zip(family.keys, found, strict=True))
        where = [family.condition] + [f"{family.keys[name]} = {_literal(value)}" for name, value in key.items()]
        if family.time:
            where.append(f"{time} between timestamp '{start_at}' and timestamp '{end_at}'")
        yield Target(
            path=family.path.format(**key, code=codes.get(key.get("station", -1), "")),
            query=_query(family, columns, where),
            family=family,
            fingerprint="-".join([str(n_rows), hashed, counted.get(tuple(found), "0"), form]),
            start_at=start_at,
            end_at=end_at,
        )


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else f"timestamp '{value}'"


def _columns(connection: duckdb.DuckDBPyConnection, family: Family) -> list[str]:
    """The columns of the files as SQL, in the order of the table."""
    described = connection.execute(f"describe {family.table}").fetchall()
    kept = [(name, kind) for name, kind, *_ in described if name not in family.without]
    return [f'"{name}"' if family.is_parquet else printed(name, kind) for name, kind in kept]


def _query(family: Family, columns: list[str], where: list[str]) -> str:
    order = ", ".join((*family.order, f'"{family.time}"') if family.time else family.order)
    rows = f"select {', '.join(columns)} from {family.table} where {' and '.join(where)}"
    if family.counts is None:
        return f"{rows} order by {order}"
    labels = _pattern_labels()
    sums = ", ".join(f"sum(n_events) filter (where label = '{label}') as \"{label}\"" for label in labels)
    # a live minute has a 0 for what it did not see; a minute without live time has no counts
    counts = ", ".join(
        f'case when n_events is not null then coalesce("{label}", 0) end as "{label}"' for label in labels
    )
    return f"""
        with large as ({rows}),
        labelled as (
            select *, tt || '_' || region_code as label
            from {family.counts} where tt_kind = 'fit_tt' and {" and ".join(where)}
        ),
        wide as (select minute_start, {sums} from labelled group by minute_start)
        select large.*, {counts} from large left join wide using (minute_start) order by {order}
    """


def _hashes_of_counts(connection: duckdb.DuckDBPyConnection, family: Family) -> dict[tuple[Any, ...], str]:
    """By the keys of a file: the sum of hashes of the counts beside its rows."""
    if family.counts is None:
        return {}
    rows = connection.execute(
        f"select {', '.join(family.keys.values())}, sum(hash(minute_start, tt, region_code, n_events))::varchar"
        f" from {family.counts} where tt_kind = 'fit_tt' group by all"
    ).fetchall()
    return {tuple(found): hashed for *found, hashed in rows}


def _pattern_labels() -> list[str]:
    """`<pattern>_<region>` for the 11 patterns of a coincidence and the 25 regions."""
    regions = [row["region_code"] for row in _seed("region_group") if row["group_code"] == "all"]
    patterns = [row["tt"] for row in _seed("tt_label") if len(row["tt"]) > 1]
    return [f"{pattern}_{region}" for pattern in patterns for region in regions]


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT_ROOT / "seeds" / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))
