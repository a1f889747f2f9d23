"""The content of an HLD file as 32-bit words of either byte order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Integers

WORD_BYTES = 4
_PADDING = b"\0" * 64

Words32 = NDArray[np.uint32]


@dataclass(frozen=True)
class Words:
    """``raw`` as little-endian words, with zeros behind the end of the content.

    ``n_bytes`` of content; ``odd_bytes`` are those behind the last whole word, which are in no word.
    """

    raw: Words32
    n_bytes: int
    odd_bytes: bytes = b""

    @classmethod
    def of(cls, content: bytes) -> "Words":
        """The words of a content of any length."""
        whole = len(content) // WORD_BYTES * WORD_BYTES
        return cls(np.frombuffer(content[:whole] + _PADDING, "<u4"), len(content), content[whole:])

    @property
    def n_words(self) -> int:
        """Whole words of content."""
        return self.n_bytes // WORD_BYTES

    def read(self, place: Integers, is_big: Flags) -> Words32:
        """The words at ``place`` (n,), in the byte order of each; zero behind the end."""
        words = self.raw.take(place, mode="clip")
        return np.where(is_big, words.byteswap(), words)

    def tail(self, place: int) -> bytes:
        """All bytes from ``place`` on."""
        return self.raw[place : self.n_words].tobytes() + self.odd_bytes

    def dump(self, place: int, n_words: int) -> bytes:
        """The first 64 words of a record in hexadecimal, byte by byte as they stand in the file."""
        last = min(place + min(n_words, 64), self.n_words)
        return self.raw[place:last].tobytes().hex(" ", WORD_BYTES).encode()
