"""The lines of a `known_hosts` file for one server, and the key that a server offers."""

import base64
import hashlib
import socket

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from extract.station.home import StationError
from extract.station.host_key import HostKey

SSH_PORT = 22


def host_name(host: str, port: int) -> str:
    """The name of a server in the file: the host, with another port than 22 as ``[host]:port``."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


def key_line(key: HostKey, host: str, port: int) -> str:
    """The line that pins a key."""
    return f"{host_name(host, port)} {key.kind} {key.base64}\n"


def pinned_keys(text: str, host: str, port: int) -> list[HostKey]:
    """The keys the text of a file pins for a server; lines that are none are left out, as ssh does."""
    name = host_name(host, port)
    return [_key_of(entry) for _, entry in _entries(text) if _is_of(entry, name)]


def with_key(text: str, key: HostKey, host: str, port: int) -> str:
    """The text with one more pinned key."""
    return text + ("" if not text or text.endswith("\n") else "\n") + key_line(key, host, port)


def without_keys(text: str, host: str, port: int) -> str:
    """The text without the lines of a server; a line that names other servers too keeps these."""
    name = host_name(host, port)
    of_host = {number: entry for number, entry in _entries(text) if _is_of(entry, name)}
    kept = []
    for number, line in enumerate(text.splitlines(keepends=True)):
        if number not in of_host:
            kept.append(line)
        elif others := [other for other in line.split()[0].split(",") if not _names(other, name)]:
            kept.append(line.replace(line.split()[0], ",".join(others), 1))
    return "".join(kept)


def offered_key(host: str, port: int, timeout_s: float = 15.0) -> HostKey:
    """The host key a server offers; nothing is sent but the greeting, nobody logs in.

    Raises
    ------
    StationError
        When no SSH server answers there.
    """
    transport = None
    try:
        connection = socket.create_connection((host, port), timeout=timeout_s)
        transport = paramiko.Transport(connection)
        transport.banner_timeout = timeout_s
        transport.start_client(timeout=timeout_s)
        key = transport.get_remote_server_key()
    except (OSError, paramiko.SSHException, EOFError) as error:
        reason = str(error) or type(error).__name__
        raise StationError(
            f"{host} port {port} gives no host key: {reason}; nothing was written (add it with --offline now and"
            " pin the key by `mingo station repin` when it answers)"
        ) from None
    finally:
        if transport is not None:
            transport.close()
    return HostKey(key.get_name(), key.get_base64(), fingerprint(key.asbytes()))


def fingerprint(blob: bytes) -> str:
    """``SHA256:`` and the digest of a public key in base64 without padding, as ``ssh-keygen -l`` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _entries(text: str) -> list[tuple[int, HostKeyEntry]]:
    entries = []
    for number, line in enumerate(text.splitlines()):
        if not line.strip() or line.lstrip().startswith(("#", "@")):
            continue
        try:
            entry = HostKeyEntry.from_line(line.strip())
        except (InvalidHostKey, paramiko.SSHException):
            continue
        if entry is not None:
            entries.append((number, entry))
    return entries


def _is_of(entry: HostKeyEntry, name: str) -> bool:
    return any(_names(other, name) for other in entry.hostnames or [])


def _names(other: str, name: str) -> bool:
    is_hashed = other.startswith("|1|")
    return other == (paramiko.HostKeys.hash_host(name, other) if is_hashed else name)


def _key_of(entry: HostKeyEntry) -> HostKey:
    return HostKey(entry.key.get_name(), entry.key.get_base64(), fingerprint(entry.key.asbytes()))
