"""HLD to the same Arrow tables as detector text: the station's own export of the same events gives the same rows.

The content is read twice in one go: first every edge as whole numbers, then, once the fine-time limits of the file are
known, their times. Both work on batches of events that fit the processor's cache.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from extract.daq.block import BlockEvents
from extract.daq.bulk import Integers
from extract.daq.container import Content, FileFacts, open_content
from extract.daq.counters import HldCounters
from extract.daq.hld.batch import Batch, cut_event, decode_batch
from extract.daq.hld.fine import FineLimits, limits_of_file, limits_of_seed, n_fine_over
from extract.daq.hld.tdc import N_CHANNELS, N_CODES
from extract.daq.hld.walk import walk
from extract.daq.hld.words import BATCH_WORDS, Words
from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.line import Reject
from extract.daq.name import BadNameError, RawName, parse_name
from extract.daq.reading import RawResult, Reading


def parse_hld(path: Path, expected_station: int | None = None, *, limits: Limits = DEFAULT_LIMITS) -> RawResult:
    """Read an HLD file, plain or compressed.

    Parameters
    ----------
    expected_station
        The station the file must belong to by its name; None to accept any.

    Raises
    ------
    OSError
        When the operating system cannot read the file; never because of what is in it.
    """
    try:
        name = parse_name(path.name)
    except BadNameError as error:
        return RawResult("bad_name", None, str(error))
    if name.kind == "dat":
        return RawResult("bad_name", name, f"{name.file_name} is not an HLD file")
    if expected_station is not None and name.station_id != expected_station:
        return RawResult("wrong_station", name, f"{name.file_name} is of station {name.station_id}")
    return parse_hld_content(open_content(path, name, limits))


def parse_hld_content(content: Content) -> RawResult:
    """Read the HLD of a landing file that was opened; its fine-time limits come from the seed where it has some."""
    name = content.name
    if content.status:
        return RawResult(content.status, name, content.detail, content.facts)
    if content.kind != "hld":
        return RawResult("bad_container", name, "the archive holds text", content.facts)
    data = b"".join(content.segments())
    return parse_hld_bytes(data, name, content.facts, limits=content.limits, fine_limits=given_limits(name))


def given_limits(name: RawName) -> FineLimits | None:
    """Fine-time limits that the seed gives for the station and day of a file."""
    return limits_of_seed(name.station_id, name.start_time.date())


def parse_hld_bytes(
    content: bytes,
    name: RawName,
    facts: FileFacts | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    fine_limits: FineLimits | None = None,
) -> RawResult:
    """Read HLD in memory, with ``fine_limits`` or, without, those of the content itself."""
    if not content:
        return RawResult("empty_file", name, facts=facts)
    decoded = decode(Words(content), limits)
    if decoded is None:
        return RawResult("binary_file", name, "no event header", facts)
    fine = fine_limits or decoded.own_limits(limits)
    counters = decoded.counters
    counters.hld_limits_source, counters.detail_hld = fine.source, fine.detail
    reading = Reading(name, limits)
    for block in decoded.blocks(fine):
        reading.add(block)
    if decoded.cut:
        reading.reject_line(decoded.cut)
    return reading.finish(facts, counters)


@dataclass
class Decoded:
    """All events of a content as whole numbers, the count of its edges by fine code, and its counters.

    ``cut`` is the event after them that the end of the file cuts.
    """

    counters: HldCounters
    batches: list[Batch] = field(default_factory=list)
    n_by_code: Integers = field(default_factory=lambda: np.zeros((N_CHANNELS, N_CODES, 2), np.int64))
    cut: Reject | None = None

    def own_limits(self, limits: Limits = DEFAULT_LIMITS) -> FineLimits:
        """The fine-time limits of the content itself."""
        return limits_of_file(self.n_by_code, limits.hld_min_edges)

    def blocks(self, fine: FineLimits) -> Iterator[BlockEvents]:
        """The events with their values in ns, batch by batch."""
        fine_ns = fine.fine_ns()
        for batch in self.batches:
            yield BlockEvents(
                n_lines=batch.n_lines,
                event_number=batch.event_number,
                seconds=batch.seconds,
                trigger_type=batch.trigger_type,
                values=batch.values(fine_ns),
                rejects=batch.rejects,
            )


def decode(words: Words, limits: Limits = DEFAULT_LIMITS) -> Decoded | None:
    """Read all events of a content; None where no word of it looks like an event header."""
    events = walk(words)
    if not events.has_headers:
        return None
    counters = HldCounters(n_hld_empty=events.n_empty, n_hld_other_id=events.n_other_id, n_hld_resync=events.n_resync)
    decoded = Decoded(counters)
    marks = np.arange(0, words.n_words + BATCH_WORDS, BATCH_WORDS)
    for first, last in pairwise(np.unique(np.searchsorted(events.place, marks)).tolist()):
        batch = decode_batch(words, events, slice(first, last), limits.hld_cts_words)
        decoded.batches.append(batch)
        decoded.n_by_code += batch.edges.count_codes()
        counters.n_hld_other_offset += batch.n_other_offset
        counters.n_hld_type_mismatch += batch.n_type_mismatch
    if events.cut is not None:
        decoded.cut = cut_event(words, events.cut)
    counters.n_hld_fine_over = n_fine_over(decoded.n_by_code)
    return decoded
