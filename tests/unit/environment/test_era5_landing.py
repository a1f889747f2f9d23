"""Answers of ERA5 from a folder of this machine to the lake: what nobody here made, and every kind of what is none."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from extract.era5.extract import extract_era5
from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.provenance import ENV_FILE, ENV_REJECT
from extract.transfer.local import acquire_local
from extract.transfer.stations import Site, Station
from tests.unit.environment.era5_files import LAYOUTS, POSITION, SURFACE, new_layout
from tests.unit.environment.landing_files import put, read_lake

MADRID = Station(1, "MINGO01", *POSITION, True)
# (file, where a station would have to stand, dataset, product, rows, days)
REAL = [
    ("legacy_davos_surface_2020-01.nc", (46.8, 9.85), ERA5_SINGLE, "single", 744, 31),
    ("legacy_davos_pressure_levels_2020-01.nc", (46.8, 9.85), ERA5_LEVEL, "profile", 744 * 6, 31),
    ("surface_pressure_2020-01.nc", (59.6, 0.4), ERA5_SINGLE, "single", 4, 1),
    ("t2m_single_netcdf.zip", (60.0, -5.0), ERA5_SINGLE, "single", 1, 1),
    ("mixed_steps_netcdf.zip", (60.0, -5.0), ERA5_SINGLE, "single", 4, 1),
]


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def placed(position: tuple[float, float]) -> tuple[dict[int, Station], dict[int, list[Site]]]:
    """A network of one station that stands somewhere."""
    return {5: Station(5, "MINGO05", *position, True)}, {5: [Site(position, date(2000, 1, 1), None)]}


@pytest.mark.parametrize(("name", "position", "dataset", "product", "n_rows", "n_days"), REAL)
def test_real_answers_of_a_station_there(
    shared_data: Path,
    landing: Path,
    lake: Path,
    name: str,
    position: tuple[float, float],
    dataset: Any,
    product: str,
    n_rows: int,
    n_days: int,
) -> None:
    stations, sites = placed(position)
    summary = acquire_local([shared_data / "era5" / name], landing, stations=stations)
    assert (summary.fetched, summary.rejected) == (1, {})
    (item,) = summary.items
    assert item.landing_path is not None
    assert item.landing_path.parent == landing / "era5" / "station=5" / product
    extracted = extract_era5(landing, lake, sites)
    assert (extracted.failures, extracted.total.n_rejects) == ([], 0)
    rows = read_lake(lake, dataset)
    assert len(rows) == n_rows
    assert len({row["valid_time"].date() for row in rows}) == n_days
    (mark,) = read_lake(lake, ENV_FILE)
    assert (mark["status"], mark["kind"], mark["n_ok"]) == ("ok", product, n_rows)


@pytest.mark.parametrize("name", [name for name, *_ in REAL])
@pytest.mark.parametrize("station", [None, "MINGO01"])
def test_real_answers_of_other_places_are_refused(
    shared_data: Path, landing: Path, lake: Path, name: str, station: str | None
) -> None:
    file = shared_data / "era5" / name
    reason = "unknown_station" if station is None else "wrong_area"
    assert acquire_local([file], landing, station=station, stations={1: MADRID}).rejected == {reason: 1}
    assert (landing / "era5" / "_rejected" / reason / name).read_bytes() == file.read_bytes()
    assert extract_era5(landing, lake, {1: [Site(POSITION, date(2000, 1, 1), None)]}).counts == {}
    # one that lies in landing already is judged there
    put(landing / "era5/station=1/single" / name, file.read_bytes())
    extract_era5(landing, lake, {1: [Site(POSITION, date(2000, 1, 1), None)]})
    assert [row["reason"] for row in read_lake(lake, ENV_REJECT)] == ["wrong_area"]
    assert [row["status"] for row in read_lake(lake, ENV_FILE)] == ["rejected"]


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "page.nc": (lambda _: b"<!DOCTYPE html><html><body>Bad gateway</body></html>", "not_data"),
    "error.nc": (lambda _: json.dumps({"title": "cost limits exceeded"}).encode(), "not_data"),
    "empty.nc": (lambda _: b"", "not_data"),
    "cut.nc": (lambda content: content[: len(content) // 2], "not_readable"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_answer_is_kept_apart_with_its_reason(landing: Path, lake: Path, tmp_path: Path, name: str) -> None:
    make, reason = BAD[name]
    file = tmp_path / name
    file.write_bytes(make(new_layout(tmp_path / "good.nc", SURFACE).read_bytes()))
    summary = acquire_local([file], landing, kind="era5", station="MINGO01", stations={1: MADRID})
    assert summary.rejected == {reason: 1}
    put(landing / "era5/station=1/single" / name, file.read_bytes())
    good = put(landing / "era5/station=1/single/good.nc", (tmp_path / "good.nc").read_bytes())
    summary_of_lake = extract_era5(landing, lake, {1: [Site(POSITION, date(2000, 1, 1), None)]})
    assert (summary_of_lake.failures, summary_of_lake.total.n_files_rejected) == ([], 1)
    assert [row["reason"] for row in read_lake(lake, ENV_REJECT)] == [reason]
    assert len(read_lake(lake, ERA5_SINGLE)) == 4, f"{good.name} is used all the same"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_lands_by_its_content(landing: Path, lake: Path, tmp_path: Path, layout: str) -> None:
    file = LAYOUTS[layout](tmp_path / "download", SURFACE)
    (item,) = acquire_local([file], landing, stations={1: MADRID}).items
    assert item.landing_path is not None
    ending = "zip" if layout == "zip of two" else "nc"
    assert item.landing_path.name.startswith("single_20250131_20250201_")
    assert item.landing_path.suffix == f".{ending}"
    extract_era5(landing, lake, {1: [Site(POSITION, date(2000, 1, 1), None)]})
    assert [row["valid_time"] for row in read_lake(lake, ERA5_SINGLE)] == [
        datetime(2025, 1, 31, 22),
        datetime(2025, 1, 31, 23),
        datetime(2025, 2, 1, 0),
        datetime(2025, 2, 1, 1),
    ]
