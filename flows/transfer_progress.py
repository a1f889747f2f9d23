"""How a fetch from the stations shows itself: bars on a terminal, a plain line every ten seconds in a log."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import shown
from extract.transfer.sftp.station import Watch
from flows.console import PLAIN_EVERY_S, err


@contextmanager
def transfer_progress(title: str, is_quiet: bool = False) -> Iterator[Watch]:
    """Someone to be told how a fetch goes on."""
    if is_quiet:
        yield Watch()
    elif err.is_terminal:
        with _Bars() as bars:
            yield Watch(bars.on_listed, bars.on_bytes, bars.on_file)
    else:
        lines = _Lines(title)
        yield Watch(lines.on_listed, lines.on_bytes, lines.on_file)


class _Bars(Progress):
    """A bar for each station and source with bytes, rate and time left."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[files]} of {task.fields[n_files]} files"),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[name]}", style="dim", markup=False),
            console=err,
            transient=True,
        )
        self._bars: dict[Endpoint, TaskID] = {}

    def on_listed(self, endpoint: Endpoint, n_files: int, n_bytes: int) -> None:
        text = f"{endpoint.station_code} {endpoint.source}"
        self._bars[endpoint] = self.add_task(text, total=n_bytes, files=0, n_files=n_files, name="")

    def on_bytes(self, endpoint: Endpoint, n_bytes: int) -> None:
        self.advance(self._bars[endpoint], n_bytes)

    def on_file(self, endpoint: Endpoint, name: str) -> None:
        bar = self._bars[endpoint]
        self.update(bar, files=self.tasks[self.task_ids.index(bar)].fields["files"] + 1, name=shown(name)[-30:])


class _Lines:
    """All stations in one line, every ten seconds."""

    def __init__(self, title: str) -> None:
        self._title, self._lock = title, threading.Lock()
        self._started = self._said = time.monotonic()
        self._files = self._n_files = self._bytes = self._n_bytes = 0

    def on_listed(self, endpoint: Endpoint, n_files: int, n_bytes: int) -> None:
        with self._lock:
            self._n_files += n_files
            self._n_bytes += n_bytes

    def on_bytes(self, endpoint: Endpoint, n_bytes: int) -> None:
        with self._lock:
            self._bytes += n_bytes
            self._say()

    def on_file(self, endpoint: Endpoint, name: str) -> None:
        with self._lock:
            self._files += 1
            self._say()

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._said < PLAIN_EVERY_S:
            return
        self._said = now
        rate = self._bytes / (now - self._started)
        left_s = max(self._n_bytes - self._bytes, 0) / rate if rate else 0.0
        err.print(
            f"{self._title}: {self._files} of {self._n_files} files, {self._bytes / 1e6:,.1f} of"
            f" {self._n_bytes / 1e6:,.1f} MB, {rate / 1e6:.1f} MB/s, {left_s:,.0f} s left",
            highlight=False,
            markup=False,
        )
