"""Bounds of the parser; settings may change them, the defaults are the contract."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on what one detector file may hold.

    ``max_line_bytes`` without the line feed; ``max_time_from_name_s`` between an event and the time in the file name;
    ``max_uncompressed_bytes`` of decompressed output; ``max_ratio`` of output to input counts above
    ``ratio_free_bytes`` of output; ``held_bytes`` is kept in memory, larger contents are read twice.
    """

    max_line_bytes: int = 4096
    max_time_from_name_s: int = 86_400
    max_uncompressed_bytes: int = 1024 * MIB
    max_ratio: int = 500
    ratio_free_bytes: int = 64 * MIB
    max_members: int = 16
    held_bytes: int = 64 * MIB


DEFAULT_LIMITS = Limits()
