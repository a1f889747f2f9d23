"""Reading the one member of a tape archive as a stream: nothing is written, nothing is trusted, nothing is kept.

Only what the stations write is understood (ustar, GNU long names, PAX headers); whatever else an archive can hold is
refused with its reason. Format: POSIX.1-2017, pax, "ustar Interchange Format".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RECORD = 512
MAX_HEADER_BYTES = 65_536

_REGULAR, _FOLDER = b"0\x007", b"5"
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"x", b"g", b"L", b"K"
_UNSAFE_TYPES = {b"1": "hard link", b"2": "symbolic link", b"3": "device", b"4": "device", b"6": "FIFO"}
_DRIVE = re.compile(r"[A-Za-z]:")


class RefusedError(Exception):
    """A container that is not read; ``status`` is the word for `raw_file.status`."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Stream:
    """Bytes on demand from an iterator of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def peek(self, n_bytes: int) -> bytes:
        """The next ``n_bytes`` (fewer at the end), left in the stream."""
        while len(self._rest) < n_bytes:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        return self._rest[:n_bytes]

    def read(self, n_bytes: int) -> bytes:
        """The next ``n_bytes``; refuses a stream that ends before."""
        taken = self.peek(n_bytes)
        if len(taken) < n_bytes:
            raise RefusedError("bad_container", "archive ends inside a member")
        self._rest = self._rest[n_bytes:]
        return taken

    def pieces(self, n_bytes: int | None = None) -> Iterator[bytes]:
        """The next ``n_bytes`` (all that is left by default) as they come."""
        left = n_bytes
        while left is None or left > 0:
            piece = self._rest or next(self._pieces, None)
            if piece is None:
                break
            part = piece if left is None else piece[:left]
            self._rest = piece[len(part) :]
            left = None if left is None else left - len(part)
            if part:
                yield part
        if left:
            raise RefusedError("bad_container", "archive ends inside a member")


@dataclass
class _Header:
    """One member as announced; ``is_regular`` false for a folder."""

    name: str
    size: int
    is_regular: bool


class TarMember:
    """The only regular member of an archive; ``name`` is known once its first piece was read."""

    def __init__(self, stream: Stream, max_members: int, may_be_absolute: bool) -> None:
        self.name: str | None = None
        self._stream = stream
        self._max_members = max_members
        self._may_be_absolute = may_be_absolute

    def pieces(self) -> Iterator[bytes]:
        """Content of the member, then a check that nothing else is in the archive.

        Raises
        ------
        RefusedError
            ``container_unsafe``, ``too_large`` or ``bad_container``, also after the content was yielded.
        """
        n_regular = 0
        for n_members, header in enumerate(_headers(self._stream), start=1):
            if n_members > self._max_members:
                raise RefusedError("too_large", f"more than {self._max_members} members")
            self._check_path(header.name)
            content = self._stream.pieces(header.size)
            if header.is_regular:
                n_regular += 1
            if header.is_regular and n_regular == 1:
                self.name = header.name
                yield from content
            else:
                for _ in content:
                    pass
            self._stream.read(-header.size % RECORD)
        if n_regular != 1:
            raise RefusedError("bad_container", f"{n_regular} files in the archive")

    def _check_path(self, name: str) -> None:
        path = name[1:] if self._may_be_absolute and name.startswith("/") else name
        if path.startswith("/") or "\\" in path or _DRIVE.match(path) or ".." in path.split("/"):
            raise RefusedError("container_unsafe", f"member path {name[:200]!r}")


def is_tar(first_bytes: bytes) -> bool:
    """Whether a stream that begins so is a tape archive."""
    return first_bytes[257:262] == b"ustar"


def _headers(stream: Stream) -> Iterator[_Header]:
    """Headers of files and folders; the caller must consume each member's content before the next."""
    overrides: dict[str, str] = {}
    while record := stream.peek(RECORD):
        record = stream.read(RECORD)
        if not record.strip(b"\0"):
            break
        header, kind = _parse_header(record)
        if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK):
            overrides |= _read_overrides(stream, kind, header.size)
            continue
        if kind in _UNSAFE_TYPES:
            raise RefusedError("container_unsafe", f"{_UNSAFE_TYPES[kind]} {header.name[:200]!r}")
        if kind not in _REGULAR and kind != _FOLDER:
            raise RefusedError("bad_container", f"member type {kind!r}")
        header.name = overrides.get("path", header.name)
        header.size = _decimal(overrides.get("size", str(header.size)))
        header.is_regular = kind != _FOLDER and not header.name.endswith("/")
        overrides = {}
        yield header
    for piece in stream.pieces():
        if piece.strip(b"\0"):
            raise RefusedError("bad_container", "data after the end of the archive")


def _parse_header(record: bytes) -> tuple[_Header, bytes]:
    checksum = sum(record) - sum(record[148:156]) + 8 * ord(" ")
    if checksum != _number(record[148:156]):
        raise RefusedError("bad_container", "archive header with a wrong checksum")
    name = _text(record[:100])
    prefix = _text(record[345:500]) if record[257:263] == b"ustar\0" else ""
    full_name = f"{prefix}/{name}" if prefix else name
    return _Header(full_name, _number(record[124:136]), True), record[156:157]


def _read_overrides(stream: Stream, kind: bytes, size: int) -> dict[str, str]:
    """What a PAX or GNU header says about the next member: its path, its size."""
    if size > MAX_HEADER_BYTES:
        raise RefusedError("container_unsafe", f"archive header of {size} bytes")
    text = stream.read(size + -size % RECORD)[:size]
    if kind == _GNU_NAME:
        return {"path": _text(text)}
    if kind != _PAX:
        return {}
    overrides = {}
    while text:
        length, _, _ = text.partition(b" ")
        n_bytes = _decimal(length.decode("latin-1"))
        if not len(length) < n_bytes <= len(text):
            raise RefusedError("bad_container", "unreadable PAX header")
        key, _, value = text[len(length) + 1 : n_bytes - 1].partition(b"=")
        overrides[_text(key)] = _text(value)
        text = text[n_bytes:]
    if any(key.startswith("GNU.sparse.") for key in overrides):
        raise RefusedError("bad_container", "a sparse member")
    return {key: value for key, value in overrides.items() if key in ("path", "size")}


def _number(text: bytes) -> int:
    """A number field: octal digits, or base 256 where the first bit is set (GNU)."""
    if text[0] == 0x80:
        return int.from_bytes(text[1:], "big")
    digits = text.strip(b" \0")
    if not re.fullmatch(rb"[0-7]*", digits):
        raise RefusedError("bad_container", "unreadable number in an archive header")
    return int(digits or b"0", 8)


def _decimal(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise RefusedError("bad_container", "unreadable number in an archive header")
    return int(text)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
