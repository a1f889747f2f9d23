"""Logs, ERA5 and NMDB through extraction and dbt, against the numbers the rules give by hand."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from extract.lab.extract import extract_lab
from extract.nmdb.extract import extract_nmdb
from tests.integration.environment_inputs import land_everything, land_log
from warehouse import dbt
from warehouse.paths import Paths

MODELS = ("models/staging/environment", "models/intermediate/environment", "models/marts/environment")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A data folder in which every input of this module was extracted and built."""
    paths = Paths(tmp_path_factory.mktemp("environment"))
    land_everything(paths)
    assert extract_lab(paths.landing, paths.lake).failures == []
    assert extract_nmdb(paths.landing, paths.lake).failures == []
    stand_in_for_events(paths)
    build(paths)
    return paths


def stand_in_for_events(paths: Paths) -> None:
    """The minutes with events, which the detector models make: station 1 after its logs, station 4 without any."""
    with duckdb.connect(str(paths.build)) as connection:
        connection.execute("create table fct_minute_live (station_id tinyint, minute_start timestamp, live_s integer)")
        connection.execute(
            "insert into fct_minute_live values (1, '2025-02-07 11:00', 60), (1, '2025-02-07 12:30', 60), "
            "(4, '2025-02-07 08:00', 60), (4, '2025-02-07 08:02', 0)"
        )


def build(paths: Paths) -> None:
    """Seeds, environment models, and the tests that need nothing else."""
    tests = ("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
    built = dbt.run(paths, ["build", *tests, "--select", "resource_type:seed", *MODELS])
    assert built.error is None, built.failed_nodes
    assert {node.name for node in built.warned_nodes} == {"warn_log_conflicts", "warn_log_lines_rejected"}


def data_test(paths: Paths, connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    """The rows a data test complains about."""
    compiled = paths.dbt_target / "compiled" / "mingo" / "tests" / "dbt" / "environment" / f"{name}.sql"
    return connection.execute(compiled.read_text()).fetchall()


def run_models(paths: Paths, *options: str) -> None:
    """The environment models alone."""
    assert dbt.run(paths, ["run", *options, "--select", *MODELS]).error is None


@pytest.fixture
def query(paths: Paths) -> Iterator[Any]:
    """Rows of a query on the built tables, NULL as None."""
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        yield lambda sql, *values: connection.execute(sql, values).fetchall()


def minute(query: Any, station_id: int, day: str, time: str, *columns: str) -> tuple[Any, ...]:
    """Columns of one minute; NULLs where the table does not reach."""
    sql = f"select {', '.join(columns)} from fct_environment_minute where station_id = ? and minute_start = ?"
    rows = query(sql, station_id, f"{day} {time}")
    return rows[0] if rows else (None,) * len(columns)


def test_every_accepted_reading_once(query):
    rows = query("select row_status, count(*), sum(n_identical) from stg_lab_env where sensor_location = 'ext' "
                 "and station_id = 1 group by row_status order by row_status")  # fmt: skip
    assert rows == [("ok", 4, 1), ("short", 2, 0)]
    assert query("select n_readings, n_identical, n_conflict from int_lab_duplicates where station_id = 1 "
                 "and kind = 'env_ext'") == [(6, 1, 0)]  # fmt: skip


def test_sides_of_the_high_voltage(query):
    rows = query("select hv_current_pos_ua, hv_current_neg_ua, hv_neg_kv, hv_pos_kv, row_status, hv_flag_4, hv_flag_5 "
                 "from stg_lab_hv where station_id = 1 order by read_at")  # fmt: skip
    assert rows == [(0.112, 0.097, 5.498, 5.501, "ok", 0, 1), (0.113, 0.098, 5.498, 5.501, "short", 0, None)]
    old = query("select row_status, hv_flag_6, hv_flag_7 from stg_lab_hv where station_id = 3")
    assert old == [("ok_old", 1, None)]
    assert minute(query, 1, "2025-02-07", "10:00", "hv_mean_kv", "hv_current_mean_ua", "hv_fill") == (
        pytest.approx(5.4995), pytest.approx(0.1045), "measured",
    )  # fmt: skip


def test_planes_of_the_multiplexers(query):
    rows = query("select rate_p4_hz, rate_p3_hz, rate_p2_hz, rate_p1_hz, is_rate_order_ok, is_rate_accepted_low "
                 "from stg_lab_rates where station_id = 1")  # fmt: skip
    assert rows == [(64.0, 81.5, 90.2, 104.6, True, False)]


def test_flow_in_cubic_centimetres(query):
    rows = query("select flow_p1_cc_min, flow_p2_cc_min, flow_p3_cc_min, flow_p4_cc_min from stg_lab_flow "
                 "where station_id = 1")  # fmt: skip
    assert rows == [pytest.approx((2.8480, 3.0043, 3.2753, 2.5561), abs=5e-5)]


def test_limits_come_before_the_mean(query):
    assert minute(query, 2, "2025-02-08", "08:00", "pressure_ext_hpa", "pressure_ext_hpa_fill") == (941.2, "measured")
    rows = query("select column_name, n_out_of_limits, lowest, highest from int_lab_out_of_limits "
                 "where station_id = 2")  # fmt: skip
    assert rows == [("pressure_ext_hpa", 1, 9999, 9999)]
    counts = query("select env_ext_n from int_lab_minute where station_id = 2 and minute_start = '2025-02-08 08:00'")
    assert counts == [(2,)]


@pytest.mark.parametrize(
    ("time", "value", "fill"),
    [
        ("10:00", 938.4, "measured"),
        ("10:07", 938.26, "interpolated"),
        ("10:20", 938.0, "interpolated"),
        ("10:45", 937.65, "interpolated"),
        ("11:15", 937.5, "held"),
        ("11:20", 937.5, "held"),
        ("11:21", None, None),
    ],
)
def test_pressure_outside(query, time, value, fill):
    expected = None if value is None else pytest.approx(value, abs=1e-9)
    assert minute(query, 1, "2025-02-07", time, "pressure_ext_hpa", "pressure_ext_hpa_fill") == (expected, fill)


@pytest.mark.parametrize(
    ("time", "value", "source"),
    [
        ("11:07", 937.5, "ext_held"),
        ("11:15", 936.9, "int_measured"),
        ("11:20", 936.8, "int_interpolated"),
        ("11:31", 936.6, "int_held"),
        ("11:50", 936.6, "int_held"),
        ("11:51", None, None),
    ],
)
def test_pressure_of_the_laboratory(query, time, value, source):
    expected = None if value is None else pytest.approx(value, abs=1e-9)
    assert minute(query, 1, "2025-02-07", time, "pressure_lab_hpa", "pressure_lab_source") == (expected, source)


def test_the_warm_box_never_stands_in_for_the_air(query):
    columns = ("temp_lab_degc", "temp_lab_source", "temp_int_degc_fill")
    assert minute(query, 1, "2025-02-07", "11:15", *columns) == (21.1, "ext_measured", "measured")
    assert minute(query, 1, "2025-02-07", "11:35", *columns) == (21.1, "ext_held", "held")
    assert minute(query, 1, "2025-02-07", "11:36", *columns) == (None, None, "held")


def test_longest_gap_that_is_bridged(query):
    columns = ("pressure_ext_hpa", "pressure_ext_hpa_fill")
    assert minute(query, 2, "2025-02-08", "09:30", *columns) == (pytest.approx(943.0), "interpolated")
    assert minute(query, 2, "2025-02-08", "10:05", *columns) == (944.5, "held")
    assert minute(query, 2, "2025-02-08", "10:06", *columns) == (None, None)


@pytest.mark.parametrize(
    ("column", "value", "fill", "last_held"),
    [
        ("rate_accepted_hz", 9.8, "rates_fill", "10:10"),
        ("flow_p1_au", 771, "flow_fill", "10:20"),
        ("disk_2_fill_pct", 61, "computer_fill", "10:20"),
    ],
)
def test_switched_quantities_are_held_and_never_bridged(query, column, value, fill, last_held):
    assert minute(query, 1, "2025-02-07", "10:00", column, fill) == (value, "measured")
    assert minute(query, 1, "2025-02-07", last_held, column, fill) == (value, "held")
    after = f"10:{int(last_held[3:]) + 1}"
    assert minute(query, 1, "2025-02-07", after, column, fill) == (None, None)


def test_weight_stands_at_its_minute_only(query):
    assert query("select minute_start::varchar, bottle_weight_kg from fct_environment_minute "
                 "where bottle_weight_kg is not null") == [("2025-02-07 09:41:00", 8.35)]  # fmt: skip


def test_every_minute_with_readings_or_events_and_between_once(query):
    rows = query("select station_id, min(minute_start)::varchar, max(minute_start)::varchar, count(*) "
                 "from fct_environment_minute where station_id in (1, 4) group by station_id order by 1")  # fmt: skip
    assert rows == [
        (1, "2025-02-07 09:41:00", "2025-02-07 12:30:00", 170),
        (4, "2025-02-07 08:00:00", "2025-02-07 08:02:00", 3),
    ]


def test_a_version_that_is_the_beginning_of_another_is_superseded(query):
    assert query("select count(*), sum(n_identical) from stg_lab_flow where station_id = 2") == [(5, 0)]
    statuses = query("select status from stg_env_file where kind = 'flow' and station_id = 2 order by fetched_at")
    assert statuses == [("superseded",), ("ok",)]


def test_the_finished_day_wins(query):
    rows = query("select disk_1_fill_pct, remote_folder from stg_lab_computer where station_id = 2 order by read_at")
    assert rows == [(44, "done"), (45, "done"), (44, "done"), (44, "done"), (44, "top")]
    counts = query("select n_identical, n_conflict from int_lab_duplicates where station_id = 2 and kind = 'computer'")
    assert counts == [(3, 1)]


def test_final_era5_stands_before_preliminary_and_newer_before_older(query):
    rows = query("select hour(valid_time), temp_ground_k, is_era5_preliminary from fct_era5_hour "
                 "where valid_time >= '2025-02-07' order by valid_time")  # fmt: skip
    assert rows == [(8, 280, False), (9, 281, False), (10, 290, True), (11, 283, True), (12, 284, False)]


def test_era5_is_linear_between_hours_and_ends_with_them(query):
    columns = ("temp_ground_k", "height_100hpa_m", "era5_fill", "is_era5_preliminary")
    assert minute(query, 1, "2025-02-07", "09:41", *columns) == (
        pytest.approx(281 + 9 * 41 / 60), 16213.488, "interpolated", True,
    )  # fmt: skip
    assert minute(query, 1, "2025-02-07", "11:00", *columns) == (283, 16213.488, "measured", True)
    assert minute(query, 1, "2025-02-07", "11:30", *columns)[1:] == (None, "interpolated", True)
    assert minute(query, 1, "2025-02-07", "12:00", *columns) == (284, None, "measured", False)


def test_mass_averaged_temperature_of_a_full_profile(query):
    assert query("select n_levels_used, temp_mass_avg_k from int_era5_profile where station_id = 1") == [
        (34, pytest.approx(247.60004, abs=5e-6))
    ]
    assert query("select n_levels_used, is_profile_complete from int_era5_profile where station_id = 3") == [(28, True)]
    columns = query(
        "select temp_100hpa_k, temp_eff_k from fct_era5_hour where valid_time = '2025-02-06' order by station_id"
    )
    assert columns == [(pytest.approx(218.0), None), (pytest.approx(218.0), None)]


def test_neutron_monitors_of_a_whole_answer(query):
    rows = query("select nm_code, rate_hz from stg_nmdb where interval_start::date = '2025-02-07'")
    assert len(rows) == 15
    assert sum(rate is not None for _, rate in rows) == 12
    assert ("LMKS", 1402.350) in rows


def test_an_interval_not_over_at_the_fetch_is_not_used(query):
    rows = query("select rate_hz from stg_nmdb where interval_start::date = '2025-02-03'")
    assert len(rows) == 10
    assert sum(rate is not None for (rate,) in rows) == 8


def test_the_newest_fetch_wins_also_with_null(query):
    rows = query("select nm_code, rate_hz from fct_nmdb where nm_code in ('CALM', 'MXCO') "
                 "and interval_start in ('2025-02-04 10:00', '2025-02-04 10:10') order by all")  # fmt: skip
    assert rows == [("CALM", 69.907), ("CALM", 70.5), ("MXCO", 217.96), ("MXCO", None)]


def test_a_silent_monitor_replaces_nothing(query):
    rows = query("select rate_hz from fct_nmdb where interval_start = '2025-02-05 10:10' and nm_code = 'OULU'")
    assert rows == [(99.102,)]


def test_an_hour_needs_five_of_six_intervals(query):
    rows = query("select hour(interval_start), rate_hz, n_bins from fct_nmdb_hour where nm_code = 'OULU' "
                 "and interval_start::date = '2025-02-06' order by 1")  # fmt: skip
    assert rows == [(11, 102.5, 6), (12, 108.5, 6), (13, None, 3)]


def test_terms_of_every_source(query):
    rows = dict(query("select source, header_text from dim_source_terms"))
    assert set(rows) == {"era5_cds", "nmdb_nest", "lab_log"}
    assert "RCORR_E" in rows["nmdb_nest"]
    assert query("select count(*) from dim_source_terms where length(acknowledgement) < 20") == [(0,)]


def test_rejects_keep_line_and_reason(query):
    rows = query("select kind, reason from stg_env_reject where station_id = 1 order by kind, line_number")
    assert rows == [
        ("env_ext", "short_row"),
        ("hv", "short_row"),
        ("rates", "ambiguous_short"),
        ("rates", "too_many_tokens"),
    ]


def test_a_log_with_many_bad_lines_is_named(paths):
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        rows = data_test(paths, connection, "warn_log_lines_rejected")
        assert sorted(row[:2] + row[3:] for row in rows) == [(1, "env_ext", 8, 1), (1, "hv", 3, 1), (1, "rates", 3, 2)]
        conflicts = data_test(paths, connection, "warn_log_conflicts")
        assert [(*row[:2], row[3]) for row in conflicts] == [(2, "computer", 1)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            "delete from log_limits where column_name = 'rh_int_pct'",
            {("log_limits", n, "rh_int_pct") for n in (1, 2, 3)},
        ),
        ("update log_limits set valid_from = '2024-01-01'", {("log_limits", 3, "hv_neg_kv")}),
        ("delete from multiplexer_map where channel = 'tm3'", {("multiplexer_map", n, "1") for n in (1, 2, 3)}),
        ("update flow_calibration set station_id = 1", {("flow_calibration", n, "4") for n in (2, 3)}),
        ("delete from gap_policy where \"group\" = 'hv'", {("gap_policy", None, "hv")}),
        ("delete from dim_station where station_id = 4", {("station", 4, None)}),
        ("delete from cutoff_rigidity where station_id = 2", {("cutoff_rigidity", 2, None)}),
        ("delete from station_monitor where station_id = 3", {("station_monitor", 3, None)}),
    ],
)
def test_a_missing_row_of_a_seed_is_named(paths, change, complaint):
    name = "assert_environment_seeds_complete"
    with duckdb.connect(str(paths.build)) as connection:
        assert data_test(paths, connection, name) == []
        connection.execute(f"begin; {change}")
        found = set(data_test(paths, connection, name))
        connection.execute("rollback")
    assert found >= complaint
    assert {row[0] for row in found} == {row[0] for row in complaint}


def fingerprints(paths: Paths) -> list[Any]:
    """Rows and content of the tables of this room."""
    tables = ("fct_environment_minute", "fct_nmdb", "fct_era5_hour", "int_lab_duplicates", "int_environment_coverage")
    sql = "select count(*), sum(hash(t)::hugeint) from {} as t"
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        return [connection.execute(sql.format(table)).fetchall() for table in tables]


def test_the_lake_is_followed_and_nothing_else_changes(paths):
    before = fingerprints(paths)
    assert extract_lab(paths.landing, paths.lake).total.n_files_done == 0
    assert extract_nmdb(paths.landing, paths.lake).total.n_files_done == 0
    run_models(paths)
    assert fingerprints(paths) == before

    rows = [f"2025-02-08 {hour:02}:00:05 771 786 812 743\n" for hour in range(7)]
    land_log(paths.landing, 2, "Flow0_2025-02-08.log~3", "".join(rows), "top")
    assert extract_lab(paths.landing, paths.lake).total.n_files_done == 1
    next((paths.lake / "era5_level").rglob("pl100_preliminary.parquet")).unlink()
    run_models(paths)
    followed = fingerprints(paths)
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        flow = connection.execute("select count(*), sum(n_identical) from stg_lab_flow where station_id = 2").fetchall()
        files = connection.execute("select status from stg_env_file where kind = 'flow' and station_id = 2").fetchall()
        hours = connection.execute("select count(height_100hpa_m) from fct_era5_hour").fetchall()
    assert (flow, sorted(files), hours) == ([(7, 0)], [("ok",), ("superseded",), ("superseded",)], [(2,)])
    run_models(paths, "--full-refresh")
    assert fingerprints(paths) == followed
