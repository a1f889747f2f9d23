"""Logs, ERA5 and NMDB through extraction and dbt, against the numbers the rules give by hand."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.lab.extract import extract_lab
from extract.nmdb.extract import extract_nmdb
from extract.transfer.sidecar import Sidecar, write_sidecar
from warehouse import dbt
from warehouse.dataset import Dataset
from warehouse.files import sha256_of_file
from warehouse.lake import write_table
from warehouse.paths import Paths

FETCHED_AT = datetime(2025, 2, 9, 3)
MODELS = ("models/staging/environment", "models/intermediate/environment", "models/marts/environment")

GOLDEN_LOGS = {
    "sensors_bus0_2025-02-07.log": """\
2025-02-07T10:00:03; nan nan nan nan 20.8 41.2 938.4
2025-02-07T10:15:03; nan nan nan nan 20.9 41.0 938.1
2025-02-07T10:15:03; nan nan nan nan 20.9 41.0 938.1
2025-02-07T10:30:03; nan nan nan nan 20.9 nan 937.8
2025-02-07T10:45:04; nan nan nan nan 21.0 40.7
2025-02-07T11:00:03; nan nan nan 21.1 40.6 937.5
2025-02-07T11:15:03; nan nan nan nan 21.1 40.6 9375
2025-02-07T11:30:03; nan nan 21.2
""",
    "sensors_bus1_2025-02-07.log": """\
2025-02-07T11:15:02; nan nan nan nan 34.2 18.0 936.9
2025-02-07T11:30:02; nan nan nan nan 34.3 17.9 936.6
""",
    "hv0_2025-02-07.log": """\
2025-02-07T10:00:04 7C 21 0A 5F D3 11 0.112 0.097 5.498 5.501 0.000 1.284 5.500 1.002 5.500 1.000 1 1 0 0 1 1 1
2025-02-07T10:15:04 7C 21 0A 5F D3 11 0.113 0.098 5.498 5.501 0.000 1.284 5.500 1.002 5.500 1.000 1 1 0 0
2025-02-07T10:30:04 7C 21 0A 5F D3 11 0.113 0.098 5.498
""",
    "rates_2025-02-07.log": """\
2025-02-07T10:00:51; 12.4 10.1 9.8 64.0 81.5 90.2 104.6 5.9 3.3 3.1 5.4 
2025-02-07T10:05:51; 12.2 10.0 9.7 63.8 81.9 89.7 104.9 5.8 3.4 3.0
2025-02-07T10:10:51; 12.2 10.0 9.7 63.8 81.9 89.7 104.9 5.8 3.4 3.0 5.3 7
""",
    "Flow0_2025-02-07.log": "2025-02-07 10:00:05 771 786 812 743\n",
    "Odroid_2025-02-07.log": """\
2025-02-07T10:00:06; 44 61 18250
2025-02-07T12:00:06 44 61 18250
""",
    "weight_2025-02-07.log": "2025-02-07 09:41:12 8.350\n",
}
OLD_HV = "2023-05-02T10:30:03; 7C:21:0A:5F:D3:11 0.081 0.077 5.501 5.502 0.000 1.290 5.500 1.004 5.500 1.000 1 1 0 0 1 1\n"

NMDB_GOLDEN = """\
#        STATION: MXCO
#     START TIME: 2025-02-07 10:00:00 UTC
#       END TIME: 2025-02-07 10:30:00 UTC
#     NMDB TABLE: revised original
#      DATA TYPE: corr_for_efficiency(RCORR_E)
#      AVERAGING: Yes / 10 min
#
                       MXCO    CALM    LMKS    OULU    SOPO
2025-02-07 10:00:00;218.114; 69.907;1402.350;   null;271.008
2025-02-07 10:10:00;217.960; 70.021;1401.988; 99.102;   null
2025-02-07 10:20:00;218.301;   null;1402.611; 99.340;270.815
"""


def land_log(landing: Path, station_id: int, name: str, text: str, folder: str = "done", **known: Any) -> None:
    """Put a log with its sidecar into landing."""
    land(landing / "lab_log" / f"station={station_id}" / folder / "2025-02" / name, text, "lab_log", **known)


def land_nmdb(landing: Path, day: date, text: str, fetched_at: datetime) -> None:
    """Put an answer of NMDB with its sidecar into landing."""
    name = f"corr_for_efficiency_{day:%Y%m%d}_{day:%Y%m%d}_{fetched_at:%Y%m%dT%H%M%SZ}.txt"
    request = {"stations[]": ["MXCO", "CALM", "LMKS", "OULU", "SOPO"], "tresolution": "10", "tabchoice": "revori"}
    moved = text.replace("2025-02-07", day.isoformat())
    land(landing / "nmdb" / "rate" / name, moved, "nmdb_nest", fetched_at=fetched_at, request=request)


def land(path: Path, text: str, source: str, fetched_at: datetime = FETCHED_AT, request: Mapping[str, Any] = {}) -> None:
    """Put a text with its sidecar into landing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    sidecar = Sidecar(source, "", path.name, path.stat().st_size, sha256_of_file(path), fetched_at, request=request)
    write_sidecar(path, sidecar)


def put_rows(lake: Path, dataset: Dataset, name: str, rows: list[dict[str, Any]], **common: Any) -> None:
    """Write rows straight into the lake; what they do not say is filled with something harmless."""
    defaults: dict[str, Any] = {
        "source": "era5_cds",
        "source_file": name,
        "file_sha256": name.ljust(64, "0"),
        "fetched_at": FETCHED_AT,
        "is_fetched_at_guessed": False,
        "parser_version": 1,
        "expver": 1,
        "is_final": True,
        "finality_basis": "expver",
        "n_points": 9,
        "n_points_valid": 9,
        "lat_min_deg": 40.2,
        "lat_max_deg": 40.7,
        "lon_min_deg": -4.0,
        "lon_max_deg": -3.5,
    }
    full = [{c.name: {**defaults, **common, **row}.get(c.name) for c in dataset.columns} for row in rows]
    table = pa.Table.from_pylist(full, schema=dataset.schema)
    write_table(lake, dataset, table, station_id=1, day=date(2025, 2, 7), name=f"{name}.parquet", provenance={})


def land_everything(paths: Paths) -> None:
    """All inputs of this module: every rule has a station or a day of its own, so that none disturbs another."""
    for name, text in GOLDEN_LOGS.items():
        land_log(paths.landing, 1, name, text)
    land_log(paths.landing, 3, "hv0_2023-05-02.log", OLD_HV)
    # one minute with an absurd reading; neighbours 45 and 46 minutes apart
    pressures = {"08:00:03": 941.2, "08:00:33": 9999, "09:00:03": 940, "09:45:03": 944.5, "10:31:03": 940}
    rows = [f"2025-02-08T{time}; nan nan nan nan 20 40 {value}\n" for time, value in pressures.items()]
    land_log(paths.landing, 2, "sensors_bus0_2025-02-08.log", "".join(rows))
    # a growing file, fetched twice; a file in the top folder and, with one value changed, in `done`
    rows = [f"2025-02-08 {hour:02}:00:05 771 786 812 743\n" for hour in range(5)]
    land_log(paths.landing, 2, "Flow0_2025-02-08.log", "".join(rows[:3]), "top", fetched_at=datetime(2025, 2, 8, 3))
    land_log(paths.landing, 2, "Flow0_2025-02-08.log~2", "".join(rows), "top")
    rows = [f"2025-02-08T{hour:02}:00:06; 44 61 18250\n" for hour in range(5)]
    land_log(paths.landing, 2, "Odroid_2025-02-08.log", "".join(rows), "top")
    changed = [rows[0], rows[1].replace("44 61", "45 61"), *rows[2:4]]
    land_log(paths.landing, 2, "Odroid_2025-02-08.log", "".join(changed), "done")

    revised = NMDB_GOLDEN.replace("70.021", "70.500").replace("218.114", "   null")
    silent = NMDB_GOLDEN.replace(" 99.102", "   null").replace(" 99.340", "   null")
    land_nmdb(paths.landing, date(2025, 2, 7), NMDB_GOLDEN, datetime(2025, 2, 8, 2))
    land_nmdb(paths.landing, date(2025, 2, 3), NMDB_GOLDEN, datetime(2025, 2, 3, 10, 25))
    for day, second in ((date(2025, 2, 4), revised), (date(2025, 2, 5), silent)):
        land_nmdb(paths.landing, day, NMDB_GOLDEN, datetime(2025, 2, 8, 2))
        land_nmdb(paths.landing, day, second, datetime(2025, 2, 9, 2))
    hour = "".join(f"2025-02-06 {11 + i // 6}:{i % 6}0:00;{100 + i}.0\n" for i in range(6 + 5 + 6))
    hour = hour.replace("13:10:00;113.0", "13:10:00;null").replace("13:20:00;114.0", "13:20:00;null")
    header = "#        STATION: OULU\n#      DATA TYPE: corr_for_efficiency(RCORR_E)\n  start_date_time   RCORR_E\n"
    land_nmdb(paths.landing, date(2025, 2, 6), header + hour, datetime(2025, 2, 8, 2))

    put_era5(paths.lake)


def put_era5(lake: Path) -> None:
    """Hours 08 to 12 at the surface; 08 to 11 at 100 hPa; preliminary and final versions of the surface at 09 and 10."""
    start = datetime(2025, 2, 7, 8)
    single = [
        {"station_id": 1, "valid_time": start + timedelta(hours=h), "temp_ground_k": 280.0 + h, "product": "single"}
        for h in range(5)
    ]
    put_rows(lake, ERA5_SINGLE, "single_final", single, is_final=True)
    colder = [{**row, "temp_ground_k": 200.0} for row in single]
    put_rows(lake, ERA5_SINGLE, "single_later", colder[1:2], is_final=False, expver=5, fetched_at=datetime(2025, 3, 1))
    put_rows(lake, ERA5_SINGLE, "single_newer", [{**single[2], "temp_ground_k": 290.0}], fetched_at=datetime(2025, 3, 1))
    level = [
        {"station_id": 1, "valid_time": row["valid_time"], "pressure_level_hpa": 100.0, "temp_k": 215.0,
         "height_m": 16213.488, "product": "pl100"}
        for row in single[:4]
    ]  # fmt: skip
    put_rows(lake, ERA5_LEVEL, "pl100_final", level[:2])
    put_rows(lake, ERA5_LEVEL, "pl100_preliminary", level[2:], is_final=False, expver=5)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A data folder in which every input of this module was extracted and built."""
    paths = Paths(tmp_path_factory.mktemp("environment"))
    land_everything(paths)
    assert extract_lab(paths.landing, paths.lake).failures == []
    assert extract_nmdb(paths.landing, paths.lake).failures == []
    build(paths)
    return paths


def build(paths: Paths) -> None:
    """Seeds, environment models and their tests."""
    built = dbt.run(paths, ["build", "--exclude-resource-type", "unit_test", "--select", "resource_type:seed", *MODELS])
    assert built.error is None, built.failed_nodes


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
    assert query("select row_status, hv_flag_6, hv_flag_7 from stg_lab_hv where station_id = 3") == [("ok_old", 1, None)]
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
    assert query("select env_ext_n from int_lab_minute where station_id = 2 and minute_start = '2025-02-08 08:00'") == [
        (2,)
    ]


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


def test_every_minute_of_the_span_once(query):
    rows = query("select min(minute_start)::varchar, max(minute_start)::varchar, count(*) from fct_environment_minute "
                 "where station_id = 1")  # fmt: skip
    assert rows == [("2025-02-07 09:41:00", "2025-02-07 12:00:00", 140)]


def test_a_version_that_is_the_beginning_of_another_is_superseded(query):
    assert query("select count(*), sum(n_identical) from stg_lab_flow where station_id = 2") == [(5, 0)]
    statuses = query("select status from stg_env_file where kind = 'flow' and station_id = 2 order by fetched_at")
    assert statuses == [("superseded",), ("ok",)]


def test_the_finished_day_wins(query):
    rows = query("select disk_1_fill_pct, remote_folder from stg_lab_computer where station_id = 2 order by read_at")
    assert rows == [(44, "done"), (45, "done"), (44, "done"), (44, "done"), (44, "top")]
    assert query("select n_identical, n_conflict from int_lab_duplicates where station_id = 2 and kind = 'computer'") == [
        (3, 1)
    ]


def test_final_era5_stands_before_preliminary_and_newer_before_older(query):
    rows = query("select hour(valid_time), temp_ground_k, is_era5_preliminary from fct_era5_hour order by valid_time")
    assert rows == [(8, 280, False), (9, 281, False), (10, 290, True), (11, 283, True), (12, 284, False)]


def test_era5_is_linear_between_hours_and_ends_with_them(query):
    columns = ("temp_ground_k", "height_100hpa_m", "era5_fill", "is_era5_preliminary")
    assert minute(query, 1, "2025-02-07", "09:41", *columns) == (
        pytest.approx(281 + 9 * 41 / 60), 16213.488, "interpolated", True,
    )  # fmt: skip
    assert minute(query, 1, "2025-02-07", "11:00", *columns) == (283, 16213.488, "measured", True)
    assert minute(query, 1, "2025-02-07", "11:30", *columns)[1:] == (None, "interpolated", True)
    assert minute(query, 1, "2025-02-07", "12:00", *columns) == (284, None, "measured", False)


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
    rows = query("select nm_code, rate_hz from fct_nmdb where interval_start in ('2025-02-04 10:10', '2025-02-04 10:00')"
                 " and nm_code in ('CALM', 'MXCO') order by nm_code, interval_start")  # fmt: skip
    assert rows == [("CALM", 69.907), ("CALM", 70.5), ("MXCO", None), ("MXCO", 217.96)]


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


def test_building_again_changes_nothing(paths):
    tables = ("fct_environment_minute", "fct_nmdb", "fct_era5_hour", "int_lab_duplicates", "int_environment_coverage")

    def fingerprint() -> list[Any]:
        with duckdb.connect(str(paths.build), read_only=True) as connection:
            return [connection.execute(f"select count(*), sum(hash(t)::hugeint) from {t} as t").fetchall() for t in tables]

    before = fingerprint()
    assert extract_lab(paths.landing, paths.lake).total.n_files_done == 0
    assert extract_nmdb(paths.landing, paths.lake).total.n_files_done == 0
    build(paths)
    assert fingerprint() == before
