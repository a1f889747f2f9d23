"""The content of an HLD file as 32-bit words of either byte order."""

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import Flags, Integers

WORD_BYTES = 4

BATCH_WORDS = 1 << 19
"""Words that are looked at in one go: the arrays made of them stay near the processor, whatever the size of a file."""

Words32 = NDArray[np.uint32]


class Words:
    """A content of any length; ``raw`` are its whole words as little-endian, ``n_bytes`` counts all of it."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.n_bytes = len(content)
        self.n_words = self.n_bytes // WORD_BYTES
        self.raw: Words32 = np.frombuffer(content, "<u4", self.n_words) if self.n_words else np.zeros(0, np.uint32)

    def read(self, place: Integers, is_big: Flags) -> Words32:
        """The words at ``place`` (n,), in the byte order of each; the last word behind the end."""
        words = self.raw.take(place, mode="clip")
        return np.where(is_big, words.byteswap(), words)

    def tail(self, place: int) -> bytes:
        """All bytes from ``place`` on."""
        return self._content[place * WORD_BYTES :]

    def dump(self, place: int, n_words: int) -> bytes:
        """The first 64 words of a record in hexadecimal, byte by byte as they stand in the file."""
        last = min(place + min(n_words, 64), self.n_words)
        return self._content[place * WORD_BYTES : last * WORD_BYTES].hex(" ", -WORD_BYTES).encode()
