"""How the efficiency of a plane may be measured, and what comes out."""

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from tests.unit.detector.conftest import FILE_ID, Models

HOUR = datetime(2025, 2, 7, 10)


def rules(models: Models, **file: Any) -> pl.DataFrame:
    """`int_plane_pool_rule` of one file."""
    models.put_file(start_time=HOUR, **file)
    if not models.has("fct_channel_status"):
        models.put_channels_all_usable()
    return models.run("int_plane_set", "int_plane_pool_rule")


def reasons(table: pl.DataFrame, method: str) -> list[str | None]:
    return table.filter(pl.col("method") == method).sort("plane")["null_reason"].to_list()


def test_fiducial_limits(models: Models) -> None:
    models.set_parameters(sigma_t_sum_ns=0.5, sigma_t_dif_ns=0.0555)
    planes = rules(models).filter(pl.col("method") == "projection").sort("plane")
    assert planes["spread_factor"].to_list() == pytest.approx([1.5275, 0.6547, 0.6547, 1.5275], abs=5e-5)
    assert planes["x_limit_mm"].to_list()[:2] == pytest.approx([82.1, 101.5], abs=0.05)
    assert planes["y_limit_mm"].to_list()[:2] == pytest.approx([79.3, 116.0], abs=0.05)


def test_fiducial_limits_of_uneven_planes(models: Models) -> None:
    models.set_parameters(sigma_t_sum_ns=0.5, sigma_t_dif_ns=0.0555)
    planes = rules(models, z=(0, 100, 200, 400)).filter(pl.col("method") == "projection").sort("plane")
    assert planes["spread_factor"].to_list() == pytest.approx([1.2247, 0.6770, 0.5883, 2.1985], abs=5e-5)
    assert (planes["x_limit_mm"][3], planes["y_limit_mm"][3]) == pytest.approx((67.2, 51.2), abs=0.05)


@pytest.mark.parametrize(
    ("triggers", "biased"),
    [
        ((12, 23, 34, 13), []),
        ((123, 234, 134, 124), []),
        ((1234,), [1, 2, 3, 4]),
        ((12,), [1, 2]),
        ((), []),
    ],
)
def test_a_trigger_that_needs_the_plane_biases_it(models: Models, triggers: tuple[int, ...], biased: list[int]) -> None:
    table = rules(models, triggers=triggers)
    expected = ["trigger_bias" if plane in biased else None for plane in (1, 2, 3, 4)]
    assert reasons(table, "projection") == expected
    assert reasons(table, "ratio") == expected
    assert table["is_trigger_known"].to_list() == [bool(triggers)] * 10


@pytest.mark.parametrize(("triggers", "reason"), [((12, 23, 34, 13), "trigger_bias"), ((12, 24), None)])
def test_telescope_ratio_needs_its_own_pair(models: Models, triggers: tuple[int, ...], reason: str | None) -> None:
    assert reasons(rules(models, triggers=triggers), "ratio_234") == [reason]


def test_no_fiducial_area_is_left(models: Models) -> None:
    assert reasons(rules(models, z=(0, 100, 200, 900)), "projection")[3] == "no_fiducial"


def test_a_plane_without_usable_strips_is_dead(models: Models) -> None:
    models.put_channels_all_usable()
    models.connection.execute("update fct_channel_status set is_strip_usable = false where plane = 3 or strip = 1")
    assert reasons(rules(models), "ratio") == [None, None, "plane_dead", None]


def efficiencies(models: Models, patterns: list[tuple[int, int, int, int]], **file: Any) -> pl.DataFrame:
    """`fct_plane_efficiency` of one hour with (list_tt, clean_tt, tested planes as bits, events)."""
    rules(models, **file)
    models.put(
        "int_hour_pattern",
        [
            {"station_id": 1, "hour_start": HOUR, "file_id": FILE_ID, "list_tt": list_tt, "clean_tt": clean_tt}
            | {"fiducial_mask": mask, "n_events": n}
            for list_tt, clean_tt, mask, n in patterns
        ],
    )
    day = {"station_id": 1, "day": HOUR.date()}
    models.put("int_efficiency_day_todo", [day])
    models.put("int_day_source", [day | {"file_id": FILE_ID}])
    return models.run("fct_plane_efficiency")


def one(
    table: pl.DataFrame, plane: int, method: str = "projection", label: str = "list", kind: str = "hour"
) -> dict[str, Any]:
    match = (
        (pl.col("plane") == plane)
        & (pl.col("method") == method)
        & (pl.col("label") == label)
        & (pl.col("period_kind") == kind)
    )
    return table.filter(match).row(0, named=True)


def test_golden_efficiencies(models: Models) -> None:
    table = efficiencies(models, [(1234, 1234, 0b0110, 50), (1234, 1234, 0b0010, 40), (134, 134, 0b0010, 10)])
    found = one(table, 2)
    assert (found["n_fired"], found["n_pool"]) == (90, 100)
    assert (found["efficiency"], found["efficiency_sigma"]) == pytest.approx((0.90, 0.03))
    found = one(table, 3)
    assert (found["efficiency"], found["efficiency_sigma"]) == pytest.approx((1.0, 0.0189), abs=5e-5)
    found = one(table, 4)
    assert (found["n_pool"], found["efficiency"], found["null_reason"]) == (0, None, "low_statistics")


def test_labels_and_methods_count_what_they_say(models: Models) -> None:
    patterns = [
        (1234, 1234, 0b1111, 600),
        (134, 1234, 0b0010, 20),
        (134, 134, 0b0010, 80),
        (13, 13, 0, 30),
        (123, 123, 8, 70),
    ]
    table = efficiencies(models, patterns)
    counts = {
        (2, "projection", "list"): (600, 700),
        (2, "projection", "clean"): (620, 700),
        (2, "ratio", "list"): (600, 700),
        (2, "ratio", "clean"): (620, 700),
        (2, "ratio_123", "list"): (670, 800),
        (4, "projection", "list"): (600, 670),
        (4, "ratio", "clean"): (620, 690),
    }
    for (plane, method, label), expected in counts.items():
        for kind in ("hour", "day", "file"):
            found = one(table, plane, method, label, kind)
            assert (found["n_fired"], found["n_pool"]) == expected, (plane, method, label, kind)
    starts = {row["period_kind"]: row["period_start"] for row in table.iter_rows(named=True)}
    assert starts == {"hour": HOUR, "day": datetime(2025, 2, 7), "file": HOUR}
    assert set(table.filter(pl.col("period_kind") == "file")["file_id"]) == {FILE_ID}


def test_the_reason_stands_where_nothing_is_measured(models: Models) -> None:
    table = efficiencies(models, [(1234, 1234, 0, 600)], triggers=(1234,))
    found = one(table, 2, "ratio")
    assert (found["n_pool"], found["efficiency"], found["null_reason"]) == (0, None, "trigger_bias")


@pytest.mark.parametrize(("triggers", "biased"), [((1234,), (1, 2, 3, 4)), ((12,), (1, 2))])
def test_a_biased_plane_has_no_efficiency_and_the_others_have(
    models: Models, triggers: tuple[int, ...], biased: tuple[int, ...]
) -> None:
    tested = sum(1 << (plane - 1) for plane in (1, 2, 3, 4) if plane not in biased)
    table = efficiencies(models, [(1234, 1234, tested, 600)], triggers=triggers)
    for kind in ("hour", "day", "file"):
        for label in ("list", "clean"):
            for plane in (1, 2, 3, 4):
                found = one(table, plane, label=label, kind=kind)
                expected = (
                    (None, None, "trigger_bias") if plane in biased else (1.0, pytest.approx(0.00166, abs=5e-6), None)
                )
                assert (found["efficiency"], found["efficiency_sigma"], found["null_reason"]) == expected


@pytest.mark.parametrize(("n_pool", "reason"), [(49, "low_statistics"), (50, None)])
def test_a_small_pool_says_nothing(models: Models, n_pool: int, reason: str | None) -> None:
    found = one(efficiencies(models, [(1234, 1234, 0b0010, n_pool - 9), (134, 134, 0b0010, 9)]), 2)
    assert (found["n_pool"], found["n_fired"], found["null_reason"]) == (n_pool, n_pool - 9, reason)
    assert (found["efficiency"] is None) == (found["efficiency_sigma"] is None) == (reason is not None)


def test_nothing_fired_has_an_error_too(models: Models) -> None:
    found = one(efficiencies(models, [(134, 134, 0b0010, 50)]), 2)
    assert (found["efficiency"], found["efficiency_sigma"]) == (0.0, pytest.approx(0.0189, abs=5e-5))
