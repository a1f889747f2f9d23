"""Opening a landing file: plain, gzip, or one file in a gzipped archive, by content, as a stream within limits."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.name import BadNameError, RawName, parse_name
from extract.daq.tar import RECORD, RefusedError, Stream, TarMember, is_tar
from warehouse.files import CHUNK_BYTES, sha256_of_file

SEGMENT_BYTES = 8 << 20

_GZIP = b"\x1f\x8b"
_OTHER_CONTAINERS = (_GZIP, b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c")


@dataclass(frozen=True)
class FileFacts:
    """Sizes (bytes) and SHA-256 of a landing file and of its content, and the kind of container found."""

    container: str
    content_sha256: str
    content_size_bytes: int
    file_sha256: str
    file_size_bytes: int


@dataclass(frozen=True)
class Content:
    """A landing file that was read once from end to end.

    ``kind`` is ``dat`` or ``hld``. ``status`` is None, or why the container is refused, with ``detail``.
    """

    path: Path
    name: RawName
    facts: FileFacts
    kind: str
    limits: Limits
    held: tuple[bytes, ...] | None = None
    status: str | None = None
    detail: str | None = None

    def segments(self) -> Iterator[bytes]:
        """The decompressed content; large contents are read again, so nothing above the limits is ever held."""
        pieces = _Opened(self.path, self.name, self.limits).pieces() if self.held is None else self.held
        yield from _gathered(pieces)

    def head(self, n_bytes: int) -> bytes:
        """The first bytes of the content."""
        return Stream(self.segments()).peek(n_bytes)


def open_content(path: Path, name: RawName, limits: Limits = DEFAULT_LIMITS) -> Content:
    """Read a landing file once, checking its container; nothing is written anywhere.

    Raises
    ------
    OSError
        When the operating system cannot read the file.
    """
    opened = _Opened(path, name, limits)
    digest = hashlib.sha256()
    size = 0
    held: list[bytes] | None = []
    status = detail = None
    try:
        for piece in opened.pieces():
            digest.update(piece)
            size += len(piece)
            if held is not None:
                held.append(piece)
            if size > limits.held_bytes:
                held = None
    except RefusedError as error:
        status, detail, held = error.status, error.detail, None
    if status is None:
        facts = FileFacts(
            opened.container, digest.hexdigest(), size, opened.file_digest.hexdigest(), opened.file_size_bytes
        )
    else:
        file_sha256 = sha256_of_file(path)
        facts = FileFacts(opened.container, file_sha256, path.stat().st_size, file_sha256, path.stat().st_size)
    pieces = None if held is None else tuple(held)
    return Content(path, name, facts, opened.kind or "dat", limits, pieces, status, detail)


class _Opened:
    """One pass over a landing file."""

    def __init__(self, path: Path, name: RawName, limits: Limits) -> None:
        self.container = "plain"
        self.kind = name.kind
        self.file_digest = hashlib.sha256()
        self.file_size_bytes = 0
        self._path, self._name, self._limits = path, name, limits
        self._max_bytes = limits.max_uncompressed_hld_bytes if name.kind == "hld" else limits.max_uncompressed_bytes

    def pieces(self) -> Iterator[bytes]:
        """The decompressed content.

        Raises
        ------
        RefusedError
            As soon as the container turns out to be unsafe, too large or broken.
        """
        stream = Stream(self._file_pieces())
        if stream.peek(len(_GZIP)) != _GZIP:
            self._refuse_other_containers(stream.peek(RECORD))
            if is_tar(stream.peek(RECORD)):
                raise RefusedError("bad_container", "an archive that is not gzipped")
            yield from _limited(stream.pieces(), self._max_bytes)
            return
        self.container = "gz"
        stream = Stream(_limited(_gunzip(stream.pieces(), self._limits), self._max_bytes))
        if not is_tar(stream.peek(RECORD)):
            self._refuse_other_containers(stream.peek(RECORD))
            yield from stream.pieces()
            return
        self.container = "tar_gz"
        member = TarMember(stream, self._limits.max_members, may_be_absolute=self._name.kind == "hld")
        yield from member.pieces()
        self._check_member(member.name or "")

    def _file_pieces(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                self.file_digest.update(piece)
                self.file_size_bytes += len(piece)
                yield piece

    def _refuse_other_containers(self, first_bytes: bytes) -> None:
        if first_bytes.startswith(_OTHER_CONTAINERS):
            raise RefusedError("bad_container", f"starts with {first_bytes[:6]!r}")

    def _check_member(self, member: str) -> None:
        try:
            name = parse_name(member)
        except BadNameError as error:
            raise RefusedError("bad_container", f"member {error}") from error
        if name.file_id != self._name.file_id:
            raise RefusedError("bad_container", f"member {name.file_name} is another file")
        self.kind = self._name.kind or name.kind


def _limited(pieces: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Pass the pieces on until there are too many bytes of them."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise RefusedError("too_large", f"more than {max_bytes} bytes of content")
        yield piece


def _gunzip(pieces: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """Decompress gzip, one or more members, refusing broken streams and disproportionate output."""
    n_in = n_out = 0
    decoder = zlib.decompressobj(wbits=31)
    is_between_members = False
    for piece in pieces:
        data = piece
        while data:
            if is_between_members:
                data = data.lstrip(b"\0")
                if not data:
                    break
                decoder, is_between_members = zlib.decompressobj(wbits=31), False
            try:
                output = decoder.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise RefusedError("bad_container", f"gzip: {error}") from error
            left = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            n_in += len(data) - len(left)
            n_out += len(output)
            if n_out > n_in * _allowed_ratio(n_out, limits):
                raise RefusedError("container_unsafe", f"{n_out} bytes out of {n_in}")
            if output:
                yield output
            data, is_between_members = left, decoder.eof
    rest = decoder.flush()
    if not _is_complete(decoder):
        raise RefusedError("bad_container", "gzip: the stream ends too early")
    if rest:
        yield rest


def _allowed_ratio(n_out: int, limits: Limits) -> float:
    if n_out <= limits.ratio_free_bytes:
        return inf
    return limits.max_ratio if n_out <= limits.large_bytes else limits.max_ratio_large


def _is_complete(decoder: "zlib._Decompress") -> bool:
    return decoder.eof


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces as larger segments."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= SEGMENT_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
