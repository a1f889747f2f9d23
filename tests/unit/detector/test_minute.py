"""Counts by minute: zeros are rows, regions are sparse, every kind of label counts the same events."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.unit.detector.conftest import FILE_ID, Models

MINUTE = datetime(2025, 2, 7, 10)
LABELS = (1234, 123, 234, 124, 134, 12, 23, 34, 13, 24, 14, 1, 2, 3, 4, 0)


def track(
    second: int, raw: int, clean: int, listed: int, fit: int, region: str = "R1.0", mask: int = 0
) -> dict[str, Any]:
    """A row of `fct_track`."""
    time = MINUTE + timedelta(seconds=second)
    return {
        "file_id": FILE_ID,
        "event_number": second,
        "station_id": 1,
        "event_time": time,
        "minute_start": time.replace(second=0),
        "raw_tt": raw,
        "clean_tt": clean,
        "list_tt": listed,
        "fit_tt": fit,
        "region_code": region if fit else "none",
        "fiducial_mask": mask,
    }


def put(models: Models, tracks: list[dict[str, Any]], live: range, **file: Any) -> None:
    """Tracks, and the seconds that count."""
    small = dict.fromkeys(("raw_tt", "clean_tt", "list_tt", "fit_tt"), pl.Int16)
    models.put("fct_track", pl.DataFrame(tracks).cast(small))  # type: ignore[arg-type]
    seconds = [{"station_id": 1, "file_id": FILE_ID, "second_start": MINUTE + timedelta(seconds=k)} for k in range(120)]
    models.put("int_second", [row | {"is_live": k in live} for k, row in enumerate(seconds)])
    models.put_file(**file)
    models.put_channels_all_usable()
    models.run("int_plane_set", "int_plane_pool_rule")


def count(table: pl.DataFrame, kind: str, tt: int, region: str) -> int | None:
    rows = table.filter((pl.col("tt_kind") == kind) & (pl.col("tt") == tt) & (pl.col("region_code") == region))
    return rows["n_events"].item() if len(rows) else None


def test_every_live_minute_has_its_zeros(models: Models) -> None:
    put(models, [track(3, 12, 12, 12, 12)], range(1, 60))
    table = models.run("fct_minute_count")
    assert set(table["minute_start"]) == {MINUTE}
    for kind, region in {"raw_tt": "all", "clean_tt": "all", "list_tt": "none", "fit_tt": "none"}.items():
        assert {tt: count(table, kind, tt, region) for tt in LABELS} == {
            tt: int(tt == 12 and region == "all") for tt in LABELS
        }
    assert count(table, "fit_tt", 12, "R1.0") == 1
    assert count(table, "fit_tt", 12, "R1.1") is None
    assert len(table) == 4 * 16 + 2


def test_events_of_dead_seconds_do_not_count(models: Models) -> None:
    put(models, [track(3, 12, 12, 12, 12), track(59, 12, 12, 12, 12), track(60, 12, 12, 12, 12)], range(1, 59))
    table = models.run("fct_minute_count")
    assert count(table, "raw_tt", 12, "all") == 1


def test_all_kinds_count_the_same_events(models: Models) -> None:
    rng = np.random.default_rng(3)
    labels = rng.choice(LABELS, (2000, 4))
    regions = rng.choice([f"R{ring}.{sector}" for ring in (1, 2, 3) for sector in range(8)], 2000)
    seconds = rng.integers(0, 120, 2000)
    rows = []
    for second, (raw, clean, listed, fit), region in zip(
        seconds.tolist(), labels.tolist(), regions.tolist(), strict=True
    ):
        rows.append(track(second, raw, clean, listed, fit, region))
    put(models, rows, range(5, 110))
    table = models.run("fct_minute_count")
    sums = table.group_by("tt_kind", "minute_start").agg(pl.col("n_events").sum())
    expected = {
        MINUTE: sum(5 <= s < 60 for s in seconds),
        MINUTE + timedelta(minutes=1): sum(60 <= s < 110 for s in seconds),
    }
    assert len(sums) == 8
    assert all(row["n_events"] == expected[row["minute_start"]] for row in sums.iter_rows(named=True))
    assert table.is_unique().all()


def test_tracks_that_test_a_plane(models: Models) -> None:
    rows = [
        track(1, 1234, 1234, 1234, 1234, mask=0b1111),
        track(2, 234, 234, 234, 234, mask=0b0001),
        track(3, 1234, 1234, 1234, 134, mask=0b0010),
    ]
    put(models, rows, range(60))
    table = models.run("fct_minute_count")
    n_fid = ["n_fid_1", "n_fid_2", "n_fid_3", "n_fid_4"]

    def of(kind: str, tt: int, region: str = "R1.0") -> list[int | None]:
        match = (pl.col("tt_kind") == kind) & (pl.col("tt") == tt) & (pl.col("region_code") == region)
        return list(table.filter(match).select(n_fid).row(0))

    assert of("list_tt", 1234) == [1, 2, 1, 1]
    assert of("fit_tt", 1234) == [1, 1, 1, 1]
    assert of("fit_tt", 234) == [1, None, None, None]
    assert of("fit_tt", 134) == [None, 1, None, None]
    assert of("fit_tt", 123, "none") == [None, None, None, 0]
    assert of("fit_tt", 12, "none") == [None] * 4
    assert of("raw_tt", 1234, "all") == [None] * 4


def test_a_plane_no_trigger_leaves_free_is_not_counted_as_tested(models: Models) -> None:
    put(models, [track(1, 1234, 1234, 1234, 1234, mask=0b1100)], range(60), triggers=(12,))
    row = models.run("fct_minute_count").filter((pl.col("tt_kind") == "list_tt") & (pl.col("n_events") == 1))
    assert row.select("n_fid_1", "n_fid_2", "n_fid_3", "n_fid_4").row(0) == (None, None, 1, 1)


def test_dense_counts_have_every_region(models: Models) -> None:
    put(models, [track(3, 12, 12, 12, 12)], range(1, 60))
    models.run("fct_minute_count")
    models.put("fct_minute_live", [{"station_id": 1, "minute_start": MINUTE, "live_s": 59}])
    table = models.run("fct_minute_count_dense")
    assert len(table) == 2 * 16 * 25
    assert table["n_events"].sum() == 2


def plane_hit(event_number: int, plane: int, **known: Any) -> dict[str, Any]:
    hit: dict[str, Any] = {"file_id": FILE_ID, "event_number": event_number, "plane": plane}
    hit |= {"q_sum_ns": 30.0, "q_fc": 600.0}
    hit |= {"n_strips": 1, "cluster_class": "single", "is_streamer": False, "is_low_charge": False}
    return hit | known


def test_planes_by_minute(models: Models) -> None:
    put(models, [track(1, 12, 123, 12, 12), track(2, 1234, 1234, 1234, 1234, mask=0b0110)], range(60))
    models.put("fct_minute_live", [{"station_id": 1, "minute_start": MINUTE, "live_s": 60}])
    split = plane_hit(2, 1, n_strips=2, cluster_class="split", is_streamer=True, q_sum_ns=120.0)
    models.put("int_plane_hit", [plane_hit(1, 1), plane_hit(1, 2, is_low_charge=True), split])
    planes = {row["plane"]: row for row in models.run("fct_minute_plane").iter_rows(named=True)}
    assert sorted(planes) == [1, 2, 3, 4]
    first = planes[1]
    assert (first["n_hits"], first["n_streamer"], first["n_single"], first["n_split"]) == (2, 1, 1, 1)
    assert (first["sum_n_strips"], first["sum_q_sum_ns"]) == (3, pytest.approx(150))
    assert planes[2]["n_low_charge"] == 1
    assert planes[3]["n_one_ended_only"] == 1
    assert [planes[p]["n_pool"] for p in (1, 2, 3, 4)] == [0, 1, 1, 0]
    assert planes[4]["n_hits"] == 0
