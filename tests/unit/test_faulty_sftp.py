"""The server with faults has the faults it says, and counts what it was asked."""

from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.servers.faulty_sftp import DIRECTORY, Commands, FaultyFile, FaultySftp

LONG = "n" * 4_000
CONTENT = bytes(range(256)) * 400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultySftp]:
    with FaultySftp(tmp_path) as server:
        yield server


@pytest.fixture
def client(server: FaultySftp, tmp_path: Path) -> Iterator[paramiko.SSHClient]:
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(server.write_known_hosts(tmp_path / "known_hosts")))
        client.connect(
            server.host,
            server.port,
            server.user,
            key_filename=str(server.client_key),
            timeout=20,
            allow_agent=False,
            look_for_keys=False,
        )
        yield client


def read(sftp: paramiko.SFTPClient, name: str) -> bytes:
    with sftp.open(f"{DIRECTORY}/{name}") as file:
        return file.read()


def test_faults_of_files(server: FaultySftp, client: paramiko.SSHClient) -> None:
    server.files = {
        "good": FaultyFile(CONTENT),
        "short": FaultyFile(CONTENT, ends_at=700),
        "lies": FaultyFile(CONTENT, listed_size=5),
        "grows": FaultyFile(CONTENT, grows_by=10),
        "flips": FaultyFile(CONTENT, flips=3),
        "gone": FaultyFile(CONTENT, is_gone=True),
        "refused": FaultyFile(CONTENT, refuses=True),
        "a/b\x1b[2J": FaultyFile(CONTENT),
        LONG: FaultyFile(CONTENT),
        "drops": FaultyFile(CONTENT, drops_at=5_000),
    }
    with client.open_sftp() as sftp:
        assert {entry.filename: entry.st_size for entry in sftp.listdir_attr(DIRECTORY)} == {
            name: 5 if name == "lies" else len(CONTENT) for name in server.files
        }
        for name in ("good", "a/b\x1b[2J", LONG):
            assert read(sftp, name) == CONTENT
        assert read(sftp, "short") == CONTENT[:700]
        assert len(read(sftp, "grows")) >= len(CONTENT)
        assert len(server.files["grows"].content) == len(CONTENT) + 10
        assert read(sftp, "flips")[3] == 0xFC
        with pytest.raises(FileNotFoundError):
            read(sftp, "gone")
        with pytest.raises(PermissionError):
            read(sftp, "refused")
        with pytest.raises(PermissionError):
            sftp.remove(f"{DIRECTORY}/good")
        with pytest.raises((OSError, EOFError, paramiko.SSHException)):
            read(sftp, "drops")
    assert server.opened["good"] == 1
    assert server.n_bytes["good"] == len(CONTENT)
    assert (server.written, server.n_connections, server.max_open) == ([f"{DIRECTORY}/good"], 1, 1)


def test_answers_to_commands(server: FaultySftp, client: paramiko.SSHClient) -> None:
    server.files["good"] = FaultyFile(b"abc")
    with pytest.raises(paramiko.SSHException):
        client.exec_command("sha256sum x")
    said = {}
    modes: tuple[Commands, ...] = ("sha256", "wrong", "absent")
    for mode in modes:
        server.commands = mode
        said[mode] = client.exec_command(f"sha256sum -- '{DIRECTORY}/good'", timeout=20)[1].read()
    assert said["sha256"].startswith(b"ba7816bf8f01cfea")
    assert not said["wrong"].startswith(b"ba7816bf8f01cfea")
    assert len(said["wrong"]) == len(said["sha256"])
    assert b"not found" in said["absent"]
    assert len(server.asked) == 4


def test_changed_key_is_another(server: FaultySftp, client: paramiko.SSHClient, tmp_path: Path) -> None:
    server.change_host_key()
    with paramiko.SSHClient() as other:
        other.load_host_keys(str(tmp_path / "known_hosts"))
        with pytest.raises(paramiko.BadHostKeyException):
            other.connect(server.host, server.port, server.user, key_filename=str(server.client_key), timeout=20)
