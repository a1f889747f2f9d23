"""What a second run, a late log reading and a reprocessed file do to the exports: nothing, its parts, its day.

Four days of two stations over the end of a month. So short, no coefficient is fitted and no rate is normalised: what
changes is what the new input touches.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from simulate.config import DEMO_STATIONS, NetworkConfig
from simulate.network import simulate_network
from tests.integration.conftest import Home

NETWORK = NetworkConfig(
    stations=tuple(replace(DEMO_STATIONS[number], outages=()) for number in (1, 2)),
    start=datetime(2025, 2, 27),
    days=4,
    seed=4,
    monitors=("CALM", "OULU"),
)
LATE, LATE_DAY = "2025-02-27T12:07:00; nan nan nan nan 9.0 50.0 950.0\n", "2025-02-27"
PARTITIONED = ("large_table", "large_corrected_table", "fct_rate", "fct_efficiency")
MONTHS = ("2025-02", "2025-03")


def state(home: Home) -> dict[str, tuple[int, str]]:
    """Modification time and hash of every export."""
    folder = home.data_dir / "export"
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    }


def history(station: int) -> set[str]:
    """Files of a station that hold its whole history."""
    names = [f"{kind}_MINGO0{station}.csv" for kind in ("large_corrected_table_legacy", "third_stage_table")]
    names += [f"large_corrected_table_MINGO0{station}.{ending}" for ending in ("csv", "parquet")]
    return {f"MINGO0{station}/{name}" for name in (*names, f"data_for_grafana_{station}.csv")}


def months(station: int, month: str, *tables: str) -> set[str]:
    """Parquet partitions of a station and month."""
    return {f"parquet/{table}/station={station}/month={month}/part-0.parquet" for table in tables}


def land_late_reading(home: Home, folder: Path) -> None:
    """A longer version of an old log of station 1: it holds a reading nobody had."""
    (log,) = (home.data_dir / "landing").rglob(f"station=1/**/sensors_bus0_{LATE_DAY}.log")
    lines = log.read_text().splitlines(keepends=True)
    longer = folder / log.name
    longer.write_text("".join(sorted([*lines, LATE])))
    home.mingo("acquire", "--local", str(longer), "--station", "MINGO01")


def land_reprocessed_file(home: Home, folder: Path) -> None:
    """A newer version of the last detector file of station 2, with half of its events."""
    file = max((home.data_dir / "landing" / "dat" / "station=2").rglob("*.dat"))
    newer = folder / file.name
    newer.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[::2]))
    home.mingo("acquire", "--local", str(newer))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A data folder in which everything has run once."""
    home = Home(tmp_path_factory.mktemp("rerun"))
    simulate_network(NETWORK, home.data_dir / "landing", home.data_dir / "truth")
    assert home.json("run")["state"] == "Completed"
    return home


def test_every_file_is_there(home: Home) -> None:
    days = {f"MINGO0{k}/daily/2025-{day}.dat" for k in (1, 2) for day in ("02-27", "02-28", "03-01", "03-02")}
    parts = {name for k in (1, 2) for month in MONTHS for name in months(k, month, *PARTITIONED)}
    network = {"network/network_table.csv", "network/pressure_coefficient.csv"}
    words = {"manifest.json", "columns.csv", "README.md"}
    expected = days | parts | history(1) | history(2) | network | words
    assert set(state(home)) - {"network/temperature_coefficient.csv"} == expected
    legacy = (home.data_dir / "export" / "MINGO01" / "large_corrected_table_legacy_MINGO01.csv").read_text()
    assert len(legacy.split("\n")[0].split(",")) == 98
    third = (home.data_dir / "export" / "MINGO01" / "third_stage_table_MINGO01.csv").read_text()
    assert third.startswith("Time,CALM,OULU,number_of_mins,events,")
    assert third.split("\n")[0].endswith(",final_all,miniTRASGO")


def test_each_input_changes_its_parts_and_nothing_else(home: Home, tmp_path: Path) -> None:
    before = state(home)
    assert home.json("run")["state"] == "NothingToDo"
    assert state(home) == before

    land_late_reading(home, tmp_path)
    land_reprocessed_file(home, tmp_path)
    assert home.json("run")["state"] == "Completed"
    after = state(home)
    changed = {name for name in {*before, *after} if before.get(name, ("", ""))[1] != after.get(name, ("", ""))[1]}
    touched = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed == touched, "a file was written again with the same content"
    late = months(1, "2025-02", "large_table", "large_corrected_table", "fct_rate")
    late |= history(1) | {"MINGO01/daily/2025-02-27.dat"}
    of_station_1 = {name for name in changed if "MINGO01/" in name or "/station=1/" in name}
    assert of_station_1 == late
    of_station_2 = {name for name in changed if "MINGO02/" in name or "/station=2/" in name}
    # few events an hour: efficiencies come from a day around, so the last hours of the day before follow
    assert of_station_2 - {"MINGO02/daily/2025-03-01.dat"} == (
        months(2, "2025-03", *PARTITIONED) | history(2) | {"MINGO02/daily/2025-03-02.dat"}
    )
    rest = changed - of_station_1 - of_station_2
    assert {"network/network_table.csv", "manifest.json"} <= rest
    assert rest <= {name for name in after if "/" not in name or name.startswith("network/")}


def test_the_reprocessed_day_is_the_new_one_in_the_tables(home: Home) -> None:
    with duckdb.connect(str(home.serving), read_only=True) as connection:
        rates = connection.execute(
            "select date_trunc('day', bin_start), sum(n_events) from large_corrected_table"
            " where station_id = 2 group by 1 order by 1"
        ).fetchall()
    assert rates[3][1] < 0.6 * rates[2][1]


LEGACY = {
    "number_of_mins": "n_minutes",
    "hv_CurrentNeg": "hv_current_neg_ua",
    "hv_CurrentPos": "hv_current_pos_ua",
    "rates_M4": "rate_tm3_hz",
    "temp_ground": "temp_ground_k - 273.15",
    "temp_100mbar": "temp_100hpa_k - 273.15",
    "eff_sys_2": "eff_2",
    "unc_definitive_eff_3": "eff_3_sigma",
    "global_eff": "eff_mean",
    "pressure_lab": "pressure_lab_hpa",
    "final_all": "rate_final_hz",
}


@pytest.mark.parametrize("name", LEGACY)
def test_the_former_names_hold_what_they_say(home: Home, name: str) -> None:
    same_hour = "l.station_id = c.station_id and l.bin_width_s = c.bin_width_s and l.Time = c.bin_start"
    with duckdb.connect(str(home.serving), read_only=True) as connection:
        known, wrong = connection.execute(
            f'select count(l."{name}"), count(*) filter (l."{name}" is distinct from c.{LEGACY[name]})'
            f" from int_legacy_row as l join large_corrected_table as c on {same_hour}"
        ).fetchall()[0]
        ((hours,),) = connection.execute("select count(*) from large_corrected_table_legacy").fetchall()
        (row,) = connection.execute("select count(*) from large_corrected_table where bin_width_s = 3600").fetchall()
    assert (known > 0, wrong) == (True, 0)
    assert (hours,) == row
