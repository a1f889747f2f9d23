"""The stations: add, list, show, render, check, edit, disable, enable, repin."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.text import Text

from extract.station.add import Keys, Plan, plan_add, rendered_files, rows_of
from extract.station.description import NewStation, OptionError, Sources, check_station
from extract.station.edit import Changes, plan_edit, plan_repin, plan_switch
from extract.station.facts import known_sources, station_facts
from extract.station.home import Home, StationError, UnreachableError, home_of
from extract.station.host_key import Confirmation, offer_within
from extract.station.render import RenderedStation
from extract.station.render import render as render_files
from extract.transfer.stations import read_stations
from flows.commands.options import JSON, find_station_id, load
from flows.commands.station_words import next_steps, show_facts, show_table
from flows.console import err, fail, finish, out
from flows.outcome import Outcome, State
from warehouse.lock import LockBusyError, held
from warehouse.settings import Settings, StationSources

station_app = typer.Typer(help="The stations of the network: add, look, change, check.", no_args_is_help=True)

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
DAY = ["%Y-%m-%d"]
CODE = typer.Argument(help="Station code or number.")
HOST = typer.Option(None, help="Name or address of the station's SFTP server.")
PORT = typer.Option(None, help="Its port; 22 when not given.")
USER = typer.Option(None, help="Account there that can only read, or ${VARIABLE} in single quotes.")
KEY_ENV = typer.Option(None, help="Name of the environment variable that holds the path of the private key.")
HOST_KEY = typer.Option(None, help="Fingerprint of the server's host key, SHA256:..., as the site tells it.")
EVENTS = typer.Option(None, help="Folder of the detector files on the server.")
LOGS = typer.Option(None, help="Folder of the lab logs on the server.")
HLD = typer.Option(None, help="Folder of the archive of binary detector files, if there is one.")
HLD_HOST = typer.Option(None, help="Server of the archive; the station's own when not given.")
HLD_PORT = typer.Option(None, help="Port of the archive's server.")
HLD_USER = typer.Option(None, help="Account at the archive.")
HLD_KEY = typer.Option(None, help="Fingerprint of the archive's host key.")
OFFLINE = typer.Option(False, "--offline", help="Ask no server; host keys are pinned later by `station repin`.")
LOGBOOK = typer.Option(None, help="Name of the environment variable that holds the address of the logbook sheet.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(station_app, name="station")


@station_app.command()
def add(
    code: str = typer.Option(..., help="MINGO and two digits that match the number."),
    station_id: int = typer.Option(..., "--id", help="Number of the station, 1 to 9, not in use."),
    city: str = typer.Option(..., help="Where it stands."),
    lat_deg: float = typer.Option(..., help="Latitude, degrees north."),
    lon_deg: float = typer.Option(..., help="Longitude, degrees east."),
    altitude_m: float = typer.Option(..., help="Altitude above sea level, m."),
    first_day: datetime = typer.Option(..., formats=DAY, help="First day of data, UTC."),
    z_mm: str = typer.Option(..., help="Heights of planes 1 to 4, mm, downward, growing: 0,150,300,450."),
    pressure_hpa: float | None = typer.Option(
        None, help="Reference pressure, hPa; that of the standard atmosphere at the altitude when not given."
    ),
    hv_nominal_kv: float | None = typer.Option(None, help="Nominal high voltage, kV."),
    host: str | None = HOST,
    port: int | None = PORT,
    user: str | None = USER,
    key_env: str | None = KEY_ENV,
    host_key: str | None = HOST_KEY,
    remote_events: str | None = EVENTS,
    remote_logs: str | None = LOGS,
    remote_hld: str | None = HLD,
    hld_host: str | None = HLD_HOST,
    hld_port: int | None = HLD_PORT,
    hld_user: str | None = HLD_USER,
    hld_host_key: str | None = HLD_KEY,
    logbook_env: str | None = LOGBOOK,
    offline: bool = OFFLINE,
    json: bool = JSON,
) -> None:
    """Add a station: rows of the seeds, its entry in mingo.toml, its host key, landing folders, files for its computer.

    All or nothing; the same command again finishes what was interrupted, or changes nothing.

    Example: mingo station add --code MINGO05 --id 5 --city Coimbra --lat-deg 40.2 --lon-deg -8.4 --altitude-m 75
    --first-day 2026-01-15 --z-mm 0,150,300,450 --host mingo05 --user mingo-read --key-env MINGO05_KEY
    --remote-events data --remote-logs logs --host-key SHA256:...
    """
    settings = load()
    home = home_of(settings)
    named = {
        "host": host, "port": port, "user": user, "key_env": key_env, "remote_events": remote_events,
        "remote_logs": remote_logs, "remote_hld": remote_hld, "hld_host": hld_host, "hld_port": hld_port,
        "hld_user": hld_user,
    }  # fmt: skip
    given = {key: value for key, value in named.items() if value is not None}

    def plan() -> Plan:
        new = NewStation(
            code=code,
            station_id=station_id,
            city=city,
            latitude_deg=lat_deg,
            longitude_deg=lon_deg,
            altitude_m=altitude_m,
            first_day=first_day.date(),
            z_mm=_heights(z_mm),
            pressure_hpa=pressure_hpa,
            hv_nominal_kv=hv_nominal_kv,
            sources=_new_sources(given, offline),
            logbook_env=logbook_env,
        )
        check_station(new, _today())
        return plan_add(home, new, _keys(settings, host_key, hld_host_key, offline))

    changed = _write(home, "add", plan)
    state, sentence = _told(home, changed, f"{code} is part of the network")
    if not json:
        for line in next_steps(code, has_pin=not offline, is_changed=bool(changed)):
            out.print(line, highlight=False, markup=False, soft_wrap=True)
    finish(Outcome("station add", state, sentence, {"changed": [str(path) for path in changed]}), json)


@station_app.command("list")
def list_(json: bool = JSON) -> None:
    """List the stations: what is configured, what is pinned, what has come.

    Example: mingo station list
    """
    settings = load()
    home = home_of(settings)
    with _one_line():
        numbers = sorted({int(row["station_id"]) for row in home.read_seed("station").rows})
        facts = [station_facts(home, number, _sources_of(settings, home, number)) for number in numbers]
    if not json:
        show_table(facts)
    in_use = sum(fact["is_enabled"] and fact["station_id"] != 0 for fact in facts)
    finish(Outcome("station list", "Completed", f"{in_use} stations in use", {"stations": facts}), json)


@station_app.command()
def show(code: str = CODE, json: bool = JSON) -> None:
    """Show all that is known of a station; secrets are never among it.

    Example: mingo station show MINGO01
    """
    settings = load()
    home = home_of(settings)
    number = find_station_id(code)
    with _one_line():
        facts = station_facts(home, number, _sources_of(settings, home, number))
    if not json:
        show_facts(facts)
    sentence = f"{facts['station_code']}, {facts['city']}, {facts['landing']['n_files']:,} detector files in landing"
    finish(Outcome("station show", "Completed", sentence, facts), json)


@station_app.command()
def edit(
    code: str = CODE,
    first: datetime | None = typer.Option(
        None, "--from", formats=DAY, help="Day from which new position, pressure or heights hold; today when not given."
    ),
    city: str | None = typer.Option(None, help="Where it stands from then on."),
    lat_deg: float | None = typer.Option(None, help="Latitude, degrees north."),
    lon_deg: float | None = typer.Option(None, help="Longitude, degrees east."),
    altitude_m: float | None = typer.Option(None, help="Altitude above sea level, m."),
    pressure_hpa: float | None = typer.Option(None, help="Reference pressure, hPa."),
    hv_nominal_kv: float | None = typer.Option(None, help="Nominal high voltage, kV."),
    surveyed: bool = typer.Option(False, "--surveyed", help="The position comes from a survey of the site."),
    z_mm: str | None = typer.Option(None, help="Heights of planes 1 to 4, mm, downward: a new configuration."),
    host: str | None = HOST,
    port: int | None = PORT,
    user: str | None = USER,
    key_env: str | None = KEY_ENV,
    host_key: str | None = HOST_KEY,
    remote_events: str | None = EVENTS,
    remote_logs: str | None = LOGS,
    remote_hld: str | None = HLD,
    hld_host: str | None = HLD_HOST,
    hld_port: int | None = HLD_PORT,
    hld_user: str | None = HLD_USER,
    hld_host_key: str | None = HLD_KEY,
    logbook_env: str | None = LOGBOOK,
    offline: bool = OFFLINE,
    json: bool = JSON,
) -> None:
    """Change a station: a new dated row for what it is, mingo.toml for where its files lie.

    Example: mingo station edit MINGO01 --from 2026-02-01 --lat-deg 40.4531 --lon-deg -3.7269 --surveyed
    """
    settings = load()
    home = home_of(settings)
    number = find_station_id(code)
    named = {
        "host": host, "port": port, "user": user, "key_env": key_env, "remote_events": remote_events,
        "remote_logs": remote_logs, "remote_hld": remote_hld, "hld_host": hld_host, "hld_port": hld_port,
        "hld_user": hld_user,
    }  # fmt: skip
    site = {
        "latitude_deg": lat_deg, "longitude_deg": lon_deg, "altitude_m": altitude_m,
        "reference_pressure_hpa": pressure_hpa, "hv_nominal_kv": hv_nominal_kv,
    }  # fmt: skip

    def plan() -> Plan:
        changes = Changes(
            valid_from=first.date() if first else _today(),
            site={column: value for column, value in site.items() if value is not None},
            city=city,
            is_surveyed=surveyed,
            z_mm=None if z_mm is None else _heights(z_mm),
            sources={key: value for key, value in named.items() if value is not None},
            logbook_env=logbook_env,
        )
        keys = _keys(settings, host_key, hld_host_key, offline)
        return plan_edit(home, number, changes, _sources_of(settings, home, number), _today(), keys)

    name = _code_of(home, number)
    hint = f" (files for its computer: `mingo station render {name}`)" if any(named.values()) else ""
    _finish_change(home, "edit", plan, f"{name} is as asked{hint}", json)


@station_app.command()
def render(
    code: str | None = typer.Argument(None, help="Station code or number."),
    every: bool = typer.Option(False, "--all", help="All stations but the simulated one."),
    json: bool = JSON,
) -> None:
    """Write the files for a station's computer to export/station/CODE; people there copy them, nothing of ours does.

    Example: mingo station render MINGO01, or mingo station render --all
    """
    settings = load()
    home = home_of(settings)
    if every == (code is not None):
        fail("name one station, or give --all", 2)
    numbers = [find_station_id(code)] if code is not None else [n for n in read_stations(home.seed("station")) if n]

    def plan() -> Plan:
        plan = Plan()
        for number in numbers:
            newest = rows_of(home.read_seed("station"), number)[-1]
            name = newest["station_code"]
            sources = known_sources(_sources_of(settings, home, number))
            texts = render_files(RenderedStation(name, number, newest["city"], sources))
            plan.contents |= rendered_files(home, name, texts)
        return plan

    _finish_change(home, "render", plan, f"{len(numbers)} stations in {home.paths.export / 'station'}", json)


@station_app.command()
def check(code: str = CODE, json: bool = JSON) -> None:
    """Log in to a station and look at everything a fetch needs; nothing is written, here or there.

    Example: mingo station check MINGO01
    """
    from extract.station.check import Line, check
    from flows.station_check import subject_of

    settings = load()
    home = home_of(settings)
    number = find_station_id(code)
    lines: list[Line] = []
    with _one_line():
        for line in check(subject_of(settings, home, number)):
            lines.append(line)
            if not json:
                out.print(Text(f"  {line.state:<8}", STYLES[line.state]), Text(f"{line.name:<14} {line.detail}"))
    counts = {state: sum(line.state == state for line in lines) for state in ("ok", "warning", "failed")}
    sentence = f"{_code_of(home, number)}: " + ", ".join(f"{n} {state}" for state, n in counts.items())
    state: State = "Failed" if counts["failed"] else "Completed"
    finish(Outcome("station check", state, sentence, {"checks": [vars(line) for line in lines]}), json)


@station_app.command()
def disable(
    code: str = CODE,
    reason: str = typer.Option(..., help="Why; kept in the seed and shown by `station list`."),
    json: bool = JSON,
) -> None:
    """Leave a station out of every flow from now on; its data stay and stay published.

    Example: mingo station disable MINGO03 --reason "moved to another building"
    """
    home = home_of(load())
    number = find_station_id(code)
    _finish_change(
        home,
        "disable",
        lambda: plan_switch(home, number, is_enabled=False, reason=reason, today=_today()),
        f"{_code_of(home, number)} is left out of every flow",
        json,
    )


@station_app.command()
def enable(code: str = CODE, json: bool = JSON) -> None:
    """Take a station back into every flow.

    Example: mingo station enable MINGO03
    """
    home = home_of(load())
    number = find_station_id(code)
    _finish_change(
        home,
        "enable",
        lambda: plan_switch(home, number, is_enabled=True, reason="", today=_today()),
        f"{_code_of(home, number)} takes part in every flow",
        json,
    )


@station_app.command()
def repin(
    code: str = CODE,
    host_key: str | None = HOST_KEY,
    archive: bool = typer.Option(False, "--archive", help="The key of the archive's server instead."),
    json: bool = JSON,
) -> None:
    """Pin the host key a server has now, after the site has said why it changed.

    Example: mingo station repin MINGO01 --host-key SHA256:...
    """
    settings = load()
    home = home_of(settings)
    number = find_station_id(code)
    name = _code_of(home, number)

    def plan() -> Plan:
        how = Confirmation("host-key", host_key, _asker())
        offer = offer_within(settings.acquire.connect_timeout_s)
        return plan_repin(home, name, _sources_of(settings, home, number), how, offer, is_archive=archive)

    _finish_change(home, "repin", plan, f"the key of {name} is pinned", json)


def _finish_change(home: Home, command: str, plan: Callable[[], Plan], sentence: str, json: bool) -> NoReturn:
    changed = _write(home, command, plan)
    state, told = _told(home, changed, sentence)
    finish(Outcome(f"station {command}", state, told, {"changed": [str(path) for path in changed]}), json)


def _write(home: Home, command: str, plan: Callable[[], Plan]) -> list[Path]:
    try:
        with held(home.lock, f"station {command}"), _one_line():
            return plan().carry_out()
    except LockBusyError as error:
        finish(Outcome(f"station {command}", "Skipped", str(error)))


def _told(home: Home, changed: list[Path], sentence: str) -> tuple[Any, str]:
    if not changed:
        return "NothingToDo", f"nothing to do, {sentence} already"
    own = [path.name for path in changed if home.paths.data_dir not in path.parents]
    return "Completed", f"{sentence}; changed {', '.join(own)}" if own else sentence


class _one_line:  # noqa: N801 - reads as a statement
    """What is wrong becomes one line and exit code 2; nothing was written."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say it."""
        if isinstance(error, StationError):
            fail(str(error), 1 if isinstance(error, UnreachableError) else 2)
        if isinstance(error, OSError):
            fail(f"{error.filename}: {error.strerror}; nothing was changed")


def _new_sources(given: dict[str, Any], offline: bool) -> Sources | None:
    if not given and offline:
        return None
    for name in ("host", "user", "key_env", "remote_events", "remote_logs"):
        if name not in given:
            raise OptionError(name.replace("_", "-"), "is missing (only --offline goes without a server)")
    return Sources(**given)


def _heights(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise OptionError("z-mm", "four numbers with commas between them, such as 0,150,300,450") from None


def _keys(settings: Settings, host_key: str | None, hld_host_key: str | None, offline: bool) -> Keys | None:
    if offline and (host_key or hld_host_key):
        raise OptionError("offline", "no server is asked, so no key can be compared; leave the fingerprint for repin")
    if offline:
        return None
    asker = _asker()
    host, archive = Confirmation("host-key", host_key, asker), Confirmation("hld-host-key", hld_host_key, asker)
    return Keys(offer_within(settings.acquire.connect_timeout_s), host, archive)


def _asker() -> Callable[[str, str], str] | None:
    if not sys.stdin.isatty():
        return None

    def ask(host: str, fingerprint: str) -> str:
        err.print(f"{host} offers the host key {fingerprint}", highlight=False, markup=False, soft_wrap=True)
        err.print("Ask the site what `ssh-keygen -lf` prints there; a key is never taken without that.", markup=False)
        return str(typer.prompt("Type the fingerprint you were told", err=True))

    return ask


def _sources_of(settings: Settings, home: Home, number: int) -> StationSources:
    return settings.acquire.stations.get(_code_of(home, number), StationSources())


def _code_of(home: Home, number: int) -> str:
    rows = home.read_seed("station").rows
    return next(row["station_code"] for row in rows if row["station_id"] == str(number))


def _today() -> date:
    return datetime.now(UTC).date()
