"""The SFTP client against servers that break off or fall silent where a log-in or a listing is under way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import paramiko
import pytest
from paramiko.common import AUTH_FAILED
from paramiko.sftp import CMD_NAME, CMD_READDIR

from extract.transfer.sftp.client import connect
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import LoginError, LostError, RemoteError
from tests.servers import faulty_sftp
from tests.servers.faulty_sftp import FaultyFile, FaultySftp

NAME = "mi0125170120000.dat"
LIMITS = {"connect_timeout_s": 20.0, "idle_timeout_s": 20.0}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultySftp]:
    with FaultySftp(tmp_path) as server:
        server.files[NAME] = FaultyFile(b"content")
        yield server


@pytest.fixture
def endpoint(server: FaultySftp, tmp_path: Path) -> Endpoint:
    return Endpoint(
        station_id=1,
        station_code="MINGO01",
        source="dat",
        host=server.host,
        port=server.port,
        user=server.user,
        key_file=server.client_key,
        known_hosts=server.write_known_hosts(tmp_path / "known_hosts"),
        directory=server.directory,
        include=("*",),
    )


def test_a_connection_that_breaks_in_the_log_in_is_lost_and_no_wrong_key(
    server: FaultySftp, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop(door: object, username: str, key: paramiko.PKey) -> int:
        server.drop()
        return AUTH_FAILED

    monkeypatch.setattr(faulty_sftp._Door, "check_auth_publickey", drop)
    with pytest.raises(LostError, match="broke off"), connect(endpoint, **LIMITS):
        pass


def test_a_key_that_is_refused_is_no_lost_connection(server: FaultySftp, endpoint: Endpoint) -> None:
    server.refuses_login = True
    with pytest.raises(LoginError, match="authorized_keys"), connect(endpoint, **LIMITS):
        pass


def test_a_server_that_never_grants_sftp_is_given_up(
    server: FaultySftp, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stall(door: object, channel: paramiko.Channel, name: str) -> bool:
        server.stall()
        return False

    monkeypatch.setattr(faulty_sftp._Door, "check_channel_subsystem_request", stall)
    with pytest.raises(LostError, match="no answer"), connect(endpoint, connect_timeout_s=2, idle_timeout_s=2):
        pass


def test_a_greeting_that_never_comes_is_said_so(server: FaultySftp, endpoint: Endpoint) -> None:
    server.is_mute = True
    with pytest.raises(LostError, match="no answer"), connect(endpoint, connect_timeout_s=0.5, idle_timeout_s=0.5):
        pass


def test_a_request_for_a_hash_that_is_never_answered_gives_none(
    server: FaultySftp, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Event()

    def stall(door: object, channel: paramiko.Channel, command: bytes) -> bool:
        server.stall()
        answered.set()
        return False

    monkeypatch.setattr(faulty_sftp._Door, "check_channel_exec_request", stall)
    with connect(endpoint, connect_timeout_s=20, idle_timeout_s=2) as remote:
        assert remote.sha256(endpoint.directory, NAME) is None
        assert not answered.is_set(), "it was not waited for"


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
def test_a_name_no_host_can_have_is_one_line(endpoint: Endpoint, host: str) -> None:
    with pytest.raises(LostError, match="cannot be reached"), connect(replace(endpoint, host=host), **LIMITS):
        pass


def test_a_listing_that_claims_more_names_than_there_are_is_refused(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(endpoint, **LIMITS) as remote:
        ask = paramiko.SFTPClient._request  # type: ignore[attr-defined]

        def lie(client: paramiko.SFTPClient, kind: int, *words: object) -> object:
            if kind != CMD_READDIR:
                return ask(client, kind, *words)
            answer = paramiko.Message()
            answer.add_int(0xFFFFFFFF)
            answer.rewind()
            return CMD_NAME, answer

        monkeypatch.setattr(paramiko.SFTPClient, "_request", lie)
        with pytest.raises(RemoteError, match="more than 500,000"):
            remote.list_directory(endpoint.directory)
