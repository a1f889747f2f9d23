"""A station's remote sources as folders of this machine, and a clock that only sleeping and fetching move."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from extract.daq.landing import list_files
from extract.daq.name import parse_name
from extract.daq.schema import RAW_FILE
from extract.transfer.clock import Clock
from extract.transfer.place import place
from extract.transfer.sftp.pending import KIND_OF, Offer, Origin
from extract.transfer.sftp.remote import LostError, RemoteFile
from extract.transfer.sftp.select import Choice
from extract.transfer.sidecar import Sidecar
from warehouse.files import sha256_of_file
from warehouse.lake import list_files as list_lake
from warehouse.settings import Settings

NOW = datetime(2025, 7, 1, 12)


@dataclass
class Time:
    """Seconds of a clock that stands still by itself; ``on_sleep`` is asked while a run lets others pass."""

    seconds: float = 0.0
    slept_s: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    @property
    def clock(self) -> Clock:
        """The clock for the code under test."""
        return Clock(lambda: NOW, lambda: self.seconds, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.slept_s.append(seconds)
        self.on_sleep()


class FolderSupply:
    """Folders by origin; each listing is kept until a fresh one is asked for. ``on_fetch`` sees every name fetched."""

    def __init__(self, settings: Settings, station_id: int, folders: dict[Origin, Path]) -> None:
        self.origins: Sequence[Origin] = list(folders)
        self.folders, self._settings, self._station_id = folders, settings, station_id
        self._listings: dict[Origin, list[str]] = {}
        self.is_down = False
        self.fetched: list[str] = []
        self.on_fetch: Callable[[str], None] = lambda name: None

    def fetchable(self, origin: Origin, *, is_fresh: bool, is_stored: bool) -> Offer:
        """What the listing has and landing and lake lack."""
        if self.is_down:
            raise LostError(f"station-{self._station_id}: no answer")
        listing = self._listings.get(origin)
        if listing is None or is_fresh:
            listing = sorted(path.name for path in self.folders[origin].iterdir())
        if is_stored:
            self._listings[origin] = listing
        paths = self._settings.paths
        landed = {
            (base, file.name.kind)
            for base, files in list_files(paths.landing, self._station_id).groups.items()
            for file in files
        }
        done = {path.name.partition("-")[0] for path in list_lake(paths.lake, RAW_FILE, self._station_id)}
        names = {name: parse_name(name) for name in listing}
        return Offer(
            [
                RemoteFile(name, self._size(self.folders[origin] / name), None)
                for name, raw in names.items()
                if (raw.base_name, KIND_OF[origin]) not in landed and raw.base_name not in done
            ]
        )

    def fetch(self, origin: Origin, files: Sequence[RemoteFile], goes_on: Callable[[], bool]) -> Iterator[Choice]:
        """Copy files into landing."""
        if self.is_down:
            raise LostError(f"station-{self._station_id}: no answer")
        for file in files:
            if not goes_on():
                return
            self.on_fetch(file.name)
            source = self.folders[origin] / file.name
            if not source.exists():
                yield Choice(file, "vanished")
                continue
            raw = parse_name(file.name)
            month = f"{raw.start_time:%Y-%m}"
            folder = self._settings.paths.landing / KIND_OF[origin] / f"station={self._station_id}" / month
            fetched_at = datetime.now(UTC).replace(tzinfo=None)
            sidecar = Sidecar("dat", "folder", str(source), file.size, sha256_of_file(source), fetched_at)
            place(source, folder, file.name, sidecar)
            self.fetched.append(file.name)
            yield Choice(file, "fetched")

    @staticmethod
    def _size(path: Path) -> int:
        return path.stat().st_size if path.exists() else 0
