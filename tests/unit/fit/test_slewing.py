"""Time walk: recovered from sums of simulated links, nothing found where there is none."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from tests.unit.fit.parameters import file_parameters
from warehouse.fit.histogram import N_CHANNELS
from warehouse.fit.slewing import SLEWING_SCHEMA, fit_slewings

SIGMA_NS = 0.7
PAIRS = [(a, b) for a in range(N_CHANNELS) for b in range(N_CHANNELS) if a // 4 < b // 4]


def sums(
    offset: np.ndarray,
    slope: np.ndarray,
    *,
    n: int = 1_000,
    seed: int = 1,
    file_id: int = 7,
    pairs: list[tuple[int, int]] = PAIRS,
    equal_charges: bool = False,
) -> pa.Table:
    """Rows of `int_cal_slewing_sum` of a file whose strips have these offsets at g = 3 and slopes, ns."""
    rng = np.random.default_rng(seed)
    rows = []
    for a, b in pairs:
        g_a, g_b = rng.uniform(1, 6, n), rng.uniform(1, 6, n)
        if equal_charges:
            g_a = g_b = np.full(n, 2.0)
        d = offset[b] - offset[a] + slope[b] * (g_b - 3) - slope[a] * (g_a - 3) + rng.normal(0, SIGMA_NS, n)
        rows.append(
            {"file_id": file_id, "n": n, "sum_d": d.sum(), "sum_a": g_a.sum(), "sum_b": g_b.sum()}
            | {"plane_a": a // 4 + 1, "strip_a": a % 4 + 1, "plane_b": b // 4 + 1, "strip_b": b % 4 + 1}
            | {"sum_aa": g_a @ g_a, "sum_bb": g_b @ g_b, "sum_ab": g_a @ g_b, "sum_da": d @ g_a, "sum_db": d @ g_b}
            | {"low_a": g_a.min(), "high_a": g_a.max(), "low_b": g_b.min(), "high_b": g_b.max()}
        )
    return pl.DataFrame(rows).to_arrow()


def fitted(table: pa.Table, slewing_enabled: float = 1) -> pl.DataFrame:
    """The rows of the fit, in order."""
    found = fit_slewings(table, file_parameters(7, 8, slewing_enabled=slewing_enabled))
    assert found.schema.equals(SLEWING_SCHEMA)
    return pl.DataFrame(found).sort("file_id", "plane", "strip")


def walk(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets relative to the first strip, and slopes, ns."""
    rng = np.random.default_rng(seed)
    offset = rng.uniform(-4, 4, N_CHANNELS)
    return offset - offset[0], rng.uniform(-0.4, -0.1, N_CHANNELS)


def test_simulated_time_walk_is_recovered() -> None:
    offset, slope = walk(1)
    found = fitted(sums(offset, slope))
    np.testing.assert_allclose(found["t_slew_ns"], slope, atol=0.03)
    at_reference = offset + slope * (found["t_slew_ref"].to_numpy() - 3)
    np.testing.assert_allclose(found["t_sum_offset_ns"], at_reference - at_reference[0], atol=0.06)
    assert found["t_slew_ref"].n_unique() == 1
    assert found["t_slew_ref"][0] == pytest.approx(3.5, abs=0.02)
    assert found["t_slew_low"].is_between(1, 1.01).all()
    assert found["t_slew_high"].is_between(5.99, 6).all()


def test_no_time_walk_gives_slopes_within_their_errors() -> None:
    slopes = [fitted(sums(walk(2)[0], np.zeros(N_CHANNELS), seed=seed))["t_slew_ns"].to_numpy() for seed in range(20)]
    # 12 links of 1,000 entries a strip, g uniform over a range of 5, so that its variance is 25/12
    expected = SIGMA_NS / np.sqrt(12 * 1_000 * 25 / 12)
    assert np.std(slopes) == pytest.approx(expected, rel=0.25)
    assert np.abs(np.mean(slopes, axis=0)).max() < 4 * expected / np.sqrt(20)


def test_entries_count_as_often_as_they_stand() -> None:
    table = sums(*walk(3), n=200)
    names = [name for name in table.column_names if name == "n" or name.startswith("sum_")]
    twice = pl.DataFrame(table).with_columns(pl.col(names) * 2).to_arrow()
    np.testing.assert_allclose(fitted(twice)["t_slew_ns"], fitted(table)["t_slew_ns"], rtol=1e-9)


def test_strips_without_links_have_no_slope() -> None:
    offset, slope = walk(4)
    found = fitted(sums(offset, slope, pairs=[p for p in PAIRS if 0 not in p and 9 not in p]))
    assert [k for k, value in enumerate(found["t_slew_ns"]) if value is None] == [0, 9]
    assert found["t_sum_offset_ns"][1] == 0
    np.testing.assert_allclose(found["t_slew_ns"].to_numpy()[1:9], slope[1:9], atol=0.04)


def test_charges_that_never_vary_determine_nothing() -> None:
    found = fitted(sums(*walk(5), equal_charges=True))
    assert found["t_slew_ns"].null_count() == 16
    assert set(found["detail"]) == {"slewing: the charges do not determine offsets and slopes"}


def test_links_with_few_entries_give_nothing() -> None:
    assert fitted(sums(*walk(6), n=29))["t_slew_ns"].null_count() == 16


def test_only_files_that_ask_for_it() -> None:
    both = pa.concat_tables([sums(*walk(7)), sums(*walk(7), file_id=8)])
    assert fitted(both)["file_id"].unique().sort().to_list() == [7, 8]
    assert fitted(both, slewing_enabled=0).height == 0
