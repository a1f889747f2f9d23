"""Local files of any kind into landing: told apart, placed once, never over another, refused with a reason."""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from extract.transfer import place as place_module
from extract.transfer.kind import tell_kind
from extract.transfer.local import UnknownKindError, acquire_local
from extract.transfer.sidecar import Sidecar, from_iso, read_sidecar, sidecar_path, to_iso, write_sidecar
from extract.transfer.stations import UnknownStationError, find_station, is_near, read_stations, stations_near
from tests.unit.environment.era5_files import AT_LEVELS, POSITION, SURFACE, classic, new_layout, scalar_time
from tests.unit.environment.test_nmdb_read import DATA, ONE, SAMPLE

CHANGED_AT = datetime(2025, 6, 1, 12, 30, 15)
LOGBOOK = "group,,,,,,,\nstation,conf,start,end,P1,P2,P3,P4\n2,1,2024-01-01,,0,100,200,400\n"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, content: bytes | str, changed_at: datetime | None = CHANGED_AT) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if changed_at is not None:
        seconds = changed_at.replace(tzinfo=UTC).timestamp()
        os.utime(path, (seconds, seconds))
    return path


def era5(folder: Path, name: str, truth: dict[str, object]) -> Path:
    path = new_layout(folder / name, truth)  # type: ignore[arg-type]
    return write(folder, name, path.read_bytes())


def landed(landing: Path) -> list[str]:
    return sorted(
        p.relative_to(landing).as_posix() for p in landing.rglob("*") if p.is_file() and not p.name.endswith(".json")
    )


def packed(member: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(member), io.BytesIO(b""))
    return out.getvalue()


def test_every_kind_finds_its_place(landing: Path, given: Path) -> None:
    files = [
        write(given, "mi0125038100000.dat", "2025 2 7\n"),
        write(given, "mi0025161000000.dat.gz", gzip.compress(b"2025\n")),
        write(given, "minI23202060708.hld-tar-gz", b"x"),
        write(given, "mi0425038100000.tar.gz", packed("mi0425038100000.dat")),
        write(given, "MINGO03/Flow0_2025-02-07.log", "2025-02-07 10:00:05 771 786 812 743\n"),
        write(given, "station=2/rates_2025-02-07", "x\n"),
        era5(given, "download (1).nc", SURFACE),
        era5(given, "b", AT_LEVELS),
        write(given, "answer.txt", SAMPLE),
        write(given, "sheet.csv", LOGBOOK),
    ]
    summary = acquire_local(files, landing)
    assert [item.outcome for item in summary.items] == ["fetched"] * len(files)
    (logbook,) = [name for name in landed(landing) if name.startswith("logbook")]
    assert logbook.startswith("logbook/station=2/20")
    assert [name for name in landed(landing) if name != logbook] == [
        "dat/station=0/2025-06/mi0025161000000.dat.gz",
        "dat/station=1/2025-02/mi0125038100000.dat",
        "dat/station=4/2025-02/mi0425038100000.tar.gz",
        "era5/station=1/profile/profile_20250131_20250201_20250601T123015Z.nc",
        "era5/station=1/single/single_20250131_20250201_20250601T123015Z.nc",
        "hld/station=1/2023-07/minI23202060708.hld-tar-gz",
        "lab_log/station=2/done/2025-02/rates_2025-02-07",
        "lab_log/station=3/done/2025-02/Flow0_2025-02-07.log",
        "nmdb/rate/corr_for_efficiency_20250207_20250207_20250601T123015Z.txt",
    ]
    assert (summary.fetched, summary.skipped, summary.rejected) == (len(files), 0, {})
    assert summary.n_bytes == sum(file.stat().st_size for file in files)


def test_copy_is_exact_read_only_and_documented(landing: Path, given: Path) -> None:
    file = write(given, "mi0125038100000.dat", b"\x00\xff" * 100_000)
    (item,) = acquire_local([file], landing).items
    path = item.landing_path
    assert path is not None
    assert path.read_bytes() == file.read_bytes()
    assert path.stat().st_mtime == file.stat().st_mtime
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    content = json.loads(sidecar_path(path).read_text())
    assert content["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (content["size"], content["host"], content["source"]) == (200_000, "local", "dat")
    assert content["remote_path"] == str(file)
    assert content["remote_modified_at"] == "2025-06-01T12:30:15Z"
    assert content["software_version"]
    assert not list(landing.rglob("*.part"))


def test_again_and_changed(landing: Path, given: Path) -> None:
    file = write(given, "mi0125038100000.dat", b"one\n")
    assert acquire_local([file], landing).fetched == 1
    assert acquire_local([file, file], landing).skipped == 2
    write(given, file.name, b"two\n")
    assert acquire_local([file], landing).fetched == 1
    write(given, file.name, b"three\n")
    assert acquire_local([file], landing).fetched == 1
    for content in (b"one\n", b"two\n", b"three\n"):
        write(given, file.name, content)
        assert acquire_local([file], landing).skipped == 1
    folder = landing / "dat/station=1/2025-02"
    assert {name: (folder / name).read_bytes() for name in (file.name, f"{file.name}~2", f"{file.name}~3")} == {
        file.name: b"one\n",
        f"{file.name}~2": b"two\n",
        f"{file.name}~3": b"three\n",
    }


def test_same_answer_under_another_name_and_time(landing: Path, given: Path) -> None:
    first = write(given, "a.txt", SAMPLE)
    second = write(given, "b.txt", SAMPLE, datetime(2025, 7, 1))
    third = write(given, "c.txt", SAMPLE.replace("218.114", "218.115"))
    summary = acquire_local([first, second, third], landing)
    assert [item.outcome for item in summary.items] == ["fetched", "skipped", "fetched"]
    assert landed(landing)[1] == landed(landing)[0] + "~2"


def test_lost_sidecar_is_no_obstacle(landing: Path, given: Path) -> None:
    file = write(given, "mi0125038100000.dat", b"one\n")
    (item,) = acquire_local([file], landing).items
    assert item.landing_path is not None
    sidecar_path(item.landing_path).unlink()
    assert acquire_local([file], landing).skipped == 1


def test_log_in_the_top_folder_is_known(landing: Path, given: Path) -> None:
    name = "Flow0_2025-02-07.log"
    write(landing, f"lab_log/station=1/top/2025-02/{name}~2", "x\n")
    assert acquire_local([write(given, name, "x\n")], landing, station="MINGO01").skipped == 1


def test_newest_logbook_counts(landing: Path, given: Path) -> None:
    old = write(landing, "logbook/station=2/20240101T000000Z.csv", LOGBOOK)
    file = write(given, "sheet.csv", LOGBOOK)
    assert acquire_local([file], landing).skipped == 1
    write(landing, "logbook/station=2/20240102T000000Z.csv", LOGBOOK.replace("400", "435"))
    assert acquire_local([file], landing).fetched == 1, "the sheet went back to what it was"
    assert old.exists()


@pytest.mark.parametrize(
    ("name", "content", "reject_folder"),
    [
        ("mi0125366000000.dat", "x", "dat/_rejected/bad_name"),
        ("strange.dat.tar.gz", "x", "dat/_rejected/bad_name"),
        ("mi09I25001000000.hld", "x", "hld/_rejected/bad_name"),
        ("mi0925038100000.dat", "x", "dat/_rejected/wrong_station"),
        ("hv0_2025-02-07.log", "x", "lab_log/_rejected/unknown_station"),
        ("a.nc", b"CDF\x01broken", "era5/_rejected/not_readable"),
        ("a.grib", b"GRIB....", "era5/_rejected/grib_support_missing"),
        ("a.txt", SAMPLE.replace("RCORR_E", "RCORR_P"), "nmdb/_rejected/wrong_type"),
        ("b.txt", "# STATION: OULU\n# DATA TYPE: uncorrected(RUNCORR)\nOULU\n", "nmdb/_rejected/no_data"),
        ("sheet.csv", LOGBOOK.replace("\n2,", "\n,"), "logbook/_rejected/unknown_station"),
        ("photo.jpg", b"\xff\xd8\xff", "unknown/_rejected/unknown_kind"),
        ("mi0125038100000.tar.gz", b"broken", "unknown/_rejected/unknown_kind"),
        ("empty", b"", "unknown/_rejected/unknown_kind"),
    ],
)
def test_refused(landing: Path, given: Path, name: str, content: str | bytes, reject_folder: str) -> None:
    file = write(given, name, content)
    summary = acquire_local([file], landing)
    assert landed(landing) == [f"{reject_folder}/{name}"]
    reason = reject_folder.rpartition("/")[2]
    assert summary.rejected == {reason: 1}
    assert summary.items[0].detail
    assert read_sidecar(landing / reject_folder / name) is not None
    assert acquire_local([file], landing).rejected == {reason: 1}
    assert landed(landing) == [f"{reject_folder}/{name}"], "the same file is not kept twice"


def test_wrong_station_and_wrong_area(landing: Path, given: Path) -> None:
    files = [write(given, "mi0125038100000.dat", "x"), era5(given, "a.nc", SURFACE)]
    summary = acquire_local(files, landing, station="MINGO02")
    assert summary.rejected == {"wrong_station": 1, "wrong_area": 1}
    assert acquire_local(files, landing, station="1").fetched == 2


def test_area_of_no_station(landing: Path, given: Path) -> None:
    path = classic(given / "a.nc", SURFACE)
    stations = {2: read_stations()[2]}
    assert acquire_local([path], landing, stations=stations).rejected == {"unknown_station": 1}


def test_product_of_the_100_hpa_level(landing: Path, given: Path) -> None:
    (item,) = acquire_local([scalar_time(given / "a.nc")], landing).items
    assert item.landing_path is not None
    assert item.landing_path.parent.name == "pl100"


def test_fetch_time_of_a_file_older_than_its_data_is_now(landing: Path, given: Path) -> None:
    (item,) = acquire_local([write(given, "a.txt", SAMPLE, datetime(1980, 1, 1))], landing).items
    assert item.landing_path is not None
    sidecar = read_sidecar(item.landing_path)
    assert sidecar is not None
    assert abs((sidecar.fetched_at - datetime.now(UTC).replace(tzinfo=None)).total_seconds()) < 120


def test_monitor_by_option(landing: Path, given: Path) -> None:
    text = ONE.split("RCORR_E)\n")[1].replace("10:00:00; 98.871", "10:00:00; 98.871\n2025-02-07 10:10:00; 98.9")
    file = write(given, "a.txt", text)
    assert acquire_local([file], landing).rejected == {"no_data": 1}
    (item,) = acquire_local([file], landing, kind="nmdb", station="OULU").items
    assert item.landing_path is not None
    sidecar = read_sidecar(item.landing_path)
    assert sidecar is not None
    assert sidecar.request == {"stations[]": ["OULU"]}


def test_usage_errors(landing: Path, given: Path) -> None:
    file = write(given, "mi0125038100000.dat", "x")
    with pytest.raises(UnknownStationError, match="MINGO01, MINGO02"):
        acquire_local([file], landing, station="MINGO77")
    with pytest.raises(UnknownKindError, match="known are dat"):
        acquire_local([file], landing, kind="photo")
    assert not landing.exists()


def test_unreadable_files_stop_nothing(landing: Path, given: Path) -> None:
    good = write(given, "mi0125038100000.dat", "x")
    steps: list[tuple[int, int, str]] = []
    summary = acquire_local([given / "absent.nc", given, good], landing, on_progress=lambda *step: steps.append(step))
    assert [item.outcome for item in summary.items] == ["rejected", "rejected", "fetched"]
    assert summary.rejected == {"not_readable": 2}
    assert {item.landing_path for item in summary.items[:2]} == {None}
    assert steps[-1] == (3, 3, good.name)


def test_crash_before_the_rename_leaves_nothing_that_counts(
    landing: Path, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(given, "mi0125038100000.dat", "x")

    def crash(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(place_module, "write_sidecar", crash)
        assert acquire_local([file], landing).rejected == {"not_readable": 1}
    assert landed(landing) == []
    write(landing, "dat/station=1/2025-02/mi0125038100000.dat.part", "left by a dead process")
    assert acquire_local([file], landing).fetched == 1
    assert landed(landing) == ["dat/station=1/2025-02/mi0125038100000.dat"]


def test_source_that_changes_while_it_is_copied(landing: Path, given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(given, "mi0125038100000.dat", "x")
    copy = place_module.shutil.copyfileobj

    def changing(reader: io.BufferedReader, writer: io.BufferedWriter, length: int) -> None:
        copy(reader, writer, length)
        writer.write(b"more")

    monkeypatch.setattr(place_module.shutil, "copyfileobj", changing)
    assert acquire_local([file], landing).rejected == {"not_readable": 1}
    assert landed(landing) == []


@pytest.mark.parametrize("text", [SAMPLE, ONE, DATA, f"<html><pre>{SAMPLE}</pre>"])
def test_answers_are_recognised(given: Path, text: str) -> None:
    assert tell_kind(write(given, "x", text)) == "nmdb"
    assert tell_kind(write(given, "x.gz", gzip.compress(text.encode()))) == "nmdb"


def test_independent_files_find_their_place(shared_data: Path, landing: Path) -> None:
    files = [
        *sorted((shared_data / "nmdb").glob("*.gz")),
        *sorted((shared_data / "detector").glob("*.dat.gz")),
        shared_data / "era5" / "legacy_davos_surface_2020-01.nc",
    ]
    summary = acquire_local(files, landing)
    folders = [item.landing_path.parent.relative_to(landing).as_posix() for item in summary.items if item.landing_path]
    assert folders == [
        "nmdb/rate",
        "nmdb/baro",
        "nmdb/baro",
        "dat/station=0/2025-03",
        "dat/station=0/2025-06",
        "era5/_rejected/unknown_station",
    ]
    assert acquire_local(files, landing).skipped == 5


def test_sidecar_round_trip(tmp_path: Path) -> None:
    sidecar = Sidecar("lab_log", "h", "/a", 3, "f" * 64, CHANGED_AT, None, {"a": [1]}, 200)
    write_sidecar(tmp_path / "x", sidecar)
    assert read_sidecar(tmp_path / "x") == sidecar
    sidecar_path(tmp_path / "y").write_text("[]")
    assert read_sidecar(tmp_path / "y") is None
    assert read_sidecar(tmp_path / "z") is None


def test_times_with_other_zones() -> None:
    assert from_iso("2025-06-01T14:30:15+02:00") == CHANGED_AT
    assert from_iso(to_iso(CHANGED_AT)) == CHANGED_AT
    assert from_iso(None) is None


def test_stations_of_the_seed() -> None:
    stations = read_stations()
    assert {n: s.station_code for n, s in stations.items()} == {n: f"MINGO0{n}" for n in range(5)}
    assert find_station("mingo03", stations).position == (19.0413, -98.2062)
    assert find_station("4", stations).station_code == "MINGO04"
    assert [s.station_id for s in stations_near(*POSITION, stations.values())] == [1], "station 0 is simulated"
    assert is_near(0.0, 179.9, (0.0, -179.9))
    assert not is_near(0.0, 179.9, (0.0, -179.8))


def test_newest_row_of_a_station_counts(tmp_path: Path) -> None:
    header = "station_id,station_code,latitude_deg,longitude_deg,valid_from,is_enabled\n"
    seed = write(tmp_path, "station.csv", header + "1,A,2,2,2024-01-01,true\n1,A,1,1,2023-01-01,true\n")
    assert read_stations(seed)[1].position == (2.0, 2.0)
