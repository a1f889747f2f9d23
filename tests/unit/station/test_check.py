"""Checking a station over a server that is a folder: each thing that can be wrong has its line."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from extract.station.check import Line, Subject, check
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import HostKeyError, MissingFileError, Remote, RemoteDisk, RemoteFile
from extract.transfer.stations import Site
from warehouse.settings import ConfigurationError

NOW = datetime(2026, 1, 20, 12, 30)
SHEET = "a,b,c,d,e,f,g,h\nstation,conf,start,end,P1,P2,P3,P4\n5,1,2026-01-01,,0,150,300,450\n"
LOGS = {
    "sensors_bus0_2026-01-20.log": "2026-01-20T12:15:02; nan nan nan nan 21.2 40.0 941.0\n",
    "sensors_bus1_2026-01-20.log": "2026-01-20T12:15:02; nan nan nan nan 34.2 18.0 936.9\n",
    "hv0_2026-01-20.log": "2026-01-20T12:15:04 7C 21 0A 5F D3 11 0.112 0.097 5.498 5.501 0.000 1.284 5.500 1.002"
    " 5.500 1.000 1 1 0 0 1 1 1\n",
    "rates_2026-01-20.log": "2026-01-20T12:28:51; 12.4 10.1 9.8 64.0 81.5 90.2 104.6 5.9 3.3 3.1 5.4 \n",
    "Flow0_2026-01-20.log": "2026-01-20 12:15:05 771 786 812 743\n",
    "Odroid_2026-01-20.log": "2026-01-20T12:28:06; 44 61 18250\n",
}


class FolderRemote:
    """A server that shows a folder of this machine."""

    host = "mingo05"

    def __init__(self, root: Path, disk: RemoteDisk | None) -> None:
        self._root, self._disk = root, disk

    def list_directory(self, directory: str) -> list[RemoteFile]:
        folder = self._root / directory
        if not folder.is_dir():
            raise MissingFileError(f"{self.host}: {directory}: no such file or directory")
        return [self.stat(directory, path.name) for path in sorted(folder.iterdir())]

    def stat(self, directory: str, name: str) -> RemoteFile:
        path = self._root / directory / name
        return RemoteFile(name, path.stat().st_size, NOW - timedelta(hours=1), path.is_file())

    def read(self, directory: str, name: str) -> Iterator[bytes]:
        yield (self._root / directory / name).read_bytes()

    def sha256(self, directory: str, name: str) -> str | None:
        return None

    def disk(self, directory: str) -> RemoteDisk | None:
        return self._disk


def event_row(minute: int) -> str:
    return f"2026 01 20 11 {minute:02d} 00 1 " + " ".join(["0.0000"] * 64) + "\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a healthy station."""
    for folder in ("data", "logs/done"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data" / "mi0526020113000.dat").write_text("".join(event_row(minute) for minute in range(30, 40)))
    (tmp_path / "data" / "mi0426020113000.dat").write_text("of another station")
    for name, text in LOGS.items():
        (tmp_path / "logs" / name).write_text(text)
    return tmp_path


def subject(root: Path, disk: RemoteDisk | None = None) -> Subject:
    @contextmanager
    def open_remote(endpoint: Endpoint) -> Iterator[Remote]:
        yield FolderRemote(root, disk or RemoteDisk(100 << 30, 60 << 30, 1000, 900))

    def resolve(source: str) -> Endpoint:
        folder = "data" if source == "dat" else "logs"
        nowhere = Path("nowhere")
        return Endpoint(5, "MINGO05", "dat", "mingo05", 22, "reader", nowhere, nowhere, folder, ("*",))

    return Subject(
        station_id=5,
        station_code="MINGO05",
        now=NOW,
        resolve=resolve,
        open_remote=open_remote,
        sites=[Site((40.2, -8.4), date(2026, 1, 1), None)],
        half_width_deg=0.25,
        fetch_sheet=SHEET.encode,
        configurations=[],
        min_age=timedelta(seconds=600),
    )


def found(checked: Subject) -> dict[str, Line]:
    return {line.name: line for line in check(checked)}


def states(lines: dict[str, Line]) -> dict[str, str]:
    return {name: line.state for name, line in lines.items() if line.state != "ok"}


def test_a_healthy_station_is_ok(root: Path) -> None:
    before = sorted(root.rglob("*"))
    lines = found(subject(root))
    assert states(lines) == {}
    assert list(lines) == [
        *("login", "events listed", "event file", "logs listed", "log env_ext", "log env_int", "log hv", "log rates"),
        *("log flow", "log computer", "log weight", "clock", "disk", "logbook", "ERA5 box"),
    ]
    assert lines["event file"].detail == "mi0526020113000.dat: 10 events, 0 rejected lines"
    assert "1 files of this station among 2 names" in lines["events listed"].detail
    assert lines["clock"].detail == "newest row 69 s ago"
    assert "60.0 GiB free (60 %, 90 % of the file entries)" in lines["disk"].detail
    assert sorted(root.rglob("*")) == before


def test_a_packed_file_is_read_too(root: Path) -> None:
    path = root / "data" / "mi0526020113000.dat"
    content = path.read_bytes()
    path.unlink()
    with tarfile.open(root / "data" / "mi0526020113000.dat.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("mi0526020113000.dat")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    line = found(subject(root))["event file"]
    assert line.detail == "mi0526020113000.dat.tar.gz: 10 events, 0 rejected lines"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("data/mi0526020113000.dat", bytes(range(256)).decode("latin-1"), {"event file": "failed"}),
        ("data/mi0526020113000.dat", "", {"event file": "warning"}),
        ("logs/rates_2026-01-20.log", "nonsense\n", {"log rates": "failed"}),
        ("logs/Flow0_2026-01-20.log", "2026-01-20 11:15:05 771 786 812 743\n", {"log flow": "warning"}),
        (
            "logs/rates_2026-01-20.log",
            LOGS["rates_2026-01-20.log"].replace("12:28:51", "12:33:51"),
            {"clock": "warning"},
        ),
        ("logs/rates_2026-01-20.log", LOGS["rates_2026-01-20.log"].replace("12:28", "12:45"), {"clock": "failed"}),
    ],
)
def test_each_fault_has_its_line(root: Path, name: str, text: str, expected: dict[str, str]) -> None:
    (root / name).write_text(text, encoding="latin-1")
    assert states(found(subject(root))) == expected


def test_what_is_missing_is_said(root: Path) -> None:
    (root / "logs" / "hv0_2026-01-20.log").unlink()
    (root / "logs" / "done").rmdir()
    assert states(found(subject(root))) == {"log hv": "warning", "logs listed": "warning"}
    (root / "data").rename(root / "elsewhere")
    lines = found(subject(root))
    assert lines["events listed"].state == "failed"
    assert "no such file" in lines["events listed"].detail


def test_the_newest_log_may_lie_in_done(root: Path) -> None:
    name = "rates_2026-01-20.log"
    (root / "logs" / name).rename(root / "logs" / "done" / name)
    assert states(found(subject(root))) == {}


@pytest.mark.parametrize(
    ("disk", "state"),
    [
        (RemoteDisk(100, 1, 100, 90), "failed"),
        (RemoteDisk(100, 50, 100, 5), "warning"),
        (RemoteDisk(100, 50, 0, 0), "ok"),
        (RemoteDisk(0, 0, 0, 0), "warning"),
    ],
)
def test_a_full_disk(root: Path, disk: RemoteDisk, state: str) -> None:
    assert found(subject(root, disk))["disk"].state == state


def test_a_refused_login_leaves_the_rest_to_be_looked_at(root: Path) -> None:
    def refuse(endpoint: Endpoint) -> AbstractContextManager[Remote]:
        raise HostKeyError("the host key of mingo05 has CHANGED")

    lines = found(replace(subject(root), open_remote=refuse))
    assert list(lines) == ["login", "logbook", "ERA5 box"]
    assert lines["login"].state == "failed"
    assert "CHANGED" in lines["login"].detail

    def unset(source: str) -> Endpoint:
        raise ConfigurationError(f"acquire.stations.MINGO05.{source}: the environment variable K is not set")

    both = [line for line in check(replace(subject(root), resolve=unset)) if line.name == "login"]
    assert [line.state for line in both] == ["failed", "failed"]


def test_logbook_and_position(root: Path) -> None:
    healthy = subject(root)
    old = SHEET.replace("2026-01-01,", "2026-01-01,2026-01-02")
    assert states(found(replace(healthy, fetch_sheet=old.encode))) == {"logbook": "warning"}
    assert states(found(replace(healthy, fetch_sheet="<html>".encode))) == {"logbook": "failed"}
    seed = replace(healthy, fetch_sheet=None, configurations=[("2026-01-01", "")])
    assert states(found(seed)) == {"logbook": "warning"}
    assert "no logbook is configured" in found(seed)["logbook"].detail
    closed = Site((40.2, -8.4), date(2026, 1, 1), date(2026, 1, 2))
    assert states(found(replace(healthy, sites=[closed]))) == {"ERA5 box": "failed"}
    far = Site((40.2, 179.9), date(2026, 1, 1), None)
    assert states(found(replace(healthy, sites=[far]))) == {"ERA5 box": "warning"}
