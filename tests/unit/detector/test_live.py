"""Live seconds: edges, gaps, blocks that no Poisson fluctuation explains, files that meet or overlap."""

import gzip
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tests.unit.detector.conftest import FILE_ID, Models

START = datetime(2025, 2, 7, 10, 0, 30)
COINCIDENCE = 1
REAL_FILE = "mi0025161000000.dat.gz"


def rate(hz: float, seconds: int, seed: int = 1) -> NDArray[Any]:
    """Events per second of a steady source; the first and the last second are never empty."""
    n = np.random.default_rng(seed).poisson(hz, seconds)
    n[[0, -1]] = np.maximum(n[[0, -1]], 1)
    return n


def events(
    n: NDArray[Any], start: datetime = START, file_id: int = FILE_ID, trigger_type: int = COINCIDENCE
) -> pl.DataFrame:
    """`int_event_clean` rows with ``n[i]`` events in second ``i``."""
    seconds = np.repeat(np.arange(len(n)), n)
    words = {1: "coincidence", 2: "self_trigger"}
    return pl.DataFrame({"second": seconds}).select(
        file_id=pl.lit(file_id),
        event_number=pl.int_range(pl.len(), dtype=pl.Int32) + 1,
        station_id=pl.lit(1, pl.Int8),
        event_time=pl.lit(start) + pl.duration(seconds="second"),
        trigger_type=pl.lit(trigger_type),
        event_class=pl.lit(words.get(trigger_type, "other")),
    )


def live(models: Models, *files: pl.DataFrame, **parameters: float) -> pl.DataFrame:
    """`int_second` of these files."""
    table = pl.concat(files)
    ids = sorted(set(table["file_id"]))
    models.set_parameters(ids, **parameters)
    models.put("int_event_clean", table)
    models.put(
        "dim_file",
        [
            {"file_id": file_id, "station_id": 1, "conf_number": float(k), "is_configuration_fallback": False}
            | {"is_z_default": k == 0}
            for k, file_id in enumerate(ids)
        ],
    )
    return models.run("int_file_second", "int_file_span", "int_file_superseded", "int_day_source", "int_second")


def test_first_and_last_second_are_edges(models: Models) -> None:
    seconds = live(models, events(rate(10, 600)))
    assert len(seconds) == 600
    assert seconds["is_live"].sum() == 598
    assert seconds.filter("is_edge")["second_start"].to_list() == [START, START + timedelta(seconds=599)]


@pytest.mark.parametrize(("gap_s", "dead_s"), [(9, 0), (10, 10), (60, 60)])
def test_a_long_gap_is_dead_time(models: Models, gap_s: int, dead_s: int) -> None:
    n = rate(10, 900)
    n[400 : 400 + gap_s] = 0
    n[[399, 400 + gap_s]] = 10
    seconds = live(models, events(n), outlier_z=99)
    assert seconds["is_dead_gap"].sum() == dead_s
    assert seconds["is_live"].sum() == 898 - dead_s


@pytest.mark.parametrize("hz", [0.05, 0.15, 0.8, 3.0])
def test_gaps_of_a_slow_station_are_chance(models: Models, hz: float) -> None:
    seconds = live(models, events(rate(hz, 43_200, seed=4)))
    assert len(seconds) == 43_200
    assert seconds["is_live"].sum() == 43_198


def test_a_dead_hour_of_a_slow_station_is_found(models: Models) -> None:
    n = rate(0.15, 43_200, seed=4)
    n[20_000:23_600] = 0
    seconds = live(models, events(n))
    assert seconds["is_dead_gap"].sum() == pytest.approx(3_600, abs=60)
    assert seconds["is_outlier"].sum() == 0


def test_a_burst_takes_its_block_out(models: Models) -> None:
    n = rate(9.8, 2_000)
    n[1_234] += 200
    seconds = live(models, events(n, START.replace(second=0)))
    out = seconds.filter("is_outlier")["second_start"]
    first = START.replace(second=0) + timedelta(seconds=1_230)
    assert out.to_list() == [first + timedelta(seconds=k) for k in range(10)]
    assert seconds["is_live"].sum() == 1_998 - 10


def test_delayed_events_take_gap_and_burst_out(models: Models) -> None:
    n = rate(9.8, 2_000)
    n[1_242] += n[1_230:1_242].sum()
    n[1_230:1_242] = 0
    seconds = live(models, events(n, START.replace(second=0)))
    assert seconds["is_dead_gap"].sum() == 12
    assert seconds["is_outlier"].sum() == 10
    assert seconds["is_live"].sum() == 1_998 - 12 - 8


def test_a_steady_rate_is_never_flagged(models: Models) -> None:
    seconds = live(models, events(rate(10, 30_000, seed=7)))
    assert seconds["is_outlier"].sum() == 0


def test_self_triggers_cover_seconds(models: Models) -> None:
    first = events(rate(10, 300))
    later = events(rate(10, 300, seed=2), START + timedelta(seconds=300), trigger_type=2)
    seconds = live(models, pl.concat([first, later]))
    assert seconds["is_live"].sum() == 598
    assert seconds["n_self_trigger"].sum() == len(later)


def test_a_shared_second_belongs_to_the_earlier_file(models: Models) -> None:
    other = events(rate(10, 300, seed=2), START + timedelta(seconds=290), FILE_ID + 1)
    seconds = live(models, events(rate(10, 300)), other)
    assert len(seconds) == 590
    owner = dict(zip(seconds["second_start"], seconds["file_id"], strict=True))
    assert owner[START + timedelta(seconds=299)] == FILE_ID
    assert owner[START + timedelta(seconds=300)] == FILE_ID + 1
    assert seconds["is_live"].sum() == 590 - 3  # the first second of the later file is not its own


@pytest.mark.parametrize(("hz", "loser"), [(12, FILE_ID), (6, FILE_ID + 1)])
def test_of_two_files_with_a_long_overlap_the_poorer_gives_nothing(models: Models, hz: float, loser: int) -> None:
    other = events(rate(hz, 400, seed=2), START + timedelta(seconds=200), FILE_ID + 1)
    seconds = live(models, events(rate(9, 400)), other)
    assert models.connection.execute("from int_file_superseded").fetchall() == [(loser,)]
    assert (len(seconds), seconds["second_start"].n_unique()) == (600, 600)
    assert set(seconds.filter(~pl.col("is_superseded"))["file_id"]) == {2 * FILE_ID + 1 - loser}
    assert seconds.filter("is_superseded")["file_id"].to_list() == [loser] * 200
    assert (seconds["is_live"].sum(), seconds.filter("is_live")["is_superseded"].any()) == (398, False)


def minutes(models: Models) -> list[dict[str, Any]]:
    return list(models.run("int_minute_file", "fct_minute_live").sort("minute_start").iter_rows(named=True))


def test_two_files_in_a_minute_add_up(models: Models) -> None:
    later_start = START.replace(minute=1, second=31)
    live(models, events(rate(10, 61)), events(rate(10, 60, seed=2), later_start, FILE_ID + 1))
    shared = minutes(models)[1]
    assert shared["minute_start"] == START.replace(minute=1, second=0)
    assert (shared["live_s"], shared["n_files"], shared["n_edge_s"]) == (30 + 28, 2, 2)
    assert (shared["conf_number"], shared["is_z_default"]) == (1.0, False)


def test_every_event_is_kept_or_dropped(models: Models) -> None:
    self_triggers = events(rate(2, 900, seed=5), trigger_type=2)
    burst = rate(10, 900)
    burst[444] += 500
    other = events(rate(10, 300, seed=2), START + timedelta(seconds=870), FILE_ID + 1)
    coincidences = pl.concat([events(burst), other])
    live(models, coincidences, self_triggers)
    rows = minutes(models)
    assert sum(row["n_events_live"] + row["n_events_dropped"] for row in rows) == len(coincidences)
    assert sum(row["n_self_trigger"] for row in rows) == len(self_triggers)
    assert sum(row["n_events_dropped"] for row in rows) > 500


def test_a_superseded_file_still_has_its_minutes(models: Models) -> None:
    other = events(rate(3, 400, seed=2), START + timedelta(seconds=200), FILE_ID + 1)
    live(models, events(rate(9, 400)), other)
    last = minutes(models)[-1]
    assert (last["live_s"], last["n_events_live"], last["n_files"]) == (0, 0, 1)
    assert last["n_events_dropped"] > 0


def fates(models: Models) -> dict[tuple[int, str], tuple[int, int]]:
    """Seconds and coincidence events of each file by what became of them."""
    table = models.run("int_minute_file").group_by("file_id", "fate").agg(pl.col("n_seconds", "n_coincidence").sum())
    return {(row[0], row[1]): (row[2], row[3]) for row in table.iter_rows()}


def test_every_second_of_every_file_has_one_fate(models: Models) -> None:
    n = rate(10, 900)
    n[444] += 500
    n[600:630] = 0
    meeting = events(rate(10, 300, seed=2), START + timedelta(seconds=890), FILE_ID + 1)
    poorer = events(rate(2, 400, seed=3), START + timedelta(seconds=1_050), FILE_ID + 2)
    live(models, events(n), meeting, poorer)
    found = fates(models)
    assert {key: seconds for key, (seconds, _) in found.items()} == {
        (FILE_ID, "live"): 858,
        (FILE_ID, "edge"): 2,
        (FILE_ID, "dead_gap"): 30,
        (FILE_ID, "outlier"): 10,
        (FILE_ID + 1, "overlap_second"): 10,
        (FILE_ID + 1, "edge"): 1,
        (FILE_ID + 1, "live"): 289,
        (FILE_ID + 2, "superseded"): 400,
    }
    assert found[FILE_ID + 2, "superseded"] == (400, len(poorer))
    assert found[FILE_ID, "dead_gap"] == (30, 0)
    assert sum(events for _, events in found.values()) == int(n.sum()) + len(meeting) + len(poorer)


def test_blocks_are_judged_by_the_full_ones_within_five_minutes(models: Models) -> None:
    n = np.full(1_800, 10)
    n[600:610] = 30
    n[1_200:] = 40
    start = START.replace(second=0)
    seconds = live(models, events(n, start), outlier_z=6)
    z = dict(zip(seconds["second_start"], seconds["block_z"], strict=True))
    assert z[start + timedelta(seconds=605)] == pytest.approx(2 * (300.375**0.5 - 100.375**0.5))
    assert z[start + timedelta(seconds=300)] == pytest.approx(0)
    # 30 blocks on each side: the last block before the step of the rate still has most blocks like itself, and so on
    assert z[start + timedelta(seconds=1_190)] == pytest.approx(0)
    assert z[start + timedelta(seconds=1_200)] == pytest.approx(0)
    assert seconds.filter("is_outlier")["second_start"].to_list() == [
        start + timedelta(seconds=600 + k) for k in range(10)
    ]


def test_a_block_is_judged_when_half_of_it_counts(models: Models) -> None:
    n = np.full(600, 10)
    n[300:305] = 40
    n[[290, 305]] = 1
    first, later = n[:305], n[305:]
    start = START.replace(second=0)
    seconds = live(models, events(first, start), events(later, start + timedelta(seconds=305), FILE_ID + 1))
    by_second = {row["second_start"]: row for row in seconds.iter_rows(named=True)}
    block = [by_second[start + timedelta(seconds=k)] for k in range(300, 310)]
    assert [row["is_edge"] for row in block] == [False] * 4 + [True] * 2 + [False] * 4
    assert all(row["is_outlier"] for row in block)
    assert block[0]["block_z"] == pytest.approx(2 * (200.375**0.5 - 80.375**0.5))
    last = [by_second[start + timedelta(seconds=k)]["block_z"] for k in (0, 599)]
    assert last == [pytest.approx(0, abs=1e-9)] * 2


@pytest.fixture(scope="module")
def real_seconds(shared_data: Path) -> NDArray[Any]:
    """Second of every event of an independent file, from its first event."""
    with gzip.open(shared_data / "detector" / REAL_FILE, "rt") as lines:
        times = [datetime(*map(int, line.split()[:6])) for line in lines if not line.startswith("#")]
    return np.array([int((time - min(times)).total_seconds()) for time in times])


def real_live(models: Models, seconds: NDArray[Any]) -> pl.DataFrame:
    return live(models, events(np.bincount(seconds), datetime(2025, 6, 10)))


def test_nothing_is_flagged_in_a_good_file(models: Models, real_seconds: NDArray[Any]) -> None:
    seconds = real_live(models, real_seconds)
    assert (len(seconds), seconds["is_live"].sum(), seconds.filter("is_live")["n_events"].sum()) == (
        5_116,
        5_114,
        49_985,
    )
    assert -3.33 <= seconds["block_z"].min() <= seconds["block_z"].max() <= 3.06  # type: ignore[operator]


def test_two_hundred_events_more_in_one_second(models: Models, real_seconds: NDArray[Any]) -> None:
    seconds = real_live(models, np.append(real_seconds, np.full(200, 1_234)))
    out = seconds.filter("is_outlier")
    # 297 events; the median of the 61 blocks around is 96, that of the whole file 98, which would make it 14.65
    assert out["block_z"].to_list() == pytest.approx([2 * (297.375**0.5 - 96.375**0.5)] * 10)
    assert out["second_start"].min() == datetime(2025, 6, 10, 0, 20, 30)
    assert seconds["is_live"].sum() == 5_104


def test_twelve_seconds_delayed_into_one(models: Models, real_seconds: NDArray[Any]) -> None:
    late = (real_seconds >= 1_230) & (real_seconds < 1_242)
    seconds = real_live(models, np.where(late, 1_242, real_seconds))
    burst = seconds.filter(pl.col("is_outlier") & ~pl.col("is_dead_gap"))
    assert (seconds["is_dead_gap"].sum(), len(burst), burst["n_events"].sum()) == (12, 8, 192)
    assert burst["block_z"].to_list() == pytest.approx([10] * 8, abs=0.5)
    assert seconds["is_live"].sum() == 5_094


def test_a_minute_without_events(models: Models, real_seconds: NDArray[Any]) -> None:
    seconds = real_live(models, real_seconds[(real_seconds < 600) | (real_seconds >= 660)])
    assert (seconds["is_dead_gap"].sum(), seconds["is_live"].sum()) == (60, 5_054)
