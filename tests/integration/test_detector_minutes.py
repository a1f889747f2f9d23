"""Minute tables of the independent files: golden counts, and sums that agree with the events and with each other."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.integration.conftest import Home
from warehouse.fit.time_window import BIN_NS, fit_windows

LARGE = 25161000000
DAY = "minute_start::date = '2025-06-10'"
LIST_COUNTS = {
    1234: 5192, 123: 5431, 234: 4971, 124: 307, 134: 467, 12: 12772, 23: 8009, 34: 12222, 13: 368, 24: 19, 14: 3,
}  # fmt: skip
QUANTITIES = ("x0_mm", "y0_mm", "theta_rad", "t_slope_ns_per_mm", "slowness_ns_per_mm", "q_sum_ns", "q_fc")


class Built:
    """The build file, read-only."""

    def __init__(self, home: Home) -> None:
        self.path = home.build

    def frame(self, sql: str) -> pl.DataFrame:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).pl()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.frame(sql).rows()


@pytest.fixture(scope="module")
def built(independent: Home) -> Built:
    """The tables of the independent files."""
    return Built(independent)


def test_events_and_seconds_of_the_first_and_last_minutes(built: Built) -> None:
    rows = built.rows(f"select n_events_live, live_s from fct_minute_live where {DAY} order by minute_start")
    assert len(rows) == 86
    assert [rows[0][0], rows[1][0], rows[2][0], rows[84][0], rows[85][0]] == [602, 580, 601, 593, 152]
    assert [live for _, live in rows] == [59, *[60] * 84, 15]


def test_labels_of_the_kept_events(built: Built) -> None:
    sums = dict(
        built.rows(
            f"select tt, sum(n_events)::bigint from fct_minute_count where {DAY} and tt_kind = 'list_tt' group by tt"
        )
    )
    assert sum(sums.values()) == 49_985
    for tt, expected in LIST_COUNTS.items():
        assert sums[tt] == pytest.approx(expected, abs=max(3, 0.003 * expected)), tt
    assert sum(sums[tt] for tt in (1, 2, 3, 4)) == pytest.approx(224, abs=3)


def test_tracks_of_four_planes_by_ring(built: Built) -> None:
    """500, 2,224, 1,966 and 499 before planes are removed; seven events lose one."""
    rings = dict(
        built.rows(f"""
            select left(region_code, 2), sum(n_events)::bigint
            from fct_minute_count
            where {DAY} and tt_kind = 'fit_tt' and tt = 1234 and region_code != 'none'
            group by 1
        """)
    )
    assert rings == {
        ring: pytest.approx(n, abs=4) for ring, n in {"R0": 500, "R1": 2224, "R2": 1966, "R3": 499}.items()
    }


def test_the_dense_view_fills_every_region(built: Built) -> None:
    minutes, rows, tracks = built.rows(f"""
        select count(distinct minute_start), count(*), sum(n_events) filter (where tt_kind = 'fit_tt')
        from fct_minute_count_dense
        where {DAY}
    """)[0]
    assert (minutes, rows) == (86, 86 * 2 * 16 * 25)
    assert tracks == built.rows(f"select sum(n_tracks) from fct_minute_track where {DAY}")[0][0]


def test_sums_of_tracks_are_those_of_the_events(built: Built) -> None:
    quantities = [*QUANTITIES, "chi2_per_ndf"]
    sums = ", ".join(f"sum({q}), sum({q} ** 2), count({q})" for q in quantities)
    events = built.rows(f"""
        select count(*), sum(cos(phi_rad)), sum(sin(phi_rad)), {sums}
        from (select *, chi2 / nullif(ndf, 0) as chi2_per_ndf from fct_track) as track
        inner join int_second as second on track.file_id = second.file_id and track.event_time = second.second_start
        where is_track and is_live and track.file_id = {LARGE}
    """)[0]
    stored = ", ".join(f"sum(sum_{q}), sum(sum2_{q}), sum(n_{q})" for q in quantities)
    minutes = built.rows(
        f"select sum(n_tracks), sum(sum_cos_phi), sum(sum_sin_phi), {stored} from fct_minute_track where {DAY}"
    )[0]
    assert [float(value) for value in minutes] == pytest.approx([float(value) for value in events], rel=1e-6)
    assert events[0] > 49_000


def test_means_and_spreads_of_a_minute(built: Built) -> None:
    minute = "2025-06-10 00:30:00"
    tracks = built.frame(f"from fct_track where file_id = {LARGE} and is_track and minute_start = '{minute}'")
    view = built.frame(f"from fct_minute_track_mean where minute_start = '{minute}'").row(0, named=True)
    assert view["n_tracks"] == len(tracks)
    for name in QUANTITIES:
        values = tracks[name].to_numpy()
        assert view[f"mean_{name}"] == pytest.approx(values.mean(), rel=1e-6)
        assert view[f"std_{name}"] == pytest.approx(values.std(), rel=1e-6)
    mean = np.exp(1j * tracks["phi_rad"].to_numpy()).mean()
    assert view["phi_concentration"] == pytest.approx(abs(mean), rel=1e-6)
    assert view["mean_phi_rad"] == pytest.approx(np.angle(mean), rel=1e-6)
    assert view["std_phi_rad"] == pytest.approx(np.sqrt(-2 * np.log(abs(mean))), rel=1e-6)


def test_efficiencies_of_a_day_are_sums_of_minutes(built: Built) -> None:
    found = {
        (plane, label): (n_fired, n_pool)
        for plane, label, n_fired, n_pool in built.rows("""
            select plane, label, n_fired, n_pool from fct_plane_efficiency
            where period_kind = 'day' and period_start = '2025-06-10' and method = 'projection'
        """)
    }
    sums = "plane, sum(n_fired_list)::bigint, sum(n_fired_clean)::bigint, sum(n_pool)::bigint"
    minutes = built.rows(f"select {sums} from fct_minute_plane where {DAY} group by plane")
    expected: dict[tuple[int, str], tuple[int, int]] = {}
    for plane, n_list, n_clean, n_pool in minutes:
        expected |= {(plane, "list"): (n_list, n_pool), (plane, "clean"): (n_clean, n_pool)}
    assert found == expected


@pytest.mark.parametrize(
    ("method", "plane", "fired", "lost"),
    [
        ("ratio", 1, (1234,), (234,)),
        ("ratio", 2, (1234,), (134,)),
        ("ratio", 3, (1234,), (124,)),
        ("ratio", 4, (1234,), (123,)),
        ("ratio_123", 2, (1234, 123), (134, 13)),
    ],
)
def test_ratios_are_sums_of_labels(
    built: Built, method: str, plane: int, fired: tuple[int, ...], lost: tuple[int, ...]
) -> None:
    for label in ("list", "clean"):
        counts = dict(
            built.rows(f"""
                select tt, sum(n_events)::bigint from fct_minute_count
                where {DAY} and tt_kind = '{label}_tt' group by tt
            """)
        )
        n_fired = sum(counts[tt] for tt in fired)
        row = built.rows(f"""
            select n_fired, n_pool, efficiency from fct_plane_efficiency
            where
                period_kind = 'file' and file_id = {LARGE}
                and method = '{method}' and plane = {plane} and label = '{label}'
        """)[0]
        n_pool = n_fired + sum(counts[tt] for tt in lost)
        assert row[:2] == (n_fired, n_pool)
        assert row[2] == pytest.approx(n_fired / n_pool)


@pytest.mark.parametrize(("plane", "ratio"), [(1, 0.5109), (2, 0.9175), (3, 0.9442), (4, 0.4887)])
def test_plain_ratios_of_the_outer_planes_are_useless(built: Built, plane: int, ratio: float) -> None:
    row = built.rows(f"""
        select efficiency from fct_plane_efficiency
        where file_id = {LARGE} and period_kind = 'file' and method = 'ratio' and plane = {plane} and label = 'list'
    """)[0]
    assert row[0] == pytest.approx(ratio, abs=0.001)


def test_a_telescope_without_its_trigger_pair_is_not_measured(built: Built) -> None:
    rows = built.rows(f"""
        select distinct efficiency, efficiency_sigma, null_reason from fct_plane_efficiency
        where file_id = {LARGE} and period_kind = 'file' and method = 'ratio_234'
    """)
    assert rows == [(None, None, "trigger_bias")]


def test_tracks_that_test_a_plane_stand_with_two_labels(built: Built) -> None:
    for plane, without in {1: 234, 2: 134, 3: 124, 4: 123}.items():
        with_value = built.rows(f"""
            select distinct tt from fct_minute_count
            where {DAY} and tt_kind in ('list_tt', 'fit_tt') and n_fid_{plane} is not null order by tt
        """)
        assert with_value == [(without,), (1234,)]
        n_fid = built.rows(
            f"select sum(n_fid_{plane})::bigint from fct_minute_count where {DAY} and tt_kind = 'list_tt'"
        )
        assert n_fid == built.rows(f"select sum(n_pool)::bigint from fct_minute_plane where {DAY} and plane = {plane}")


def test_counters_follow_the_events_through_every_stage(built: Built) -> None:
    counters = {
        (stage, reason): (unit, n)
        for stage, reason, unit, n in built.rows(
            f"select stage, reason, unit, n from int_file_counter where file_id = {LARGE}"
        )
    }
    assert counters["live", "live"] == ("event", 49_985)
    assert counters["live", "edge"] == ("event", 15)
    assert counters["live_time", "live"] == ("second", 5_114)
    assert counters["live_time", "edge"] == ("second", 2)
    for reason in ("superseded", "overlap_second", "dead_gap", "outlier"):
        assert counters["live", reason] == ("event", 0)
        assert counters["live_time", reason] == ("second", 0)
    assert counters["clean", "two_ended"] == ("strip", 193_275)
    assert counters["clean", "one_ended"] == ("strip", 159_347)
    assert counters["cal", "time_cal"] == ("strip", 0)
    assert counters["list", "crosstalk"][1] == pytest.approx(52_963, rel=0.01)
    two_planes = [counters[stage, "two_planes"][1] for stage in ("raw", "clean", "cal", "list", "fit")]
    assert two_planes[:2] == [50_000, 50_000]
    assert two_planes == sorted(two_planes, reverse=True)
    lost = sum(counters["fit", reason][1] for reason in ("few_planes", "position", "slope", "slowness", "chi2"))
    assert 50_000 - two_planes[-1] <= lost


def test_purities_are_shares_of_the_coincidences(built: Built) -> None:
    quality = built.frame(f"from fct_file_quality where file_id = {LARGE}").row(0, named=True)
    counters = dict(
        built.rows(f"select stage, n from int_file_counter where file_id = {LARGE} and reason = 'two_planes'")
    )
    for name, stage in {"clean_purity_pct": "clean", "list_purity_pct": "list", "track_purity_pct": "fit"}.items():
        assert quality[name] == pytest.approx(100 * counters[stage] / 50_000)
    assert quality["line_validity_pct"] == pytest.approx(100 * 50_000 / 50_001)
    assert quality["crt_ps"] == pytest.approx(426, abs=10)
    assert quality["slowness_c_median"] == pytest.approx(1, abs=0.05)
    assert [quality[f"loo_y_rms_mm_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([43, 31, 32, 42], abs=1.5)
    assert [quality[f"loo_t_rms_ns_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([1.10, 0.82, 0.85, 1.06], abs=0.03)
    assert [quality[f"single_strip_pct_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([84.4] * 4, abs=6)


def test_a_minute_has_the_quality_of_its_file(built: Built) -> None:
    names = ("crt_corrected_ps", "link_rms_ps", "clean_purity_pct", "track_purity_pct")
    of_file = built.rows(f"select {', '.join(names)} from fct_file_quality where file_id = {LARGE}")[0]
    minutes = built.frame(f"from fct_minute_quality where {DAY}")
    assert len(minutes) == 86
    assert minutes["n_events"].sum() == 49_985
    for name, value in zip(names, of_file, strict=True):
        assert minutes[name].to_list() == pytest.approx([value] * 86)
    assert set(minutes["z_plane_4_mm"]) == {450}


def test_plane_means_are_ratios_of_the_sums(built: Built) -> None:
    rows = built.frame(f"""
        select * from fct_minute_plane inner join fct_minute_plane_mean using (station_id, minute_start, plane)
        where {DAY}
    """)
    assert len(rows) == 86 * 4
    for row in rows.iter_rows(named=True):
        assert row["streamer_pct"] == pytest.approx(100 * row["n_streamer"] / row["n_hits"])
        assert row["mean_n_strips"] == pytest.approx(row["sum_n_strips"] / row["n_hits"])
        assert row["mean_q_fc"] == pytest.approx(row["sum_q_fc"] / row["n_hits"])
        assert row["efficiency_list"] == pytest.approx(row["n_fired_list"] / row["n_pool"])
        classes = ("n_single", "n_adjacent_2", "n_adjacent_3", "n_adjacent_4", "n_split")
        assert sum(row[name] for name in classes) == row["n_hits"]


def test_time_window_scan_of_four_planes(built: Built) -> None:
    hits = built.frame(f"""
        select hit.event_number, hit.t_ns::double as t_ns from int_plane_hit as hit
        inner join fct_track as track on hit.file_id = track.file_id and hit.event_number = track.event_number
        where hit.file_id = {LARGE} and track.list_tt = 1234
    """).with_columns((pl.col("t_ns") - pl.col("t_ns").mean().over("event_number")).abs().alias("distance_ns"))
    bins = (hits["distance_ns"] / BIN_NS).floor().cast(pl.Int32).alias("bin_index")
    histogram = bins.to_frame().group_by("bin_index").agg(n=pl.len().cast(pl.Int64))
    table = histogram.with_columns(file_id=pl.lit(LARGE), tt=pl.lit(1234, pl.Int16)).to_arrow()
    (row,) = fit_windows(table).to_pylist()
    assert row["n_events"] == pytest.approx(5_193, abs=16)
    assert row["sigmoid_width_ns"] == pytest.approx(0.79, abs=0.01)
    assert row["sigmoid_center_ns"] == pytest.approx(1.09, abs=0.01)
    assert row["background_slope_per_ns"] == pytest.approx(0.012, abs=0.001)
    scan = built.frame(f"from fct_file_quality_tt where file_id = {LARGE} and tt = 1234").row(0, named=True)
    for name in ("sigmoid_width_ns", "sigmoid_center_ns", "background_slope_per_ns"):
        assert scan[name] == pytest.approx(row[name], rel=1e-3)
    minutes = built.frame(f"from fct_minute_quality where {DAY}")
    assert minutes["sigmoid_width_ns_1234"].to_list() == pytest.approx([scan["sigmoid_width_ns"]] * 86)
    assert minutes["background_slope_1234"].to_list() == pytest.approx([scan["background_slope_per_ns"]] * 86)


def test_every_label_with_a_hundred_events_is_scanned(built: Built) -> None:
    scanned = dict(built.rows(f"select tt, n_events from fct_file_quality_tt where file_id = {LARGE}"))
    many = dict(
        built.rows(f"""
            select list_tt, count(*) from fct_track
            where file_id = {LARGE} and n_planes >= 2 group by list_tt having count(*) >= 100
        """)
    )
    assert scanned == many


def test_published_minutes_are_those_of_the_build(built: Built, independent: Home) -> None:
    def total(path: Path) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute("select count(*), sum(n_hits), sum(n_pool) from fct_minute_plane").fetchall()

    assert total(independent.serving) == total(independent.build)
