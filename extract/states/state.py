"""The state of a source file, from facts about where it lies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["dat", "hld", "log", "era5", "nmdb", "logbook", "unknown"]
KINDS: tuple[Kind, ...] = ("dat", "hld", "log", "era5", "nmdb")

State = Literal[
    "remote",
    "acquired",
    "extracted",
    "transformed",
    "published",
    "stale",
    "inconsistent",
    "rejected",
    "quarantined",
]
STATES: tuple[State, ...] = (
    "remote",
    "acquired",
    "extracted",
    "transformed",
    "published",
    "stale",
    "inconsistent",
    "rejected",
    "quarantined",
)
"""In the order of the way, then what stands beside it."""

LakeWord = Literal["absent", "current", "old_parser", "inconsistent"]
"""What the lake holds of a file: nothing that counts, all of it, that of an older parser, pieces of two contents."""


@dataclass(frozen=True)
class FileState:
    """One source file: all versions and containers of a detector file, or one landing file of another kind.

    ``name`` is the base name of a detector file, else the file name; ``file_time`` (UTC, naive) is when it begins by
    its name, else when it was changed last at its source. ``size_bytes`` adds up what lies in landing (remote: there).
    ``sources`` are paths below landing. ``is_transformed`` and ``is_published`` are None where it is not known or has
    no meaning. ``reason`` says why it is rejected, quarantined or was not extracted.
    """

    station_id: int | None
    kind: Kind
    name: str
    state: State
    file_time: datetime | None
    size_bytes: int
    sources: tuple[str, ...] = ()
    reason: str = ""
    is_remote: bool = False
    is_in_lake: bool = False
    is_transformed: bool | None = None
    is_published: bool | None = None


def judge(
    *,
    is_quarantined: bool,
    is_landed: bool,
    lake: LakeWord,
    has_events: bool,
    is_transformed: bool | None,
    is_published: bool | None,
    is_lineage_old: bool,
) -> State:
    """The one state of a file of which several may be said: what an operator has to see comes first."""
    if is_quarantined:
        return "quarantined"
    if lake == "inconsistent":
        return "inconsistent"
    if lake == "absent":
        return "acquired" if is_landed else "remote"
    if lake == "old_parser" or is_lineage_old:
        return "stale"
    if not has_events:
        return "rejected"
    if is_published:
        return "published"
    return "transformed" if is_transformed else "extracted"
