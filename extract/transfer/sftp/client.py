"""One connection to an SFTP server: key authentication with one named key, pinned host keys, bounded waits.

The transport is opened by hand, not through `paramiko.SSHClient`: then there is no agent, no search for keys, no
password and no policy that could accept a host by itself.
"""

import logging
import posixpath
import re
import shlex
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from threading import Event, Timer
from typing import Any

import paramiko
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_EXTENDED,
    CMD_HANDLE,
    CMD_NAME,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    int64,
)

from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.pins import Pin, check_key, known_name, pins_of, preferred_algorithms, read_pins
from extract.transfer.sftp.remote import (
    LoginError,
    LostError,
    MissingFileError,
    Remote,
    RemoteDisk,
    RemoteError,
    RemoteFile,
    shown,
)

MAX_NAMES = 500_000
"""Names of one directory; more are refused."""
WINDOW_BYTES = 1 << 20
"""Bytes asked for at a time: the memory a download needs, and 32 requests on the way to hide the round trip."""
_READ_BYTES = 1 << 15
_EXTENDED_REPLY = 201
_HASH_LIMIT_BYTES = 4096
_KEEPALIVE_S = 15
_SHA256 = re.compile(r"\A([0-9a-f]{64}) ")
_OTHERS_MAY = 0o077
_ATTRIBUTES: Any = paramiko.SFTPAttributes

# its threads write tracebacks of dropped connections to whatever logging is set up; we say what happened ourselves
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


@contextmanager
def connect(endpoint: Endpoint, *, connect_timeout_s: float, idle_timeout_s: float) -> Iterator[Remote]:
    """Log in and yield the connection; it is closed when the block ends.

    Raises
    ------
    HostKeyError
        The host's key is not the pinned one.
    LoginError
        The account or key is refused, or the key file cannot be used.
    LostError
        The host cannot be reached, or it takes longer than ``connect_timeout_s`` until files can be asked for.
    """
    key = _load_key(endpoint)
    ends_at = time.monotonic() + connect_timeout_s
    pins = read_pins(endpoint.known_hosts)
    place = known_name(endpoint.host, endpoint.port)
    with ExitStack() as stack:
        with _translated(place):
            try:
                sock = stack.enter_context(socket.create_connection((endpoint.host, endpoint.port), connect_timeout_s))
            except (OSError, UnicodeError) as error:  # the latter: no name a host can have
                raise LostError(f"{place} cannot be reached: {_one_line(error)}") from None
            # a request is smaller than a packet: without this it waits for the answer to the one before, 6 ms a read
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = paramiko.Transport(sock)
            stack.callback(transport.close)
            with _ended_after(ends_at - time.monotonic(), transport.close):
                _shake_hands(transport, pins_of(pins, endpoint.host, endpoint.port), connect_timeout_s)
                offered = transport.get_remote_server_key()
                check_key(endpoint.known_hosts, pins, endpoint.host, endpoint.port, offered, endpoint.station_code)
                _log_in(transport, endpoint, key)
                transport.set_keepalive(_KEEPALIVE_S)
                channel = transport.open_session(timeout=connect_timeout_s)
                channel.settimeout(idle_timeout_s)
                channel.invoke_subsystem("sftp")
                client = paramiko.SFTPClient(channel)
        yield SftpRemote(transport, client, place, idle_timeout_s)


@contextmanager
def _ended_after(seconds: float, end: Callable[[], None]) -> Iterator[None]:
    """Call ``end`` and raise TimeoutError where the block takes longer; paramiko waits for some answers for ever."""
    is_over = Event()

    def end_now() -> None:
        is_over.set()
        with suppress(EOFError, OSError, paramiko.SSHException):  # the line may be gone already
            end()

    timer = Timer(max(seconds, 0.0), end_now)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if is_over.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()


def _shake_hands(transport: paramiko.Transport, pins: Sequence[Pin], timeout_s: float) -> None:
    transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = timeout_s
    options = transport.get_security_options()
    options.key_types = preferred_algorithms(pins, list(options.key_types))
    transport.start_client(timeout=timeout_s)


def _log_in(transport: paramiko.Transport, endpoint: Endpoint, key: paramiko.PKey) -> None:
    place = known_name(endpoint.host, endpoint.port)
    try:
        left = transport.auth_publickey(endpoint.user, key)
    except paramiko.BadAuthenticationType as error:
        raise LoginError(
            f"{place} takes no keys, only {', '.join(error.allowed_types)}; ask for key authentication there"
        ) from None
    except paramiko.AuthenticationException:
        if not transport.is_active():  # paramiko has the same error for this as for a key that is refused
            raise LostError(
                f"{place}: the connection broke off in the log-in of user {endpoint.user!r};"
                " the host may be busy, or take no further attempts"
            ) from None
        raise LoginError(
            f"{place} refuses user {endpoint.user!r} with the key {endpoint.key_file};"
            f" its public half must stand in the account's authorized_keys"
        ) from None
    if left:
        raise LoginError(f"{place} wants more than a key ({', '.join(left)}); an unattended account cannot give it")


def _load_key(endpoint: Endpoint) -> paramiko.PKey:
    path = endpoint.key_file
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS_MAY:
            raise LoginError(f"{path}: others may read this key; `chmod 600 {path}`")
        return paramiko.PKey.from_path(path)
    except FileNotFoundError:
        raise LoginError(f"{path}: no such key file ({endpoint.station_code}.{endpoint.source}.key_file)") from None
    except OSError as error:
        raise LoginError(f"{path}: the key cannot be read: {error.strerror}") from None
    except (paramiko.PasswordRequiredException, TypeError):  # cryptography's word for it is the latter
        raise LoginError(f"{path}: the key has a pass phrase; an unattended account needs one without") from None
    except LoginError:
        raise
    except Exception:  # cryptography and paramiko have no one class for a damaged key; its text is not repeated
        raise LoginError(f"{path}: not a private key in OpenSSH or PEM format") from None


@contextmanager
def _translated(place: str) -> Iterator[None]:
    """Whatever network, SSH and SFTP raise becomes a `RemoteError` of one line."""
    try:
        yield
    except RemoteError:
        raise
    except TimeoutError:
        raise LostError(f"{place}: no answer in time") from None
    except paramiko.SFTPError as error:
        raise LostError(f"{place}: SFTP error: {_one_line(error)}") from None
    except (EOFError, ConnectionError):
        raise LostError(f"{place}: the connection was refused or broke off") from None
    except paramiko.SSHException as error:
        raise LostError(f"{place}: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text)[:200]


class SftpRemote:
    """An open SFTP session; see `Remote`. Not to be shared between threads."""

    def __init__(
        self, transport: paramiko.Transport, client: paramiko.SFTPClient, host: str, idle_timeout_s: float
    ) -> None:
        self.host = host
        self._transport, self._idle_timeout_s = transport, idle_timeout_s
        self._client: Any = client  # the listing needs the packets below paramiko's own
        self._runs_commands = True

    def list_directory(self, directory: str) -> list[RemoteFile]:
        """All entries of a directory but itself and its parent.

        Names that are not UTF-8 keep their bytes (``surrogateescape``); paramiko's own listing dies of them.

        Raises
        ------
        MissingFileError
            No such directory.
        RemoteError
            More than `MAX_NAMES` entries, or no right to list it.
        """
        with self._asking(directory):
            kind, answer = self._client._request(CMD_OPENDIR, directory.encode())
            if kind != CMD_HANDLE:
                raise LostError(f"{self.host}: not an SFTP answer to a listing of {directory}")
            handle = answer.get_string()
            try:
                return self._read_names(directory, handle)
            finally:
                self._client._request(CMD_CLOSE, handle)

    def _read_names(self, directory: str, handle: bytes) -> list[RemoteFile]:
        files: list[RemoteFile] = []
        while True:
            try:
                kind, answer = self._client._request(CMD_READDIR, handle)
            except EOFError:
                return files
            if kind != CMD_NAME:
                raise LostError(f"{self.host}: not an SFTP answer to a listing of {directory}")
            n_names = answer.get_int()
            if not n_names:  # it could go on like this for ever
                raise LostError(f"{self.host}: not an SFTP answer to a listing of {shown(directory)}")
            if len(files) + n_names > MAX_NAMES:  # before any is read: the number may be a lie
                raise RemoteError(f"{self.host}: {shown(directory)} has more than {MAX_NAMES:,} names; refused")
            for _ in range(n_names):
                name = answer.get_string().decode("utf-8", "surrogateescape")
                answer.get_string()  # the line of `ls -l`
                attributes = _ATTRIBUTES._from_msg(answer)
                if name not in (".", ".."):
                    files.append(_remote_file(name, attributes))

    def stat(self, directory: str, name: str) -> RemoteFile:
        """One entry now; a link is not followed."""
        with self._asking(posixpath.join(directory, name)):
            return _remote_file(name, self._client.lstat(posixpath.join(directory, name)))

    def read(self, directory: str, name: str) -> Iterator[bytes]:
        """The content the file has when it is opened, in pieces of at most `WINDOW_BYTES`; less where it is cut.

        Not by paramiko's prefetch: its thread dies with a traceback when the connection does, and there would be one
        thread a piece.
        """
        path = posixpath.join(directory, name)
        with self._asking(path), self._client.open(path, "rb") as file:
            size, start = file.stat().st_size or 0, 0
            while start < size:
                piece = self._read_window(file.handle, start, min(start + WINDOW_BYTES, size))
                if not piece:  # the file is shorter now
                    return
                yield piece
                start += len(piece)

    def _read_window(self, handle: bytes, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end``, all asked for at once; fewer where the server gives fewer."""
        spans = [(offset, min(_READ_BYTES, end - offset)) for offset in range(start, end, _READ_BYTES)]
        asked = {
            self._client._async_request(type(None), CMD_READ, handle, int64(offset), n_bytes): n_bytes
            for offset, n_bytes in spans
        }
        answers: dict[int, bytes] = {}
        while len(answers) < len(asked):
            kind, packet = self._client._read_packet()
            message = paramiko.Message(packet)
            number = message.get_int()
            if number in asked:
                self._client._expecting.pop(number, None)
                answers[number] = self._data_of(kind, message)
        pieces = []
        for number, n_bytes in asked.items():
            pieces.append(answers[number])
            if len(answers[number]) < n_bytes:  # what follows would leave a hole
                break
        return b"".join(pieces)

    def _data_of(self, kind: int, message: paramiko.Message) -> bytes:
        """Bytes of an answer to a read; none at the end of the file."""
        if kind == CMD_DATA:
            return message.get_binary()
        with suppress(EOFError):
            self._client._convert_status(message)
        return b""

    def sha256(self, directory: str, name: str) -> str | None:
        """SHA-256 by the one command ever sent; once a host refused it, it is not asked again."""
        if not self._runs_commands:
            return None
        answer = ""
        try:
            channel = self._transport.open_session(timeout=self._idle_timeout_s)
            with channel, _ended_after(self._idle_timeout_s, channel.close):
                channel.settimeout(self._idle_timeout_s)
                channel.exec_command(f"sha256sum -- {shlex.quote(posixpath.join(directory, name))}")
                answer = channel.makefile("rb").read(_HASH_LIMIT_BYTES).decode("utf-8", "replace")
        except (paramiko.SSHException, OSError, EOFError):
            pass
        match = _SHA256.match(answer.removeprefix("\\"))
        self._runs_commands = match is not None
        return match[1] if match else None

    def disk(self, directory: str) -> RemoteDisk | None:
        """Space of the disk below a directory, by OpenSSH's extension ``statvfs``; None where it is not offered."""
        with self._asking(directory):
            try:
                kind, answer = self._client._request(CMD_EXTENDED, "statvfs@openssh.com", directory.encode())
            except (FileNotFoundError, PermissionError):
                raise
            except OSError:
                return None
            if kind != _EXTENDED_REPLY:
                return None
            _, unit, blocks, _, free, files, _, free_files, *_ = (answer.get_int64() for _ in range(11))
            return RemoteDisk(unit * blocks, unit * free, files, free_files)

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        try:
            with _translated(self.host):
                yield
        except FileNotFoundError:
            raise MissingFileError(f"{self.host}: {shown(path)}: no such file or directory") from None
        except PermissionError:
            raise RemoteError(f"{self.host}: {shown(path)}: the account may not read it") from None
        except OSError as error:  # what else the server answers; this machine's own faults are not raised in here
            raise LostError(f"{self.host}: {shown(path)}: {_one_line(error)}") from None


def _remote_file(name: str, attributes: paramiko.SFTPAttributes) -> RemoteFile:
    modified_at = None
    if attributes.st_mtime is not None:
        modified_at = datetime.fromtimestamp(attributes.st_mtime, UTC).replace(tzinfo=None)
    is_regular = attributes.st_mode is not None and stat.S_ISREG(attributes.st_mode)
    return RemoteFile(name, attributes.st_size or 0, modified_at, is_regular)
