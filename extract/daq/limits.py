"""Bounds of the parser; settings may change them, the defaults are the contract."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on what one detector file may hold.

    ``max_line_bytes`` without the line feed; ``max_time_from_name_s`` between an event and the time in the file name;
    ``max_uncompressed_bytes`` of decompressed text, ``max_uncompressed_hld_bytes`` of HLD; ``max_ratio`` of output to
    input counts above ``ratio_free_bytes`` of output, ``max_ratio_large`` above ``large_bytes`` (HLD only: text ends
    before), so that a small file never costs more than seconds; ``held_bytes`` is kept in memory, larger contents are
    read twice.
    Of HLD: ``hld_cts_words`` is the place of the TDC header behind the word that opens the data, ``hld_min_edges`` the
    number of leading edges from which a channel gives fine-time limits of its own.
    """

    max_line_bytes: int = 4096
    max_time_from_name_s: int = 86_400
    max_uncompressed_bytes: int = 1024 * MIB
    max_uncompressed_hld_bytes: int = 4096 * MIB
    max_ratio: int = 500
    ratio_free_bytes: int = 64 * MIB
    max_ratio_large: int = 50
    large_bytes: int = 1280 * MIB
    max_members: int = 16
    held_bytes: int = 64 * MIB
    hld_cts_words: int = 14
    hld_min_edges: int = 2000


DEFAULT_LIMITS = Limits()
