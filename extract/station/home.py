"""The operator's own files the station commands change (seeds, `mingo.toml`, `known_hosts`), and the data folder."""

from dataclasses import dataclass
from pathlib import Path

from extract.station.commit import read_text
from extract.station.csv_text import CsvText, CsvTextError, parse_csv
from warehouse.paths import PROJECT_ROOT, Paths
from warehouse.settings import Settings, StationSources, config_file
from warehouse.variables import MissingVariableError, expand

KNOWN_HOSTS = "known_hosts"
"""Name of the file with the pinned host keys; it lies beside the configuration."""


class StationError(Exception):
    """A request that cannot be carried out; one line for a person, and nothing was written."""


class UnreachableError(StationError):
    """A server that does not answer; nothing was written."""


@dataclass(frozen=True)
class Home:
    """Where the files of one operator lie."""

    seeds: Path
    config: Path
    paths: Paths

    def known_hosts(self, sources: StationSources | None = None) -> Path:
        """The file with the pinned host keys: the one a station names, else that beside the configuration.

        Raises
        ------
        StationError
            When it is named by a variable that is not set.
        """
        named = sources.dat.known_hosts if sources is not None and sources.dat is not None else ""
        try:
            path = Path(expand(named or KNOWN_HOSTS, "known_hosts")).expanduser()
        except MissingVariableError as error:
            raise StationError(str(error)) from None
        return self.config.parent / path

    @property
    def lock(self) -> Path:
        """The lock of whoever changes these files."""
        return self.paths.locks / "station"

    def read_seed(self, name: str) -> CsvText:
        """A seed as text.

        Raises
        ------
        StationError
            When it is missing or no table.
        """
        path = self.seed(name)
        try:
            return parse_csv(path.read_bytes().decode())
        except (OSError, UnicodeDecodeError, CsvTextError) as error:
            raise StationError(f"{path}: {error}") from None

    def seed(self, name: str) -> Path:
        """The file of a seed."""
        return self.seeds / f"{name}.csv"

    def read_config(self) -> str:
        """The text of the configuration; empty where there is none."""
        return read_text(self.config)


def home_of(settings: Settings) -> Home:
    """The files of this project folder."""
    return Home(PROJECT_ROOT / "seeds", config_file().resolve(), settings.paths)
