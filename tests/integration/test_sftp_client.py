"""The SFTP client against a real OpenSSH server: whom it trusts, how it logs in, what it sees, how it fails."""

import hashlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from extract.transfer.sftp.client import WINDOW_BYTES, connect
from extract.transfer.sftp.download import Rules, download
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.pins import offered_key, pin
from extract.transfer.sftp.remote import HostKeyError, LoginError, LostError, MissingFileError, RemoteFile
from extract.transfer.sftp.session import Session
from simulate.openssh import OpenSsh
from simulate.ssh_keys import make_key
from tests.unit.transfer.fake_remote import FakeTime

NAME = "mi0125170120000.dat"
BIG = os.urandom(2 * WINDOW_BYTES + 12_345)
ODD = b"x\xff\n\x1b[31m.dat"
LIMITS = {"connect_timeout_s": 20.0, "idle_timeout_s": 20.0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh(tmp_path_factory.mktemp("openssh"), host_keys=("rsa", "ed25519", "ecdsa")) as server:
        (server.root / NAME).write_bytes(BIG)
        (server.root / "empty.dat").touch()
        (server.root / "folder").mkdir()
        (server.root / "link.dat").symlink_to(NAME)
        os.close(os.open(os.fsencode(server.root) + b"/" + ODD, os.O_CREAT))
        yield server


@pytest.fixture
def endpoint(server: OpenSsh, tmp_path: Path) -> Endpoint:
    return Endpoint(
        station_id=1,
        station_code="MINGO01",
        source="dat",
        host=server.host,
        port=server.port,
        user=server.user,
        key_file=server.client_key,
        known_hosts=server.write_known_hosts(tmp_path / "known_hosts"),
        directory=server.remote(server.root),
        include=("*",),
    )


def refusal(endpoint: Endpoint) -> Exception:
    with pytest.raises(Exception) as caught, connect(endpoint, **LIMITS):
        pass
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_listing_tells_files_from_what_is_none(endpoint: Endpoint) -> None:
    with connect(endpoint, **LIMITS) as remote:
        entries = {file.name: file for file in remote.list_directory(endpoint.directory)}
        odd = ODD.decode("utf-8", "surrogateescape")
        assert set(entries) == {NAME, "empty.dat", "folder", "link.dat", odd}
        assert {name for name, file in entries.items() if file.is_regular} == {NAME, "empty.dat", odd}
        assert entries[NAME].size == len(BIG)
        assert remote.stat(endpoint.directory, NAME) == entries[NAME]
        with pytest.raises(MissingFileError, match="no such file"):
            remote.stat(endpoint.directory, "nothing")
        with pytest.raises(MissingFileError):
            remote.list_directory("/nowhere")


def test_content_comes_in_bounded_pieces(endpoint: Endpoint) -> None:
    with connect(endpoint, **LIMITS) as remote:
        pieces = list(remote.read(endpoint.directory, NAME))
        assert b"".join(pieces) == BIG
        assert max(map(len, pieces)) == WINDOW_BYTES
        assert list(remote.read(endpoint.directory, "empty.dat")) == []
        with pytest.raises(MissingFileError):
            list(remote.read(endpoint.directory, "nothing"))


def test_a_jail_computes_no_hash_and_a_shell_account_does(endpoint: Endpoint, tmp_path: Path) -> None:
    with connect(endpoint, **LIMITS) as remote:
        assert remote.sha256(endpoint.directory, NAME) is None
        assert remote.stat(endpoint.directory, NAME).size == len(BIG)
    with OpenSsh(tmp_path / "shell", allows_commands=True) as shell:
        odd = "a 'quoted' $(name).dat"
        (shell.root / odd).write_bytes(BIG)
        there = replace(
            endpoint,
            port=shell.port,
            key_file=shell.client_key,
            known_hosts=shell.write_known_hosts(tmp_path / "shell_hosts"),
            directory=shell.remote(shell.root),
        )
        with connect(there, **LIMITS) as remote:
            assert remote.sha256(there.directory, odd) == hashlib.sha256(BIG).hexdigest()
        with Session(there, lambda at: connect(at, **LIMITS)) as session:
            entry = next(file for file in session.remote.list_directory(there.directory) if file.name == odd)
            landed = download(session, entry, tmp_path / "landing", NAME, Rules(remote_hash="required"))
        assert landed.is_hash_checked is True
        assert landed.path.read_bytes() == BIG


def test_unknown_and_changed_host_keys_are_refused(endpoint: Endpoint, tmp_path: Path) -> None:
    unknown = refusal(replace(endpoint, known_hosts=tmp_path / "none"))
    assert isinstance(unknown, HostKeyError)
    assert "no pinned host key" in str(unknown)
    other = tmp_path / "other_hosts"
    make_key(tmp_path / "other_key")
    pin(other, endpoint.host, endpoint.port, paramiko.PKey.from_path(tmp_path / "other_key"))
    changed = refusal(replace(endpoint, known_hosts=other))
    assert isinstance(changed, HostKeyError)
    assert "CHANGED" in str(changed)
    assert not (tmp_path / "none").exists(), "nothing is ever pinned by itself"


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "ecdsa"])
def test_any_one_pinned_key_of_a_server_is_enough(
    server: OpenSsh, endpoint: Endpoint, tmp_path: Path, kind: str
) -> None:
    key = server.client_key.with_name(f"host_{kind}")
    known = server.write_known_hosts(tmp_path / f"only_{kind}", key=key)
    with connect(replace(endpoint, known_hosts=known), **LIMITS) as remote:
        assert remote.stat(endpoint.directory, "empty.dat").size == 0


def test_the_key_a_host_shows_can_be_pinned(endpoint: Endpoint, tmp_path: Path) -> None:
    known = tmp_path / "by_hand"
    pin(known, endpoint.host, endpoint.port, offered_key(endpoint.host, endpoint.port, 20.0))
    with connect(replace(endpoint, known_hosts=known), **LIMITS) as remote:
        assert remote.host == f"[{endpoint.host}]:{endpoint.port}"


def test_neither_agent_nor_other_keys_are_tried(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live agent and a home folder hold the right key; the configured one is wrong, and that is what counts."""
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    facts = dict(part.split("=", 1) for part in agent.replace(";", "\n").splitlines() if part.startswith("SSH_"))
    try:
        for name, value in facts.items():
            monkeypatch.setenv(name, value)
        subprocess.run(["ssh-add", "-q", str(endpoint.key_file)], check=True, capture_output=True)
        home = tmp_path / "home"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "id_ed25519").write_bytes(endpoint.key_file.read_bytes())
        (home / ".ssh" / "id_ed25519").chmod(0o600)
        monkeypatch.setenv("HOME", str(home))
        error = refusal(replace(endpoint, key_file=make_key(tmp_path / "wrong")))
    finally:
        subprocess.run(["kill", facts["SSH_AGENT_PID"]], check=False)
    assert isinstance(error, LoginError)
    assert "authorized_keys" in str(error)


def test_a_server_that_wants_a_password_gets_none(endpoint: Endpoint, tmp_path: Path) -> None:
    with OpenSsh(tmp_path / "password", allows_keys=False) as server:
        known = server.write_known_hosts(tmp_path / "password_hosts")
        error = refusal(replace(endpoint, port=server.port, known_hosts=known))
        assert isinstance(error, LoginError)
        assert "password" in str(error)


def test_keys_that_cannot_be_used_are_named(endpoint: Endpoint, tmp_path: Path) -> None:
    open_to_all = make_key(tmp_path / "open")
    open_to_all.chmod(0o644)
    with_phrase = tmp_path / "phrase"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "hidden-phrase", "-f", str(with_phrase)]
    subprocess.run(words, check=True, capture_output=True)
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LWJ5dGVz\n-----END OPENSSH PRIVATE KEY-----\n")
    damaged.chmod(0o600)
    expected = {
        open_to_all: "chmod 600",
        with_phrase: "pass phrase",
        damaged: "not a private key",
        tmp_path / "none": "no such key file",
    }
    for path, word in expected.items():
        error = refusal(replace(endpoint, key_file=path))
        assert isinstance(error, LoginError)
        assert word in str(error)
        assert str(path) in str(error)
        assert "c2VjcmV0" not in str(error)


def test_hosts_that_do_not_answer_are_told_apart_from_those_that_refuse(endpoint: Endpoint) -> None:
    with socket.socket() as deaf:
        deaf.bind((endpoint.host, 0))
        closed = replace(endpoint, port=deaf.getsockname()[1])
        error = refusal(closed)
        assert isinstance(error, LostError)
        assert "cannot be reached" in str(error)
        deaf.listen()
        with pytest.raises(LostError), connect(closed, connect_timeout_s=0.5, idle_timeout_s=0.5):
            pass


def test_a_session_that_dies_in_mid_file_is_opened_again(server: OpenSsh, endpoint: Endpoint, tmp_path: Path) -> None:
    killed = threading.Event()

    def kill_once(n_bytes: int) -> None:
        if not killed.is_set():
            killed.set()
            server.kill_sessions()

    time, mark = FakeTime(), server.mark()
    with Session(endpoint, lambda at: connect(at, **LIMITS)) as session:
        file = RemoteFile(NAME, len(BIG), None)
        landed = download(session, file, tmp_path, NAME, Rules(on_bytes=kill_once), clock=time.clock)
    assert landed.path.read_bytes() == BIG
    assert len(time.pauses) == 1
    assert server.served(mark).n_connections == 2
    assert sorted(path.name for path in tmp_path.glob("mi*")) == [NAME, f"{NAME}.meta.json"]
