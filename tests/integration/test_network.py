"""Neutron monitors beside the stations: bins, reference, disturbed hours, monitor of a month, tables."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.integration.corrections_input import TELESCOPE_HZ, Array, Interval, query, run_dbt, write_nmdb, write_seeds
from tests.integration.pressure_closure import REFERENCE_HPA, Hours, closure, expected_counts, wave_pressure, write_bins

FIRST = datetime(2025, 4, 1)
NEWEST = datetime(2025, 6, 14)
N_HOURS = 75 * 24  # of the stations, a day more than of the monitors
FOLLOWS_CALM, FOLLOWS_MXCO, FOLLOWS_SOPO, NO_MONITOR = 1, 3, 4, 7
DROP = datetime(2025, 5, 25, 5)
DROP_END = datetime(2025, 5, 25, 10)
DELAY_H, SLOPE = 3, 0.4
WIDTHS = {"bin_widths_s": [600, 900, 3600, 86400]}
MODELS = (
    *("int_station_reference+", "int_bin_ratio+", "int_bin_group+", "int_configuration_range+"),
    *("fct_nmdb_hour+", "int_pressure_monitor_row+"),
)
LEFT_OUT = ("fct_accidental", "grafana_accidental", "grafana_coverage", "int_correction_done")
MONITORS = ("CALM", "INVK", "KIEL2", "LMKS", "MXCO", "OULU", "SOPO")


def _series(code: str, step_s: int, first: datetime, end: datetime, value: Array | float) -> list[Interval]:
    n = int((end - first).total_seconds()) // step_s
    values = np.broadcast_to(value, (n,))
    return [(code, first + timedelta(seconds=step_s * i), step_s, float(values[i])) for i in range(n)]


def _primary() -> Array:
    """Slow variation of the primary flux, %, by the hour."""
    noise = np.random.default_rng(5).normal(size=N_HOURS + 200)
    smooth: Array = np.convolve(noise, np.exp(-np.arange(100) / 8), "valid")[:N_HOURS]
    return smooth / smooth.std() * 0.5


def _calm() -> list[Interval]:
    """Ten minutes each: a hole in May that leaves 596 of 744 hours, a drop of 3 %, hours with 4 and 5 values of 6."""
    hole = (datetime(2025, 5, 1), datetime(2025, 5, 7, 4))
    lost = {datetime(2025, 4, 2, 3, 10), datetime(2025, 4, 2, 3, 40), datetime(2025, 4, 2, 4, 0)}
    rows = _series("CALM", 600, FIRST, datetime(2025, 6, 10), 60.0)
    rows = [row for row in rows if not hole[0] <= row[1] < hole[1]]
    low = [(code, start, step, 58.2 if DROP <= start < DROP_END else value) for code, start, step, value in rows]
    return [(code, start, step, None if start in lost else value) for code, start, step, value in low]


def _monitors() -> list[Interval]:
    mxco = _series("MXCO", 3600, FIRST, datetime(2025, 6, 12), 225.0)
    ramp = np.arange(74 * 12, dtype=np.float64)
    return [
        *_calm(),
        *(row for row in mxco if not datetime(2025, 5, 1) <= row[1] < datetime(2025, 5, 7, 5)),
        *_series("OULU", 7200, FIRST, NEWEST, 100 + ramp / 1000),
        *_series("KIEL2", 5400, FIRST, NEWEST, 178 + np.arange(74 * 16) / 1000),
        *_series("LMKS", 3600, datetime(2025, 5, 16), NEWEST, 420.0),
        *_series("INVK", 3600, datetime(2025, 6, 9), NEWEST, 200.0),
        *_series("SOPO", 3600, FIRST, NEWEST, 300 * (1 + _primary()[: 74 * 24] / 100)),
    ]


def _stations() -> list[Hours]:
    hour = np.arange(N_HOURS)
    pressure, live = wave_pressure(hour), np.full(N_HOURS, 3600.0)
    delayed = np.roll(_primary(), DELAY_H) * SLOPE / 100
    rate = TELESCOPE_HZ * np.exp(-0.002 * (pressure - REFERENCE_HPA)) * (1 + delayed)
    first = FIRST.isoformat()
    follower = Hours(FOLLOWS_SOPO, hour, pressure, live, expected_counts(rate, live), first=first)
    return [*(closure(k, N_HOURS, first=first) for k in (FOLLOWS_CALM, 2, FOLLOWS_MXCO, NO_MONITOR)), follower]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("network")
    stations = _stations()
    write_seeds(data_dir, [hours.station_id for hours in stations])
    write_bins(data_dir, stations)
    write_nmdb(data_dir, _monitors())
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        connection.execute(
            "insert into fit_exclusion values"
            f" ({FOLLOWS_CALM}, '2025-05-26 00:00', '2025-05-27 00:00', 'forbush', 'test', 'test'),"
            f" ({FOLLOWS_CALM}, '2025-05-26 12:00', '2025-05-26 18:00', 'detector', 'test', 'test')"
        )
    result = run_dbt(data_dir, "run", "--select", *MODELS, "--exclude", *LEFT_OUT, variables=WIDTHS)
    assert result.error is None, result.error
    return data_dir


def _primary_bin(built: Path, code: str, width_s: int, words: str, condition: str) -> list[tuple[object, ...]]:
    return query(
        built,
        f"select {words} from fct_primary where nm_code = '{code}' and bin_width_s = {width_s} and {condition}"
        " order by bin_start",
    )


def test_ten_minutes_fill_an_hour_and_a_day(built: Path) -> None:
    two_hours = "bin_start between '2025-04-02 03:00' and '2025-04-02 04:00'"
    hours = _primary_bin(built, "CALM", 3600, "rate_hz, n_bins, counted_s, dt_s", two_hours)
    assert hours == [(None, 4, 2400, 0.0), (60.0, 5, 3000, 0.0)]
    days = _primary_bin(built, "CALM", 86400, "rate_hz, n_bins", "bin_start between '2025-04-02' and '2025-05-07'")
    assert days[0] == (60.0, 141)
    assert [count for _, count in days] == [141, *[144] * 28, 120]
    assert days[-1][0] == 60.0, "20 of 24 hours"
    assert _primary_bin(built, "CALM", 600, "rate_hz, n_bins", "bin_start = '2025-04-02 03:10'") == [(None, 0)]


def test_bins_finer_than_the_interval_take_the_one_that_contains_them(built: Path) -> None:
    rows = _primary_bin(built, "OULU", 3600, "rate_hz, n_bins, counted_s, dt_s", "bin_start < '2025-04-01 04:00'")
    values = [(100.0, 1, 7200, 1800.0), (100.0, 1, 7200, -1800.0), (100.001, 1, 7200, 1800.0)]
    assert rows == [*values, (100.001, 1, 7200, -1800.0)]
    wrong = query(
        built,
        "select count(*) from fct_primary as b join fct_nmdb as i using (nm_code)"
        " where nm_code in ('OULU', 'MXCO', 'SOPO') and bin_width_s < resolution_s and i.interval_start <= b.bin_start"
        " and b.bin_start < i.interval_start + to_seconds(i.resolution_s) and b.rate_hz is distinct from i.rate_hz",
    )
    assert wrong == [(0,)]


def test_time_bases_that_do_not_nest_take_the_nearest_middle(built: Path) -> None:
    rows = _primary_bin(built, "KIEL2", 3600, "rate_hz, dt_s", "bin_start < '2025-04-01 04:00'")
    assert rows == [(178.0, 900.0), (178.0, -2700.0), (178.001, -900.0), (178.002, 900.0)]
    rows = _primary_bin(built, "CALM", 900, "dt_s", "bin_start between '2025-04-01' and '2025-04-01 00:30'")
    assert rows == [(-150.0,), (150.0,), (-150.0,)]
    limit = "select max(abs(dt_s) - greatest(b.bin_width_s, 5400) / 2) from fct_primary as b where nm_code = 'KIEL2'"
    assert query(built, limit)[0][0] <= 0  # type: ignore[operator]


def test_reference_is_the_interval_else_the_first_rotation_else_none(built: Path) -> None:
    status = "select distinct nm_code, reference_status from fct_primary where bin_width_s != 86400 order by 1"
    assert query(built, status) == [(code, {"LMKS": "own", "INVK": "none"}.get(code, "ok")) for code in MONITORS]
    rows = _primary_bin(built, "SOPO", 3600, "bin_start, rate_hz, rel_pct", "true")
    start, rate, rel = (np.array(part) for part in zip(*rows, strict=True))
    inside = (start >= datetime(2025, 4, 25)) & (start < datetime(2025, 5, 22))
    np.testing.assert_allclose(rel, 100 * (rate / rate[inside].mean() - 1), atol=1e-9)
    assert query(built, "select count(*) from fct_primary where nm_code = 'INVK' and rel_pct is not null") == [(0,)]


@pytest.mark.parametrize("width_s", [600, 900, 3600])
def test_a_drop_and_the_day_after_are_disturbed(built: Path, width_s: int) -> None:
    rows = _primary_bin(built, "CALM", width_s, "bin_start", "is_disturbed")
    step = timedelta(seconds=width_s)
    until = DROP_END + timedelta(days=1)
    assert [start for (start,) in rows] == [DROP + k * step for k in range((until - DROP) // step)]


def test_first_monitor_with_four_fifths_of_the_month(built: Path) -> None:
    codes = (
        "select station_id, month(bin_start) as m, list(distinct primary_code) from int_station_primary group by 1, 2"
    )
    found = {(station_id, month): code for station_id, month, code in query(built, codes)}
    assert [found[FOLLOWS_CALM, month] for month in (4, 5, 6)] == [["CALM"], ["CALM"], ["OULU"]], (
        "596 of 744; 216 of 312, the 15th is not there yet"
    )
    assert [found[FOLLOWS_MXCO, month] for month in (4, 5, 6)] == [["MXCO"], ["OULU"], ["MXCO"]], (
        "595 of 744; 264 of 312"
    )
    nothing = query(
        built,
        "select distinct primary_pct, primary_code, is_primary_disturbed from large_corrected_table"
        f" where station_id = {NO_MONITOR}",
    )
    assert nothing == [(None, None, None)]


def test_disturbed_hours_are_corrected_but_leave_the_pressure_fit(built: Path) -> None:
    reason = "fit_exclusion_reason"
    hours = query(
        built,
        f"select min(bin_start), max(bin_start), count(*), count(rate_eff_p_hz), bool_and(is_excluded), {reason}"
        f" from large_corrected_table where station_id = {FOLLOWS_CALM} and {reason} is not null"
        f" group by {reason} order by 1",
    )
    forbush = datetime(2025, 5, 26)
    assert hours == [
        (DROP, datetime(2025, 5, 25, 23), 19, 19, True, "primary_disturbed"),
        (forbush, forbush + timedelta(hours=23), 24, 24, True, "forbush"),
    ]
    joint = query(
        built,
        f"select bin_start from int_rate_fit_row where station_id = {FOLLOWS_CALM} and group_code = 'all'"
        " and not is_joint_fit_row order by 1",
    )
    assert [start for (start,) in joint] == [datetime(2025, 5, 26, h) for h in range(12, 18)], "declared, no Forbush"
    fitted = query(
        built,
        "select station_id, n_rows, n_excluded_rows from fct_pressure_coefficient where target_kind = 'station'"
        f" and scope = 'month' and group_code = 'all' and month(range_start) = 5"
        f" and station_id in ({FOLLOWS_CALM}, {NO_MONITOR}) order by 1",
    )
    assert fitted == [(FOLLOWS_CALM, 744 - 43, 43), (NO_MONITOR, 744, 0)]


def test_a_station_without_a_monitor_loses_nothing_else(built: Path) -> None:
    words = "bin_start, rate_eff_hz, round(rate_eff_p_hz, 9), coverage, pressure_delta_hpa"
    tables = [
        query(built, f"select {words} from large_corrected_table where station_id = {k} order by 1")
        for k in (FOLLOWS_MXCO, NO_MONITOR)
    ]
    assert len(tables[0]) == N_HOURS
    assert tables[0] == tables[1]


def test_long_and_wide_table_say_the_same(built: Path) -> None:
    with duckdb.connect(str(built / "build.duckdb"), read_only=True) as connection:
        wide = connection.execute("select * from network_table order by bin_width_s, bin_start").pl()
        long = connection.execute("select * from fct_network").pl()
    station = ("rate_final_hz", "rate_final_sigma_hz", "rel_pct", "rel_sigma_pct", "pressure_hpa", "coverage")
    assert wide.columns == [
        *("bin_start", "bin_width_s"),
        *(f"nm_{code}_{name}" for code in MONITORS for name in ("hz", "rel_pct")),
        *(f"mingo{k:02d}_{name}" for k in (1, 2, 3, 4, 7) for name in station),
    ]
    assert sorted(set(wide["bin_width_s"])) == [600, 3600]
    kept = long.filter(long["bin_width_s"].is_in([600, 3600]))
    assert wide.height == kept.select("bin_start", "bin_width_s").unique().height
    for code, value, rel in (
        ("OULU", "nm_OULU_hz", "nm_OULU_rel_pct"),
        ("MINGO04", "mingo04_rate_final_hz", "mingo04_rel_pct"),
    ):
        rows = kept.filter(kept["series_code"] == code).sort("bin_width_s", "bin_start")
        there = wide.filter(wide[value].is_not_null())
        assert there[value].to_list() == rows["value"].to_list()
        assert there[rel].to_list() == rows["rel_pct"].to_list()
    pressure = wide.filter(wide["bin_width_s"] == 3600)["mingo01_pressure_hpa"].to_numpy()
    np.testing.assert_allclose(pressure, wave_pressure(np.arange(N_HOURS)), rtol=1e-12)
    monitor = (
        kept.filter((kept["series_code"] == "CALM") & (kept["bin_width_s"] == 3600)).drop_nulls().row(0, named=True)
    )
    assert monitor["sigma"] == pytest.approx(np.sqrt(60 / 3600))
    assert monitor["rel_sigma_pct"] == pytest.approx(100 * np.sqrt(60 / 3600) / 60)


def test_comparison_finds_how_a_station_follows_a_monitor(built: Path) -> None:
    for month in (4, 5, 6):
        x, y = np.array(
            query(
                built,
                "select nm_SOPO_rel_pct, mingo04_rel_pct from network_table where bin_width_s = 3600"
                f" and month(bin_start) = {month} and mingo04_rel_pct + nm_SOPO_rel_pct is not null order by bin_start",
            ),
            dtype=np.float64,
        ).T
        ((n, r, slope, sigma, lag),) = query(
            built,
            "select n, pearson_r, slope_pct_per_pct, slope_sigma_pct_per_pct, lag_h from fct_network_comparison"
            f" where station_code = 'MINGO04' and nm_code = 'SOPO' and month(month_start) = {month}",
        )
        least_squares, covariance = np.polyfit(x, y, 1, cov=True)
        assert n == x.size
        assert r == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-9)
        assert slope == pytest.approx(least_squares[0], rel=1e-9)
        assert sigma > 0.999 * np.sqrt(covariance[0, 0])  # type: ignore[operator]
        assert lag == DELAY_H
        shifted = np.polyfit(x[:-DELAY_H], y[DELAY_H:], 1)[0]
        assert shifted == pytest.approx(SLOPE, rel=0.02), "the truth, where both are brought to the same hour"


def test_monitors_stand_beside_every_station(built: Path) -> None:
    same_bin = "c.station_id = t.station_id and c.bin_start = t.Time and c.bin_width_s = t.bin_width_s"
    ((stations, monitor_hours, rate_hours, wrong),) = query(
        built,
        "select count(distinct t.station_id), count(t.OULU), count(t.final_all), count(*) filter ("
        " t.OULU is distinct from p.rel_pct / 100 or t.final_all is distinct from c.rate_final_hz"
        " or t.miniTRASGO is distinct from c.rate_norm_pct / 100)"
        " from third_stage_table as t"
        " join fct_primary as p on p.nm_code = 'OULU' and p.bin_start = t.Time and p.bin_width_s = t.bin_width_s"
        f" left join large_corrected_table as c on {same_bin}",
    )
    assert stations == len(_stations())
    assert monitor_hours > 0  # type: ignore[operator]
    assert rate_hours > 0  # type: ignore[operator]
    assert wrong == 0


def test_dashboard_view_begins_with_time(built: Path) -> None:
    with duckdb.connect(str(built / "build.duckdb"), read_only=True) as connection:
        view = connection.execute("select * from grafana_network")
        assert [entry[0] for entry in view.description or []][:3] == ["time", "bin_width_s", "series_code"]
        assert connection.execute("select distinct bin_width_s from grafana_network").fetchall() == [(3600,)]


def test_a_monitor_that_comes_later_gets_its_columns(built: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    shutil.copytree(built, later)
    write_nmdb(later, [*_monitors(), *_series("ICRB", 3600, FIRST, NEWEST, 100.0)])
    models = ("fct_nmdb_hour", "fct_primary", "fct_network", "network_table", "fct_network_comparison")
    result = run_dbt(later, "run", "--select", *models, variables=WIDTHS)
    assert result.error is None, result.error
    new = query(later, "select bin_width_s, count(*), min(nm_ICRB_hz) from network_table group by 1 order by 1")
    assert new == [(600, 74 * 144, 100.0), (3600, N_HOURS, 100.0)]
    for table in ("network_table", "fct_primary", "fct_network_comparison"):
        old = query(built, f"select * from {table} order by all")
        names = "* exclude (nm_ICRB_hz, nm_ICRB_rel_pct)" if table == "network_table" else "*"
        where = "" if table == "network_table" else "where nm_code != 'ICRB'"
        assert query(later, f"select {names} from {table} {where} order by all") == old, (
            "the rest is the same to the bit"
        )
