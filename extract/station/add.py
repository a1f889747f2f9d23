"""Adding a station: what has to be written so that the network has one more, decided before anything is written."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from extract.station.commit import Renamed, read_text, write_all
from extract.station.csv_text import CsvText
from extract.station.description import NewStation, OptionError, Sources, as_text, seed_rows, source_tables
from extract.station.home import KNOWN_HOSTS, Home, StationError
from extract.station.host_key import (
    Confirmation,
    Offer,
    check_pinned,
    confirmed_key,
    pinned_fingerprints,
    with_pin,
)
from extract.station.render import RenderedStation, render, station_folder
from extract.station.toml_text import TomlEditError, append, find_table, read_toml, replace
from extract.transfer.sftp.pins import SSH_PORT

LANDING_KINDS = ("dat", "hld", "lab_log")

_GIVEN = {
    "city": "city",
    "latitude_deg": "lat-deg",
    "longitude_deg": "lon-deg",
    "altitude_m": "altitude-m",
    "reference_pressure_hpa": "pressure-hpa",
    "hv_nominal_kv": "hv-nominal-kv",
}


@dataclass
class Plan:
    """New contents of files in the order of writing, and folders to make."""

    contents: dict[Path, str] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def carry_out(self, on_renamed: Renamed | None = None) -> list[Path]:
        """Write everything; returns the files that changed."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
        return write_all(self.contents, on_renamed)


@dataclass(frozen=True)
class Keys:
    """How host keys come and are confirmed: those of the station and of its archive."""

    offer: Offer
    host: Confirmation
    hld: Confirmation


def plan_add(home: Home, new: NewStation, keys: Keys | None) -> Plan:
    """What adding a checked station changes; nothing, when it is there with the same values.

    Parameters
    ----------
    keys
        None leaves the host keys for later.

    Raises
    ------
    StationError
        When it is there with other values, a number or code is taken, or a file cannot be edited safely.
    """
    plan = Plan(folders=[home.paths.landing / kind / f"station={new.station_id}" for kind in LANDING_KINDS])
    seeds = {name: home.read_seed(name) for name in seed_rows(new)}
    is_there = _is_there(new, seeds["station"])
    _check_heights(new, seeds["station_configuration"], is_there)
    for name, rows in seed_rows(new).items():
        if not rows_of(seeds[name], new.station_id):
            for row in rows:
                seeds[name].add(row)
    config = home.read_config()
    if new.sources is not None:
        config = _with_sources(home, config, new.code, new.sources)
    if new.logbook_env is not None:
        config = with_logbook(home, config, new.code, new.logbook_env)
    if new.sources is not None and keys is not None:
        plan.contents[home.known_hosts()] = with_pins(home.known_hosts(), new.code, new.sources, keys)
    rendered = render(RenderedStation(new.code, new.station_id, new.city, new.sources))
    plan.contents |= rendered_files(home, new.code, rendered)
    plan.contents |= {home.seed(name): table.text for name, table in seeds.items() if name != "station"}
    plan.contents[home.config] = config
    plan.contents[home.seed("station")] = seeds["station"].text
    return plan


def rendered_files(home: Home, code: str, texts: dict[str, str]) -> dict[Path, str]:
    """Where the files for the computer of a station go, and what they say."""
    folder = station_folder(home.paths.export, code)
    return {folder / name: text for name, text in texts.items()}


def rows_of(table: CsvText, station_id: int) -> list[dict[str, str]]:
    """The rows of a station, oldest first where they have a first day."""
    rows = [row for row in table.rows if row["station_id"].strip() == str(station_id)]
    return sorted(rows, key=lambda row: row.get("valid_from", ""))


def servers(sources: Sources) -> Iterable[tuple[str, int, bool]]:
    """Host, port and whether it is the archive's, of each server."""
    yield sources.host, sources.port, False
    if sources.remote_hld is not None:
        host = sources.hld_host or sources.host
        port = sources.hld_port or (sources.port if host == sources.host else SSH_PORT)
        if (host, port) != (sources.host, sources.port):
            yield host, port, True


def with_pins(path: Path, code: str, sources: Sources, keys: Keys) -> str:
    """The text of `known_hosts` with the confirmed keys of the servers that have none yet."""
    text = read_text(path)
    for host, port, is_archive in servers(sources):
        how = keys.hld if is_archive else keys.host
        if pinned := pinned_fingerprints(path, host, port):
            check_pinned(pinned, host, code, how)
        else:
            text = with_pin(path, text, host, port, confirmed_key(keys.offer(host, port), host, how))
    return text


def with_logbook(home: Home, config: str, code: str, variable: str) -> str:
    """The configuration with the logbook's address as the name of a variable.

    Raises
    ------
    StationError
        When another address is there, or the text cannot be edited.
    """
    wanted = f"${{{variable}}}"
    try:
        there = find_table(read_toml(config), ("logbook", "url"))
        if there.get(code, wanted) != wanted:
            raise StationError(f"--logbook-env: {home.config} has another logbook.url.{code}; change it there")
        return config if code in there else append_key(config, ("logbook", "url"), code, wanted)
    except TomlEditError as error:
        raise StationError(f"{home.config}: {error}") from None


def append_key(config: str, table: tuple[str, ...], key: str, value: str) -> str:
    """The configuration with one more key in a table, which is made where it is missing."""
    if find_table(read_toml(config), table) or f"[{'.'.join(table)}]" in config:
        return replace(config, table, {key: value})
    return append(config, {table: {key: value}})


def _is_there(new: NewStation, table: CsvText) -> bool:
    """Whether the station stands in its seed with the same values.

    Raises
    ------
    OptionError
        When its number or code is another station's.
    StationError
        When it stands there with other values.
    """
    number = str(new.station_id)
    for row in table.rows:
        if row["station_code"] == new.code and row["station_id"].strip() != number:
            raise OptionError("code", f"{new.code} is station {row['station_id']}")
        if row["station_id"].strip() == number and row["station_code"] != new.code:
            raise OptionError("id", f"{number} is taken by {row['station_code']}")
    rows = rows_of(table, new.station_id)
    if not rows:
        return False
    wanted = seed_rows(new)["station"][0]
    options = dict(_GIVEN)
    if new.pressure_hpa is None:
        del options["reference_pressure_hpa"]
    if new.hv_nominal_kv is None:
        del options["hv_nominal_kv"]
    wrong = [option for column, option in options.items() if not is_same(rows[-1][column], wanted[column])]
    if rows[0]["valid_from"] != wanted["valid_from"]:
        wrong.append("first-day")
    if wrong:
        named = ", ".join(f"--{option}" for option in wrong)
        raise StationError(f"{new.code} is there with other values of {named}; change it with `mingo station edit`")
    return True


def _check_heights(new: NewStation, table: CsvText, is_there: bool) -> None:
    rows = rows_of(table, new.station_id)
    wanted = [as_text(z) for z in new.z_mm]
    if rows and not all(is_same(rows[-1][f"z_plane_{p}_mm"], z) for p, z in enumerate(wanted, start=1)):
        remedy = "change it with `mingo station edit`" if is_there else "repeat the former values, or remove its row"
        raise StationError(f"--z-mm: station_configuration has other heights of {new.code}; {remedy}")


def _with_sources(home: Home, config: str, code: str, sources: Sources) -> str:
    wanted = source_tables(code, sources, KNOWN_HOSTS)
    try:
        content = read_toml(config)
        there = {keys: find_table(content, keys) for keys in wanted}
        if unequal := [keys for keys, table in there.items() if table and not _agrees(keys, table, wanted[keys])]:
            raise StationError(
                f"{home.config}: {'.'.join(unequal[0])} is there with other values; change it with `mingo station edit`"
            )
        return append(config, missing) if (missing := {k: wanted[k] for k in wanted if not there[k]}) else config
    except TomlEditError as error:
        raise StationError(f"{home.config}: {error}") from None


def _agrees(keys: tuple[str, ...], there: dict[str, object], wanted: dict[str, str | int]) -> bool:
    defaults = {"port": SSH_PORT, "known_hosts": KNOWN_HOSTS} if keys[-1] == "dat" else {}
    full = defaults | there
    return all(full.get(key) == value for key, value in wanted.items())


def is_same(left: str, right: str) -> bool:
    """Whether two cells say the same, as texts or as numbers."""
    if left == right:
        return True
    try:
        return float(left) == float(right)
    except ValueError:
        return False
