"""A scratch folder where dbt corrects simulated hours: seeds and stations come from dbt, the rest is written."""

from dataclasses import replace
from pathlib import Path

import duckdb

from simulate.hourly import HourlyNetwork
from simulate.hourly_counts import HourTruth
from simulate.hourly_monitors import write_monitors
from simulate.hourly_tables import Hours, write_hours
from simulate.hourly_truth import simulate_hours
from warehouse import dbt
from warehouse.paths import Paths

SEEDS_AND_STATIONS = ("resource_type:seed", "dim_station")
NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
BINS = ("int_bin_count", "int_bin_region", "int_bin_list_count", "int_bin_environment")
WRITTEN = (*BINS, "large_table", "dim_file", "fct_era5_hour", "stg_nmdb", "fct_nmdb", "fct_nmdb_hour")
"""Tables that are written here. dbt reads them as it reads any table that it does not build in this run."""

NOT_FROM_HOURS = ("int_correction_done",)
FOLDERS = ("path:models/intermediate/corrections", "path:models/marts/corrections")
"""Where all models of the corrections lie."""

LIGHT: dict[str, object] = {"pressure_rolling_half_width_days": [14]}
"""Rolling coefficients are only drawn, and cost more than all that is measured here."""

STATION_SEEDS = ("station_reference", "station_acceptance")
VARIANT_STEP = 10


class CorrectionsError(Exception):
    """dbt could not make the corrections; the message is its first error."""


def selection(*models: str) -> list[str]:
    """Arguments of dbt for ``models`` (as dbt selects them) without what is written or made before the hours."""
    before = [f"+{name},{FOLDERS[0]}" for name in BINS]
    return ["--select", *models, "--exclude", *WRITTEN, *before, *NOT_FROM_HOURS]


def ancestors(*models: str) -> list[str]:
    """The same for ``models`` and those of the corrections that they need."""
    return selection(*(f"+{name},{folder}" for name in models for folder in FOLDERS))


def load_seeds(paths: Paths, station_ids: list[int], *, groups: tuple[str, ...] | None = None) -> None:
    """Load every seed and `dim_station`; give a station that a seed does not know the constants of station 0.

    ``groups`` keeps these direction groups only, which makes the corrections as many times lighter.

    Raises
    ------
    CorrectionsError
        When dbt fails.
    """
    run(paths, "build", "--select", *SEEDS_AND_STATIONS, *NO_TESTS)
    with duckdb.connect(str(paths.build)) as connection:
        for station_id in station_ids:
            for name in STATION_SEEDS:
                connection.execute(
                    f"insert into {name} select r.* replace (?::tinyint as station_id) from {name} as r"
                    f" where r.station_id = 0 and ? not in (select station_id from {name})",
                    [station_id, station_id],
                )
        if groups is not None:
            connection.execute("delete from region_group where not list_contains(?, group_code)", [list(groups)])


def add_variant(build: Path, network: HourlyNetwork, variant: int) -> None:
    """Make stations for another variant of a network: numbers and monitors of their own, everything else the same."""
    suffix = variant_suffix(variant)
    with duckdb.connect(str(build)) as connection:
        for station in network.stations:
            old, new = station.site.station_id, variant_id(station.site.station_id, variant)
            renamed = "r.* replace (?::tinyint as station_id"
            for name in STATION_SEEDS:
                connection.execute(f"delete from {name} where station_id = ?", [new])
                connection.execute(
                    f"insert into {name} select {renamed}) from {name} as r where station_id = ?", [new, old]
                )
            connection.execute(
                f"insert into dim_station select {renamed}, station_code || ? as station_code) from dim_station as r"
                " where station_id = ?",
                [new, suffix, old],
            )
            connection.execute(
                f"insert into station_monitor select {renamed}, nm_code || ? as nm_code) from station_monitor as r"
                " where station_id = ?",
                [new, suffix, old],
            )


def variant_id(station_id: int, variant: int) -> int:
    """Number of a station in a variant of its network."""
    return station_id + VARIANT_STEP * variant


def variant_suffix(variant: int) -> str:
    """What is added to the names of stations and monitors of a variant."""
    return f"V{variant}" if variant else ""


def write_networks(paths: Paths, networks: list[HourlyNetwork], *, has_regions: bool = True) -> list[list[HourTruth]]:
    """Write the hours of a network and of its variants; returns the truth of the stations of each.

    Without regions all events count as vertical, which is lighter and the same to the group of all directions.
    """
    truths: list[list[HourTruth]] = []
    hours: list[Hours] = []
    for variant, network in enumerate(networks):
        pairs = simulate_hours(network)
        truths.append([truth for truth, _ in pairs])
        for _, one in pairs:
            region = one.region if has_regions else None
            hours.append(replace(one, station_id=variant_id(one.station_id, variant), region=region))
        if variant:
            add_variant(paths.build, network, variant)
    write_hours(paths.build, hours)
    write_monitors(paths.build, [(variant_suffix(k), network) for k, network in enumerate(networks)])
    return truths


def run(paths: Paths, *arguments: str) -> dbt.DbtResult:
    """Run dbt.

    Raises
    ------
    CorrectionsError
        When it fails.
    """
    result = dbt.run(paths, arguments, variables=LIGHT)
    if result.error is not None:
        raise CorrectionsError(result.error)
    return result
