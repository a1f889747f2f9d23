"""Options and helpers that commands share."""

import typer

from flows.console import fail
from warehouse.settings import ConfigurationError, Settings, load_settings

JSON = typer.Option(False, "--json", help="Print one JSON object instead of text.")


def load() -> Settings:
    """The settings, or one clear line and exit code 2."""
    try:
        return load_settings()
    except ConfigurationError as error:
        fail(str(error), 2)


def find_station_id(word: str) -> int:
    """The number of the station called by its code or number, or one clear line and exit code 2."""
    from extract.transfer.stations import UnknownStationError, find_station, read_stations

    try:
        return find_station(word, read_stations()).station_id
    except UnknownStationError as error:
        fail(str(error), 2)
