"""Where the constants of the independent files come from; how near the truth they are, test_detector_bounds says."""

import duckdb
import polars as pl
import pytest

from tests.integration.conftest import Home

LARGE, SMALL = 25161000000, 25060000000


@pytest.fixture(params=[LARGE, SMALL], ids=["large", "small"], scope="module")
def constants(request: pytest.FixtureRequest, independent: Home) -> pl.DataFrame:
    """Constants of a file by plane and strip, with the facts of its link fit in every row."""
    with duckdb.connect(str(independent.build), read_only=True) as connection:
        return connection.execute(
            "select used.*, fit.n_components, fit.t_sum_gauge as gauge, fit.detail from fct_calibration as used"
            " inner join int_cal_file as fit using (file_id) where used.file_id = ? order by plane, strip",
            [request.param],
        ).pl()


def test_everything_is_fitted_from_the_file_itself(constants: pl.DataFrame) -> None:
    assert constants.height == 16
    for status in ("q_status", "t_dif_status", "t_sum_status", "fb_status"):
        assert set(constants[status]) == {"fresh"}, status
    assert constants["is_usable"].all()
    assert constants["t_dif_box_width_ns"].is_between(1.1, 1.3).all()
    assert constants["q_fb_high_ns"].is_between(50, 200).all()


def test_all_strips_hang_together_and_on_the_first(constants: pl.DataFrame) -> None:
    assert constants["t_sum_offset_ns"][0] == 0
    assert set(constants.select("n_components", "gauge", "detail").rows()) == {(1, "p1s1", None)}


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


def test_time_walk_is_off(constants: pl.DataFrame) -> None:
    assert constants.select("t_slew_ns", "t_slew_ref").null_count().row(0) == (16, 16)


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
