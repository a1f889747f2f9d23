"""The files for a station's computer: whole, of one station only, and taken by the programs that read them."""

import csv
import hashlib
import io
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cronsim import CronSim

from extract.station.home import StationError
from extract.station.render import FILES, README, RenderedStation, render
from simulate.openssh import OpenSshError, find_sshd
from simulate.ssh_keys import make_key
from tests.unit.station.places import SOURCES

CODES = {n: f"MINGO0{n}" for n in range(1, 10)}
NOON = datetime(2026, 2, 1, 12)


def station(number: int, *, has_sources: bool = True) -> RenderedStation:
    return RenderedStation(CODES[number], number, f"City {'ABCDEFGHI'[number - 1]}", SOURCES if has_sources else None)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return render(station(3))


def schedule(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"[*0-9]", line)]


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("has_sources", [True, False])
def test_no_file_names_another_station(number: int, has_sources: bool) -> None:
    # the server of the test's sources is left out: it is what the operator gave
    for name, text in render(station(number, has_sources=has_sources)).items():
        assert set(re.findall(r"MINGO\d\d", text)) <= {CODES[number]}, name
        assert set(re.findall(r"(?i)mi(?:ngo)?0\d", text)) <= {CODES[number], f"mi0{number}"}, name
        assert set(re.findall(r"STATION_ID=(\d)", text)) <= {str(number)}, name
        assert set(re.findall(r"City (.)", text)) <= {"ABCDEFGHI"[number - 1]}, name


def test_two_stations_differ_in_code_number_and_city_only() -> None:
    for (name, left), right in zip(render(station(2)).items(), render(station(7)).values(), strict=True):
        if name != README:
            for old, new in (("MINGO02", "MINGO07"), ("City B", "City G"), ("mi02", "mi07"), ("ID=2", "ID=7")):
                left = left.replace(old, new)
            assert left == right, name


def test_nothing_is_left_to_edit(texts: dict[str, str]) -> None:
    assert list(texts) == [*FILES, README]
    for name, text in texts.items():
        assert text.strip(), name
        assert text.endswith("\n"), name
        assert not re.search(r"\{\{|\{%|%\}|TODO|FIXME|XXX|CHANGEME|example\.|<(?!YYYY)[a-z_]+>", text), name
        assert "Undefined" not in text, name


def test_nothing_installs_a_crontab(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert all(match == " -l" for match in re.findall(r"crontab( [^.,;`)]*)`", text))
        assert not re.search(r"^[^#`]*\bcrontab\s+(-[^l]|\S+\.|/)", text, re.MULTILINE)


def test_the_schedule_is_a_crontab_of_this_station(texts: dict[str, str]) -> None:
    lines = schedule(texts["crontab.station"])
    others = [line for line in texts["crontab.station"].splitlines() if line and line not in lines]
    assert all(line.startswith("#") or re.fullmatch(r'[A-Z]+=(\S+|"")', line) for line in others)
    assert len(lines) == 11
    for line in lines:
        fields = line.split(None, 5)
        next(CronSim(" ".join(fields[:5]), NOON))
        assert "%" not in fields[5], "cron takes a percent sign for a line end"
        assert " # MINGO03 " in fields[5]
    cadence = {line.rpartition("# MINGO03 ")[2]: " ".join(line.split()[:5]) for line in lines}
    assert cadence == {
        "sensors": "*/15 * * * *",
        "high voltage": "*/15 * * * *",
        "gas flow": "*/15 * * * *",
        "trigger rates": "*/5 * * * *",
        "computer and disk": "*/5 * * * *",
        "unpacking": "*/15 * * * *",
        "copy of closed runs": "*/10 * * * *",
        "packing of the day's text": "30 2 * * *",
        "self-trigger run of 300 s": "0 4 * * *",
        "restart check": "*/30 * * * *",
        "cache cleaning": "30 3 * * *",
    }
    offsets = [int(found[1]) if (found := re.search(r"sleep (\d)", line)) else 0 for line in lines[:5]]
    assert offsets == [0, 1, 2, 3, 4]


def test_every_command_is_shell_and_every_variable_is_set(texts: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "profile.station").write_text(texts["profile.station"])
    script = "\n".join(line.split(None, 5)[5] for line in schedule(texts["crontab.station"]))
    for text in (script, texts["profile.station"], texts["daq_restart.conf"], texts["cache_clean.conf"]):
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    names = sorted(set(re.findall(r"\$\{?([A-Z_]+)", "\n".join(texts[name] for name in FILES))) - {"HOME"})
    show = '. "$HOME/profile.station"; ' + "; ".join(f'echo "{name}=${{{name}:?}}"' for name in names)
    shown = subprocess.run(
        ["sh", "-uc", show], env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    assert "EVENT_DIR=/data/asci\n" in shown.stdout
    assert f"LOG_DIR={tmp_path}/logs\n" in shown.stdout


def test_the_server_takes_the_account(texts: dict[str, str], tmp_path: Path) -> None:
    try:
        sshd = find_sshd()
    except OpenSshError as error:
        pytest.skip(str(error))
    Path("/run/sshd").mkdir(exist_ok=True, parents=True)
    key = make_key(tmp_path / "host_key")
    part = tmp_path / "sshd.mingo-read.conf"
    part.write_text(texts[part.name])
    main = tmp_path / "sshd_config"
    main.write_text(f"HostKey {key}\nInclude {part}\nSubsystem sftp internal-sftp\nX11Forwarding yes\n")

    def effective(user: str) -> dict[str, str]:
        words = [sshd, "-T", "-f", str(main), "-C", f"user={user},host=h,addr=127.0.0.1"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)

    subprocess.run([sshd, "-t", "-f", str(main)], check=True, capture_output=True)
    reader, other = effective("mingo-read"), effective("operator")
    assert reader["forcecommand"] == "internal-sftp -R"
    assert reader["chrootdirectory"] == "/srv/mingo-read"
    off = ("allowtcpforwarding", "x11forwarding", "permittty", "passwordauthentication", "permittunnel")
    assert {reader[name] for name in off} == {"no"}
    assert other["forcecommand"] == "none"
    assert other["x11forwarding"] == "yes", "the account's rules end with the account"


@pytest.mark.parametrize(("name", "n_panes"), [("tmux.daq.conf", 9), ("tmux.ana.conf", 5)])
def test_tmux_opens_every_pane(texts: dict[str, str], tmp_path: Path, name: str, n_panes: int) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    for made in ("profile.station", name):
        (tmp_path / made).write_text(texts[made])
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "xterm", "TMUX_TMPDIR": str(tmp_path)}
    tmux = ["tmux", "-f", "/dev/null"]
    try:
        started = subprocess.run(
            [*tmux, "start-server", ";", "source-file", str(tmp_path / name)],
            env=environment, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert (started.returncode, started.stderr) == (0, "")
        said = subprocess.run(
            [*tmux, "list-panes", "-s", "-t", f"MINGO03-{name[5:8]}", "-F", "#{pane_title}"],
            env=environment, capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
    finally:
        subprocess.run([*tmux, "kill-server"], env=environment, capture_output=True, timeout=30, check=False)
    assert len(set(said.stdout.splitlines())) == n_panes


def test_the_scan_has_its_steps(texts: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(texts["hv_scan.csv"])))
    assert list(rows[0]) == [
        *("scan_id", "station_code", "step", "hv_set_kv", "started_at", "settled_at", "ended_at", "comment")
    ]
    assert [(row["step"], row["hv_set_kv"]) for row in rows] == [
        *(("1", "5.20"), ("2", "5.25"), ("3", "5.30"), ("4", "5.35"), ("5", "5.40"), ("6", "5.45"), ("7", "5.50"))
    ]
    assert {row["station_code"] for row in rows} == {"MINGO03"}
    assert "7 h in all" in texts[README]


def test_the_list_of_sums_holds(texts: dict[str, str]) -> None:
    lines = texts[README].partition("sha256\n------\n")[2].splitlines()
    assert lines == [f"{hashlib.sha256(texts[name].encode()).hexdigest()}  {name}" for name in FILES]


def test_an_account_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    named = RenderedStation("MINGO03", 3, "City C", replace(SOURCES, user="${READER}"))
    with pytest.raises(StationError, match="environment variable READER is not set"):
        render(named)
    monkeypatch.setenv("READER", "fetcher")
    assert "Match User fetcher" in render(named)["sshd.mingo-read.conf"]
