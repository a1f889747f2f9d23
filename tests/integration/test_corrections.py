"""From minutes to rates: merge, bins, efficiency, errors and accidentals against patterns that are known."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.integration.corrections_input import (
    EFFICIENCY,
    PATTERNS,
    REGIONS,
    Minutes,
    column,
    pattern_share,
    query,
    run_dbt,
    write_inputs,
    write_seeds,
)

N_TRACK = 10**8  # tracks a minute through all planes: every pattern is then a whole number, also in each of 25 regions
HOUR_TRACK = 15 * 3600  # the same at 15 Hz in an hour
EXACT, SHARE_80_75, SHARE_50_50 = 1, 2, 3
GEOMETRY = {4: (0.05, False), 5: (0.15, False), 6: (0.30, False), 7: (0.05, True), 8: (0.15, True), 9: (0.30, True)}
RULES, NOISY, WINDOW, LOW = 10, 11, 12, 13
MODELS = ("int_station_day+", "fct_primary+", "int_pressure_monitor_row")


def _minutes(station_id: int, n_minutes: int, counts: dict[tuple[str, str], np.ndarray], **changes: object) -> Minutes:
    start = np.datetime64("2025-01-02T00:00") + np.arange(n_minutes)
    values = {
        "pressure_lab_hpa": np.full(n_minutes, 940.0),
        "pressure_ext_hpa": np.full(n_minutes, 940.0),
        "hv_neg_kv": np.full(n_minutes, 5.5),
        "hv_pos_kv": np.full(n_minutes, 5.6),
    }
    return Minutes(
        station_id,
        start,
        np.full(n_minutes, 60.0),
        counts,
        values,
        {"pressure_lab_source": "ext_measured"},
        **changes,  # type: ignore[arg-type]
    )


def _exact(station_id: int, fiducial: tuple[float, float] | None) -> Minutes:
    """Two hours of exact patterns, in equal parts in all regions."""
    counts = {(p, r): np.full(120, round(N_TRACK * pattern_share(p) / 25)) for p in PATTERNS for r in REGIONS}
    cut = None
    if fiducial is not None:
        total = {p: np.full(120, round(N_TRACK * pattern_share(p))) for p in PATTERNS}
        cut = {(1, p): fiducial[0] * total[p] for p in ("1234", "234")}
        cut |= {(4, p): fiducial[1] * total[p] for p in ("1234", "123")}
    return _minutes(station_id, 120, counts, fiducial=cut)


def _geometry(station_id: int, share: float, with_fiducial: bool) -> Minutes:
    """Exact patterns, and triples of tracks that miss plane 1 or plane 4: ``share`` of the tracks each."""
    e1, e2, e3, e4 = EFFICIENCY
    inside = {p: round(N_TRACK * pattern_share(p)) for p in PATTERNS}
    total = dict(inside)
    total["234"] += round(N_TRACK * share * e2 * e3 * e4)
    total["123"] += round(N_TRACK * share * e1 * e2 * e3)
    counts = {(p, "R0.0"): np.full(60, n) for p, n in total.items()}
    cut = {(1, p): np.full(60, inside[p]) for p in ("1234", "234")}
    cut |= {(4, p): np.full(60, inside[p]) for p in ("1234", "123")}
    return _minutes(station_id, 60, counts, fiducial=cut if with_fiducial else None)


def _rules() -> Minutes:
    """Three hours: a minute of each kind that the merge must tell apart."""
    n = 180
    counts = {("1234", "R0.0"): np.full(n, 400), ("124", "R1.3"): np.full(n, 200), ("134", "none"): np.full(n, 7)}
    station = _minutes(RULES, n, {key: value.astype(np.float64) for key, value in counts.items()})
    station.live_s[:60] = 0
    station.live_s[[0, 2]] = 60
    counts[("1234", "R0.0")][0], counts[("124", "R1.3")][0] = 600, 0
    counts[("1234", "R0.0")][2], counts[("124", "R1.3")][2] = 400, 260
    for key, value in counts.items():
        value[3:60] = 0
        station.counts[key] = value.astype(np.float64)
    station.values["pressure_lab_hpa"] = np.where(np.arange(n) < 1, 938.0, 942.0)
    station.values["temp_ext_degc"] = np.zeros(n)
    station.values["hv_neg_kv"] = np.zeros(n)
    station.conf_number = np.where(np.arange(n) < 150, 1.0, 2.0)
    return station


def _noisy() -> Minutes:
    """Two days of Poisson minutes with three that cannot be chance."""
    rng = np.random.default_rng(7)
    counts = {(p, "R0.0"): rng.poisson(900 * pattern_share(p), 2880).astype(np.float64) for p in PATTERNS}
    counts["1234", "R0.0"][[100, 1000]] += 300
    counts["1234", "R0.0"][2000] -= 250
    return _minutes(NOISY, 2880, counts)


def _slow(station_id: int, per_minute: int, n_minutes: int) -> Minutes:
    """Few tracks: the hour alone does not give an efficiency."""
    counts = {(p, "R0.0"): np.full(n_minutes, float(round(per_minute * pattern_share(p)))) for p in PATTERNS}
    return _minutes(station_id, n_minutes, counts)


def _stations() -> list[Minutes]:
    return [
        _exact(EXACT, None),
        _exact(SHARE_80_75, (0.8, 0.75)),
        _exact(SHARE_50_50, (0.5, 0.5)),
        *(_geometry(station_id, *setting) for station_id, setting in GEOMETRY.items()),
        _rules(),
        _noisy(),
        _slow(WINDOW, 20, 1440),
        _slow(LOW, 20, 60),
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("corrections")
    stations = _stations()
    write_inputs(data_dir, stations)
    write_seeds(data_dir, [station.station_id for station in stations])
    result = run_dbt(data_dir, "run", "--select", *MODELS)
    assert result.error is None, result.error
    return data_dir


def test_efficiencies_and_rate_of_exact_patterns(built: Path) -> None:
    rows = query(
        built,
        "select eff_1, eff_2, eff_3, eff_4, eff_telescope, rate_raw_hz, rate_eff_hz, rate_events_hz from"
        f" large_corrected_table where station_id = {EXACT}",
    )
    assert len(rows) == 2
    true_hz = N_TRACK / 60
    for row in rows:
        assert row[:4] == pytest.approx(EFFICIENCY, rel=1e-12)
        assert row[4] == pytest.approx(0.777308, rel=1e-12)
        assert row[5] / true_hz * 15 == pytest.approx(11.6596, abs=6e-5)
        assert row[6] / true_hz * 15 == pytest.approx(15.0, rel=1e-12)


@pytest.mark.parametrize(
    ("pattern", "rate"),
    [
        *(("1234", 9.8063), ("123", 1.7305), ("124", 0.5161), ("134", 1.3372), ("234", 0.8527), ("12", 0.0911)),
        *(("13", 0.2360), ("14", 0.0704), ("23", 0.1505), ("24", 0.0449), ("34", 0.1163)),
    ],
)
def test_pattern_counts_pass_through_minutes_and_bins(built: Path, pattern: str, rate: float) -> None:
    found = column(built, f"select n_{pattern} / live_s from int_bin_count where station_id = {EXACT}")
    assert found / (N_TRACK / 60) * 15 == pytest.approx(rate, abs=6e-5)


@pytest.mark.parametrize(
    ("station_id", "percent", "shares"),
    [(EXACT, 0.4498, (1.0, 1.0)), (SHARE_80_75, 0.4713, (0.8, 0.75)), (SHARE_50_50, 0.517, (0.5, 0.5))],
)
def test_error_of_the_rate_is_the_scatter_of_random_hours(
    built: Path, station_id: int, percent: float, shares: tuple[float, float]
) -> None:
    relative = column(
        built, f"select rate_eff_sigma_hz / rate_eff_hz from large_corrected_table where station_id = {station_id}"
    )
    at_15_hz = 100 * relative * np.sqrt(60 * N_TRACK / HOUR_TRACK)
    assert at_15_hz == pytest.approx(percent, abs=6e-5 if percent != 0.517 else 6e-4)
    assert at_15_hz == pytest.approx(100 * _simulated_scatter(shares), rel=0.012)


def _simulated_scatter(shares: tuple[float, float]) -> float:
    """Relative scatter of the corrected rate over 200,000 random hours at 15 Hz."""
    rng = np.random.default_rng(1)
    n = {p: rng.poisson(HOUR_TRACK * pattern_share(p), 200_000) for p in ("1234", "123", "124", "134", "234")}
    f1, f4 = rng.binomial(n["1234"], shares[0]), rng.binomial(n["1234"], shares[1])
    e1 = f1 / (f1 + rng.binomial(n["234"], shares[0]))
    e4 = f4 / (f4 + rng.binomial(n["123"], shares[1]))
    e2, e3 = n["1234"] / (n["1234"] + n["134"]), n["1234"] / (n["1234"] + n["124"])
    rate = (n["1234"] + n["124"] + n["134"]) / (e1 * e4 * (1 - (1 - e2) * (1 - e3)))
    return float(rate.std() / rate.mean())


def test_error_of_a_region_with_four_percent_of_the_events(built: Path) -> None:
    relative = column(
        built,
        f"select rate_eff_sigma_hz / rate_eff_hz from fct_rate where station_id = {EXACT} and group_code = 'R2.5'",
    )
    assert 100 * relative * np.sqrt(60 * N_TRACK / HOUR_TRACK) == pytest.approx(2.454, abs=6e-4)


def test_regions_add_up_to_all_directions(built: Path) -> None:
    for station_id in (EXACT, RULES, NOISY):
        rows = query(
            built,
            "select max(rate_eff_hz) filter (where group_code = 'all'),"
            " sum(rate_eff_hz) filter (where group_code like 'R%') from fct_rate"
            f" where station_id = {station_id} and eff_status = 'ok' group by bin_start",
        )
        total, regions = np.array(rows, dtype=np.float64).T
        np.testing.assert_allclose(regions, total, rtol=1e-9)
    assert query(built, "select count(distinct group_code) from fct_rate") == [(31,)]


@pytest.mark.parametrize(
    ("station_id", "raw_1", "raw_4", "excess"),
    [
        (4, 0.876, 0.810, 0.10),
        (5, 0.800, 0.739, 0.32),
        (6, 0.708, 0.654, 0.69),
        (7, 0.92, 0.85, 0),
        (8, 0.92, 0.85, 0),
        (9, 0.92, 0.85, 0),
    ],
)
def test_tracks_that_miss_an_outer_plane(
    built: Path, station_id: int, raw_1: float, raw_4: float, excess: float
) -> None:
    ((e1, e4, rate, method),) = query(
        built,
        f"select eff_1, eff_4, rate_eff_hz, eff_method from large_corrected_table where station_id = {station_id}",
    )
    assert (e1, e4) == pytest.approx((raw_1, raw_4), abs=6e-4)
    assert rate / (N_TRACK / 60) - 1 == pytest.approx(excess, abs=6e-3 if excess else 1e-7)
    assert method == ("fiducial" if excess == 0 else "acceptance")


def test_no_accidentals_in_exact_patterns(built: Path) -> None:
    rows = query(
        built,
        f"select n_excess, n_measured, tt, is_triggerable from fct_accidental where station_id = {EXACT} order by tt",
    )
    assert len(rows) == 12
    for excess, measured, tt, is_triggerable in rows:
        assert abs(excess) < 1e-9 * measured
        assert is_triggerable == (tt in ("12", "23", "34", "13"))


def test_error_of_the_excess(built: Path) -> None:
    ((excess, sigma),) = query(
        built,
        f"select avg(excess_hz / excess_sigma_hz), stddev(excess_hz / excess_sigma_hz) from fct_accidental"
        f" where station_id = {NOISY} and tt = '13'",
    )
    assert abs(excess) < 4 / np.sqrt(48)
    assert 0.7 < sigma < 1.3


def test_zero_and_missing(built: Path) -> None:
    rows = query(
        built,
        "select n_1234, n_124, n_134, n_14, live_s, reject_reason, temp_ext_degc, hv_neg_kv, n_events from large_table"
        f" where station_id = {RULES} order by minute_start limit 4",
    )
    assert rows[0] == (600, 0, 0, 0, 60.0, None, 0.0, 0.0, 607)
    assert rows[1] == (None, None, None, None, 0.0, "count_without_live", 0.0, 0.0, None)
    assert rows[2][:6] == (400, 260, 0, 0, 60.0, None)
    assert rows[3] == (None, None, None, None, 0.0, None, 0.0, 0.0, None)


def test_bin_sums_counts_and_live_time(built: Path) -> None:
    first, _, third = query(
        built,
        "select n_1234 + n_124 + n_134, live_s, coverage, n_minutes, pressure_lab_hpa, is_usable, c.conf_number,"
        " n_configurations from int_bin_count as c join int_bin_environment using (station_id, bin_start, bin_width_s)"
        f" where station_id = {RULES} order by bin_start",
    )
    assert first[:4] == (1260, 120.0, pytest.approx(0.0333, abs=5e-5), 2)
    assert first[4] == pytest.approx(940.0, rel=1e-12)
    assert first[5] is False
    assert third[5:] == (False, 2.0, 2)


def test_impossible_minutes_are_left_out_with_their_live_time(built: Path) -> None:
    bad = query(
        built,
        f"select date_diff('minute', timestamp '2025-01-02', minute_start) from large_table"
        f" where station_id = {NOISY} and is_bad_minute order by 1",
    )
    assert [row[0] for row in bad] == [100, 1000, 2000]
    live = column(built, f"select live_s from int_bin_count where station_id = {NOISY} order by bin_start")
    assert sorted(np.flatnonzero(live != 3600)) == [1, 16, 33]
    assert live.sum() == (2880 - 3) * 60


def test_too_few_tracks_take_the_day_around(built: Path) -> None:
    words = "distinct eff_source, eff_status, rate_eff_hz is null, rate_raw_hz is null"
    window = query(built, f"select {words} from large_corrected_table where station_id = {WINDOW}")
    assert window == [("window", "ok", False, False)]
    low = query(built, f"select {words} from large_corrected_table where station_id = {LOW}")
    assert low == [(None, "low_statistics", True, False)]


def test_window_errors_are_not_those_of_the_bin(built: Path) -> None:
    rows = query(
        built,
        "select rate_eff_sigma_hz / rate_eff_hz, eff_telescope_sigma / eff_telescope, n_tel from fct_rate"
        f" join large_corrected_table using (station_id, bin_start, bin_width_s, rate_eff_hz, rate_eff_sigma_hz)"
        f" where station_id = {WINDOW} and group_code = 'all'",
    )
    total, efficiency, n_tel = np.array(rows, dtype=np.float64).T
    np.testing.assert_allclose(total**2, 1 / n_tel + efficiency**2, rtol=1e-9)


def test_signs_of_life_in_every_table(built: Path) -> None:
    for subject in ("rate", "efficiency", "accidental", "environment", "coefficient", "coverage"):
        with duckdb.connect(str(built / "build.duckdb"), read_only=True) as connection:
            relation = connection.execute(f"select * from grafana_{subject}")
            names = [entry[0] for entry in relation.description or []]
            assert names[0] == "time"
            assert "station_code" in names
            assert relation.fetchone() is not None
    days = query(built, f"select coverage, n_files from grafana_coverage where station_id = {NOISY} order by time")
    assert days == [(pytest.approx((1440 - 2) / 1440), 1), (pytest.approx((1440 - 1) / 1440), 1)]


def test_sigma_wherever_there_is_a_rate(built: Path) -> None:
    for stage in ("raw", "eff", "eff_p", "final"):
        assert not query(
            built,
            f"select 1 from fct_rate where (rate_{stage}_hz is null) != (rate_{stage}_sigma_hz is null)"
            f" or rate_{stage}_sigma_hz <= 0",
        )
