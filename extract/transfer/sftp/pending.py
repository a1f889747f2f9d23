"""Old files that are still to be brought into the lake: what servers list, what lies in landing, what is done."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from extract.daq.landing import LandingFile, StationFiles
from extract.daq.name import RawName, parse_name
from extract.transfer.sftp.remote import RemoteFile
from extract.transfer.sftp.select import Choice

Origin = Literal["station", "archive", "landing"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
KIND_OF: dict[Origin, Literal["dat", "hld"]] = {"station": "dat", "archive": "hld"}
"""The source of the settings that each remote origin is."""


@dataclass(frozen=True)
class Pending:
    """A detector file to bring into the lake.

    ``origin`` is where it comes from; ``remote`` its entry there, None where it lies in landing; ``size`` in bytes;
    ``is_unusual`` whether it lies outside the station's window of archived files.
    """

    name: RawName
    kind: str
    size: int
    origin: Origin
    remote: RemoteFile | None = None
    is_unusual: bool = False

    @property
    def to_fetch_bytes(self) -> int:
        """Bytes that have to be fetched."""
        return 0 if self.remote is None else self.size


@dataclass(frozen=True)
class Offer:
    """What a server has and neither landing nor lake hold; base names of files outside the window of the station."""

    files: Sequence[RemoteFile] = ()
    unusual: Set[str] = frozenset()


class Supply(Protocol):
    """The remote sources of one station as a backfill uses them. Each method may raise a `RemoteError`."""

    @property
    def origins(self) -> Sequence[Origin]:
        """What is configured."""

    def fetchable(self, origin: Origin, *, is_fresh: bool, is_stored: bool) -> Offer:
        """What the listing has that is not here; all names are those of files of the station.

        ``is_fresh`` lists anew in any case; ``is_stored`` keeps a new listing for later.
        """

    def fetch(self, origin: Origin, files: Sequence[RemoteFile], goes_on: Callable[[], bool]) -> Iterator[Choice]:
        """Bring files into landing one by one while ``goes_on`` says so; each with what became of it."""


def find_pending(
    fetchable: Mapping[Origin, Offer],
    landing: StationFiles,
    unsettled: Set[str],
    origin: Origin | None,
    *,
    has_force_hld: bool = False,
) -> list[Pending]:
    """The files of a station to bring into the lake, each name and kind once.

    Parameters
    ----------
    fetchable
        What can be fetched, by origin.
    landing, unsettled
        What lies in landing, and the base names of what the lake does not hold as it is.
    origin
        Only this one: for a remote one also what lies in landing of its kind, so that a stopped run is finished. None
        is all.
    has_force_hld
        Fetch HLD although the text of the file can be fetched or lies in landing.
    """
    kind = None if origin is None else KIND_OF.get(origin)
    landed = [
        _landed(files, kind)
        for base_name, files in landing.groups.items()
        if base_name in unsettled and (kind is None or any(_kind(file.name) == kind for file in files))
    ]
    found = {(pending.name.base_name, pending.kind): pending for pending in landed}
    texts = {base for base, files in landing.groups.items() if any(_kind(file.name) == "dat" for file in files)}
    for place in ("station", "archive"):
        offer = fetchable.get(place, Offer())
        for file in offer.files if origin in (None, place) else ():
            name = parse_name(file.name)
            if place == "station":
                texts.add(name.base_name)
            elif name.base_name in texts and not has_force_hld:
                continue
            key = name.base_name, KIND_OF[place]
            is_unusual = name.base_name in offer.unusual
            found.setdefault(key, Pending(name, KIND_OF[place], file.size, place, file, is_unusual))
    return list(found.values())


def _landed(files: Sequence[LandingFile], kind: str | None) -> Pending:
    """A file of landing; its newest version of the kind stands for all, since they are extracted together."""
    newest = max((f for f in files if kind is None or _kind(f.name) == kind), key=lambda file: file.mtime_ns)
    return Pending(newest.name, _kind(newest.name), sum(file.size for file in files), "landing")


def _kind(name: RawName) -> str:
    return name.kind or "dat"
