"""Calibration against the injected constants of the independent files."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.integration.conftest import Home

LARGE, SMALL = 25161000000, 25060000000
STEMS = {LARGE: "mi0025161000000", SMALL: "mi0025060000000"}
BY_SIZE = [(LARGE, "large"), (SMALL, "small")]


def errors(home: Home, truth: Path, file_id: int) -> pl.DataFrame:
    """Calibration of a file minus the injected constants; the time sum has a free common term."""
    with duckdb.connect(str(home.build), read_only=True) as connection:
        return connection.execute(
            """
            select
                used.*,
                q_pedestal_front_ns - truth.Q_front_pedestal_ns as front_error,
                q_pedestal_back_ns - truth.Q_back_pedestal_ns as back_error,
                used.t_dif_offset_ns - truth.T_dif_offset_ns as t_dif_error,
                used.t_sum_offset_ns - truth.T_sum_offset_ns as t_sum_raw,
                t_sum_raw - avg(t_sum_raw) over () as t_sum_error
            from fct_calibration as used
            inner join read_csv(?) as truth using (plane, strip)
            where file_id = ?
            order by plane, strip
            """,
            [str(truth), file_id],
        ).pl()


@pytest.fixture(params=BY_SIZE, ids=[name for _, name in BY_SIZE], scope="module")
def compared(request: pytest.FixtureRequest, independent: Home, shared_data: Path) -> tuple[int, pl.DataFrame]:
    """File and its calibration beside the truth."""
    file_id = request.param[0]
    truth = shared_data / "detector" / f"calibration_{STEMS[file_id]}.csv"
    return file_id, errors(independent, truth, file_id)


def largest(frame: pl.DataFrame, *columns: str) -> float:
    return float(frame.select(pl.max_horizontal(pl.col(c).abs().max() for c in columns)).item())


def test_everything_is_fitted_from_the_file_itself(compared: tuple[int, pl.DataFrame]) -> None:
    _, frame = compared
    assert frame.height == 16
    for status in ("q_status", "t_dif_status", "t_sum_status", "fb_status"):
        assert set(frame[status]) == {"fresh"}, status
    assert frame["is_usable"].all()


def test_pedestals(compared: tuple[int, pl.DataFrame]) -> None:
    file_id, frame = compared
    assert largest(frame, "front_error", "back_error") <= {LARGE: 0.02, SMALL: 0.06}[file_id]


def test_time_difference_offsets(compared: tuple[int, pl.DataFrame]) -> None:
    file_id, frame = compared
    assert largest(frame, "t_dif_error") <= {LARGE: 0.012, SMALL: 0.040}[file_id]
    assert frame["t_dif_box_width_ns"].is_between(1.1, 1.3).all()


def test_time_sum_offsets(compared: tuple[int, pl.DataFrame]) -> None:
    file_id, frame = compared
    assert frame["t_sum_error"].std(ddof=0) <= {LARGE: 0.015, SMALL: 0.040}[file_id]
    assert largest(frame, "t_sum_error") <= {LARGE: 0.040, SMALL: 0.090}[file_id]
    assert frame["t_sum_offset_ns"][0] == 0


def test_front_back_correction_is_small_where_none_is_needed(compared: tuple[int, pl.DataFrame]) -> None:
    file_id, frame = compared
    for strip in frame.iter_rows(named=True):
        assert 50 < strip["q_fb_high_ns"] <= 200
        for step in range(21):
            u = strip["q_fb_high_ns"] * step / 20 / 100
            correction = sum(strip[f"q_fb_c{i}"] * u**i for i in range(5))
            assert abs(correction) <= {LARGE: 0.10, SMALL: 0.25}[file_id]


def test_crosstalk_limits(compared: tuple[int, pl.DataFrame]) -> None:
    assert compared[1]["crosstalk_limit_ns"].is_between(1.05, 1.20 + 1e-9).all()


@pytest.mark.parametrize(
    ("file_id", "min_links", "max_rms_ps", "resolution_tolerance_ps"), [(LARGE, 96, 35, 10), (SMALL, 70, 100, 25)]
)
def test_quality_of_the_links(
    independent: Home, file_id: int, min_links: int, max_rms_ps: float, resolution_tolerance_ps: float
) -> None:
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        row = connection.execute(
            "select n_links, link_rms_ps, crt_corrected_ps, n_components, t_sum_gauge, detail from int_cal_file"
            " where file_id = ?",
            [file_id],
        ).fetchone()
    assert row is not None
    assert row[0] >= min_links
    assert row[1] <= max_rms_ps
    assert row[2] == pytest.approx(500, abs=resolution_tolerance_ps)
    assert row[3:] == (1, "p1s1", None)


def test_clean_label_is_the_topology_of_every_row(independent: Home) -> None:
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        counts = connection.execute(
            "select count(*), sum(cast(clean_tt = raw_tt as integer)) from int_event_clean where file_id in (?, ?)"
            " group by file_id order by 1",
            [SMALL, LARGE],
        ).fetchall()
        strips = dict(
            connection.execute(
                "select strip_state, count(*) from int_hit where file_id = ? group by 1", [LARGE]
            ).fetchall()
        )
    assert counts == [(5_000, 5_000), (50_000, 50_000)]
    assert strips == {"two_ended": 193_275, "one_ended": 159_347}


def test_time_walk_is_off(compared: tuple[int, pl.DataFrame]) -> None:
    assert compared[1].select("t_slew_ns", "t_slew_ref").null_count().row(0) == (16, 16)


def test_statistics_of_every_file_stay(independent: Home) -> None:
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        kinds = connection.execute(
            "select file_id, list(distinct kind order by kind), count(*) from int_cal_histogram"
            " where file_id in (?, ?) group by 1 order by 1",
            [SMALL, LARGE],
        ).fetchall()
        drift = connection.execute(
            "select count(*), count(distinct constant), max(n_files), max(mad) from int_calibration_drift"
            " where day >= '2025-01-01'"
        ).fetchone()
    assert [(file_id, names) for file_id, names, _ in kinds] == [
        (file_id, ["q_back", "q_front", "q_sum", "t_dif"]) for file_id in (SMALL, LARGE)
    ]
    assert all(n < 100_000 for _, _, n in kinds)
    assert drift == (2 * 16 * 5, 5, 1, 0)
