"""Calibration against the injected constants of the independent files, and of files too short or damaged for it."""

import gzip
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from extract.daq.schema import column_index
from tests.integration.conftest import Home
from tests.integration.dbt_project import run_dbt

LARGE, SMALL = 25161000000, 25060000000
STEMS = {LARGE: "mi0025161000000", SMALL: "mi0025060000000"}
BY_SIZE = [(LARGE, "large"), (SMALL, "small")]

WHOLE, NEIGHBOUR, DEAD_END, THIRD = 25200000000, 25200030000, 25200060000, 25200090000
SHORT, TINY, LONELY, LONELY_SHORT = 25200120000, 25200180000, 25300000000, 25310000000


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


Rows = list[list[bytes]]


def without_front_end(rows: Rows) -> Rows:
    """The rows with the front end of plane 1, strip 1 silent."""
    for quantity in ("T", "Q"):
        column = column_index(1, 1, "front", quantity)
        rows = [[*row[:column], b"0000.0000", *row[column + 1 :]] for row in rows]
    return rows


@pytest.fixture(scope="module")
def damaged(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Pieces of the large file as files of their own: whole, with a dead end, short, tiny, tiny without neighbours."""
    home = Home(tmp_path_factory.mktemp("damaged"))
    with gzip.open(shared_data / "detector" / f"{STEMS[LARGE]}.dat.gz") as stream:
        rows = [line.split() for line in stream if not line.startswith(b"#")]
    pieces: dict[int, tuple[int, int, Callable[[Rows], Rows]]] = {
        WHOLE: (0, 10_000, list),
        NEIGHBOUR: (10_000, 20_000, list),
        DEAD_END: (20_000, 30_000, without_front_end),
        THIRD: (30_000, 40_000, list),
        SHORT: (0, 2_000, list),
        TINY: (0, 500, list),
        LONELY: (500, 1_000, list),
        LONELY_SHORT: (0, 2_000, list),
    }
    files = []
    for file_id, (first, last, change) in pieces.items():
        path = home.data_dir / f"mi00{file_id:011d}.dat"
        day = (datetime(2024, 12, 31) + timedelta(days=file_id // 10**6 % 1_000)).strftime("%Y %m %d").encode()
        lines = [b" ".join([day, *row[3:]]) for row in change(rows[first:last])]
        path.write_bytes(b"\n".join(lines) + b"\n")
        files.append(str(path))
    home.mingo("acquire", "--local", *files)
    home.mingo("extract")
    chosen = ("--select", "+fct_calibration", "+int_cal_file", "--indirect-selection", "cautious")
    run_dbt(home.data_dir, "build", *chosen, "--exclude-resource-type", "unit_test")
    return home


def strips(home: Home, file_id: int) -> list[dict[str, Any]]:
    with duckdb.connect(str(home.build), read_only=True) as connection:
        frame = connection.execute("from fct_calibration where file_id = ? order by plane, strip", [file_id]).pl()
    return frame.to_dicts()


def statuses(rows: list[dict[str, Any]], *names: str) -> set[str]:
    return {row[f"{name}_status"] for row in rows for name in names}


def test_a_dead_end_takes_nothing_from_the_other_strips(damaged: Home) -> None:
    dead, *others = strips(damaged, DEAD_END)
    assert statuses(others, "q", "t_dif", "t_sum") == {"fresh"}
    assert (dead["n_front"], dead["n_two_ended"], dead["n_links"]) == (0, 0, 0)
    assert dead["n_back"] > 1_000
    assert {row["t_sum_gauge"] for row in others} == {"previous"}
    with duckdb.connect(str(damaged.build), read_only=True) as connection:
        status = connection.execute(
            "select plane, strip, side, status, is_strip_usable from fct_channel_status"
            " where file_id = ? and (status = 'dead' or not is_strip_usable) order by side",
            [DEAD_END],
        ).fetchall()
    assert status == [(1, 1, "back", "ok", False), (1, 1, "front", "dead", False)]


def test_offsets_of_the_damaged_file_agree_with_the_file_before(damaged: Home) -> None:
    before, after = strips(damaged, WHOLE), strips(damaged, DEAD_END)
    differences = [b["t_sum_offset_ns"] - a["t_sum_offset_ns"] for b, a in zip(before[1:], after[1:], strict=True)]
    assert max(map(abs, differences)) < 0.15
    assert abs(sum(differences)) / 15 < 0.03


def test_a_short_file_borrows_what_it_cannot_fit(damaged: Home) -> None:
    rows = strips(damaged, SHORT)
    assert statuses(rows, "t_sum") == {"neighbour"}
    assert statuses(rows, "q", "t_dif") == {"fresh", "neighbour"}
    assert all(row["is_usable"] for row in rows)


def test_a_tiny_file_borrows_everything(damaged: Home) -> None:
    rows = strips(damaged, TINY)
    assert statuses(rows, "q", "t_dif", "t_sum", "fb") == {"neighbour"}
    assert all(row["is_usable"] and row["n_neighbours_before"] >= 3 for row in rows)
    whole = {(row["plane"], row["strip"]): row for row in strips(damaged, WHOLE)}
    for row in rows:
        own = whole[row["plane"], row["strip"]]
        assert row["q_pedestal_front_ns"] == pytest.approx(own["q_pedestal_front_ns"], abs=0.06)
        assert row["t_dif_offset_ns"] == pytest.approx(own["t_dif_offset_ns"], abs=0.04)
        assert row["t_sum_offset_ns"] == pytest.approx(own["t_sum_offset_ns"], abs=0.1)


def test_a_short_file_alone_has_no_time_sums(damaged: Home) -> None:
    rows = strips(damaged, LONELY_SHORT)
    assert statuses(rows, "t_sum") == {"none"}
    assert "fresh" in statuses(rows, "t_dif")
    assert not any(row["is_usable"] for row in rows)


def test_a_tiny_file_alone_has_no_calibration_and_stops_nothing(damaged: Home) -> None:
    rows = strips(damaged, LONELY)
    assert len(rows) == 16
    assert statuses(rows, "q", "t_dif", "t_sum", "fb", "crosstalk") == {"none"}
    assert not any(row["is_usable"] for row in rows)
    assert {row["crosstalk_limit_ns"] for row in rows} == {1.2}
