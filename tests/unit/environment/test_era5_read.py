"""Every layout of an ERA5 answer gives the same box means; whatever is not one is said to be so."""

import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.environment_file import Outcome
from extract.era5.read import read_era5
from tests.unit.environment.era5_files import (
    AT_LEVELS,
    HOURS,
    LATITUDES,
    LAYOUTS,
    LEVELS,
    LONGITUDES,
    POSITION,
    SP,
    SURFACE,
    T2M,
    T,
    Z,
    classic,
    new_layout,
    scalar_time,
)

FETCHED_AT = datetime(2025, 2, 8)
TOLERANCE_K = 1e-4


def read(path: Path, product: str = "single", position: tuple[float, float] | None = POSITION, **more: Any) -> Outcome:
    return read_era5(path, position, product=product, fetched_at=more.pop("fetched_at", FETCHED_AT), **more)


def rows_of(outcome: Outcome, name: str) -> list[dict[str, Any]]:
    return [row for dataset, table in outcome.tables if dataset.name == name for row in table.to_pylist()]


def step(values: np.ndarray, layout: str) -> float:
    """Half a packing step, where values are packed."""
    return TOLERANCE_K + (0.0 if layout in ("new", "longitudes 0-360") else float(np.ptp(values) + 0.8) / 65532 / 2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_surface_in_every_layout(tmp_path: Path, layout: str) -> None:
    outcome = read(LAYOUTS[layout](tmp_path / "a.nc", SURFACE))
    rows = rows_of(outcome, "era5_single")
    assert outcome.rejects == []
    assert [row["valid_time"] for row in rows] == HOURS
    assert [row["temp_ground_k"] for row in rows] == pytest.approx(T2M, abs=step(T2M, layout))
    assert [row["era5_surface_pressure_hpa"] for row in rows] == pytest.approx(SP / 100, abs=step(SP, layout))
    for row in rows:
        assert (row["n_points"], row["n_points_valid"], row["product"]) == (9, 9, "single")
        assert row["lat_min_deg"] == pytest.approx(LATITUDES.min())
        assert (row["lon_min_deg"], row["lon_max_deg"]) == pytest.approx((LONGITUDES.min(), LONGITUDES.max()))
    assert (outcome.date_from, outcome.date_to) == (HOURS[0].date(), HOURS[-1].date())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_levels_in_every_layout(tmp_path: Path, layout: str) -> None:
    outcome = read(LAYOUTS[layout](tmp_path / "a.nc", AT_LEVELS), "profile")
    rows = rows_of(outcome, "era5_level")
    assert outcome.rejects == []
    assert [(row["valid_time"], row["pressure_level_hpa"]) for row in rows] == [(h, p) for h in HOURS for p in LEVELS]
    assert [row["temp_k"] for row in rows] == pytest.approx(T.ravel(), abs=step(T, layout))
    assert [row["height_m"] for row in rows] == pytest.approx(Z.ravel() / 9.80665, abs=step(Z, layout))


def test_golden_height(tmp_path: Path) -> None:
    rows = rows_of(read(new_layout(tmp_path / "a.nc", AT_LEVELS), "profile"), "era5_level")
    assert rows[0]["height_m"] == pytest.approx(16213.488, abs=2e-3)


def test_finality_of_the_old_form(tmp_path: Path) -> None:
    rows = rows_of(read(LAYOUTS["classic with expver"](tmp_path / "a.nc", SURFACE)), "era5_single")
    assert [row["expver"] for row in rows] == [1, 1, 5, 5]
    assert [row["is_final"] for row in rows] == [True, True, False, False]
    assert {row["finality_basis"] for row in rows} == {"expver"}
    assert all(np.isfinite(row["temp_ground_k"]) for row in rows)


@pytest.mark.parametrize(
    ("word", "expver", "is_final"), [("0001", 1, True), ("0005", 5, False), ("5", 5, False), ("0007", 7, False)]
)
def test_finality_of_the_new_form(tmp_path: Path, word: str, expver: int, is_final: bool) -> None:
    outcome = read(new_layout(tmp_path / "a.nc", SURFACE, expver=word))
    rows = rows_of(outcome, "era5_single")
    assert {(row["expver"], row["is_final"], row["finality_basis"]) for row in rows} == {(expver, is_final, "expver")}
    assert (outcome.detail is not None) == (expver == 7)


@pytest.mark.parametrize(("days", "is_final"), [(99, False), (101, True)])
def test_finality_by_age(tmp_path: Path, days: int, is_final: bool) -> None:
    path = classic(tmp_path / "a.nc", SURFACE)
    rows = rows_of(read(path, fetched_at=HOURS[0] + timedelta(days=days)), "era5_single")
    assert (rows[0]["expver"], rows[0]["is_final"], rows[0]["finality_basis"]) == (None, is_final, "age")


def test_one_hour_without_time_axis(tmp_path: Path) -> None:
    (row,) = rows_of(read(scalar_time(tmp_path / "a.nc"), "pl100"), "era5_level")
    assert (row["valid_time"], row["pressure_level_hpa"], row["expver"]) == (HOURS[0], 100.0, 5)
    assert row["temp_k"] == pytest.approx(210.0, abs=TOLERANCE_K)
    assert row["height_m"] is None


def test_level_of_the_request(tmp_path: Path) -> None:
    path = scalar_time(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a") as out:
        out.renameVariable("isobaricInhPa", "other")
    assert [r.reason for r in read(path, "profile").rejects] == ["unexpected_layout"]
    (row,) = rows_of(read(path, "pl100", requested_levels_hpa=[100]), "era5_level")
    assert row["pressure_level_hpa"] == 100.0


def test_level_in_pascal(tmp_path: Path) -> None:
    rows = rows_of(read(classic(tmp_path / "a.nc", AT_LEVELS, level_unit="Pa"), "profile"), "era5_level")
    assert {row["pressure_level_hpa"] for row in rows} == set(LEVELS)


@pytest.mark.parametrize(("moved_deg", "is_right"), [(0.0, True), (0.24, True), (0.26, False), (360.0, True)])
@pytest.mark.parametrize("axis", [0, 1])
def test_area(tmp_path: Path, moved_deg: float, is_right: bool, axis: int) -> None:
    if axis == 0 and moved_deg == 360.0:
        return
    position = [*POSITION]
    position[axis] += moved_deg
    outcome = read(new_layout(tmp_path / "a.nc", SURFACE), position=(position[0], position[1]))
    assert outcome.status == ("ok" if is_right else "rejected")
    if not is_right:
        assert [r.reason for r in outcome.rejects] == ["wrong_area"]
        assert outcome.tables == []


@pytest.mark.parametrize("centre", [0.0, 180.0, -179.9])
def test_grid_across_the_end_of_longitudes(tmp_path: Path, centre: float) -> None:
    path = new_layout(tmp_path / "a.nc", SURFACE, longitudes=(centre + np.array([-0.25, 0, 0.25])) % 360.0)
    outcome = read(path, position=(POSITION[0], centre))
    assert outcome.status == "ok"
    (row, *_) = rows_of(outcome, "era5_single")
    assert row["lon_max_deg"] - row["lon_min_deg"] == pytest.approx(0.5)


def test_missing_points_and_hours(tmp_path: Path) -> None:
    path = new_layout(tmp_path / "a.nc", SURFACE)
    with netCDF4.Dataset(path, "a") as out:
        out["t2m"][0, 0, 0] = np.nan
        out["t2m"][1] = np.nan
        out["sp"][1] = np.nan
        out["t2m"][2] = np.nan
    outcome = read(path)
    rows = rows_of(outcome, "era5_single")
    assert [row["valid_time"] for row in rows] == [HOURS[0], HOURS[2], HOURS[3]]
    assert rows[0]["n_points_valid"] == 8
    assert rows[0]["temp_ground_k"] == pytest.approx(283.15 + 0.4 / 8, abs=TOLERANCE_K)
    assert (rows[1]["temp_ground_k"], rows[1]["era5_surface_pressure_hpa"] is None) == (None, False)
    assert sorted((r.line_text or "", r.reason) for r in outcome.rejects) == [
        ("sp 2025-01-31T23:00:00Z", "all_missing"),
        ("t2m 2025-01-31T23:00:00Z", "all_missing"),
        ("t2m 2025-02-01T00:00:00Z", "all_missing"),
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("t2m", 150.0), ("t2m", 341.0), ("sp", 39999.0), ("sp", 110001.0), ("t", 149.0), ("z", 9e4)]
)
def test_out_of_range(tmp_path: Path, name: str, value: float) -> None:
    path = new_layout(tmp_path / "a.nc", SURFACE if name in SURFACE else AT_LEVELS)
    with netCDF4.Dataset(path, "a") as out:
        out[name][1] = value
    outcome = read(path, "profile")
    n_levels = {"t": 2, "z": 1}.get(name, 1)  # heights are only checked at 100 hPa
    assert [r.reason for r in outcome.rejects] == ["out_of_range"] * n_levels
    assert outcome.rejects[0].line_text == f"{name} 2025-01-31T23:00:00Z" + (" 100 hPa" if name in AT_LEVELS else "")
    assert outcome.counts.n_ok == (8 if name in AT_LEVELS else 4)


@pytest.mark.parametrize("unit", ["degC", "", "mK"])
def test_unexpected_unit(tmp_path: Path, unit: str) -> None:
    path = new_layout(tmp_path / "a.nc", SURFACE)
    with netCDF4.Dataset(path, "a") as out:
        out["t2m"].units = unit
    outcome = read(path)
    assert [(r.reason, r.line_text) for r in outcome.rejects] == [("unexpected_unit", "t2m")]
    assert {row["temp_ground_k"] for row in rows_of(outcome, "era5_single")} == {None}


def test_geopotential_of_the_ground_is_no_level(tmp_path: Path) -> None:
    truth = {**SURFACE, "z": (np.full(4, 6000.0), "m**2 s**-2")}
    outcome = read(new_layout(tmp_path / "a.nc", truth), requested_levels_hpa=[100])
    assert [dataset.name for dataset, _ in outcome.tables] == ["era5_single"]
    assert outcome.rejects == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><body>Sorry</body></html>", "not_data"),
        (json.dumps({"title": "cost limits exceeded"}).encode(), "not_data"),
        (b"", "not_data"),
        (b"\xff\xfe\x00", "not_data"),
        (b"GRIB\x00\x00\x00\x01", "grib_support_missing"),
        (b"PK\x03\x04 and no more", "not_readable"),
        (b"CDF\x01 and no more", "not_readable"),
        (b"\x89HDF\r\n\x1a\n and no more", "not_readable"),
    ],
)
def test_no_data(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(content)
    outcome = read(path)
    assert (outcome.status, [r.reason for r in outcome.rejects]) == ("rejected", [reason])
    assert outcome.detail is not None
    assert outcome.detail.startswith(reason)
    assert len(outcome.detail) < 600


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_truncated(tmp_path: Path, layout: str, part: float) -> None:
    path = LAYOUTS[layout](tmp_path / "a.nc", SURFACE)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    outcome = read(path)
    assert (outcome.status, [r.reason for r in outcome.rejects]) == ("rejected", ["not_readable"])


def test_archive_with_one_bad_member(tmp_path: Path) -> None:
    inner = new_layout(tmp_path / "a.nc", SURFACE)
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "good.nc")
        archive.writestr("readme.txt", "hello")
    outcome = read(path)
    assert [(r.reason, r.line_text) for r in outcome.rejects] == [("not_data", "readme.txt")]
    assert outcome.counts.n_ok == 4


def test_archive_prefers_final_values(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for word in ("0005", "0001", "0005"):
            archive.write(new_layout(tmp_path / "a.nc", SURFACE, expver=word), f"{len(archive.namelist())}.nc")
    assert {row["expver"] for row in rows_of(read(path), "era5_single")} == {1}


def test_other_variables_only(tmp_path: Path) -> None:
    outcome = read(new_layout(tmp_path / "a.nc", {"tp": (T2M, "m")}))
    assert [r.reason for r in outcome.rejects] == ["no_known_variable"]


@settings(max_examples=100)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"PK\x03\x04", b"CDF\x01", b"CDF\x02", b"\x89HDF\r\n\x1a\n", b"GRIB"]),
)
def test_any_bytes_never_raise(tmp_path_factory: pytest.TempPathFactory, tail: bytes, magic: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.nc"
    path.write_bytes(magic + tail)
    assert read(path).status == "rejected"
