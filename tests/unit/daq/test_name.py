"""File names: the golden table, and what is refused."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.name import BadNameError, is_ignored, parse_name


@pytest.mark.parametrize(
    ("name", "station_id", "start_time", "file_id", "kind"),
    [
        ("mi0124074013648.dat", 1, "2024-03-14 01:36:48", 124074013648, "dat"),
        ("mi0226103062934.dat", 2, "2026-04-13 06:29:34", 226103062934, "dat"),
        ("mi0325004020617.hld-tar-gz", 3, "2025-01-04 02:06:17", 325004020617, "hld"),
        ("mi0426032065559.dat.tar.gz", 4, "2026-02-01 06:55:59", 426032065559, "dat"),
        ("mi0126033132456.hld.tar.gz", 1, "2026-02-02 13:24:56", 126033132456, "hld"),
        ("minI23202060708.dat", 1, "2023-07-21 06:07:08", 123202060708, "dat"),
        ("mi0025161000000.dat", 0, "2025-06-10 00:00:00", 25161000000, "dat"),
        ("mi0068120000000.dat", 0, "2068-04-29 00:00:00", 68120000000, "dat"),
        ("mi0024366235959.dat", 0, "2024-12-31 23:59:59", 24366235959, "dat"),
    ],
)
def test_golden_names(name: str, station_id: int, start_time: str, file_id: int, kind: str) -> None:
    parsed = parse_name(f"some/folder/{name}")
    assert (parsed.station_id, parsed.file_id, parsed.kind) == (station_id, file_id, kind)
    assert parsed.start_time == datetime.fromisoformat(start_time)
    assert parsed.file_id // 10**11 == station_id
    assert parsed.base_name == f"mi0{station_id}{file_id % 10**11:011d}"
    assert parsed.file_name == name


@pytest.mark.parametrize(
    "name",
    [
        "mi0125366000000.dat",
        "mi0125000120000.dat",
        "mi0I25001000000.dat",
        "mi0125001250000.dat",
        "mi0125001006000.dat",
        "mi0125001000060.dat",
        "merged-250101.txt",
        "mi0125001000000",
        "mi0125001000000.dat.part",
        "mi0125001000000.dat.meta.json",
        "mi0125001000000.zip",
        "mi1125001000000.dat",
        "mi012500100000.dat",
        "mi01250010000000.dat",
        "mi01٢٥001000000.dat",
        "mi0125001000000.dat~0",
        "mi0125001000000.dat~99999",
        "mi0125001000000.dat\n",
        ".dat",
        "",
    ],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(BadNameError):
        parse_name(name)


@pytest.mark.parametrize("suffix", [".dat", ".DAT", ".dat.gz", ".dat.tar.gz", ".Dat.Tar.Gz", ".tar.gz"])
@pytest.mark.parametrize("prefix", ["mi01", "MI01", "Mi01", "minI", "mini", "MinI"])
def test_prefixes_and_suffixes(prefix: str, suffix: str) -> None:
    parsed = parse_name(f"{prefix}25161140327{suffix}")
    assert parsed.base_name == "mi0125161140327"
    assert parsed.kind == (None if suffix == ".tar.gz" else "dat")


def test_version() -> None:
    parsed = parse_name("mi0125161140327.dat~3")
    assert (parsed.version_number, parsed.base_name, parsed.file_name) == (
        3,
        "mi0125161140327",
        "mi0125161140327.dat~3",
    )
    assert parse_name("mi0125161140327.dat").version_number == 1


def test_ignored() -> None:
    assert is_ignored("mi0125161140327.dat.part")
    assert is_ignored("mi0125161140327.dat~2.meta.json")
    assert is_ignored(".mi0125161140327.dat")
    assert not is_ignored("mi0125161140327.dat~2")


@given(
    st.integers(0, 9),
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31, 23, 59, 59)),
)
def test_round_trip(station_id: int, time: datetime) -> None:
    time = time.replace(microsecond=0)
    parsed = parse_name(f"mi0{station_id}{time:%y%j%H%M%S}.dat")
    assert (parsed.station_id, parsed.start_time) == (station_id, time)


@given(st.text())
def test_any_text(text: str) -> None:
    try:
        parsed = parse_name(text)
    except BadNameError:
        return
    assert parse_name(f"{parsed.base_name}.dat").file_id == parsed.file_id
