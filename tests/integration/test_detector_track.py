"""Tracks, live time and counts of the independent files: what the bounds of test_detector_bounds do not hold."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.integration.conftest import Home

LARGE, SMALL = 25161000000, 25060000000
STEMS = {LARGE: "mi0025161000000", SMALL: "mi0025060000000"}

LIST_COUNTS = {
    1234: 5193,
    123: 5433,
    234: 4972,
    124: 307,
    134: 467,
    12: 12774,
    23: 8012,
    34: 12228,
    13: 368,
    24: 19,
    14: 3,
}
N_ONE_PLANE = 224

TRACK_AND_TRUTH = """
    select
        track.*,
        label.n_planes as n_fitted,
        degrees(acos(least(1,
            sin(track.theta_rad) * sin(truth.theta_rad) * cos(track.phi_rad - truth.phi_rad)
            + cos(track.theta_rad) * cos(truth.theta_rad)
        ))) as space_angle_deg
    from fct_track as track
    inner join read_parquet('{truth}') as truth on track.event_number = truth.dat_line
    inner join tt_label as label on track.fit_tt = label.tt
    where track.file_id = {file_id}
"""


class Known:
    """One file: what was found and what is true."""

    def __init__(self, home: Home, folder: Path, file_id: int) -> None:
        self.file_id = file_id
        self.is_large = file_id == LARGE
        self.connection = duckdb.connect(str(home.build), read_only=True)
        truth = folder / f"truth_{STEMS[file_id]}.parquet"
        self.connection.execute("create temp view known as " + TRACK_AND_TRUTH.format(truth=truth, file_id=file_id))

    def row(self, sql: str) -> tuple[float, ...]:
        """First row of a query in which {file_id} is the file."""
        row = self.connection.execute(sql.format(file_id=self.file_id)).fetchone()
        assert row is not None
        return row

    def bound(self, large: float, small: float) -> float:
        return large if self.is_large else small


@pytest.fixture(params=STEMS, ids=["large", "small"])
def known(request: pytest.FixtureRequest, independent: Home, shared_data: Path) -> Known:
    """Both files in turn."""
    return Known(independent, shared_data / "detector", request.param)


@pytest.mark.parametrize(("n_planes", "theta_deg"), [(2, 35.9), (3, 24.0), (4, 15.0)])
def test_mean_zenith_angle(known: Known, n_planes: int, theta_deg: float) -> None:
    (mean,) = known.row(f"select avg(degrees(theta_rad)) from known where n_fitted = {n_planes}")
    assert mean == pytest.approx(theta_deg, rel=known.bound(0.01, 0.05))


def test_a_removed_plane_mends_the_direction(known: Known) -> None:
    n, median = known.row("select count(*), median(space_angle_deg) from known where removed_plane is not null")
    assert n <= 12
    if known.is_large:
        assert median < 6


def test_live_seconds_and_kept_events(known: Known) -> None:
    live, outlier, dead, kept, dropped = known.row("""
        select sum(live_s), sum(n_outlier_s), sum(n_dead_s), sum(n_events_live), sum(n_events_dropped)
        from fct_minute_live
        where
            minute_start >= (select date_trunc('day', start_time) from dim_file where file_id = {file_id})
            and minute_start < (select start_time + interval 1 day from dim_file where file_id = {file_id})
    """)
    assert (live, outlier, dead) == (known.bound(5114, 504), 0, 0)
    assert (kept, dropped) == (known.bound(49_985, 4_984), known.bound(15, 16))


def counts(home: Home, sql: str) -> dict[int, int]:
    with duckdb.connect(str(home.build), read_only=True) as connection:
        return dict(connection.execute(sql).fetchall())


def test_list_labels(independent: Home) -> None:
    found = counts(independent, f"select list_tt, count(*) from fct_track where file_id = {LARGE} group by list_tt")
    one_plane = sum(found.get(tt, 0) for tt in (1, 2, 3, 4))
    for tt, expected in (LIST_COUNTS | {0: 0}).items():
        assert found.get(tt, 0) == pytest.approx(expected, abs=max(3, 0.003 * expected)), tt
    assert one_plane == pytest.approx(N_ONE_PLANE, abs=3)


def test_minute_counts_sum_to_the_kept_events(independent: Home) -> None:
    sql = "select {} from fct_minute_count where minute_start >= '2025-06-10' group by 1"
    assert set(counts(independent, sql.format("tt_kind, sum(n_events)::bigint")).values()) == {49_985}
    rows = counts(
        independent,
        """
        select n, count(*)
        from (
            select count(*) as n
            from fct_minute_count
            where tt_kind = 'raw_tt' and minute_start >= '2025-06-10'
            group by minute_start
        )
        group by n
        """,
    )
    assert rows == {16: 86}


def test_minute_rate_is_poisson(independent: Home) -> None:
    minutes = counts(
        independent,
        """
        select epoch(minute_start)::bigint, sum(n_events)::bigint
        from fct_minute_count
        inner join fct_minute_live using (station_id, minute_start)
        where tt_kind = 'list_tt' and live_s = 60 and minute_start >= '2025-06-10'
        group by minute_start
        """,
    )
    n = list(minutes.values())
    mean = sum(n) / len(n)
    assert len(n) == 84
    assert mean == pytest.approx(586.1, abs=0.1)
    assert sum((k - mean) ** 2 for k in n) / (len(n) - 1) / mean == pytest.approx(0.92, abs=0.02)


def test_plane_hits(independent: Home) -> None:
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        hits = connection.execute(
            f"""
            select
                count(*),
                count(*) filter (where is_low_charge),
                avg((n_strips = 1)::int),
                list_sort(list(distinct plane))
            from int_plane_hit
            where file_id = {LARGE}
            """
        ).fetchone()
        crosstalk = connection.execute(
            f"select count(*) from int_strip_hit where file_id = {LARGE} and is_crosstalk"
        ).fetchone()
        quality = connection.execute(f"from fct_file_quality where file_id = {LARGE}").pl().row(0, named=True)
    assert hits is not None
    assert crosstalk is not None
    assert hits[0] == pytest.approx(121_341, rel=0.01)
    assert hits[1] == pytest.approx(2_069, rel=0.05)
    assert hits[2] == pytest.approx(0.844, abs=0.005)
    assert crosstalk[0] == pytest.approx(52_963, rel=0.01)
    assert [quality[f"streamer_pct_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([10.6, 7.7, 9.5, 5.4], abs=0.1)
    assert [quality[f"q_sum_mean_ns_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([44.7, 37.0, 42.3, 31.0], rel=0.01)
    assert [quality[f"loo_x_rms_mm_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([24, 18, 19, 24], abs=1)
    assert (quality["status"], quality["n_dead"], quality["n_constants_none"]) == ("ok", 0, 0)
    assert quality["clean_purity_pct"] == 100
    assert quality["crt_corrected_ps"] == pytest.approx(500, abs=10)
    assert [quality[f"loo_y_rms_mm_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([43, 31, 32, 42], abs=1)
    assert [quality[f"loo_t_rms_ns_{p}"] for p in (1, 2, 3, 4)] == pytest.approx([1.10, 0.82, 0.85, 1.06], abs=0.03)


# each counts the rows that break a rule of the tables
BROKEN_RULES = {
    "an accepted strip is rejected by nothing, and no crosstalk": """
        from int_strip_hit
        where is_accepted != (reject_mask = 0 and not is_crosstalk) or is_crosstalk and not is_below_limit
    """,
    "a plane with a strip that nothing rejects has a hit": """
        from (select distinct file_id, event_number, plane from int_strip_hit where reject_mask = 0)
        anti join int_plane_hit using (file_id, event_number, plane)
    """,
    "a plane hit of small charge has one strip": "from int_plane_hit where is_low_charge and n_strips != 1",
    "a plane hit has its row among the planes of tracks": """
        from int_plane_hit
        full join (from int_track_plane where is_hit) as tested using (file_id, event_number, plane)
        where int_plane_hit.n_strips is null or tested.is_hit is null
    """,
    "a tested plane without a hit lies in an event of the three others": """
        from int_track_plane
        inner join fct_track using (file_id, event_number)
        where not is_hit and (n_planes != 3 or contains(list_tt::varchar, plane::varchar))
    """,
    "every coincidence event has one track row": """
        from (from int_event_clean where event_class = 'coincidence') as event
        full join fct_track using (file_id, event_number)
        where event.clean_tt is null or fct_track.clean_tt is null
    """,
    "an accepted track has planes and a region, another has none": """
        from fct_track
        where
            is_track != (track_reject_mask = 0) or is_track != (fit_tt > 0) or is_track != (region_code != 'none')
            or (track_reject_mask = 1) != (n_planes < 2) or (x0_mm is null) != (n_planes < 2)
    """,
    "only a removed plane tells the label of the fit from that of the hits": """
        from fct_track
        where is_track and replace(list_tt::varchar, coalesce(removed_plane, 0)::varchar, '')::smallint != fit_tt
    """,
    "the planes an event tests are those of the table of planes": """
        from (
            select file_id, event_number, sum((1 << (plane - 1)) * is_in_fiducial::int) as mask
            from int_track_plane group by all
        )
        inner join fct_track using (file_id, event_number)
        where mask != fiducial_mask
    """,
}


@pytest.mark.parametrize("rule", BROKEN_RULES)
def test_tables_of_an_event_agree(independent: Home, rule: str) -> None:
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        assert connection.execute(f"select count(*) {BROKEN_RULES[rule]}").fetchone() == (0,)


def test_tracks_are_the_least_squares_lines_through_the_hits(independent: Home) -> None:
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        events = connection.execute(
            f"""
            select
                any_value(columns(fct_track.*)),
                list(plane_hit.plane order by plane_hit.plane) as planes,
                list([x_mm, y_mm, t_ns] order by plane_hit.plane)::double[][] as hits,
                list([sigma_x_mm, sigma_y_mm, sigma_t_ns] order by plane_hit.plane)::double[][] as sigmas
            from int_plane_hit as plane_hit
            inner join fct_track using (file_id, event_number)
            where file_id = {LARGE} and event_number % 50 = 7 and n_planes >= 2 and removed_plane is null
            group by file_id, event_number
            """
        ).pl()
    assert len(events) > 950
    for event in events.iter_rows(named=True):
        z, hits = 150.0 * (np.array(event["planes"]) - 1), np.array(event["hits"])
        slope, start = np.polyfit(z, hits, 1)
        found = [event[name] for name in ("x_slope", "y_slope", "t_slope_ns_per_mm")]
        assert found == pytest.approx(slope, rel=1e-9, abs=1e-9)
        found = [event[name] for name in ("x0_mm", "y0_mm", "t0_ns")]
        assert found == pytest.approx(start - (0, 0, 300 / (2 * 199.8616)), rel=1e-9, abs=1e-9)
        pulls = (hits - start - np.outer(z, slope)) / event["sigmas"]
        assert event["chi2"] == pytest.approx((pulls**2).sum(), rel=1e-8, abs=1e-8)
