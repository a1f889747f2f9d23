"""What comes later replaces exactly what it should: final for preliminary ERA5, revised monitors, a log that grew."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from extract.era5.extract import extract_era5
from extract.lab.extract import extract_lab
from extract.nmdb.extract import extract_nmdb
from extract.transfer.stations import Site
from tests.integration.corrections_input import Minutes, run_dbt, write_inputs
from tests.integration.environment_inputs import NMDB_GOLDEN, land_log, land_nmdb
from tests.unit.environment.era5_files import POSITION, new_layout
from tests.unit.environment.landing_files import put
from warehouse.paths import Paths

MODELS = ("models/staging/environment", "models/intermediate/environment", "models/marts/environment")
MINUTES = "int_environment_day_todo+,+int_environment_done"
MINUTES_AND_BINS = "int_station_day+,+int_correction_done"
SITES = {1: [Site(POSITION, date(2023, 1, 1), None)]}
FIRST, N_DAYS = datetime(2025, 2, 5), 4
N_HOURS = 24 * N_DAYS
TABLES = {
    "stg_era5_single": ("valid_time", "* exclude (is_fetched_at_guessed)"),
    "fct_era5_hour": ("valid_time", "*"),
    "fct_environment_minute": ("minute_start", "*"),
    "int_environment_coverage": ("day_start, column_name", "*"),
    "int_correction_input": ("day_start", "*"),
    "large_table": ("minute_start", "*"),
    "fct_nmdb": ("nm_code, interval_start", "* exclude (fetched_at)"),
}
Content = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]


def hour(day: int, number: int) -> datetime:
    return datetime(2025, 2, day, number)


def minutes_between(first: datetime, last: datetime) -> set[tuple[datetime]]:
    """Both ends among them."""
    return {(first + timedelta(minutes=n),) for n in range(int((last - first).total_seconds()) // 60 + 1)}


def temperatures(first: datetime, n_hours: int) -> np.ndarray:
    """Kelvin, the same for an hour in every answer."""
    start = (first - FIRST) // timedelta(hours=1)
    return 280.0 + 0.25 * (np.arange(start, start + n_hours) % 24)


def land_single(
    paths: Paths, first: datetime, n_hours: int, expver: str, fetched_at: datetime, warmer: Mapping[datetime, float]
) -> None:
    """An answer for the surface; ``warmer`` says by how many kelvin an hour differs."""
    hours = [first + timedelta(hours=n) for n in range(n_hours)]
    temp_k = temperatures(first, n_hours) + np.array([warmer.get(moment, 0.0) for moment in hours])
    truth = {"t2m": (temp_k, "K"), "sp": (np.full(n_hours, 94_000.0), "Pa")}
    scratch = paths.data_dir / "answer.nc"
    content = new_layout(scratch, truth, expver=expver, hours=hours).read_bytes()
    name = f"single_{hours[0]:%Y%m%d}_{hours[-1]:%Y%m%d}_{fetched_at:%Y%m%dT%H%M%SZ}.nc"
    put(paths.landing / "era5/station=1/single" / name, content, fetched_at)
    scratch.unlink()


def air(day: date, late: str = "") -> str:
    rows = [
        f"{day:%Y-%m-%d}T{n // 4:02}:{15 * (n % 4):02}:03; nan nan nan nan 20.5 41.0 {938 + n / 10:.1f}\n"
        for n in range(96)
    ]
    return "".join(rows) + late


def build(paths: Paths) -> None:
    """Extract what landed, and make the tables of the environment and of the minutes and bins."""
    for summary in (
        extract_lab(paths.landing, paths.lake),
        extract_era5(paths.landing, paths.lake, SITES),
        extract_nmdb(paths.landing, paths.lake),
    ):
        assert (summary.failures, summary.total.n_files_rejected) == ([], 0)
    result = run_dbt(paths.data_dir, "run", "--select", *MODELS, MINUTES_AND_BINS)
    assert result.error is None, result.error


def content(paths: Paths) -> Content:
    found: Content = {}
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        for table, (key, columns) in TABLES.items():
            rows = connection.execute(f"select {key}, hash(row) from (select {columns} from {table}) as row").fetchall()
            found[table] = {row[:-1]: row[-1:] for row in rows}
            assert len(found[table]) == len(rows) > 0, table
    return found


def changed(before: Content, after: Content, table: str) -> set[tuple[Any, ...]]:
    """Keys of the rows that are new, gone or different."""
    return {key for key in before[table] | after[table] if before[table].get(key) != after[table].get(key)}


def days_made(paths: Paths, table: str, column: str) -> list[int]:
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        rows = connection.execute(f"select day({column}) from {table} where station_id = 1 order by 1").fetchall()
    return [row[0] for row in rows]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Four days with events, logs and preliminary ERA5, and a day of neutron monitors."""
    paths = Paths(tmp_path_factory.mktemp("revisions"))
    n = 1440 * N_DAYS
    start = np.datetime64(FIRST) + np.arange(n) * np.timedelta64(1, "m")
    events = {("1234", "R0.0"): np.full(n, 400.0)}
    write_inputs(paths.data_dir, [Minutes(1, start, np.full(n, 60.0), events, {}, {})])
    with duckdb.connect(str(paths.build)) as connection:
        connection.execute("drop table fct_environment_minute; drop table dim_station")
    seeded = run_dbt(paths.data_dir, "seed")
    assert seeded.error is None, seeded.error
    for number in range(N_DAYS):
        day = (FIRST + timedelta(days=number)).date()
        land_log(paths.landing, 1, f"sensors_bus0_{day}.log", air(day), "top")
    land_single(paths, FIRST, N_HOURS, "0005", datetime(2025, 2, 14), {})
    land_nmdb(paths.landing, date(2025, 2, 6), NMDB_GOLDEN, datetime(2025, 2, 9, 2))
    land_nmdb(paths.landing, date(2025, 2, 7), NMDB_GOLDEN, datetime(2025, 2, 9, 2))
    build(paths)
    return paths


def test_revisions_change_what_they_say_and_nothing_else(paths: Paths) -> None:
    start = content(paths)
    assert days_made(paths, "int_environment_day_todo", "day") == [5, 6, 7, 8]

    # nothing new: nothing is made
    build(paths)
    assert content(paths) == start
    assert days_made(paths, "int_environment_day_todo", "day") == []

    # final data of two days, three hours of them warmer; a monitor revised, one withdrawn, one silent
    land_single(paths, hour(6, 0), 48, "0001", datetime(2025, 4, 20), {hour(6, h): 1.5 for h in (3, 4, 5)})
    revised = NMDB_GOLDEN.replace("70.021", "70.500").replace("218.114", "   null")
    silent = revised.replace(" 99.102", "   null").replace(" 99.340", "   null")
    land_nmdb(paths.landing, date(2025, 2, 7), silent, datetime(2025, 2, 10, 2))
    build(paths)
    final = content(paths)
    hours_of_two_days = {(hour(6, 0) + timedelta(hours=n),) for n in range(48)}
    for table in ("stg_era5_single", "fct_era5_hour"):
        assert changed(start, final, table) == hours_of_two_days
    # an hour's last minutes lead to the next one, which is preliminary still on the 8th as it was before on the 6th
    for table in ("fct_environment_minute", "large_table"):
        assert changed(start, final, table) == minutes_between(hour(6, 0), hour(7, 23))
    assert changed(start, final, "int_correction_input") == {(hour(6, 0),), (hour(7, 0),)}
    assert days_made(paths, "int_correction_day_todo", "day_start") == [6, 7]
    assert changed(start, final, "int_environment_coverage") == set()
    assert changed(start, final, "fct_nmdb") == {("CALM", datetime(2025, 2, 7, 10, 10)), ("MXCO", hour(7, 10))}
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        rows = connection.execute(
            "select minute_start, temp_ground_k, is_era5_preliminary from fct_environment_minute where minute_start in"
            " ('2025-02-05 23:59', '2025-02-06 02:30', '2025-02-06 04:00', '2025-02-07 23:00', '2025-02-07 23:01')"
            " order by 1"
        ).fetchall()
        values = connection.execute(
            "select nm_code, rate_hz from fct_nmdb where interval_start in ('2025-02-07 10:00', '2025-02-07 10:10')"
            " and nm_code in ('CALM', 'MXCO', 'OULU') order by interval_start, nm_code"
        ).fetchall()
    assert [(temp_k, flag) for _, temp_k, flag in rows] == [
        (pytest.approx(285.75 - 5.75 * 59 / 60, abs=1e-3), True),
        (pytest.approx(280.625 + 0.75, abs=1e-3), False),
        (pytest.approx(281.0 + 1.5, abs=1e-3), False),
        (pytest.approx(285.75, abs=1e-3), False),
        (pytest.approx(285.75 - 5.75 / 60, abs=1e-3), True),
    ]
    golden = {"CALM": (69.907, 70.5), "MXCO": (None, 217.96), "OULU": (None, 99.102)}
    assert values == [(code, pair[i]) for i in (0, 1) for code, pair in golden.items()]

    # a preliminary answer that comes later is not taken; a newer final one is, where it differs; a log gains a line
    land_single(paths, hour(6, 0), 24, "0005", datetime(2025, 5, 1), {hour(6, h): 9.0 for h in range(24)})
    land_single(paths, hour(7, 0), 24, "0001", datetime(2025, 5, 2), {hour(7, 12): 2.0})
    grown = air(date(2025, 2, 5), "2025-02-05T23:52:03; nan nan nan nan 20.5 41.0 950.0\n")
    land_log(paths.landing, 1, "sensors_bus0_2025-02-05.log~2", grown, "top")
    build(paths)
    newest = content(paths)
    assert changed(final, newest, "stg_era5_single") == {(hour(7, h),) for h in range(24)}, "their file is another"
    assert changed(final, newest, "fct_era5_hour") == {(hour(7, 12),)}
    around_noon = minutes_between(hour(7, 11), hour(7, 13)) - {(hour(7, 11),), (hour(7, 13),)}
    before_midnight = minutes_between(datetime(2025, 2, 5, 23, 46), datetime(2025, 2, 5, 23, 59))
    for table in ("fct_environment_minute", "large_table"):
        assert changed(final, newest, table) == around_noon | before_midnight
    assert changed(final, newest, "int_correction_input") == {(hour(5, 0),), (hour(7, 0),)}
    assert {key[0].day for key in changed(final, newest, "int_environment_coverage")} == {5}
    assert changed(final, newest, "fct_nmdb") == set()


def test_all_made_anew_are_the_same(paths: Paths) -> None:
    before = content(paths)
    result = run_dbt(paths.data_dir, "run", "--full-refresh", "--select", MINUTES)
    assert result.error is None, result.error
    assert content(paths) == before


def test_minutes_that_were_lost_are_made_again(paths: Paths) -> None:
    before = content(paths)
    with duckdb.connect(str(paths.build)) as connection:
        connection.execute("delete from fct_environment_minute where minute_start::date = '2025-02-06'")
    result = run_dbt(paths.data_dir, "run", "--select", MINUTES)
    assert result.error is None, result.error
    assert days_made(paths, "int_environment_day_todo", "day") == [6]
    assert content(paths) == before
