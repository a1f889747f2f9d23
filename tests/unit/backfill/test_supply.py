"""What a station's servers offer to a backfill: by the listing that is kept, or anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from extract.daq.schema import PARSER_VERSION
from extract.transfer.clock import Clock
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.listing import read_listing
from extract.transfer.sftp.pending import KIND_OF
from extract.transfer.sftp.remote import LostError, MissingFileError, Remote, RemoteFile
from extract.transfer.sftp.supply import StationSupply
from tests.unit.daq.home import Home, text
from warehouse.settings import Settings, load_settings

NOW = datetime(2025, 7, 1, 12)
MIB = 1 << 20


class FakeRemote:
    """A server whose folder is a list; ``gone`` are names that vanished after the listing."""

    host = "fake"

    def __init__(self, names: list[str]) -> None:
        self.files = {name: RemoteFile(name, 5 * MIB, NOW - timedelta(days=1)) for name in names}
        self.n_listed = 0
        self.is_down = False

    def list_directory(self, directory: str) -> list[RemoteFile]:
        self.n_listed += 1
        return list(self.files.values())

    def stat(self, directory: str, name: str) -> RemoteFile:
        if name not in self.files:
            raise MissingFileError(f"{name}: no such file")
        return self.files[name]

    def read(self, directory: str, name: str) -> Iterator[bytes]:
        yield b"x" * self.files[name].size

    def sha256(self, directory: str, name: str) -> str | None:
        return None

    @contextmanager
    def open(self, endpoint: Endpoint) -> Iterator[Remote]:
        if self.is_down:
            raise LostError("fake: no answer")
        yield self


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "none.toml"))
    return load_settings(data_dir=tmp_path / "data", acquire={"min_free_gib": 0})


NAMES = [f"mi01251610{hour}0000.hld" for hour in (0, 1, 2)]


@pytest.fixture
def remote() -> FakeRemote:
    return FakeRemote([*NAMES, "mi0225161000000.hld", "merged.hld", "../mi0125161050000.hld", "notes.txt"])


def make_supply(settings: Settings, remote: FakeRemote, now: datetime = NOW, **options: bool) -> StationSupply:
    folder = Path("/none")
    endpoints = {
        origin: Endpoint(1, "MINGO01", source, "fake", 22, "user", folder, folder, "/archive", (f"*.{source}",))
        for origin, source in KIND_OF.items()
    }
    clock = Clock(lambda: now, lambda: 0.0, lambda seconds: None)
    return StationSupply(settings, endpoints, remote.open, clock=clock, **options)


def names(supply: StationSupply, *, is_fresh: bool = False, is_stored: bool = True) -> list[str]:
    return sorted(file.name for file in supply.fetchable("archive", is_fresh=is_fresh, is_stored=is_stored).files)


def test_an_archive_is_listed_again_when_its_listing_is_old(settings: Settings, remote: FakeRemote) -> None:
    assert names(make_supply(settings, remote)) == NAMES
    remote.files.pop(NAMES[0])
    assert names(make_supply(settings, remote, NOW + timedelta(days=7))) == NAMES
    assert remote.n_listed == 1
    assert names(make_supply(settings, remote, NOW + timedelta(days=7, seconds=1))) == NAMES[1:]
    assert remote.n_listed == 2
    assert names(make_supply(settings, remote, NOW + timedelta(days=7)), is_fresh=True) == NAMES[1:]
    assert remote.n_listed == 3


def test_a_listing_is_kept_only_when_that_is_wanted(settings: Settings, remote: FakeRemote) -> None:
    assert names(make_supply(settings, remote), is_stored=False) == NAMES
    assert not settings.paths.lake.exists()
    names(make_supply(settings, remote))
    listing = read_listing(settings.paths.lake, 1, "hld")
    assert listing is not None
    assert listing.listed_at == NOW
    assert {file.name for file in listing.files} == set(remote.files)


def test_a_damaged_listing_is_made_again(settings: Settings, remote: FakeRemote) -> None:
    names(make_supply(settings, remote))
    (path,) = settings.paths.lake.glob("remote_file/station=1/date=*/hld.parquet")
    path.write_bytes(b"no parquet")
    assert names(make_supply(settings, remote)) == NAMES
    assert remote.n_listed == 2


def test_what_landed_or_is_text_is_not_offered(settings: Settings, remote: FakeRemote) -> None:
    home = Home(settings.paths.data_dir)
    home.land(NAMES[0], bytes(5 * MIB))
    home.land(NAMES[1].replace(".hld", ".dat"), text(5))
    assert names(make_supply(settings, remote)) == NAMES[2:]
    assert names(make_supply(settings, remote, has_force_hld=True)) == NAMES[1:]


def test_a_file_of_an_older_parser_is_offered_again_once_it_left_landing(
    settings: Settings, remote: FakeRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(settings.paths.data_dir)
    path = home.land(NAMES[0].replace(".hld", ".dat"), text(5))
    home.run()
    path.unlink()
    remote.files = {path.name: RemoteFile(path.name, len(text(5)), NOW - timedelta(days=1))}

    def offered() -> list[str]:
        offer = make_supply(settings, remote).fetchable("station", is_fresh=False, is_stored=False)
        return [file.name for file in offer.files]

    assert offered() == []
    monkeypatch.setattr("extract.transfer.sftp.supply.PARSER_VERSION", PARSER_VERSION + 1)
    assert offered() == [path.name]


def test_unusual_files_are_flagged_or_left(settings: Settings, remote: FakeRemote) -> None:
    remote.files[NAMES[0]] = RemoteFile(NAMES[0], MIB, NOW - timedelta(days=1))
    offer = make_supply(settings, remote).fetchable("archive", is_fresh=False, is_stored=False)
    assert (len(offer.files), offer.unusual) == (3, {NAMES[0].removesuffix(".hld")})
    strict = settings.model_copy(update={"acquire": settings.acquire.model_copy(update={"hld_window": "filter"})})
    assert names(make_supply(strict, remote)) == NAMES[1:]


def test_files_land_one_by_one_until_told_to_stop(settings: Settings, remote: FakeRemote) -> None:
    supply = make_supply(settings, remote)
    files = [remote.files[name] for name in NAMES]
    del remote.files[NAMES[0]]
    answers = iter([True, True, False])
    found = list(supply.fetch("archive", files, lambda: next(answers)))
    assert [(choice.file.name, choice.word) for choice in found] == [(NAMES[0], "vanished"), (NAMES[1], "fetched")]
    landed = settings.paths.landing / "hld" / "station=1" / "2025-06"
    assert sorted(path.name for path in landed.iterdir()) == [NAMES[1], f"{NAMES[1]}.meta.json"]
    remote.is_down = True
    with pytest.raises(LostError):
        list(supply.fetch("archive", files, lambda: True))
