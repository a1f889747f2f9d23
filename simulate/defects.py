"""What goes wrong in detector files, on purpose and counted.

A defect is either in the values (the row stays well-formed and is accepted) or in the text. Each line knows its defect,
the reason under which it must be rejected and the recovery word it must carry otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulate.event import EventBlock
from simulate.geometry import N_PLANES, N_STRIPS
from simulate.response import TICKS_PER_NS, Offsets

N_TOKENS = 71
FIRST_VALUE = 7
OVER_LONG_BYTES = 5_000
DUPLICATED_ROWS = 5

REASON: dict[str, str | None] = {
    "glued_negative": None,
    "x_prefix": None,
    "x_joined": None,
    "unknown_trigger": None,
    "noise_hit": None,
    "no_trailing": None,
    "no_leading": None,
    "time_back": None,
    "duplicated_block": None,
    "truncated": "truncated",
    "extra_tokens": "extra_columns",
    "malformed_number": "malformed_number",
    "bad_date": "bad_date",
    "blank": "blank",
    "non_finite": "non_finite",
    "non_text": "non_text",
    "over_long": "over_long_line",
    "truncated_last": "truncated",
}
"""Defect and the reason it must be rejected for; None: the row is accepted."""

RECOVERY = {"glued_negative": "glued_negative", "x_prefix": "x_prefix", "x_joined": "x_joined"}
VALUE_DEFECTS = ("unknown_trigger", "noise_hit", "no_trailing", "no_leading", "time_back")
USUAL = tuple(name for name in REASON if name != "truncated_last")
BAD_DATES = (b"0000 ", b"2025 13 ", b"2025 01 32 ", b"2025 02 30 ")


@dataclass(frozen=True)
class Lines:
    """The lines of a file: content, and for each line its event (-1: none) and defect ("" : none)."""

    content: bytes
    event: NDArray[np.int64]
    defect: list[str]


def choose(rng: np.random.Generator, n_events: int, share: float, kinds: Sequence[str] = USUAL) -> dict[int, str]:
    """Defective rows: each row with probability ``share``, the kinds evenly in turn from a random start.

    Raises
    ------
    ValueError
        When a kind is not known.
    """
    unknown = set(kinds) - set(REASON)
    if unknown:
        raise ValueError(f"unknown defects {sorted(unknown)}; known are {sorted(REASON)}")
    rows = np.flatnonzero(rng.random(n_events) < share)
    first = int(rng.integers(len(kinds))) if kinds else 0
    return {int(row): kinds[(first + k) % len(kinds)] for k, row in enumerate(rows)} if kinds else {}


def apply_to_values(
    rng: np.random.Generator, block: EventBlock, chosen: dict[int, str], offsets: Offsets
) -> tuple[EventBlock, dict[int, str]]:
    """Apply the defects in values; those that find nothing to spoil in their row are dropped from the choice."""
    values, trigger, time_s = block.values.copy(), block.trigger.copy(), block.time_s.copy()
    done: dict[int, str] = {}
    for row, kind in chosen.items():
        view = values[row].reshape(N_PLANES, 4, N_STRIPS)
        ok = True
        if kind == "unknown_trigger":
            trigger[row] = 3
        elif kind == "time_back":
            time_s[row] -= int(rng.integers(5, 60))
        elif kind == "noise_hit":
            ok = _add_noise(rng, view, offsets)
        elif kind in ("no_trailing", "no_leading"):
            ok = _lose_edge(rng, view, kind)
        if ok:
            done[row] = kind
    return replace(block, values=values, trigger=trigger, time_s=time_s), done


def _add_noise(rng: np.random.Generator, view: NDArray[np.int32], offsets: Offsets) -> bool:
    free = np.argwhere((view == 0).all(axis=1))
    seen = view[:, 0][view[:, 0] != 0]
    if not len(free) or not len(seen):
        return False
    block, strip = free[rng.integers(len(free))]
    plane = N_PLANES - 1 - block
    time = float(seen[0]) / TICKS_PER_NS + rng.uniform(-40.0, 40.0)
    width = 1.0 + rng.exponential(10.0)
    half = rng.uniform(-0.5, 0.5)
    charges = (offsets.q_front[plane, strip] + width, offsets.q_back[plane, strip] + width)
    view[block, :, strip] = np.rint(np.array([time - half, time + half, *charges]) * TICKS_PER_NS)
    return True


def _lose_edge(rng: np.random.Generator, view: NDArray[np.int32], kind: str) -> bool:
    both = np.argwhere((view[:, :2] != 0) & (view[:, 2:] != 0))
    if not len(both):
        return False
    block, side, strip = both[rng.integers(len(both))]
    if kind == "no_trailing":
        view[block, 2 + side, strip] = -view[block, side, strip]
    else:
        view[block, side, strip] = 0
    return True


def spoil_line(rng: np.random.Generator, line: bytes, kind: str) -> list[bytes] | None:
    """The line or lines (without line feed) that stand for a row with a defect; None when it cannot have it."""
    tokens = line.split()
    if kind == "glued_negative":
        places = [k for k in range(FIRST_VALUE + 1, N_TOKENS) if tokens[k].startswith(b"-")]
        if not places:
            return None
        k = places[int(rng.integers(len(places)))]
        return [b" ".join([*tokens[: k - 1], tokens[k - 1] + tokens[k], *tokens[k + 1 :]])]
    if kind == "x_prefix":
        return [b"X" + line]
    if kind == "x_joined":
        return [b" ".join(tokens[: int(rng.integers(8, 60))]) + b"X" + line]
    if kind in ("truncated", "truncated_last"):
        return [b" ".join(tokens[: int(rng.integers(8, 70))])]
    if kind == "extra_tokens":
        return [line + b" 0000.0000" * int(rng.integers(1, 5))]
    if kind in ("malformed_number", "non_finite"):
        k = int(rng.integers(FIRST_VALUE, N_TOKENS))
        bad = (b"nan", b"-inf", b"Infinity")[int(rng.integers(3))] if kind == "non_finite" else tokens[k] + b".19"
        return [b" ".join([*tokens[:k], bad, *tokens[k + 1 :]])]
    if kind == "bad_date":
        date = BAD_DATES[int(rng.integers(len(BAD_DATES)))]
        return [date + line[len(date) :]]
    if kind == "blank":
        return [b"", line]
    if kind == "over_long":
        return [b"7" * OVER_LONG_BYTES, line]
    if kind == "non_text":
        k = int(rng.integers(len(line)))
        return [line[:k] + b"\xff" + line[k + 1 :]]
    return [line]


def assemble(
    rng: np.random.Generator, rows: NDArray[np.uint8] | list[bytes], chosen: dict[int, str], header: bytes = b""
) -> Lines:
    """Put the lines of a file together; healthy rows are copied in blocks.

    Parameters
    ----------
    rows
        All rows with line feed, as an array of one width or a list.
    header
        Comment line with its line feed, or nothing.
    """
    pieces: list[bytes | memoryview] = [header]
    events: list[NDArray[np.int64]] = [np.full(1 if header else 0, -1)]
    marks: list[tuple[int, str]] = []
    n_lines = 1 if header else 0
    done = 0
    healthy_from = 0

    def copy(low: int, high: int) -> None:
        nonlocal n_lines
        part = rows[low:high]
        pieces.append(b"".join(part) if isinstance(part, list) else part.reshape(-1).data)
        events.append(np.arange(low, high))
        n_lines += high - low

    last = len(rows) - 1
    for row, kind in sorted(chosen.items()):
        copy(done, row)
        done = row + 1
        line = bytes(rows[row])[:-1]
        if kind == "duplicated_block":
            copy(row, row + 1)
            low = max(healthy_from, row - DUPLICATED_ROWS + 1)
            marks += [(n_lines + k, kind) for k in range(row + 1 - low)]
            copy(low, row + 1)
            healthy_from = row + 1
            continue
        spoiled = spoil_line(rng, line, kind)
        if spoiled is None:
            copy(row, row + 1)
            continue
        end = b"" if kind == "truncated_last" and row == last else b"\n"
        pieces.append(b"\n".join(spoiled) + end)
        events.append(np.array([-1] * (len(spoiled) - 1) + [row]))
        marks.append((n_lines, kind))
        n_lines += len(spoiled)
        healthy_from = row + 1
    copy(done, len(rows))
    defect = [""] * n_lines
    for place, kind in marks:
        defect[place] = kind
    return Lines(b"".join(pieces), np.concatenate(events).astype(np.int64), defect)


def count_rejects(lines: Lines) -> dict[str, int]:
    """Number of lines to be rejected by reason."""
    counts: dict[str, int] = {}
    for kind in lines.defect:
        reason = REASON[kind] if kind else None
        if reason is not None:
            counts[reason] = counts.get(reason, 0) + 1
    return counts
