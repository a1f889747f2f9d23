"""Speed of the HLD decoder beside that of the text parser, on the same events."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from extract.daq.container import open_content
from extract.daq.hld.read import parse_hld_bytes
from extract.daq.hld.text import text_of_hld
from extract.daq.name import BadNameError, RawName, parse_name
from extract.daq.parser import parse_bytes
from simulate.file import simulate_file
from simulate.hld import render_hld


@dataclass(frozen=True)
class HldTiming:
    """Medians over the repeats, seconds of the processor, for the same events from memory; sizes in bytes."""

    source: str
    n_events: int
    n_hld_bytes: int
    n_text_bytes: int
    hld_s: float
    text_s: float


class NoEventsError(ValueError):
    """A file without an event to time."""


def bench_hld(file: Path | None, n_events: int, repeats: int) -> HldTiming:
    """Time HLD and text in alternation, each to Arrow tables with every check; one run of both does not count.

    Raises
    ------
    NoEventsError
        When the file is no HLD file of ours with events.
    OSError
        When it cannot be read.
    """
    name, content = _simulate(n_events) if file is None else _read(file)
    found = parse_hld_bytes(content, name).counters.n_events
    if not found:
        raise NoEventsError(f"{file}: no events; give an HLD file of a station")
    text = b"".join(text_of_hld(content))
    readers: list[Callable[[], object]] = [lambda: parse_hld_bytes(content, name), lambda: parse_bytes(text, name)]
    seconds: list[list[float]] = [[], []]
    for repeat in range(repeats + 1):
        for reader, times in zip(readers, seconds, strict=True):
            started = time.process_time()
            reader()
            if repeat:
                times.append(time.process_time() - started)
    source = "simulated" if file is None else file.name
    return HldTiming(source, found, len(content), len(text), median(seconds[0]), median(seconds[1]))


def _simulate(n_events: int) -> tuple[RawName, bytes]:
    file = simulate_file(n_events, layout="production")
    block = file.block
    hld = render_hld(np.random.default_rng(1), block.time_s, block.trigger, block.values)
    return parse_name(f"{file.base_name}.hld"), hld.content


def _read(file: Path) -> tuple[RawName, bytes]:
    try:
        name = parse_name(file.name)
    except BadNameError as error:
        raise NoEventsError(str(error)) from error
    content = open_content(file, name)
    if content.status:
        raise NoEventsError(f"{file}: {content.status}: {content.detail}")
    return name, b"".join(content.segments())
