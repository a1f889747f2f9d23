"""Calibration of files too short, damaged or odd: what they borrow, from whom, and that nothing stops for them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from extract.daq.logbook import extract_logbook
from tests.integration import detector_pieces as pieces
from tests.integration.conftest import Home
from tests.integration.dbt_project import run_dbt
from tests.integration.test_detector_files import write_logbook

WHOLE, NEIGHBOUR, THIRD, DEAD_END = 25200000000, 25200030000, 25200060000, 25200090000
SHORT, TINY, NO_PLANE = 25200120000, 25200180000, 25200210000
NINE = [25250000000 + hour * 10_000 for hour in range(9)]
ODD = NINE[4]
OTHER_CONFIGURATION, OTHER_TINY = 25251000000, 25251030000
LONELY, LONELY_SHORT, DEAR, SELF, NOISY = 25300000000, 25310000000, 25320000000, 25330000000, 25340000000
SHIFT_NS = 2.0
N_NOISE = 150


def earlier_files(rows: pieces.Rows) -> Mapping[int, pieces.Rows]:
    """Files of a first run."""
    return {WHOLE: rows[:10_000], NEIGHBOUR: rows[10_000:20_000], THIRD: rows[30_000:40_000]}


def later_files(rows: pieces.Rows, noisy: pieces.Rows) -> Mapping[int, pieces.Rows]:
    """Files of a second run, some of them neighbours of the first."""
    nine = {file_id: rows[5_000 * k : 5_000 * (k + 1)] for k, file_id in enumerate(NINE)}
    nine[ODD] = pieces.shifted(nine[ODD], pieces.columns(2, 3, ["front"], "Q"), SHIFT_NS)
    return nine | {
        DEAD_END: pieces.without_front_end(rows[20_000:30_000]),
        SHORT: rows[:2_000],
        TINY: rows[:500],
        NO_PLANE: pieces.with_stuck_charge(pieces.without_plane(rows[40_000:50_000], 3), 4, 2),
        OTHER_CONFIGURATION: rows[45_000:50_000],
        OTHER_TINY: rows[:500],
        LONELY: rows[500:1_000],
        LONELY_SHORT: rows[:2_000],
        DEAR: pieces.with_dear_charges(rows[:5_000], 50.0),
        SELF: pieces.as_self_triggers(rows[:300]),
        NOISY: noisy,
    }


def take_in(home: Home, files: Mapping[int, pieces.Rows]) -> None:
    """Text files of these rows, and their lake files."""
    paths = [str(pieces.write_rows(home.data_dir, file_id, rows)) for file_id, rows in files.items()]
    home.mingo("acquire", "--local", *paths)
    home.mingo("extract")


@pytest.fixture(scope="module")
def noise(shared_data: Path) -> tuple[pieces.Rows, list[tuple[int, int, int]]]:
    """The small independent file with noise strips, and where they are."""
    rows = pieces.read_rows(shared_data / "detector" / "mi0025060000000.dat.gz")
    return pieces.with_noise(rows, N_NOISE, 40.0)


@pytest.fixture(scope="module")
def damaged(
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    noise: tuple[pieces.Rows, list[tuple[int, int, int]]],
) -> Home:
    """A warehouse of damaged pieces of the independent files, made in two runs."""
    home = Home(tmp_path_factory.mktemp("damaged"))
    rows = pieces.read_rows(shared_data / "detector" / "mi0025161000000.dat.gz")
    write_logbook(home.data_dir, 0, "20250601T000000Z", "0,1,2025-09-08,,0,150,300,450,12,23,34,13,0")
    extract_logbook(home.data_dir / "landing", home.data_dir / "lake")
    run_dbt(home.data_dir, "seed", "--quiet")
    chosen = ("--select", "+int_strip_hit", "+int_cal_file", "int_cal_histogram", "fct_file")
    take_in(home, earlier_files(rows))
    run_dbt(home.data_dir, "run", *chosen)
    take_in(home, later_files(rows, noise[0]))
    tests = ("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
    run_dbt(home.data_dir, "build", *chosen, *tests, "--exclude", "resource_type:seed")
    return home


def query(home: Home, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.build), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def strips(home: Home, file_id: int) -> list[dict[str, Any]]:
    with duckdb.connect(str(home.build), read_only=True) as connection:
        frame = connection.execute("from fct_calibration where file_id = ? order by plane, strip", [file_id]).pl()
    return frame.to_dicts()


def statuses(rows: list[dict[str, Any]], *names: str) -> set[str]:
    return {row[f"{name}_status"] for row in rows for name in names}


def test_every_file_has_sixteen_rows_and_keeps_its_statistics(damaged: Home) -> None:
    n_files = 3 + len(NINE) + 11
    assert query(damaged, "select count(*), count(distinct file_id) from fct_calibration") == [(16 * n_files, n_files)]
    for table in ("int_cal_histogram", "int_cal_front_back", "int_cal_link"):
        held = {file_id for (file_id,) in query(damaged, f"select distinct file_id from {table}")}
        assert held >= {WHOLE, NEIGHBOUR, THIRD, DEAD_END, *NINE}, table
    doubled = (
        "select count(*) from int_cal_histogram group by file_id, kind, plane, strip, bin_index having count(*) > 1"
    )
    assert query(damaged, doubled) == []


def test_a_dead_end_takes_nothing_from_the_other_strips(damaged: Home) -> None:
    dead, *others = strips(damaged, DEAD_END)
    assert statuses(others, "q", "t_dif", "t_sum") == {"fresh"}
    assert (dead["n_front"], dead["n_two_ended"], dead["n_links"]) == (0, 0, 0)
    assert dead["n_back"] > 1_000
    assert {row["t_sum_gauge"] for row in others} == {"previous"}
    status = query(
        damaged,
        "select plane, strip, side, status, is_strip_usable from fct_channel_status"
        " where file_id = ? and (status = 'dead' or not is_strip_usable) order by side",
        DEAD_END,
    )
    assert status == [(1, 1, "back", "ok", False), (1, 1, "front", "dead", False)]


def test_offsets_of_the_damaged_file_agree_with_the_file_before(damaged: Home) -> None:
    before, after = strips(damaged, WHOLE), strips(damaged, DEAD_END)
    differences = [b["t_sum_offset_ns"] - a["t_sum_offset_ns"] for b, a in zip(before[1:], after[1:], strict=True)]
    assert max(map(abs, differences)) < 0.15
    assert abs(sum(differences)) / 15 < 0.03


def test_a_missing_plane_borrows_and_the_others_are_fitted(damaged: Home) -> None:
    rows = strips(damaged, NO_PLANE)
    missing = [row for row in rows if row["plane"] == 3]
    present = [row for row in rows if row["plane"] != 3 and (row["plane"], row["strip"]) != (4, 2)]
    assert statuses(missing, "q", "t_dif", "fb", "t_sum", "crosstalk") == {"neighbour"}
    assert statuses(present, "q", "t_dif", "t_sum") == {"fresh"}
    assert {row["n_two_ended"] for row in missing} == {0}
    usable = query(
        damaged, "select plane, bool_or(is_strip_usable) from fct_channel_status where file_id = ? group by 1", NO_PLANE
    )
    assert dict(usable) == {1: True, 2: True, 3: False, 4: True}


def test_a_fit_that_fails_is_named_and_stops_nothing(damaged: Home) -> None:
    stuck = next(row for row in strips(damaged, NO_PLANE) if (row["plane"], row["strip"]) == (4, 2))
    assert (stuck["q_status"], stuck["fb_status"]) == ("neighbour", "neighbour")
    assert (stuck["t_dif_status"], stuck["is_usable"]) == ("fresh", True)
    [(detail,)] = query(damaged, "select detail from int_cal_file where file_id = ?", NO_PLANE)
    parts = detail.split("; ")
    assert "plane 4 strip 2 front charge pedestal: no edge" in parts
    assert any(part.startswith("plane 4 strip 2 front-back: ") for part in parts)
    assert all(part.startswith("plane 4 strip 2 ") for part in parts)


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


@pytest.mark.parametrize("file_id", [LONELY, SELF], ids=["tiny", "no coincidence"])
def test_a_file_without_statistics_has_no_calibration_and_stops_nothing(damaged: Home, file_id: int) -> None:
    rows = strips(damaged, file_id)
    assert len(rows) == 16
    assert statuses(rows, "q", "t_dif", "t_sum", "fb", "crosstalk") == {"none"}
    assert not any(row["is_usable"] for row in rows)
    assert {row["crosstalk_limit_ns"] for row in rows} == {1.2}


def test_channels_of_a_file_without_coincidences_are_dead(damaged: Home) -> None:
    found = query(
        damaged, "select status, n_good, count(*) from fct_channel_status where file_id = ? group by all", SELF
    )
    assert found == [("dead", 0, 32)]
    assert query(damaged, "select event_class, count(*) from int_event_clean where file_id = ? group by 1", SELF) == [
        ("self_trigger", 300)
    ]
    assert query(damaged, "select count(*) from int_strip_hit where file_id = ?", SELF) == [(0,)]


def test_strips_without_calibration_are_marked(damaged: Home) -> None:
    found = query(
        damaged, "select reject_mask, bool_or(is_accepted) from int_strip_hit where file_id = ? group by 1", LONELY
    )
    assert found == [(1, False)]


def test_one_odd_file_of_nine_takes_the_median_of_the_others(damaged: Home) -> None:
    calibration = {file_id: strips(damaged, file_id) for file_id in NINE}
    for file_id, rows in calibration.items():
        for row in rows:
            is_odd = file_id == ODD and (row["plane"], row["strip"]) == (2, 3)
            assert row["q_status"] == ("fresh_outlier" if is_odd else "fresh")
            assert (row["t_dif_status"], row["t_sum_status"]) == ("fresh", "fresh")
    here = [row for rows in calibration.values() for row in rows if (row["plane"], row["strip"]) == (2, 3)]
    values = [row["q_pedestal_front_ns"] for row in here]
    assert max(values) - min(values) < 0.15
    neighbours = [(row["n_neighbours_before"], row["n_neighbours_after"]) for row in here]
    assert neighbours == [(k, 8 - k) for k in range(9)]
    [(own,)] = query(
        damaged,
        "select value_ns from int_cal_channel where file_id = ? and plane = 2 and strip = 3 and side = 'front'",
        ODD,
    )
    assert own - values[NINE.index(ODD)] == pytest.approx(SHIFT_NS, abs=0.1)


def test_no_value_crosses_a_change_of_configuration(damaged: Home) -> None:
    first, tiny = strips(damaged, OTHER_CONFIGURATION), strips(damaged, OTHER_TINY)
    assert {row["conf_number"] for row in first + tiny} == {1}
    assert {(row["n_neighbours_before"], row["n_neighbours_after"]) for row in first} == {(0, 0)}
    assert {(row["n_neighbours_before"], row["n_neighbours_after"]) for row in tiny} == {(1, 0)}
    assert statuses(tiny, "q", "t_dif", "t_sum", "fb") == {"none"}


def test_constants_out_of_range_warn_and_the_build_goes_on(damaged: Home) -> None:
    rows = strips(damaged, DEAR)
    assert statuses(rows, "q") == {"fresh"}
    assert all(row["q_pedestal_front_ns"] > 130 for row in rows)
    results = json.loads((damaged.data_dir / "dbt" / "target" / "run_results.json").read_text())["results"]
    warned = {result["unique_id"].split(".")[2] for result in results if result["status"] == "warn"}
    assert any(name.startswith("row_condition_fct_calibration") for name in warned)
    assert "warn_strips_without_calibration" in warned
    assert {result["status"] for result in results} <= {"success", "pass", "warn"}
    assert query(
        damaged, "select count(*) > 10000, bool_or(is_accepted) from int_strip_hit where file_id = ?", DEAR
    ) == [(True, True)]


def test_noise_is_flagged_and_spares_genuine_strips(
    damaged: Home, noise: tuple[pieces.Rows, list[tuple[int, int, int]]]
) -> None:
    placed = pl.DataFrame(
        [(row + 1, plane, strip) for row, plane, strip in noise[1]], ["line", "plane", "strip"], orient="row"
    )
    assert placed.height == N_NOISE
    with duckdb.connect(str(damaged.build), read_only=True) as connection:
        raw = connection.execute(
            "select plane, strip, event_number as line, reject_mask from int_hit where file_id = ?", [NOISY]
        ).pl()
        calibrated = connection.execute(
            "select plane, strip, event_number as line, reject_mask from int_strip_hit where file_id = ?", [NOISY]
        ).pl()
    keys = ["line", "plane", "strip"]
    placed = placed.with_columns(pl.col("plane", "strip").cast(pl.Int8), pl.col("line").cast(pl.Int32))
    assert raw.join(placed, on=keys, how="anti").filter(pl.col("reject_mask") & 64 != 0).height == 0
    assert calibrated.join(placed, on=keys, how="anti").filter(pl.col("reject_mask") & 16 != 0).height == 0
    kept = calibrated.join(placed, on=keys, how="semi").filter(pl.col("reject_mask") == 0)
    assert N_NOISE - kept.height >= 125


def test_noise_does_not_move_the_constants(damaged: Home, shared_data: Path) -> None:
    truth = shared_data / "detector" / "calibration_mi0025060000000.csv"
    [(front, back, t_dif, spread, largest)] = query(
        damaged,
        """
        select
            max(abs(used.q_pedestal_front_ns - truth.Q_front_pedestal_ns)),
            max(abs(used.q_pedestal_back_ns - truth.Q_back_pedestal_ns)),
            max(abs(used.t_dif_offset_ns - truth.T_dif_offset_ns)),
            stddev_pop(used.t_sum_offset_ns - truth.T_sum_offset_ns),
            max(abs(used.t_sum_offset_ns - truth.T_sum_offset_ns - mean.difference))
        from fct_calibration as used
        inner join read_csv(?) as truth using (plane, strip)
        cross join (
            select avg(c.t_sum_offset_ns - t.T_sum_offset_ns) as difference
            from fct_calibration as c
            inner join read_csv(?) as t using (plane, strip)
            where c.file_id = ?
        ) as mean
        where used.file_id = ?
        """,
        str(truth),
        str(truth),
        NOISY,
        NOISY,
    )
    assert max(front, back) <= 0.06
    assert t_dif <= 0.040
    assert spread <= 0.040
    assert largest <= 0.090
