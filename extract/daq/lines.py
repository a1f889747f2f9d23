"""Cutting a stream of segments into blocks of whole lines, without copying more than a line a segment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BLOCK_BYTES = 3 << 19
"""Size of a block: the arrays made from it stay in the processor's second cache."""

KEPT_BYTES = 1024
"""Bytes of a long line that are stored."""

_WHITE = frozenset(b" \t\r\v\f")


@dataclass(frozen=True)
class LongLine:
    """A line that outgrew the limit across segments: its first bytes, its length and its number of tokens."""

    head: bytes
    n_bytes: int
    n_tokens: int


class _Carry:
    """The unfinished line at the end of a segment; once longer than the limit only its size and head are kept."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._text = b""
        self._n_bytes = 0
        self._n_tokens = 0
        self._in_token = False

    def __bool__(self) -> bool:
        return self._n_bytes > 0

    def add(self, piece: bytes) -> None:
        if not piece:
            return
        self._n_bytes += len(piece)
        continues = self._in_token and piece[0] not in _WHITE
        self._n_tokens += len(piece.split()) - continues
        self._in_token = piece[-1] not in _WHITE
        room = self._max_line_bytes + 1 - len(self._text)
        self._text += piece[:room]

    def take(self) -> bytes | LongLine:
        """The finished line, leaving nothing behind."""
        is_long = self._n_bytes > self._max_line_bytes
        line = LongLine(self._text[:KEPT_BYTES], self._n_bytes, self._n_tokens) if is_long else self._text
        self._text, self._n_bytes, self._n_tokens, self._in_token = b"", 0, 0, False
        return line


def line_blocks(segments: Iterable[bytes], max_line_bytes: int) -> Iterator[memoryview | LongLine]:
    """Yield blocks of whole lines, each line with its line feed except perhaps the last of the stream.

    Lines longer than ``max_line_bytes`` that reach over a segment come as `LongLine`; inside a block lines may have
    any length. Memory is bounded by the segments given.
    """
    carry = _Carry(max_line_bytes)
    for segment in segments:
        start = 0
        if carry:
            end = segment.find(b"\n") + 1
            carry.add(segment[: end - 1] if end else segment)
            if not end:
                continue
            line = carry.take()
            yield line if isinstance(line, LongLine) else memoryview(line + b"\n")
            start = end
        view = memoryview(segment)
        while start < len(segment):
            end = segment.rfind(b"\n", start, start + BLOCK_BYTES) + 1
            end = end or segment.find(b"\n", start) + 1
            if not end:
                carry.add(segment[start:])
                break
            yield view[start:end]
            start = end
    if carry:
        line = carry.take()
        yield line if isinstance(line, LongLine) else memoryview(line)
