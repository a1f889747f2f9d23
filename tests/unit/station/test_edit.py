"""Changing a station: dated rows, sources in `mingo.toml`, in use or not, a new host key."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extract.station.add import Keys, plan_add, rows_of
from extract.station.description import OptionError
from extract.station.edit import Changes, plan_edit, plan_repin, plan_switch
from extract.station.facts import known_sources, station_facts
from extract.station.home import Home
from extract.station.host_key import Confirmation
from extract.station.toml_text import read_toml
from extract.transfer.sftp.pins import fingerprint
from extract.transfer.stations import read_stations
from tests.unit.station.places import KEY, OTHER_KEY, SOURCES, TODAY, contents, copied_home, new_station
from warehouse.settings import Acquire, StationSources

MAY = date(2025, 5, 10)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Five stations; the fifth has its server and a pinned key."""
    made = copied_home(tmp_path)
    how = Confirmation("host-key", fingerprint(KEY))
    plan_add(made, new_station(), Keys(lambda host, port: KEY, how, how)).carry_out()
    return made


def present(home: Home, code: str = "MINGO05") -> StationSources:
    acquire = Acquire.model_validate(read_toml(home.read_config()).get("acquire", {}))
    return acquire.stations.get(code, StationSources())


def edited(home: Home, number: int, changes: Changes, keys: Keys | None = None) -> list[Path]:
    code = read_stations(home.seed("station"))[number].station_code
    return plan_edit(home, number, changes, present(home, code), TODAY, keys).carry_out()


def test_a_new_position_is_a_dated_row_and_ends_the_former(home: Home) -> None:
    before = contents(home)
    changes = Changes(MAY, site={"latitude_deg": 40.4531, "longitude_deg": -3.7269}, is_surveyed=True)
    assert edited(home, 1, changes) == [home.seed("station")]
    old, new = rows_of(home.read_seed("station"), 1)
    assert (old["valid_from"], old["valid_to"], old["latitude_deg"]) == ("2023-01-01", "2025-05-09", "40.4168")
    assert (new["valid_from"], new["valid_to"], new["latitude_deg"]) == ("2025-05-10", "", "40.4531")
    assert (new["is_position_provisional"], new["position_source"]) == ("false", "survey")
    assert new["altitude_m"] == old["altitude_m"]
    lines = [line for line in contents(home)["seeds/station.csv"].splitlines() if line[:2] != b"1,"]
    assert lines == [line for line in before["seeds/station.csv"].splitlines() if line[:2] != b"1,"]
    assert edited(home, 1, changes) == []


def test_the_row_of_the_same_day_is_mended(home: Home) -> None:
    edited(home, 1, Changes(MAY, site={"altitude_m": 660.0}))
    edited(home, 1, Changes(MAY, site={"altitude_m": 668.0}))
    rows = rows_of(home.read_seed("station"), 1)
    assert [row["altitude_m"] for row in rows] == ["650", "668"]
    with pytest.raises(OptionError, match="--from: 2025-05-09 lies before the newest row"):
        edited(home, 1, Changes(date(2025, 5, 9), site={"altitude_m": 670.0}))


def test_new_heights_are_a_new_configuration(home: Home) -> None:
    edited(home, 1, Changes(MAY, z_mm=(0.0, 100.0, 200.0, 300.0)))
    old, new = rows_of(home.read_seed("station_configuration"), 1)[-2:]
    assert (old["conf_number"], old["valid_to"]) == ("14", "2025-02-17")
    assert (new["conf_number"], new["valid_from"], new["valid_to"]) == ("15", "2025-05-10", "")
    assert new["trigger_1"] == old["trigger_1"]
    edited(home, 2, Changes(MAY, z_mm=(0.0, 100.0, 200.0, 300.0)))
    assert [row["conf_number"] for row in rows_of(home.read_seed("station_configuration"), 2)] == ["1"]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        (Changes(MAY, site={"latitude_deg": 91.0}), "lat-deg"),
        (Changes(MAY, z_mm=(0.0, 1.0)), "z-mm"),
        (Changes(date(2026, 2, 2), city="Porto"), "from"),
        (Changes(MAY, city="@x"), "city"),
        (Changes(MAY, sources={"host": "-x"}), "host"),
        (Changes(MAY, sources={"hld_port": 22}), "remote-hld"),
        (Changes(MAY, logbook_env="a-b"), "logbook-env"),
    ],
)
def test_a_wrong_value_writes_nothing(home: Home, changes: Changes, option: str) -> None:
    before = contents(home)
    with pytest.raises(OptionError) as caught:
        edited(home, 5, changes)
    assert caught.value.option == option
    assert contents(home) == before


def test_sources_are_changed_in_place(home: Home) -> None:
    text = home.config.read_text()
    edited(home, 5, Changes(TODAY, sources={"remote_events": "/disk2/asci", "remote_hld": "/archive"}))
    sources = present(home)
    assert sources.dat is not None
    assert sources.hld is not None
    assert (sources.dat.directory, sources.dat.key_file) == ("/disk2/asci", "${MINGO05_KEY}")
    assert (sources.hld.host, sources.hld.directory) == ("mingo05", "/archive")
    assert home.config.read_text().startswith(text.replace('"/data/asci"', '"/disk2/asci"'))


def test_a_new_host_needs_its_key(home: Home) -> None:
    changes = Changes(TODAY, sources={"host": "mingo55"})
    how = Confirmation("host-key", None)
    with pytest.raises(OptionError, match="--host-key: is needed"):
        edited(home, 5, changes, Keys(lambda host, port: OTHER_KEY, how, how))
    given = Confirmation("host-key", fingerprint(OTHER_KEY))
    edited(home, 5, changes, Keys(lambda host, port: OTHER_KEY, given, given))
    assert [line.split()[0] for line in home.known_hosts().read_text().splitlines()] == ["mingo05", "mingo55"]
    log = present(home).log
    assert log is not None
    assert log.host == "mingo55"


def test_a_station_of_the_seed_gets_its_server(home: Home) -> None:
    with pytest.raises(OptionError, match="--user: is needed"):
        edited(home, 1, Changes(TODAY, sources={"host": "mingo01"}))
    given: dict[str, Any] = {"host": "mingo01", "user": "${READER}", "key_env": "K"}
    given |= {"remote_events": "d", "remote_logs": "l"}
    edited(home, 1, Changes(TODAY, sources=given))
    assert known_sources(present(home, "MINGO01")) == replace(SOURCES, **given)


def test_a_key_that_is_a_path_stays(home: Home) -> None:
    home.config.write_text(home.config.read_text().replace("${MINGO05_KEY}", "/keys/mingo05"))
    edited(home, 5, Changes(TODAY, sources={"port": 2222}))
    dat = present(home).dat
    assert dat is not None
    assert (dat.key_file, dat.port) == ("/keys/mingo05", 2222)


def test_disabled_with_a_reason_and_back(home: Home) -> None:
    before = contents(home)

    def switch(**words: Any) -> list[Path]:
        return plan_switch(home, 3, today=TODAY, **words).carry_out()

    assert switch(is_enabled=False, reason="flooded, gas off")
    assert not read_stations(home.seed("station"))[3].is_enabled
    facts = station_facts(home, 3, StationSources())
    assert (facts["is_enabled"], facts["disabled_reason"]) == (False, "2026-02-01: flooded, gas off")
    assert switch(is_enabled=False, reason="flooded, gas off") == []
    assert switch(is_enabled=True, reason="")
    assert contents(home) == before
    assert switch(is_enabled=True, reason="") == []
    with pytest.raises(OptionError, match="--reason"):
        switch(is_enabled=False, reason=" ")


def test_repin_takes_the_place_of_all_former_keys(home: Home) -> None:
    line = f"{KEY.get_name()} {KEY.get_base64()}"
    text = f"# pinned\nmingo01 {line}\nmingo05,mingo04 {line} both\n"
    home.known_hosts().write_text(text)
    how = Confirmation("host-key", fingerprint(OTHER_KEY))
    plan = plan_repin(home, "MINGO05", present(home), how, lambda host, port: OTHER_KEY, is_archive=False)
    assert plan.carry_out() == [home.known_hosts()]
    lines = home.known_hosts().read_text().splitlines()
    assert lines[:3] == [*text.splitlines()[:2], f"mingo04 {KEY.get_name()} {KEY.get_base64()} both"]
    assert lines[3] == f"mingo05 {OTHER_KEY.get_name()} {OTHER_KEY.get_base64()}"
    with pytest.raises(OptionError, match="not this key"):
        plan_repin(home, "MINGO05", present(home), how, lambda host, port: KEY, is_archive=False)
    with pytest.raises(OptionError, match="own server"):
        plan_repin(home, "MINGO05", present(home), how, lambda host, port: KEY, is_archive=True)


def test_facts_count_files_by_name(home: Home) -> None:
    folder = home.paths.landing / "dat" / "station=5" / "2026-01"
    folder.mkdir(parents=True)
    names = ("mi0526015120000.dat.tar.gz", "mi0526015120000.dat~2", "mi0526016130501.dat.gz", "notes.txt")
    for name in (*names, "mi0526017000000.dat.part", "mi0526015120000.dat~2.meta.json"):
        (folder / name).touch()
    facts = station_facts(home, 5, present(home))
    assert facts["landing"] == {"n_files": 2, "newest_at": "2026-01-16 13:05:01"}
    assert facts["pinned"] == {"mingo05:22": [fingerprint(KEY)]}
    assert facts["sources"]["log"]["user"] == "mingo-read"
    assert facts["rows"]["station_monitor"] == [{"nm_code": "OULU", "priority": "1"}]
