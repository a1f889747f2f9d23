"""Voltage scans from the record of a person to the published plateau, against a simulated detector."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import exp, sqrt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from extract.lab.extract import extract_lab
from extract.lab.schema import LAB_HV_SCAN
from tests.integration.environment_inputs import land
from warehouse import dbt
from warehouse.lake import write_schema_files
from warehouse.paths import Paths

START = datetime(2025, 6, 10, 8)
STEPS = 7
HEAD = "scan_id,station_code,step,hv_set_kv,started_at,settled_at,ended_at,comment"
FETCHED_AT = datetime(2025, 6, 12)
N_TRACKS = 200
"""Tracks that test a plane in a minute."""


def voltage_kv(step: int) -> float:
    """Set voltage of the default plan: 5.20 to 5.50 kV."""
    return round(5.20 + 0.05 * step, 2)


def efficiency(plane: int, hv_kv: float) -> float:
    """A plateau with its knee at another voltage for each plane."""
    return 0.95 / (1 + exp(-(hv_kv - 5.20 - 0.02 * plane) / 0.03))


def line(scan: str, step: int, hv_kv: float, start: datetime, minutes: float = 60, settled: str | None = "") -> str:
    """A row of the record; ``settled`` None leaves that cell out."""
    at = "" if settled is None else f"{start + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S}"
    end = f"{start + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}"
    return f"{scan},MINGO01,{step},{hv_kv:.2f},{start:%Y-%m-%dT%H:%M:%S},{at},{end},"


def land_scan(
    paths: Paths, name: str, lines: list[str], folder: str = "top", fetched_at: datetime = FETCHED_AT
) -> None:
    """A record in landing."""
    path = paths.landing / "lab_log" / "station=1" / folder / "2025-06" / name
    land(path, "\n".join([HEAD, *lines]), "lab_log", fetched_at=fetched_at)


def stand_in(paths: Paths) -> None:
    """Minutes of the detector and of its surroundings; while the voltage settles the planes see nothing."""
    draw = np.random.default_rng(11)
    live, plane_rows, air = [], [], []
    for minute in range(60 * (STEPS + 4)):
        moment, hv_kv = START + timedelta(minutes=minute), voltage_kv(min(minute // 60, STEPS - 1))
        is_settled = minute % 60 >= 5
        live.append({"station_id": 1, "minute_start": moment, "live_s": 60, "n_events_live": 720 if is_settled else 1})
        around = {"hv_current_mean_ua": 0.1, "temp_lab_degc": 20.0 + minute % 2, "pressure_lab_hpa": 940.0}
        air.append({"station_id": 1, "minute_start": moment, "hv_mean_kv": hv_kv if is_settled else 0.0, **around})
        for k in (1, 2, 3, 4):
            n_fired = int(draw.binomial(N_TRACKS, efficiency(k, hv_kv))) if is_settled else 0
            counts = {"n_hits": 500, "n_streamer": 25, "n_pool": N_TRACKS, "n_fired_clean": n_fired}
            plane_rows.append({"station_id": 1, "minute_start": moment, "plane": k, **counts})
    types = {"station_id": "tinyint", "plane": "tinyint", "live_s": "tinyint"}
    with duckdb.connect(str(paths.build)) as connection:
        for name, rows in (
            ("fct_minute_live", live),
            ("fct_minute_plane", plane_rows),
            ("fct_environment_minute", air),
        ):
            connection.register("rows", pa.Table.from_pylist(rows))
            columns = ", ".join(f"{column}::{types.get(column, pa_type(column))} as {column}" for column in rows[0])
            connection.execute(f"create table {name} as select {columns} from rows")
            connection.unregister("rows")


def pa_type(column: str) -> str:
    """SQL type of the other columns."""
    return "timestamp" if column == "minute_start" else "bigint" if column.startswith("n_") else "double"


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    paths = Paths(tmp_path_factory.mktemp("plateau"))
    plan = [line("plan", n + 1, voltage_kv(n), START + timedelta(hours=n)) for n in range(STEPS)]
    name = "hv_scan_2025-06-10T080000.csv"
    wrong = [
        plan[0].replace("5.20", "4.20"),
        *plan[1:6],
        "plan,MINGO01,9,5.30,2025-06-10T20:00:00,,2025-06-10T20:30:00,",
    ]
    land_scan(paths, name, wrong, fetched_at=FETCHED_AT - timedelta(hours=1))
    land_scan(paths, f"{name}~2", plan)  # corrected since
    end = START + timedelta(hours=STEPS)
    odd = [
        line("odd", 1, 5.50, end, minutes=40),
        line("odd", 2, 5.50, end + timedelta(minutes=39)),
        line("odd", 3, 6.60, end + timedelta(hours=2), minutes=20),
        line("odd", 4, 5.39, end + timedelta(minutes=140), minutes=20),
        line("odd", 5, 5.40, end + timedelta(minutes=160), minutes=20, settled=None),
        line("odd", 6, 5.50, datetime(2025, 6, 11, 23, 45)),
        line("odd", 7, 5.50, datetime(2025, 6, 11, 12), minutes=4),
        line("odd", 8, 5.50, datetime(2025, 6, 11, 14)).rsplit(",", 2)[0] + ",,",
    ]
    land_scan(paths, "hv_scan_2025-06-10T150000.csv", odd)
    assert extract_lab(paths.landing, paths.lake).failures == []
    write_schema_files(paths.lake, [LAB_HV_SCAN])
    stand_in(paths)
    built = dbt.run(paths, ["build", "--select", "stg_lab_hv_scan", "fct_hv_plateau"])
    assert built.error is None, built.failed_nodes
    with duckdb.connect(str(paths.build), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def test_default_plan(query: Any) -> None:
    rows = query(
        "select count(*), sum(date_diff('second', started_at, ended_at)), sum(used_s), sum(live_s), bool_and(is_valid),"
        " min(hv_set_kv), max(hv_set_kv) from fct_hv_plateau where scan_id = 'plan' and plane = 1"
    )
    assert rows == [(STEPS, 7 * 3600, 23_100, 23_100, True, 5.2, 5.5)]


def test_the_plateau_is_the_one_simulated(query: Any) -> None:
    rows = query("select plane, hv_set_kv, efficiency, efficiency_sigma from fct_hv_plateau where scan_id = 'plan'")
    assert len(rows) == 4 * STEPS
    pulls = []
    for plane, hv_kv, measured, sigma in rows:
        truth = efficiency(plane, hv_kv)
        assert sigma == pytest.approx(sqrt(measured * (1 - measured) / (55 * N_TRACKS)), rel=1e-12)
        pulls.append((measured - truth) / sigma)
    assert max(abs(pull) for pull in pulls) < 4
    assert 0.6 < np.std(pulls) < 1.4


def test_what_settles_is_left_out(query: Any) -> None:
    rows = query(
        "select rate_raw_hz, rate_raw_hz_sigma, streamer_pct, streamer_pct_sigma, hv_mean_kv_sigma, "
        "hv_current_mean_ua, temp_lab_degc, temp_lab_degc_sigma, pressure_lab_hpa, pressure_lab_hpa_sigma, "
        "hv_mean_kv - hv_set_kv from fct_hv_plateau where scan_id = 'plan' and step in (1, 3)"
    )
    n_events, n_hits = 55 * 720, 55 * 500
    temps = [20.0 + minute % 2 for minute in range(5, 60)]
    expected = (
        *(n_events / 3300, sqrt(n_events) / 3300, 5.0, 100 * sqrt(0.05 * 0.95 / n_hits), 0.0, 0.1),
        *(np.mean(temps), np.std(temps, ddof=1), 940.0, 0.0, 0.0),
    )
    assert len(rows) == 8
    for row in rows:
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_steps_that_cannot_be_used_are_kept_with_the_reason(query: Any) -> None:
    rows = query(
        "select step, invalid_reason, is_valid, used_s, count(*) from fct_hv_plateau where scan_id = 'odd' "
        "group by all order by step"
    )
    assert [(step, reason) for step, reason, *_ in rows] == [
        (1, "overlap"),
        (2, "overlap"),
        (3, "bad_set_voltage"),
        (4, "hv_differs"),
        (5, None),  # 0.1 kV from the log is not more than 0.1 kV
        (6, "future"),
        (7, "bad_order"),
        (8, "not_ended"),
    ]
    assert all(is_valid == (reason is None) and n_planes == 4 for _, reason, is_valid, _, n_planes in rows)
    assert rows[4][3] == 15 * 60  # 300 s settle where nobody wrote it down


def test_the_newest_form_of_the_record_counts(query: Any) -> None:
    rows = query("select step, source_file from stg_lab_hv_scan where scan_id = 'plan' order by step")
    assert [step for step, _ in rows] == list(range(1, STEPS + 1))
    assert {Path(source_file).name for _, source_file in rows} == {"hv_scan_2025-06-10T080000.csv~2"}
