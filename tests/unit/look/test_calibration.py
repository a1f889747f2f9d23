"""Comparing calibration constants: who is a neighbour, what is unusual, what moved."""

from datetime import date

import polars as pl
import pytest

from warehouse.lock import LockBusyError, held
from warehouse.look.build_file import LookError, find_file, opened
from warehouse.look.calibration import (
    CONSTANTS,
    NORMAL_MAD,
    compare_files,
    compare_neighbours,
    read_day,
    read_drift,
    read_file,
    read_points,
    summarise_drift,
)
from warehouse.settings import Settings, Transform
from warehouse.transform import build_lock

THIRD, FIRST, OTHER_CONFIGURATION = 125060030000, 125060010000, 125060090000


def test_neighbours_are_the_files_of_station_and_configuration(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        rows = compare_neighbours(connection, THIRD)
    assert rows.height == 16 * len(CONSTANTS)
    assert set(rows["n_neighbours"]) == {4}
    # of the shifts 0, 1, 3 and 4 ps the median is 2 ps, that of the file; their deviations are 2, 1, 1 and 2 ps
    usual = rows.filter((pl.col("constant") != "crosstalk_limit_ns") & ~pl.col("is_outside"))
    assert usual["difference_ns"].abs().max() == pytest.approx(0, abs=1e-12)
    assert usual["scatter_ns"].to_list() == pytest.approx([NORMAL_MAD * 0.0015] * usual.height)


def test_an_own_fit_beyond_the_guard_stands_out(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        rows = compare_neighbours(connection, THIRD)
    (outside,) = rows.filter(pl.col("is_outside")).to_dicts()
    assert (outside["plane"], outside["strip"], outside["constant"]) == (2, 3, "t_dif_offset_ns")
    assert outside["status"] == "fresh_outlier"
    assert outside["difference_ns"] == pytest.approx(0.5)
    assert outside["significance"] == pytest.approx(0.5 / (NORMAL_MAD * 0.0015))


def test_no_scatter_means_no_significance(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        rows = compare_neighbours(connection, THIRD).filter(pl.col("constant") == "crosstalk_limit_ns")
    assert rows["scatter_ns"].to_list() == [0.0] * 16
    assert rows["significance"].null_count() == 16


def test_two_files_are_compared_strip_by_strip(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        rows = compare_files(connection, THIRD, FIRST)
    pedestals = rows.filter(pl.col("constant") == "q_pedestal_front_ns")
    assert pedestals["difference_ns"].to_list() == pytest.approx([0.002] * 16)
    assert pedestals["other_ns"].to_list() == pytest.approx([90.0 + plane for plane in pedestals["plane"]])


def test_a_file_alone_has_no_neighbours(settings: Settings) -> None:
    with opened(settings, "test") as connection, pytest.raises(LookError, match="name a second file"):
        compare_neighbours(connection, OTHER_CONFIGURATION)


def test_a_file_is_found_by_id_and_by_name(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        for word in ("125060030000", "mi0125060030000", " MI0125060030000.dat.gz"):
            assert find_file(connection, word) == THIRD
        with pytest.raises(LookError, match=r"no file '125060030001'.* nearest are 125060030000 \(mi0125060030000\)"):
            find_file(connection, "125060030001")
        with pytest.raises(LookError, match=r"nearest are 125060050000"):
            find_file(connection, "mi012506005000")


def test_what_is_not_there_is_said_with_what_is(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        with pytest.raises(LookError, match="start from 2025-03-01 to 2025-03-05"):
            read_day(connection, 1, date(2025, 4, 1))
        with pytest.raises(LookError, match="holds no file of this station"):
            read_drift(connection, 2, date(2025, 3, 1), date(2025, 3, 9))
    with (
        pytest.raises(LookError, match="int_strip_hit does not exist! Run `mingo transform`"),
        opened(settings, "test") as connection,
    ):
        connection.execute("from int_strip_hit")


def test_without_a_build_the_remedy_is_named(settings: Settings) -> None:
    settings.paths.build.unlink()
    with pytest.raises(LookError, match="run `mingo transform` first"), opened(settings, "test"):
        pass


def test_a_writer_is_not_disturbed(settings: Settings) -> None:
    hasty = settings.model_copy(update={"transform": Transform(wait_s=0)})
    with held(build_lock(settings), "transform"), pytest.raises(LockBusyError, match="held by 'transform'"):  # noqa: SIM117
        with opened(hasty, "test"):
            pass


def test_a_stopped_writer_is_not_opened(settings: Settings) -> None:
    settings.paths.build.with_name("build.duckdb.wal").write_bytes(b"left over")
    with pytest.raises(LookError, match="stopped while it wrote"), opened(settings, "test"):
        pass


def test_a_day_counts_constants_by_status(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        files = read_day(connection, 1, date(2025, 3, 2))
        assert read_file(connection, THIRD).strips.height == 16
    assert files["file_id"].to_list() == [125060020000, THIRD]
    assert files["n_fresh"].to_list() == [48, 47]
    assert files["n_fresh_outlier"].to_list() == [0, 1]
    assert files["n_no_peak"].to_list() == [16, 16]


def test_drift_shows_the_largest_step_and_the_whole_change(settings: Settings) -> None:
    with opened(settings, "test") as connection:
        drift = read_drift(connection, 1, date(2025, 3, 1), date(2025, 3, 3))
        points = read_points(connection, 1, date(2025, 3, 1), date(2025, 3, 3))
    (row,) = summarise_drift(drift).to_dicts()
    # file 1 on day 1; files 2 and 3 on day 2; files 4 and 5 on day 3: medians 0, 1.5 and 3.5 ps above the station's
    assert (row["n_days"], row["n_files"]) == (3, 5)
    assert row["largest_change_ns"] == pytest.approx(0.0035)
    assert row["largest_step_ns"] == pytest.approx(0.0020)
    assert row["step_day"] == date(2025, 3, 3)
    assert points.height == 5 * 16 * len(CONSTANTS)
    assert set(points.filter(pl.col("constant") == "crosstalk_limit_ns")["status"]) == {"no_peak"}
