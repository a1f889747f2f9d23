"""What `mingo station check` looks at, from the settings and the seeds."""

from collections.abc import Callable
from datetime import timedelta

from extract.daq.logbook_fetch import PATIENCE
from extract.station.add import rows_of
from extract.station.check import Subject
from extract.station.home import Home
from extract.transfer.clock import Clock
from extract.transfer.http import OK, Patience, TooLargeError, UnavailableError, get
from extract.transfer.sftp.endpoint import resolve
from extract.transfer.sftp.remote import RemoteError
from extract.transfer.sftp.session import opener
from extract.transfer.stations import read_sites, read_stations
from warehouse.address import host_of, is_safe
from warehouse.settings import Settings
from warehouse.variables import MissingVariableError, expand

ONCE = Patience(PATIENCE.connect_s, PATIENCE.read_s, PATIENCE.total_s, PATIENCE.max_bytes, waits_s=())


def subject_of(settings: Settings, home: Home, station_id: int, clock: Clock | None = None) -> Subject:
    """The subject of a check; nothing is asked of anybody yet."""
    clock = clock or Clock()
    code = read_stations(home.seed("station"))[station_id].station_code
    configurations = rows_of(home.read_seed("station_configuration"), station_id)
    return Subject(
        station_id=station_id,
        station_code=code,
        now=clock.now(),
        resolve=lambda source: resolve(settings, code, source),
        open_remote=opener(settings.acquire),
        sites=read_sites(home.seed("station"))[station_id],
        half_width_deg=settings.era5.half_width_deg,
        fetch_sheet=_sheet(settings, code, clock),
        configurations=[(row["valid_from"], row["valid_to"]) for row in configurations],
        min_age=timedelta(seconds=settings.acquire.min_age_s),
    )


def _sheet(settings: Settings, code: str, clock: Clock) -> Callable[[], bytes] | None:
    secret = settings.logbook.url.get(code) or settings.logbook.url.get(code.lower())
    if secret is None:
        return None

    def fetch() -> bytes:
        try:
            address = expand(secret.get_secret_value(), f"logbook.url.{code}")
            if not is_safe(address):
                raise RemoteError(f"the address in the variable of logbook.url.{code} must begin with https://")
            answer = get(address, None, ONCE, clock, settings.acquire.contact)
        except (MissingVariableError, UnavailableError, TooLargeError) as error:
            raise RemoteError(str(error)) from None
        if answer.status != OK:
            raise RemoteError(f"{host_of(address)} answers with status {answer.status}")
        return answer.content

    return fetch
