"""The SSH server that plays the stations serves, refuses, drops and stops as the tests of fetching rely on."""

import socket
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from simulate.openssh import OpenSsh, OpenSshError, find_sshd
from simulate.openssh_log import read_log

ODD_NAME = "line\nfeed \\ é.dat"
CONTENT = b"0123456789" * 40_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh(tmp_path_factory.mktemp("openssh"), n_ports=2) as server:
        (server.root / "station").mkdir()
        (server.root / "station" / ODD_NAME).write_bytes(CONTENT)
        yield server


def log_in(server: OpenSsh, known_hosts: Path, port: int | None = None) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(str(known_hosts))
    client.connect(
        server.host,
        port or server.port,
        server.user,
        key_filename=str(server.client_key),
        timeout=20,
        allow_agent=False,
        look_for_keys=False,
    )
    return client


def test_serves_reads_and_nothing_else(server: OpenSsh, tmp_path: Path) -> None:
    known_hosts, folder = server.write_known_hosts(tmp_path / "known_hosts"), server.remote(server.root / "station")
    mark = server.mark()
    for port in server.ports:
        with log_in(server, known_hosts, port) as client, client.open_sftp() as sftp:
            assert sftp.listdir(folder) == [ODD_NAME]
            with sftp.open(f"{folder}/{ODD_NAME}") as file:
                assert file.read() == CONTENT
            with pytest.raises(PermissionError):
                sftp.open(f"{folder}/new", "w")
            if server.is_jailed:
                assert set(sftp.listdir("/")) == {"dev", "served"}
            assert client.exec_command("true")[1].channel.recv_exit_status() != 0
    served = server.served(mark)
    assert served.closed == ((f"{folder}/{ODD_NAME}", len(CONTENT)),) * 2
    assert (served.n_connections, served.n_bytes, served.cut) == (2, 2 * len(CONTENT), ())
    assert not (server.root / "station" / "new").exists()


def test_sessions_drop_and_the_key_changes(server: OpenSsh, tmp_path: Path) -> None:
    known_hosts = server.write_known_hosts(tmp_path / "known_hosts")
    with log_in(server, known_hosts) as client, client.open_sftp() as sftp:
        file = sftp.open(f"{server.remote(server.root / 'station')}/{ODD_NAME}")
        assert file.read(10) == CONTENT[:10]
        assert server.kill_sessions() > 0
        with pytest.raises((OSError, EOFError, paramiko.SSHException)):
            file.read(1000)
    assert server.sessions() == []
    old = server.fingerprint
    server.change_host_key()
    assert server.fingerprint != old
    with pytest.raises(paramiko.BadHostKeyException):
        log_in(server, known_hosts)
    log_in(server, server.write_known_hosts(tmp_path / "now")).close()


def test_commands_only_where_they_are_allowed(tmp_path: Path) -> None:
    with OpenSsh(tmp_path, allows_commands=True) as server:
        (server.root / "a.dat").write_bytes(b"abc")
        with log_in(server, server.write_known_hosts(tmp_path / "known_hosts")) as client:
            said = client.exec_command(f"sha256sum -- {server.remote(server.root / 'a.dat')}")[1].read()
            assert said.startswith(b"ba7816bf8f01cfea")
        port = server.port
    with pytest.raises(ConnectionRefusedError), socket.create_connection((server.host, port), timeout=5):
        pass


def test_passwords_only(tmp_path: Path) -> None:
    with OpenSsh(tmp_path, allows_keys=False) as server, pytest.raises(paramiko.AuthenticationException):
        log_in(server, server.write_known_hosts(tmp_path / "known_hosts"))


def test_absent_server_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(OpenSshError, match="install the package openssh-server"):
        find_sshd()


def test_a_server_that_cannot_start_says_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenSsh, "_sftp", lambda self: ["NoSuchWord yes"])
    with pytest.raises(OpenSshError, match="NoSuchWord"), OpenSsh(tmp_path):
        pass


def test_log_is_counted() -> None:
    lines = [
        'Connection from 127.0.0.1 port 5 on 127.0.0.1 port 9 rdomain ""\r',
        'Connection from 127.0.0.1 port 6 on 127.0.0.1 port 9 rdomain ""\r',
        '<86>Nov 23 internal-sftp[1]: opendir "/a"',
        '<86>Nov 23 internal-sftp[1]: open "/a/x\\ny\\303\\251" flags READ mode 0666',
        'close "/a/x',
        'y" bytes read 7 written 0',
        'forced-close "/a/b" bytes read 3 written 0',
    ]
    served = read_log("\n".join(lines), {5})
    assert (served.n_connections, served.listed, served.opened) == (1, ("/a",), ("/a/x\nyé",))
    assert (served.closed, served.cut, served.n_bytes) == ((("/a/x\ny", 7),), (("/a/b", 3),), 10)
