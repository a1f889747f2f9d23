"""ERA5 and NMDB answers from landing to the lake, and the real files nobody here made."""

import gzip
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from extract.era5.extract import extract_era5
from extract.era5.read import read_era5
from extract.era5.schema import ERA5_LEVEL, ERA5_SINGLE
from extract.nmdb.extract import extract_nmdb
from extract.nmdb.header import Request
from extract.nmdb.read import read_nmdb
from extract.nmdb.schema import NMDB
from extract.provenance import ENV_FILE, ENV_REJECT
from extract.transfer.stations import Site
from tests.unit.environment.era5_files import AT_LEVELS, POSITION, SURFACE, classic, new_layout
from tests.unit.environment.landing_files import put, read_lake
from tests.unit.environment.test_nmdb_read import DATA, SAMPLE
from warehouse.lake import list_files

DAVOS = (46.8, 9.85)
NOW = datetime(2026, 11, 22)
SITES = {1: [Site(POSITION, date(2023, 1, 1), None)], 2: [Site((52.2297, 21.0122), date(2023, 1, 1), None)]}


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def era5_file(landing: Path, content: bytes, product: str = "single", station: int = 1, name: str = "a.nc") -> Path:
    return put(landing / f"era5/station={station}/{product}/{name}", content)


def test_era5_goes_by_month(landing: Path, lake: Path, tmp_path: Path) -> None:
    era5_file(landing, new_layout(tmp_path / "x.nc", SURFACE).read_bytes())
    era5_file(landing, classic(tmp_path / "y.nc", AT_LEVELS).read_bytes(), "profile")
    summary = extract_era5(landing, lake, SITES)
    assert (summary.of(1, "single").n_rows, summary.of(1, "profile").n_rows) == (4, 8)
    for dataset, n_rows in ((ERA5_SINGLE, 4), (ERA5_LEVEL, 8)):
        assert [p.parent.name for p in list_files(lake, dataset)] == ["date=2025-01-01", "date=2025-02-01"]
        rows = read_lake(lake, dataset)
        assert len(rows) == n_rows
        assert {row["station_id"] for row in rows} == {1}
    marks = read_lake(lake, ENV_FILE)
    assert {(m["kind"], m["n_ok"], m["file_date_from"], m["file_date_to"], m["n_lines"]) for m in marks} == {
        ("single", 4, date(2025, 1, 31), date(2025, 2, 1), 0),
        ("profile", 8, date(2025, 1, 31), date(2025, 2, 1), 0),
    }
    again = extract_era5(landing, lake, SITES)
    assert (again.total.n_files_done, again.total.n_files_skipped) == (0, 2)


def test_era5_of_another_place_is_rejected_and_stays_so(landing: Path, lake: Path, tmp_path: Path) -> None:
    path = era5_file(landing, new_layout(tmp_path / "x.nc", SURFACE).read_bytes(), station=2)
    summary = extract_era5(landing, lake, SITES)
    assert (summary.total.n_files_rejected, summary.total.n_rows) == (1, 0)
    (mark,) = read_lake(lake, ENV_FILE)
    assert mark["status"] == "rejected"
    assert mark["detail"].startswith("wrong_area")
    (reject,) = read_lake(lake, ENV_REJECT)
    assert (reject["reason"], reject["line_number"], reject["station_id"]) == ("wrong_area", None, 2)
    assert path.exists()
    assert extract_era5(landing, lake, SITES).total.n_files_skipped == 1


def test_era5_of_an_unknown_station_waits(landing: Path, lake: Path, tmp_path: Path) -> None:
    era5_file(landing, new_layout(tmp_path / "x.nc", SURFACE).read_bytes(), station=3)
    summary = extract_era5(landing, lake, SITES)
    assert len(summary.failures) == 1
    assert list_files(lake, ENV_FILE) == []


def test_era5_level_from_the_request(landing: Path, lake: Path, tmp_path: Path) -> None:
    truth = {"t": (AT_LEVELS["t"][0][:, 0], "K")}
    put(
        landing / "era5/station=1/profile/a.nc",
        new_layout(tmp_path / "x.nc", truth).read_bytes(),
        request={"pressure_level": ["500"]},
    )
    extract_era5(landing, lake, SITES)
    assert {row["pressure_level_hpa"] for row in read_lake(lake, ERA5_LEVEL)} == {500.0}


def test_nmdb(landing: Path, lake: Path) -> None:
    put(landing / "nmdb/rate/corr_for_efficiency_20250207_20250207_20250208T120000Z.txt", SAMPLE.encode())
    summary = extract_nmdb(landing, lake)
    assert (summary.of(None, "corr_for_efficiency").n_rows, summary.of(None, "corr_for_efficiency").n_files_done) == (
        15,
        1,
    )
    rows = read_lake(lake, NMDB)
    assert len(rows) == 15
    (path,) = list_files(lake, NMDB)
    assert path.parent == lake / "nmdb/date=2025-02-07", "one day: its own partition"
    (mark,) = read_lake(lake, ENV_FILE)
    assert (mark["station_id"], mark["kind"], mark["n_ok"]) == (None, "corr_for_efficiency", 3)
    assert mark["terms_text"].startswith("#        STATION: MXCO")
    assert list_files(lake, ENV_FILE)[0].parent == lake / "env_file/station=0/date=2025-02-07"
    assert extract_nmdb(landing, lake).total.n_files_skipped == 1


def test_nmdb_request_in_the_sidecar(landing: Path, lake: Path) -> None:
    request = {"stations[]": ["MXCO"], "dtype": "corr_for_efficiency", "tresolution": 10, "tabchoice": "revori"}
    put(landing / "nmdb/rate/x.txt", DATA.encode(), request=request)
    extract_nmdb(landing, lake)
    assert {row["nm_table"] for row in read_lake(lake, NMDB)} == {"revori"}
    (mark,) = read_lake(lake, ENV_FILE)
    assert mark["detail"] == "not asked for: CALM, LMKS, OULU, SOPO"


def test_nmdb_rejects(landing: Path, lake: Path) -> None:
    put(landing / "nmdb/baro/uncorrected_20250207_20250207_20250208T120000Z.txt", SAMPLE.encode())
    put(landing / "nmdb/rate/x.txt", SAMPLE.encode() + b"rubbish!\n2025-02-07 10:30:00;0;1;2;3;4\n")
    summary = extract_nmdb(landing, lake)
    assert summary.total.n_files_rejected == 1
    rejects = [(row["reason"], row["line_number"], row["station_id"]) for row in read_lake(lake, ENV_REJECT)]
    assert sorted(rejects, key=str) == [
        ("out_of_range", 13, None),
        ("unknown_line", 12, None),
        ("wrong_type", None, None),
    ]


def test_real_surface(shared_data: Path) -> None:
    path = shared_data / "era5" / "legacy_davos_surface_2020-01.nc"
    outcome = read_era5(path, DAVOS, product="single", fetched_at=NOW)
    ((dataset, table),) = outcome.tables
    assert (dataset.name, table.num_rows, outcome.rejects) == ("era5_single", 744, [])
    temperatures = table.column("temp_ground_k").to_numpy()
    assert np.isfinite(temperatures).all()
    assert 255 < temperatures.mean() < 275
    assert table.column("valid_time")[0].as_py() == datetime(2020, 1, 1)
    assert table.column("valid_time")[-1].as_py() == datetime(2020, 1, 31, 23)
    assert read_era5(path, POSITION, product="single", fetched_at=NOW).rejects[0].reason == "wrong_area"


def test_real_levels(shared_data: Path) -> None:
    path = shared_data / "era5" / "legacy_davos_pressure_levels_2020-01.nc"
    outcome = read_era5(path, DAVOS, product="profile", fetched_at=NOW)
    ((dataset, table),) = outcome.tables
    assert (dataset.name, outcome.rejects) == ("era5_level", [])
    levels = table.column("pressure_level_hpa").to_numpy()
    assert {float(level): int((levels == level).sum()) for level in np.unique(levels)} == dict.fromkeys(
        (300.0, 400.0, 500.0, 600.0, 700.0, 1000.0), 744
    )
    for name in ("temp_k", "height_m"):
        assert np.isfinite(table.column(name).to_numpy()).all()
    means = [table.column("height_m").to_numpy()[levels == level].mean() for level in np.unique(levels)]
    assert means == sorted(means, reverse=True), "the lower the pressure, the higher"


@pytest.mark.parametrize(
    ("name", "position", "column", "n_hours"),
    [
        ("surface_pressure_2020-01.nc", (59.6, 0.4), "era5_surface_pressure_hpa", 4),
        ("t2m_single_netcdf.zip", (60.0, -5.0), "temp_ground_k", 1),
        ("mixed_steps_netcdf.zip", (60.0, -5.0), "temp_ground_k", 4),
    ],
)
def test_other_real_answers(
    shared_data: Path, name: str, position: tuple[float, float], column: str, n_hours: int
) -> None:
    outcome = read_era5(shared_data / "era5" / name, position, product="single", fetched_at=NOW)
    ((_, table),) = outcome.tables
    assert (table.num_rows, table.column(column).null_count, outcome.rejects) == (n_hours, 0, [])


def test_real_grib_is_recognised(shared_data: Path) -> None:
    outcome = read_era5(shared_data / "era5" / "t2m_scalar_time.grib", None, product="single", fetched_at=NOW)
    assert [r.reason for r in outcome.rejects] == ["grib_support_missing"]


@pytest.mark.parametrize(
    ("name", "dtype", "column", "value_type", "first", "last"),
    [
        ("OULU_pressure_2h_2000-2024.txt.gz", "pressure_mbar", "pressure_hpa", "1HPRESS", 1032.840, 981.491),
        ("OULU_uncorrected_2h_2000-2024.txt.gz", "uncorrected", "rate_hz", "RUNCORR", 76.008, 109.470),
    ],
)
def test_real_oulu(
    shared_data: Path, name: str, dtype: str, column: str, value_type: str, first: float, last: float
) -> None:
    content = (shared_data / "nmdb" / name).read_bytes()
    outcome = read_nmdb(content, Request(), product="baro", fetched_at=NOW)
    table = outcome.tables[0][1]
    assert table.num_rows == 105_159
    assert outcome.counts.n_ok == 105_159
    assert gzip.decompress(content).count(b"\n") + 1 >= outcome.counts.n_lines > 105_159
    for constant, value in (
        ("nm_code", "OULU"),
        ("dtype", dtype),
        ("value_type", value_type),
        ("resolution_s", 7200),
        ("nm_table", "1h"),
    ):
        assert table.column(constant).unique().to_pylist() == [value]
    assert (table.column(column)[0].as_py(), table.column(column)[-1].as_py()) == (first, last)
    assert table.column("interval_start")[-1].as_py() == datetime(2024, 11, 21, 14)
    assert outcome.terms_text is not None
    assert "University of Oulu" in outcome.terms_text.replace("|\n#| ", "")


def test_real_jungfraujoch_in_the_lake(shared_data: Path, landing: Path, lake: Path) -> None:
    content = (shared_data / "nmdb" / "JUNG_corrected_1h_2015-2016.txt.gz").read_bytes()
    put(landing / "nmdb/rate/corr_for_efficiency_20151010_20161010_20161101T000000Z.txt.gz", content)
    summary = extract_nmdb(landing, lake)
    assert summary.failures == []
    files = list_files(lake, NMDB)
    assert [path.parent.name for path in files] == [
        f"date={2015 + month // 12}-{month % 12 + 1:02d}-01" for month in range(9, 22)
    ]
    rows = read_lake(lake, NMDB)
    assert len(rows) == summary.total.n_rows == 8799
    assert {(row["nm_code"], row["resolution_s"], row["nm_table"]) for row in rows} == {("JUNG", 3600, "revori")}
    assert len({row["interval_start"] for row in rows}) == 8799
