"""Addresses of the stations' sources out of the settings."""

from pathlib import Path
from typing import Any

import pytest

from extract.transfer.sftp.endpoint import configured_codes, resolve
from extract.transfer.stations import UnknownStationError
from warehouse.settings import ConfigurationError, Settings, load_settings

DAT = {
    "host": "mingo01",
    "port": 2222,
    "user": "${STATION_USER}",
    "key_file": "~/keys/${STATION_KEY}",
    "known_hosts": "known_hosts",
    "directory": "/data/asci",
}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "mingo.toml"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STATION_USER", "reader")
    monkeypatch.setenv("STATION_KEY", "mingo01")
    return tmp_path


def settings(**sources: dict[str, Any]) -> Settings:
    return load_settings(acquire={"stations": {"MINGO01": {"dat": DAT, **sources}}})


def test_variables_and_paths_are_put_in(config: Path) -> None:
    found = resolve(settings(), "MINGO01", "dat")
    assert (found.station_id, found.host, found.port, found.user) == (1, "mingo01", 2222, "reader")
    assert found.key_file == config / "home" / "keys" / "mingo01"
    assert found.known_hosts == config / "known_hosts"
    assert found.include == ("*.dat", "*.dat.gz", "*.dat.tar.gz")


def test_what_the_others_lack_is_as_for_dat() -> None:
    there = settings(log={"host": "mingo01", "directory": "logs"}, hld={"host": "archive", "directory": "/hld"})
    log, hld = resolve(there, "MINGO01", "log"), resolve(there, "MINGO01", "hld")
    assert (log.user, log.port, hld.user) == ("reader", 2222, "reader")
    assert hld.port == 22, "another host has its own port"


def test_a_variable_that_is_not_set_is_named_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATION_USER")
    there = settings()
    with pytest.raises(ConfigurationError, match=r"acquire\.stations\.MINGO01\.dat\.user.*variable STATION_USER"):
        resolve(there, "MINGO01", "dat")


def test_what_is_missing_is_named_by_its_key() -> None:
    bare = load_settings(acquire={"stations": {"MINGO01": {"dat": {"host": "a", "directory": "/x"}}}})
    with pytest.raises(ConfigurationError, match=r"MINGO01\.dat\.user: not set in .*mingo\.toml"):
        resolve(bare, "MINGO01", "dat")
    with pytest.raises(ConfigurationError, match=r"MINGO01\.hld: not configured"):
        resolve(bare, "MINGO01", "hld")


def test_stations_are_those_of_the_seed() -> None:
    there = load_settings(acquire={"stations": {"MINGO77": {"dat": DAT}}})
    assert configured_codes(there, "dat") == ["MINGO77"]
    assert configured_codes(there, "log") == []
    with pytest.raises(UnknownStationError, match="MINGO01"):
        resolve(there, "MINGO77", "dat")


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a b", "user@host"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    with pytest.raises(ConfigurationError, match="host"):
        load_settings(acquire={"stations": {"MINGO01": {"dat": DAT | {"host": host}}}})


def test_a_home_folder_that_does_not_exist_is_named_with_its_key() -> None:
    there = settings(log={"host": "mingo01", "directory": "logs", "key_file": "~nobody-of-that-name/key"})
    with pytest.raises(ConfigurationError, match=r"MINGO01\.log\.key_file: ~nobody-of-that-name/key"):
        resolve(there, "MINGO01", "log")
