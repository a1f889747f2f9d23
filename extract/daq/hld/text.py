"""HLD as the text the station writes of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extract.daq.bulk import PRODUCTION, VALUE, Integers
from extract.daq.container import open_content
from extract.daq.hld.fine import FineLimits
from extract.daq.hld.read import Decoded, decode, given_limits
from extract.daq.hld.words import Words
from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.name import parse_name
from extract.daq.sample import fits_field, write_rows
from warehouse.files import replacing

_SEPARATORS = PRODUCTION.template.split(VALUE)[1:]


class UnreadableHldError(ValueError):
    """A file that is no HLD or cannot be opened; the message says what it is and why."""


def hld_to_dat(path: Path, folder: Path | None = None, *, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Write the station's text of an HLD file, plain or compressed, as ``<base_name>.dat``; returns its path.

    Parameters
    ----------
    folder
        Where to write; beside the HLD file by default. A text of that name is replaced.

    Events that give no row in the lake give no row here either.

    Raises
    ------
    UnreadableHldError
        When the file holds no HLD.
    BadNameError
        When its name is not that of a detector file.
    OSError
        When a file cannot be read or written.
    """
    name = parse_name(path.name)
    content = open_content(path, name, limits)
    if content.status or content.kind != "hld":
        raise UnreadableHldError(f"{path}: {content.status or 'bad_container'}: {content.detail or 'it holds text'}")
    target = (folder or path.parent) / f"{name.base_name}.dat"
    try:
        rows = text_of_hld(b"".join(content.segments()), given_limits(name), limits)
    except UnreadableHldError as error:
        raise UnreadableHldError(f"{path}: {error}") from error
    with replacing(target) as temporary, temporary.open("wb") as stream:
        stream.writelines(rows)
    return target


def text_of_hld(
    content: bytes, fine_limits: FineLimits | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[bytes]:
    """The rows of HLD in memory as text, batch by batch; with ``fine_limits`` or, without, those of the content.

    Raises
    ------
    UnreadableHldError
        When no word of it looks like an event header.
    """
    decoded = decode(Words(content), limits)
    if decoded is None:
        raise UnreadableHldError("no event header in it, so it is no HLD file")
    return _text_of(decoded, fine_limits or decoded.own_limits(limits))


def _text_of(decoded: Decoded, fine: FineLimits) -> Iterator[bytes]:
    fine_ns = fine.fine_ns()
    for batch in decoded.batches:
        yield _rows(batch.decimals(fine_ns).astype(np.int64), batch.seconds, batch.trigger_type)


def _rows(decimals: Integers, seconds: Integers, trigger_type: NDArray[np.int8]) -> bytes:
    """The text of rows of values in units of 0.0001 ns, (n, 64); values too wide for their field make a row longer."""
    wide = np.flatnonzero(~fits_field(decimals).all(axis=1))
    narrow = decimals.copy() if len(wide) else decimals
    narrow[wide] = 0
    rows = write_rows(narrow, seconds, trigger_type)
    if not len(wide):
        return rows
    n_bytes = PRODUCTION.line_bytes
    lines = [rows[at : at + n_bytes] for at in range(0, len(rows), n_bytes)]
    for row in wide.tolist():
        pairs = zip(decimals[row].tolist(), _SEPARATORS, strict=True)
        values = "".join(f"{value / 10_000:09.4f}{separator}" for value, separator in pairs)
        lines[row] = lines[row][: PRODUCTION.first_value] + values.encode()
    return b"".join(lines)
