"""Adding a station: right rows, nothing written on a wrong value, recoverable after a kill, refused when different."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import paramiko
import pytest

from extract.station.add import Keys, Plan, plan_add
from extract.station.description import OptionError, check_station, standard_pressure_hpa
from extract.station.home import Home, StationError
from extract.station.host_key import Confirmation
from extract.transfer.sftp.pins import fingerprint
from extract.transfer.stations import read_sites, read_stations
from tests.unit.station.places import KEY, SOURCES, TODAY, contents, copied_home, new_station
from warehouse.files import write_bytes


def keys(given: str | None = fingerprint(KEY), ask: Callable[[str, str], str] | None = None) -> Keys:
    how = Confirmation("host-key", given, ask)
    return Keys(lambda host, port: KEY, how, replace(how, option="hld-host-key"))


def added(home: Home, **other: Any) -> list[Path]:
    new = new_station(**other)
    check_station(new, TODAY)
    return plan_add(home, new, keys()).carry_out()


def test_a_fifth_station_is_new_lines_only(tmp_path: Path) -> None:
    home = copied_home(tmp_path, "# mine\n[extract]\nworkers = 1\n")
    before = contents(home)
    added(home)
    after = contents(home)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        *(f"seeds/{name}.csv" for name in ("station", "station_configuration", "station_reference")),
        *(f"seeds/{name}.csv" for name in ("station_acceptance", "station_monitor", "cutoff_rigidity")),
        *("mingo.toml", "known_hosts"),
    }
    for name in changed & set(before):
        old, new = before[name].decode().splitlines(), after[name].decode().splitlines()
        assert [line for line in new if line in old] == old, f"{name} lost or moved a line"
    stations = read_stations(home.seed("station"))
    assert (stations[5].station_code, stations[5].position) == ("MINGO05", (40.2, -8.4))
    assert read_sites(home.seed("station"))[5][0].first_day == date(2026, 1, 15)
    assert (tmp_path / "known_hosts").read_text() == f"mingo05 {KEY.get_name()} {KEY.get_base64()}\n"
    assert all((tmp_path / "data" / "landing" / kind / "station=5").is_dir() for kind in ("dat", "hld", "lab_log"))


def test_again_changes_nothing_and_asks_no_server(tmp_path: Path) -> None:
    home = copied_home(tmp_path)
    added(home)
    before = contents(home)
    silent = Keys(lambda host, port: pytest.fail("asked"), Confirmation("host-key", None), Confirmation("hld", None))
    assert plan_add(home, new_station(), silent).carry_out() == []
    assert contents(home) == before


@pytest.mark.parametrize("n_renames", range(8))
def test_a_kill_between_two_renames_is_mended_by_the_same_command(tmp_path: Path, n_renames: int) -> None:
    whole = copied_home(tmp_path / "whole")
    added(whole)
    home = copied_home(tmp_path / "cut")
    done: list[Path] = []

    def kill(path: Path) -> None:
        done.append(path)
        if len(done) == n_renames:
            raise KeyboardInterrupt

    plan = plan_add(home, new_station(), keys())
    if n_renames:
        with pytest.raises(KeyboardInterrupt):
            plan.carry_out(kill)
    assert 5 not in read_stations(home.seed("station")), "the station comes last"
    added(home)
    assert contents(home) == contents(whole)


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copied_home(tmp_path)
    before = contents(home)
    plan = plan_add(home, new_station(), keys())
    calls: list[Path] = []

    def full(path: Path) -> None:
        calls.append(path)
        if len(calls) == 7:
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("extract.station.commit.sync_file", full)
    with pytest.raises(OSError, match="No space left"):
        plan.carry_out()
    assert contents(home) == before


@pytest.mark.parametrize(
    ("other", "option"),
    [
        ({"code": "MINGO5"}, "code"),
        ({"code": "MINGO06"}, "code"),
        ({"code": "MINGO05\n"}, "code"),
        ({"station_id": 0, "code": "MINGO00"}, "id"),
        ({"station_id": 10, "code": "MINGO10"}, "id"),
        ({"city": "=1+1"}, "city"),
        ({"city": "a\x1b[31m"}, "city"),
        ({"city": ""}, "city"),
        ({"latitude_deg": 90.1}, "lat-deg"),
        ({"latitude_deg": float("nan")}, "lat-deg"),
        ({"longitude_deg": -180.5}, "lon-deg"),
        ({"altitude_m": 12_000.0}, "altitude-m"),
        ({"pressure_hpa": 90.0}, "pressure-hpa"),
        ({"hv_nominal_kv": 7.0}, "hv-nominal-kv"),
        ({"first_day": date(2026, 2, 2)}, "first-day"),
        ({"first_day": date(1999, 1, 1)}, "first-day"),
        ({"z_mm": (0.0, 150.0, 300.0)}, "z-mm"),
        ({"z_mm": (0.0, 150.0, 150.0, 450.0)}, "z-mm"),
        ({"z_mm": (-1.0, 150.0, 300.0, 450.0)}, "z-mm"),
        ({"logbook_env": "https://sheet"}, "logbook-env"),
        ({"sources": replace(SOURCES, host="-oProxyCommand=x")}, "host"),
        ({"sources": replace(SOURCES, port=0)}, "port"),
        ({"sources": replace(SOURCES, user="a b")}, "user"),
        ({"sources": replace(SOURCES, key_env="/home/me/key")}, "key-env"),
        ({"sources": replace(SOURCES, remote_events="data/../..")}, "remote-events"),
        ({"sources": replace(SOURCES, remote_logs="logs; rm")}, "remote-logs"),
        ({"sources": replace(SOURCES, remote_hld="a\nb")}, "remote-hld"),
        ({"sources": replace(SOURCES, hld_host="archive")}, "remote-hld"),
    ],
)
def test_a_wrong_value_names_its_option(other: dict[str, Any], option: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_station(new_station(**other), TODAY)
    assert caught.value.option == option
    assert str(caught.value).startswith(f"--{option}: ")
    assert str(caught.value).isprintable()


def test_a_secret_given_instead_of_a_name_is_not_repeated() -> None:
    with pytest.raises(OptionError) as caught:
        check_station(new_station(logbook_env="https://sheet/secret-token"), TODAY)
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"code": "MINGO04", "station_id": 4}, "other values of --city, --lat-deg"),
        ({"city": "Porto"}, "other values of --city; change it with `mingo station edit`"),
        ({"pressure_hpa": 900.0}, "--pressure-hpa"),
        ({"first_day": date(2026, 1, 16)}, "--first-day"),
        ({"z_mm": (0.0, 100.0, 200.0, 300.0)}, "--z-mm"),
        ({"sources": replace(SOURCES, host="mingo55")}, r"acquire\.stations\.MINGO05\.dat is there with other values"),
        ({"sources": replace(SOURCES, port=2222)}, r"acquire\.stations\.MINGO05\.dat is there with other values"),
    ],
)
def test_other_values_are_refused(tmp_path: Path, other: dict[str, Any], message: str) -> None:
    home = copied_home(tmp_path)
    added(home)
    before = contents(home)
    with pytest.raises(StationError, match=message):
        plan_add(home, new_station(**other), keys())
    assert contents(home) == before


def test_a_number_or_code_of_another_station_is_refused(tmp_path: Path) -> None:
    home = copied_home(tmp_path)
    text = home.seed("station").read_text()
    write_bytes(home.seed("station"), text.replace("4,MINGO04", "4,MINGO05").encode())
    with pytest.raises(OptionError, match="MINGO05 is station 4"):
        plan_add(home, new_station(), None)
    write_bytes(home.seed("station"), text.replace("4,MINGO04", "5,MINGO04").encode())
    with pytest.raises(OptionError, match="5 is taken by MINGO04"):
        plan_add(home, new_station(), None)


def test_no_key_is_taken_unconfirmed(tmp_path: Path) -> None:
    home = copied_home(tmp_path)
    other = "SHA256:" + "A" * 43
    with pytest.raises(OptionError, match="is needed where nobody can be asked: mingo05 offers SHA256:"):
        plan_add(home, new_station(), keys(None))
    with pytest.raises(OptionError, match="not this key"):
        plan_add(home, new_station(), keys(other))
    with pytest.raises(OptionError, match="ssh-keygen"):
        plan_add(home, new_station(), keys("yes"))
    with pytest.raises(OptionError, match="nothing was pinned"):
        plan_add(home, new_station(), keys(None, lambda host, shown: "y"))
    typed: list[tuple[str, str]] = []

    def person(host: str, shown: str) -> str:
        typed.append((host, shown))
        return f" {fingerprint(KEY)}\n"

    plan_add(home, new_station(), keys(None, person)).carry_out()
    assert typed == [("mingo05", fingerprint(KEY))]
    with pytest.raises(StationError, match=r"another key of mingo05 is pinned.*station repin MINGO05"):
        plan_add(home, new_station(), keys(other))


def test_an_archive_of_its_own_has_a_key_of_its_own(tmp_path: Path) -> None:
    home = copied_home(tmp_path)
    sources = replace(SOURCES, remote_hld="/archive", hld_host="archive", hld_port=2022, hld_user="reader")
    asked: list[tuple[str, int]] = []
    how = keys()

    def offer(host: str, port: int) -> paramiko.PKey:
        asked.append((host, port))
        return KEY

    plan_add(home, new_station(sources=sources), replace(how, offer=offer)).carry_out()
    assert asked == [("mingo05", 22), ("archive", 2022)]
    assert (tmp_path / "known_hosts").read_text().splitlines()[1].startswith("[archive]:2022 ecdsa-")


def test_a_station_without_a_server_is_rows_only(tmp_path: Path) -> None:
    home = copied_home(tmp_path)
    plan_add(home, new_station(sources=None), None).carry_out()
    assert not (tmp_path / "mingo.toml").exists()
    assert not (tmp_path / "known_hosts").exists()
    assert 5 in read_stations(home.seed("station"))


def test_the_logbook_is_a_name_in_the_configuration(tmp_path: Path) -> None:
    home = copied_home(tmp_path, '[logbook.url]\nMINGO01 = "https://sheets.example/a"\n')
    plan_add(home, new_station(sources=None, logbook_env="SHEET_5"), None).carry_out()
    assert 'MINGO05 = "${SHEET_5}"' in (tmp_path / "mingo.toml").read_text()
    again: Plan = plan_add(home, new_station(sources=None, logbook_env="SHEET_5"), None)
    assert again.carry_out() == []
    with pytest.raises(StationError, match=r"logbook\.url\.MINGO05"):
        plan_add(home, new_station(sources=None, logbook_env="OTHER"), None)


def test_rows_an_operator_prepared_stay(tmp_path: Path) -> None:
    home = copied_home(tmp_path)
    path = home.seed("station_monitor")
    write_bytes(path, path.read_bytes() + b"5,KIEL2,1\n")
    added(home)
    assert path.read_text().splitlines()[-1] == "5,KIEL2,1"


@pytest.mark.parametrize(("altitude_m", "pressure_hpa"), [(0, 1013), (1000, 899), (2000, 795), (5000, 540)])
def test_standard_pressure(altitude_m: float, pressure_hpa: float) -> None:
    assert standard_pressure_hpa(altitude_m) == pressure_hpa
