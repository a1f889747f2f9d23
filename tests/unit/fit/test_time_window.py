"""The time window scan: shares counted by hand, a curve found again, few events and bad curves told."""

import math

import numpy as np
import pyarrow as pa
import pytest

from warehouse.fit.time_window import BIN_NS, SCAN_SCHEMA, WIDTHS_NS, fit_rise, fit_windows, rise, share_in_window

TYPES = {"file_id": pa.int64(), "tt": pa.int16(), "bin_index": pa.int32(), "n": pa.int64()}


def histogram(rows: list[tuple[int, int, int, int]]) -> pa.Table:
    values = list(zip(*rows, strict=True)) or [()] * len(TYPES)
    return pa.table({name: pa.array(v, t) for (name, t), v in zip(TYPES.items(), values, strict=True)})


def counted(file_id: int, tt: int, distances: np.ndarray) -> list[tuple[int, int, int, int]]:
    bins, n = np.unique(np.floor(distances / BIN_NS).astype(int), return_counts=True)
    return [(file_id, tt, int(b), int(k)) for b, k in zip(bins, n, strict=True)]


def test_shares_count_times_within_half_the_width() -> None:
    share = share_in_window(np.array([0, 50, 125, 400]), np.array([2.0, 1.0, 1.0, 7.0]))
    expected = [2 * (w > 0) + (w / 2 >= 51 * BIN_NS) + (w / 2 >= 126 * BIN_NS) for w in WIDTHS_NS]
    on_a_bin = (np.abs(WIDTHS_NS / 2 - 50.5 * BIN_NS) < BIN_NS) | (np.abs(WIDTHS_NS / 2 - 125.5 * BIN_NS) < BIN_NS)
    np.testing.assert_allclose(share[~on_a_bin], np.array(expected)[~on_a_bin] / 4)
    assert share[0] == 0
    assert share[-1] == 1


def test_rise_is_the_integral_of_a_gaussian_and_a_line() -> None:
    w = np.array([0.0, 1.0, 1.5, 6.0])
    expected = [0.9 / 2 * (1 + math.erf((x - 1.1) / (math.sqrt(2) * 0.8))) + 0.01 * x for x in w]
    np.testing.assert_allclose(rise(w, 0.9, 1.1, 0.8, 0.01), expected, rtol=1e-12)


@pytest.mark.parametrize("truth", [(0.95, 1.1, 0.8, 0.012), (0.7, 0.6, 0.4, 0.05), (1.0, 2.5, 1.2, 0.0)])
def test_curve_is_found_again(truth: tuple[float, ...]) -> None:
    found = fit_rise(rise(WIDTHS_NS, *truth))
    assert found is not None
    np.testing.assert_allclose(found, truth, atol=1e-6)


def test_accidental_times_make_the_slope() -> None:
    rng = np.random.default_rng(1)
    pure = np.abs(rng.normal(0, 0.5, 20_000))
    mixed = np.concatenate([pure, rng.uniform(0, 5, 10_000)])
    table = fit_windows(histogram(counted(7, 12, pure) + counted(7, 1234, mixed)))
    assert table.schema.equals(SCAN_SCHEMA)
    rows = {row["tt"]: row for row in table.to_pylist()}
    assert {tt: row["n_events"] for tt, row in rows.items()} == {12: 10_000, 1234: 7_500}
    assert {row["scan_status"] for row in rows.values()} == {"ok"}
    assert abs(rows[12]["background_slope_per_ns"]) < 0.02
    # 2,000 accidental times a ns of half width, of 20,000 + 6,000 inside the widest window
    growth = rows[1234]["background_slope_per_ns"] - rows[12]["background_slope_per_ns"]
    assert growth == pytest.approx(1_000 / 26_000, rel=0.2)
    assert len(rows[12]["share_in_window"]) == len(WIDTHS_NS)


def test_few_events_give_no_row_and_a_bad_curve_a_status() -> None:
    rng = np.random.default_rng(2)
    few = counted(7, 123, np.abs(rng.normal(0, 0.5, 297)))
    enough = counted(7, 13, np.abs(rng.normal(0, 0.5, 200)))
    strange = counted(9, 12, np.full(500, 4.0))
    rows = {(row["file_id"], row["tt"]): row for row in fit_windows(histogram(few + enough + strange)).to_pylist()}
    assert {key: row["scan_status"] for key, row in rows.items()} == {(7, 13): "ok", (9, 12): "failed"}
    assert rows[9, 12]["sigmoid_width_ns"] is None
    assert rows[9, 12]["share_in_window"] == [0.0] * len(WIDTHS_NS)


def test_without_events_there_is_nothing() -> None:
    assert fit_windows(histogram([])).schema.equals(SCAN_SCHEMA)
