"""The fits as dbt calls them: Arrow in and out, a row for every strip, nothing where there is nothing to fit."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.fit.parameters import file_parameters
from warehouse.fit.channel import CHANNEL_SCHEMA, fit_channels
from warehouse.fit.charge import CHARGE_SCHEMA, fit_charges
from warehouse.fit.crosstalk import Peaks, fit_peaks
from warehouse.fit.link import TIME_SUM_SCHEMA, fit_links
from warehouse.fit.time_difference import Box

KEYS = {"file_id": pa.int64(), "kind": pa.string(), "n": pa.int64()}


def table(columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    names = list(columns)
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({name: pa.array(v, KEYS.get(name, pa.int32())) for name, v in zip(names, values, strict=True)})


CHANNEL = ("file_id", "kind", "plane", "strip", "bin_index", "n")
FRONT_BACK = ("file_id", "plane", "strip", "q_sum_bin", "q_dif_bin", "n")
Q_SUM = ("file_id", "plane", "strip", "bin_index", "n")
LINK = ("file_id", "plane_a", "strip_a", "plane_b", "strip_b", "bin_index", "n")


def counted(key: tuple[Any, ...], values: np.ndarray, width: float) -> list[tuple[Any, ...]]:
    bins, n = np.unique(np.floor(values / width).astype(int), return_counts=True)
    return [(*key, int(b), int(c)) for b, c in zip(bins, n, strict=True)]


def test_channels_of_two_files() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for file_id, shift in ((7, 0.0), (9, 2.0)):
        rows += counted((file_id, "q_front", 2, 3), 90 + shift + 0.138 + rng.exponential(20, 5_000), 0.05)
        rows += counted((file_id, "t_dif", 2, 3), shift / 10 + rng.uniform(-0.58, 0.58, 5_000), 0.05)
    found = fit_channels(table(CHANNEL, rows).to_reader(), file_parameters(7, 9))
    assert found.schema.equals(CHANNEL_SCHEMA)
    assert found.num_rows == 96
    fitted = {(r["file_id"], r["constant"]): r for r in found.to_pylist() if r["value_ns"] is not None}
    assert set(fitted) == {(f, c) for f in (7, 9) for c in ("q_pedestal_front", "t_dif_offset")}
    assert fitted[7, "q_pedestal_front"]["value_ns"] == pytest.approx(90, abs=0.06)
    assert fitted[9, "q_pedestal_front"]["value_ns"] == pytest.approx(92, abs=0.06)
    assert fitted[9, "t_dif_offset"]["value_ns"] == pytest.approx(0.2, abs=0.03)
    assert fitted[9, "t_dif_offset"]["width_ns"] == pytest.approx(1.16, abs=0.1)
    assert {(r["plane"], r["strip"], r["n_entries"]) for r in fitted.values()} == {(2, 3, 5_000)}


def test_charges_of_a_file_and_of_one_without_hits() -> None:
    rng = np.random.default_rng(2)
    pairs = np.column_stack([rng.integers(0, 100, 9_000), rng.integers(-20, 20, 9_000)])
    bins, n = np.unique(pairs, axis=0, return_counts=True)
    front_back = [(7, 1, 4, int(q), int(d), int(c)) for (q, d), c in zip(bins, n, strict=True)]
    near_zero = np.concatenate([rng.normal(0.4, 0.28, 4_000), rng.uniform(-1, 3, 500)])
    q_sum = counted((7, 1, 4), near_zero[(near_zero >= -1) & (near_zero < 3)], 0.05)
    q_sum += counted((7, 3, 1), rng.uniform(-1, 3, 2_000), 0.05)
    found = fit_charges(table(FRONT_BACK, front_back).to_reader(), table(Q_SUM, q_sum), file_parameters(7, 8))
    assert found.schema.equals(CHARGE_SCHEMA)
    rows = {(r["file_id"], r["plane"], r["strip"]): r for r in found.to_pylist()}
    assert len(rows) == 32
    fitted, flat, empty = rows[7, 1, 4], rows[7, 3, 1], rows[8, 1, 4]
    assert (fitted["q_fb_degree"], fitted["n_front_back"], fitted["crosstalk_fit"]) == (4, 9_000, "accepted")
    assert fitted["crosstalk_mu_ns"] == pytest.approx(0.4, abs=0.03)
    assert fitted["crosstalk_limit_ns"] == pytest.approx(min(1.2, 0.4 + 3 * 0.28), abs=0.06)
    assert (flat["crosstalk_fit"], flat["crosstalk_limit_ns"], flat["crosstalk_mu_ns"]) == ("no_peak", 1.2, None)
    assert (empty["crosstalk_fit"], empty["crosstalk_limit_ns"], empty["q_fb_degree"]) == ("few_entries", None, None)


def test_a_front_back_fit_that_fails_is_named_and_stops_nothing() -> None:
    rows = [(7, 1, 1, 20, d, 100) for d in range(-30, 30)]
    found = fit_charges(table(FRONT_BACK, rows).to_reader(), table(Q_SUM, []), file_parameters(7)).to_pylist()
    assert found[0]["q_fb_degree"] is None
    assert found[0]["detail"].startswith("front-back: ")
    assert all(row["detail"] is None for row in found[1:])


def test_links_of_a_file_and_of_one_without_hits() -> None:
    rng = np.random.default_rng(3)
    offset = rng.uniform(-4, 4, 16)
    rows = []
    for a in range(16):
        for b in range(16):
            if a // 4 < b // 4:
                key = (7, a // 4 + 1, a % 4 + 1, b // 4 + 1, b % 4 + 1)
                rows += counted(key, rng.normal(offset[b] - offset[a], 0.7, 600), 0.1)
    found = fit_links(table(LINK, rows).to_reader(), file_parameters(7, 8))
    assert found.schema.equals(TIME_SUM_SCHEMA)
    own = [row for row in found.to_pylist() if row["file_id"] == 7]
    other = [row for row in found.to_pylist() if row["file_id"] == 8]
    np.testing.assert_allclose([r["t_sum_offset_ns"] for r in own], offset - offset[0], atol=0.08)
    assert {(r["n_links"], r["t_sum_gauge"], r["n_components"]) for r in own} == {(96, "p1s1", 1)}
    assert own[0]["crt_corrected_ps"] == pytest.approx(700 / np.sqrt(2), rel=0.05)
    assert len(other) == 16
    assert {(r["t_sum_offset_ns"], r["n_links"], r["crt_ps"]) for r in other} == {(None, 0, None)}


@pytest.mark.parametrize(("n", "is_fresh"), [(60, False), (600, True)])
def test_offsets_of_a_file_known_too_loosely_are_none(n: int, is_fresh: bool) -> None:
    """The median formal error decides for the whole file: one strip with few links stays."""
    rng = np.random.default_rng(4)
    rows = []
    for a in range(4):
        for b in range(4, 8):
            rows += counted((7, 1, a + 1, 2, b - 3), rng.normal(0, 0.7, 40 if a == 3 else n), 0.1)
    found = fit_links(table(LINK, rows).to_reader(), file_parameters(7)).to_pylist()
    linked = [row for row in found if row["t_sum_sigma_ps"] is not None]
    assert [(row["plane"], row["strip"]) for row in linked] == [(p, s) for p in (1, 2) for s in (1, 2, 3, 4)]
    assert all((row["t_sum_offset_ns"] is not None) == is_fresh for row in linked)
    assert linked[3]["t_sum_sigma_ps"] > 50
    if is_fresh:
        assert linked[3]["t_sum_offset_ns"] == pytest.approx(0, abs=4e-3 * linked[3]["t_sum_sigma_ps"])


def test_no_files_at_all() -> None:
    nothing = file_parameters(7).slice(0, 0)
    assert fit_channels(table(CHANNEL, []).to_reader(), nothing).num_rows == 0
    assert fit_charges(table(FRONT_BACK, []).to_reader(), table(Q_SUM, []), nothing).num_rows == 0
    assert fit_links(table(LINK, []).to_reader(), nothing).num_rows == 0


def test_a_channel_fit_that_fails_is_named() -> None:
    rng = np.random.default_rng(5)
    rows = counted((7, "q_front", 1, 2), np.full(900, 95.01), 0.05)
    rows += counted((7, "t_dif", 1, 2), np.full(900, 0.51), 0.05)
    rows += counted((7, "q_front", 1, 3), 90 + rng.exponential(20, 900), 0.05)
    rows += counted((7, "q_back", 1, 3), 90 + rng.exponential(20, 400), 0.05)
    found = fit_channels(table(CHANNEL, rows).to_reader(), file_parameters(7)).to_pylist()
    details = {(row["strip"], row["side"]): row["detail"] for row in found if row["detail"] is not None}
    assert details == {
        (2, "front"): "charge pedestal: no edge",
        (2, "both"): "time difference: no box with enough entries",
    }
    assert {(row["strip"], row["side"]) for row in found if row["value_ns"] is not None} == {(3, "front")}


def test_an_error_in_one_strip_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(counts: np.ndarray, centres: np.ndarray, **_: float) -> Box | None:
        if counts.sum() == 901:
            raise np.linalg.LinAlgError("Singular matrix")
        return Box(0.25, 1.2)

    monkeypatch.setattr("warehouse.fit.channel.fit_box", refuse)
    rows = [
        *counted((7, "t_dif", 1, 1), np.full(901, 0.5), 0.05),
        *counted((7, "t_dif", 1, 2), np.full(900, 0.5), 0.05),
    ]
    found = fit_channels(table(CHANNEL, rows).to_reader(), file_parameters(7)).to_pylist()
    assert [row["detail"] for row in found if row["detail"]] == ["time difference: Singular matrix"]
    assert [row["strip"] for row in found if row["value_ns"] == 0.25] == [2]


def test_a_peak_that_cannot_be_fitted_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(counts: np.ndarray, centres: np.ndarray) -> Peaks:
        if (counts.sum(axis=1) == 901).any():
            raise np.linalg.LinAlgError("Singular matrix")
        return fit_peaks(counts, centres)

    monkeypatch.setattr("warehouse.fit.charge.fit_peaks", refuse)
    rng = np.random.default_rng(6)
    near_zero = [np.clip(rng.normal(0.4, 0.28, n), -1, 2.9) for n in (901, 4_000, 4_000)]
    q_sum = [row for k, values in enumerate(near_zero) for row in counted((7, 1, k + 1), values, 0.05)]
    found = fit_charges(table(FRONT_BACK, []).to_reader(), table(Q_SUM, q_sum), file_parameters(7)).to_pylist()
    assert [row["crosstalk_fit"] for row in found[:4]] == ["no_peak", "accepted", "accepted", "few_entries"]
    assert [row["detail"] for row in found] == ["crosstalk: no convergence"] + [None] * 15


def test_an_error_of_the_time_sums_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr("warehouse.fit.link.fit_time_sums", refuse)
    rows = counted((7, 1, 1, 2, 1), np.random.default_rng(7).normal(0, 0.7, 600), 0.1)
    found = fit_links(table(LINK, rows).to_reader(), file_parameters(7)).to_pylist()
    assert {(row["detail"], row["t_sum_offset_ns"]) for row in found} == {("time sums: Singular matrix", None)}
    assert len(found) == 16
