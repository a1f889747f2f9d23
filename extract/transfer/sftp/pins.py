"""Pinned host keys: a file in OpenSSH's known_hosts format; a key that does not stand in it is refused.

Names may be plain or hashed, ``[host]:port`` for other ports than 22. Lines with ``@revoked`` refuse their key whatever
else the file says, and for every host; lines with other markers and patterns with ``*`` or ``?`` pin nothing. Keys of
types that are not used here (``ssh-dss``, ``sk-...``) are passed over.
"""

import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry, HostKeys

from extract.transfer.sftp.remote import HostKeyError, LostError
from warehouse.files import write_bytes

SSH_PORT = 22
_MODE = 0o600
_UNUSED_TYPES = re.compile(r"ssh-dss|(sk-|webauthn-sk-)(ssh|ecdsa)-[a-z0-9-]+@openssh\.com")
_RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True)
class Pin:
    """One line of the file: the names it is for, its key, whether that is revoked, and where it stands (1-based)."""

    names: tuple[str, ...]
    key: paramiko.PKey
    is_revoked: bool
    line_number: int


def known_name(host: str, port: int) -> str:
    """The name of a host in the file, in small letters as OpenSSH writes it."""
    host = host.lower()
    return host if port == SSH_PORT else f"[{host}]:{port}"


def fingerprint(key: paramiko.PKey) -> str:
    """``SHA256:`` and base64 without padding, as ``ssh-keygen -l`` prints it."""
    return key.fingerprint


def read_pins(path: Path) -> list[Pin]:
    """All keys of the file; none where it does not exist.

    Raises
    ------
    HostKeyError
        For a line that is not of the format, with its number; where the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HostKeyError(f"{path} cannot be read: {error.strerror}") from error
    pins = (_read_line(path, number, line) for number, line in enumerate(lines, start=1))
    return [pin for pin in pins if pin is not None]


def _read_line(path: Path, number: int, line: str) -> Pin | None:
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    is_revoked = words[0] == "@revoked"
    if words[0].startswith("@"):
        words = words[1:]
        if not is_revoked:
            return None
    if len(words) > 2 and _UNUSED_TYPES.fullmatch(words[1]):
        return None
    try:
        entry = HostKeyEntry.from_line(" ".join(words), number)
    except Exception as error:  # paramiko has no one class for what a damaged key may raise
        raise HostKeyError(f"{path}, line {number}: no host key can be read; mend or remove the line") from error
    if entry is None or entry.key is None:
        raise HostKeyError(f"{path}, line {number}: no host key can be read; mend or remove the line")
    return Pin(tuple(entry.hostnames or ()), entry.key, is_revoked, number)


def pins_of(pins: Iterable[Pin], host: str, port: int) -> list[Pin]:
    """The lines that speak of a host."""
    name = known_name(host, port)
    return [pin for pin in pins if any(_is_name(known, name) for known in pin.names)]


def _is_name(known: str, name: str) -> bool:
    if known.startswith("|1|"):
        return known == HostKeys.hash_host(name, known)
    return known.lower() == name


def preferred_algorithms(pins: Iterable[Pin], known: Sequence[str]) -> list[str]:
    """Algorithms in the order to offer them: first those of pinned keys, else a server with two keys looks changed."""
    kinds = [pin.key.get_name() for pin in pins if not pin.is_revoked]
    wanted = [name for kind in kinds for name in (_RSA_ALGORITHMS if kind == "ssh-rsa" else (kind,)) if name in known]
    return list(dict.fromkeys([*wanted, *known]))


def check_key(path: Path, pins: Sequence[Pin], host: str, port: int, key: paramiko.PKey, station_code: str) -> None:
    """Refuse a host whose key is not pinned for it.

    Raises
    ------
    HostKeyError
        Names the host, the offered fingerprint, the file and what to do.
    """
    offered, name = f"{key.get_name()} {fingerprint(key)}", known_name(host, port)
    of_host = pins_of(pins, host, port)
    if any(pin.is_revoked and pin.key == key for pin in pins):
        raise HostKeyError(f"{name} offers the host key {offered}, which {path} marks as revoked; refused")
    pinned = [pin for pin in of_host if not pin.is_revoked]
    if any(pin.key == key for pin in pinned):
        return
    remedy = f"`mingo station repin {station_code} --host-key {fingerprint(key)}`"
    if not pinned:
        raise HostKeyError(
            f"{name} has no pinned host key in {path}; it offers {offered}. If the people there confirm it: {remedy}"
        )
    lines = ", ".join(str(pin.line_number) for pin in pinned)
    raise HostKeyError(
        f"the host key of {name} has CHANGED: it offers {offered}, pinned is another ({path}, line {lines}). Ask the"
        f" people there whether the machine was installed anew; only then {remedy}"
    )


def offered_key(host: str, port: int, timeout_s: float) -> paramiko.PKey:
    """The key a host shows before anybody logs in.

    Raises
    ------
    LostError
        When the host does not answer as an SSH server within the time.
    """
    try:
        with socket.create_connection((host, port), timeout_s) as sock:
            transport = paramiko.Transport(sock)
            try:
                transport.banner_timeout = timeout_s
                transport.start_client(timeout=timeout_s)
                if not transport.initial_kex_done:
                    raise TimeoutError("no answer in time")
                return transport.get_remote_server_key()
            finally:
                transport.close()
    except (OSError, EOFError, UnicodeError, paramiko.SSHException) as error:
        raise LostError(f"{known_name(host, port)} shows no host key: {error or type(error).__name__}") from error


def pin(path: Path, host: str, port: int, key: paramiko.PKey) -> None:
    """Pin a key for a host beside those it has; does nothing where it is pinned."""
    pins = read_pins(path)
    if any(known.key == key and not known.is_revoked for known in pins_of(pins, host, port)):
        return
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        content += b"\n"
    _write(path, content + f"{known_name(host, port)} {key.get_name()} {key.get_base64()}\n".encode())


def unpin(path: Path, host: str, port: int) -> int:
    """Take the host out of every line that pins a key for it, and return the number of lines; revoked keys stay."""
    name = known_name(host, port)
    spoken = {p.line_number: p for p in pins_of(read_pins(path), host, port) if not p.is_revoked}
    if not spoken:
        return 0
    kept = []
    for number, line in enumerate(path.read_text("utf-8", "surrogateescape").splitlines(), start=1):
        if number not in spoken:
            kept.append(line)
        elif others := [known for known in spoken[number].names if not _is_name(known, name)]:
            kept.append(" ".join([",".join(others), *line.split()[1:]]))
    _write(path, "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape"))
    return len(spoken)


def _write(path: Path, content: bytes) -> None:
    write_bytes(path, content)
    path.chmod(_MODE)
