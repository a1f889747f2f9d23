"""One file into landing: whole under its name, or not there at all."""

import errno
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.transfer.sftp.download import (
    WAITS_S,
    ChangedError,
    HashRefusedError,
    Landed,
    LandingError,
    Rules,
    download,
)
from extract.transfer.sftp.remote import HostKeyError, LostError, MissingFileError, RemoteError
from extract.transfer.sftp.session import Session
from extract.transfer.sidecar import read_sidecar
from tests.unit.transfer.fake_remote import OLD, FakeRemote, FakeServer, FakeTime, endpoint

NAME = "mi0125170120000.dat"
CONTENT = bytes(range(256)) * 3


def fetch(
    server: FakeServer, folder: Path, *, rules: Rules | None = None, time: FakeTime | None = None, name: str = NAME
) -> Landed:
    with Session(endpoint(), server.open) as session:
        clock = (time or FakeTime()).clock
        return download(session, server.entries[name], folder, name, rules or Rules(), clock=clock, draw=lambda: 0.5)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@settings(max_examples=100)
@given(st.binary(max_size=300), st.integers(1, 400))
def test_any_content_in_any_pieces_lands_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, piece: int
) -> None:
    folder = tmp_path_factory.mktemp("landing") / "2025-06"
    server = FakeServer(piece_bytes=piece)
    server.put(NAME, content)
    landed = fetch(server, folder)
    assert landed.path.read_bytes() == content
    assert (landed.size, landed.is_hash_checked) == (len(content), None)
    assert names(folder) == [NAME, f"{NAME}.meta.json"]
    sidecar = read_sidecar(landed.path)
    assert sidecar
    assert sidecar.file_sha256 == hashlib.sha256(content).hexdigest()
    assert (sidecar.size, sidecar.host, sidecar.remote_path) == (len(content), "fake", f"/data/{NAME}")
    assert sidecar.remote_modified_at == OLD
    assert landed.path.stat().st_mode & 0o777 == 0o440


def test_a_taken_name_is_never_overwritten(tmp_path: Path) -> None:
    server = FakeServer()
    for content in (CONTENT, CONTENT + b"more", CONTENT[:5]):
        server.put(NAME, content)
        fetch(server, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in (NAME, f"{NAME}~2", f"{NAME}~3")] == [
        CONTENT,
        CONTENT + b"more",
        CONTENT[:5],
    ]


def test_an_old_part_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"left by a run that was killed" * 100)
    server = FakeServer()
    server.put(NAME, CONTENT)
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert names(tmp_path) == [NAME, f"{NAME}.meta.json"]


def test_a_broken_connection_is_tried_again_with_longer_pauses(tmp_path: Path) -> None:
    def breaks_twice(server: FakeServer, name: str, piece: int) -> None:
        if server.n_reads < 3 and piece == 4:
            raise LostError("gone")

    server, time = FakeServer(fault=breaks_twice), FakeTime()
    server.put(NAME, CONTENT)
    assert fetch(server, tmp_path, time=time).path.read_bytes() == CONTENT
    assert time.pauses == [WAITS_S[0], WAITS_S[1]]
    assert server.n_connections == 3


@settings(max_examples=100)
@given(st.floats(0, 1))
def test_pauses_are_drawn_within_a_fifth(tmp_path_factory: pytest.TempPathFactory, drawn: float) -> None:
    def always(server: FakeServer, name: str, piece: int) -> None:
        raise LostError("gone")

    server, time = FakeServer(fault=always), FakeTime()
    server.put(NAME, CONTENT)
    folder = tmp_path_factory.mktemp("landing")
    with Session(endpoint(), server.open) as session, pytest.raises(LostError):
        download(session, server.entries[NAME], folder, NAME, Rules(5), clock=time.clock, draw=lambda: drawn)
    assert len(time.pauses) == 4
    for pause, usual in zip(time.pauses, [5, 15, 45, 45], strict=True):
        assert 0.8 * usual - 1e-9 <= pause <= 1.2 * usual + 1e-9
    assert names(folder) == []


@pytest.mark.parametrize("change", ["grows", "shrinks"])
def test_a_file_that_changes_meanwhile_is_not_taken(tmp_path: Path, change: str) -> None:
    def changes(server: FakeServer, name: str, piece: int) -> None:
        server.files[name] = server.files[name] + b"!" if change == "grows" else server.files[name][:-1]

    server = FakeServer(fault=changes)
    server.put(NAME, CONTENT)
    with pytest.raises(ChangedError, match="changed while it was fetched"):
        fetch(server, tmp_path)
    assert names(tmp_path) == []
    assert server.n_reads == 3


def test_a_log_may_grow_meanwhile(tmp_path: Path) -> None:
    def grows(server: FakeServer, name: str, piece: int) -> None:
        server.files[name] += b"another line\n"

    server = FakeServer(fault=grows)
    server.put(NAME, CONTENT)
    landed = fetch(server, tmp_path, rules=Rules(may_grow=True))
    assert landed.path.read_bytes() == CONTENT
    assert server.n_reads == 1


def test_the_hosts_hash_is_compared_where_it_gives_one(tmp_path: Path) -> None:
    server = FakeServer(runs_commands=True)
    server.put(NAME, CONTENT)
    landed = fetch(server, tmp_path)
    assert landed.is_hash_checked is True
    assert json.loads((tmp_path / f"{NAME}.meta.json").read_text())["request"]["is_remote_hash_checked"] is True
    assert fetch(server, tmp_path / "off", rules=Rules(remote_hash="off")).is_hash_checked is None


def test_a_required_hash_that_the_host_refuses_is_an_error_at_once(tmp_path: Path) -> None:
    server, time = FakeServer(), FakeTime()
    server.put(NAME, CONTENT)
    with pytest.raises(HashRefusedError, match="remote_hash"):
        fetch(server, tmp_path, rules=Rules(remote_hash="required"), time=time)
    assert time.pauses == []
    assert names(tmp_path) == []


def test_wrong_bytes_of_the_right_number_are_found_by_the_hash(tmp_path: Path) -> None:
    def spoils(server: FakeServer, name: str, piece: int) -> None:
        server.files[name] = server.files[name][:-1] + b"?"

    server = FakeServer(runs_commands=True, fault=spoils)
    server.put(NAME, CONTENT)
    with pytest.raises(ChangedError, match="another SHA-256"):
        fetch(server, tmp_path, rules=Rules(attempts=1))
    assert names(tmp_path) == []


def test_a_missing_file_and_a_refused_host_are_not_tried_again(tmp_path: Path) -> None:
    server, time = FakeServer(), FakeTime()
    server.put(NAME, CONTENT)
    del server.files[NAME]
    with pytest.raises(MissingFileError):
        fetch(server, tmp_path, time=time)

    def refused(at: object) -> object:
        raise HostKeyError("another key")

    server.put(NAME, CONTENT)
    with pytest.raises(HostKeyError), Session(endpoint(), refused) as session:  # type: ignore[arg-type]
        download(session, server.entries[NAME], tmp_path, NAME, Rules(), clock=time.clock)
    assert time.pauses == []


def test_a_full_disk_is_no_fault_of_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("extract.transfer.place.sync_file", full)
    server, time = FakeServer(), FakeTime()
    server.put(NAME, CONTENT)
    with pytest.raises(LandingError, match="No space left on device; free some disk"):
        fetch(server, tmp_path, time=time)
    assert time.pauses == []
    assert names(tmp_path) == []


def test_a_landing_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("a file where the folder should be")
    server, time = FakeServer(), FakeTime()
    server.put(NAME, CONTENT)
    with pytest.raises(LandingError, match="cannot be written"):
        fetch(server, tmp_path / "landing" / "2025-06", time=time)
    assert time.pauses == []


def test_a_log_that_grows_before_it_is_hashed_is_taken_unhashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grown(remote: FakeRemote, directory: str, name: str) -> str:
        remote.server.files[name] += b"another line\n"
        return hashlib.sha256(remote.server.files[name]).hexdigest()

    monkeypatch.setattr(FakeRemote, "sha256", grown)
    server = FakeServer()
    server.put(NAME, CONTENT)
    landed = fetch(server, tmp_path / "log", rules=Rules(may_grow=True))
    assert landed.path.read_bytes() == CONTENT
    assert (landed.is_hash_checked, server.n_reads) == (None, 1)
    with pytest.raises(ChangedError, match="another SHA-256"):
        fetch(server, tmp_path / "dat", rules=Rules(attempts=1))


def test_a_halted_session_opens_nothing_again() -> None:
    server = FakeServer()
    session = Session(endpoint(), server.open)
    assert session.remote.host == "fake"
    session.halt()
    with pytest.raises(RemoteError, match="stopped"):
        _ = session.remote
    assert server.n_connections == 1
