"""Lab logs from a real SSH server: they grow, move to done/, and reach the tables' rules without a loss."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from extract.lab.extract import extract_lab
from extract.lab.schema import LAB_COMPUTER, LAB_FLOW
from extract.provenance import ENV_FILE, ENV_REJECT
from extract.transfer.clock import Clock
from extract.transfer.sftp.schema import REMOTE_FILE
from extract.transfer.sidecar import is_landing_name
from flows.cli import app
from flows.outcome import Outcome
from flows.station_fetch import acquire_logs, acquire_logs_later
from simulate.openssh import OpenSsh
from tests.unit.environment.landing_files import read_lake
from warehouse.settings import Settings, load_settings

FLOW = "Flow0_2025-02-08.log"
COMPUTER = "Odroid_2025-02-07.log"
FLOW_ROWS = [f"2025-02-08 {hour:02}:00:05 {771 + hour} 786 812 743\n" for hour in range(6)]
COMPUTER_ROWS = [f"2025-02-07T{hour:02}:00:06; 44 61 18250\n" for hour in range(5)]
ODD = "\x1b[2J\x1b]0;owned\x07 <b>x</b>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with OpenSsh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


class Station:
    """A log folder on the server, and a data folder of ours."""

    def __init__(self, server: OpenSsh, folder: Path) -> None:
        self.server = server
        self.folder = server.root / folder.name
        (self.folder / "done").mkdir(parents=True)
        self.second = 0
        server.write_known_hosts(folder / "known_hosts")
        config = [
            "[acquire]",
            "min_free_gib = 0",
            "[acquire.stations.MINGO01.log]",
            f'host = "{server.host}"',
            f"port = {server.port}",
            'user = "${STATION_USER}"',
            f'key_file = "{server.client_key}"',
            f'known_hosts = "{folder / "known_hosts"}"',
            f'directory = "{server.remote(self.folder)}"',
        ]
        (folder / "mingo.toml").write_text("\n".join(config) + "\n")

    @property
    def settings(self) -> Settings:
        return load_settings()

    def write(self, name: str, text: str) -> None:
        """Write a file; each change has a time of its own."""
        self.second += 1
        path = self.folder / name
        path.write_text(text)
        changed_at = datetime(2025, 2, 8, 12, tzinfo=UTC).timestamp() + self.second
        os.utime(path, (changed_at, changed_at))

    def fetch(self) -> Outcome:
        return acquire_logs(self.settings)

    def landed(self) -> list[str]:
        root = self.settings.paths.landing / "lab_log" / "station=1"
        files = [p for p in root.rglob("*") if p.is_file() and is_landing_name(p.name)]
        return sorted(p.relative_to(root).as_posix() for p in files)


@pytest.fixture
def station(server: OpenSsh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "mingo.toml"))
    monkeypatch.setenv("MINGO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("STATION_USER", server.user)
    return Station(server, tmp_path)


def test_a_log_grows_over_five_runs_and_moves_to_done(station: Station) -> None:
    paths = station.settings.paths
    for n in range(1, 6):
        station.write(FLOW, "".join(FLOW_ROWS[:n]) + FLOW_ROWS[n][:9])  # the next line is being written
        outcome = station.fetch()
        assert (outcome.state, outcome.detail["fetched"]) == ("Completed", 1)
        assert extract_lab(paths.landing, paths.lake).total.n_rows == n
    station.write(FLOW, "".join(FLOW_ROWS))
    (station.folder / FLOW).rename(station.folder / "done" / FLOW)
    assert station.fetch().detail["fetched"] == 1
    assert extract_lab(paths.landing, paths.lake).failures == []
    marks = ["", "~2", "~3", "~4", "~5"]
    assert station.landed() == [f"done/2025-02/{FLOW}", *(f"top/2025-02/{FLOW}{mark}" for mark in marks)]
    rows = read_lake(paths.lake, LAB_FLOW)
    assert {row["flow_p1_au"] for row in rows} == set(range(771, 777))
    statuses = {row["source_file"]: row["status"] for row in read_lake(paths.lake, ENV_FILE)}
    assert [status for path, status in statuses.items() if "/done/" in path] == ["ok"]

    mark = station.server.mark()
    outcome = station.fetch()
    assert (outcome.state, outcome.exit_code) == ("NothingToDo", 0)
    assert station.server.served(mark).opened == ()
    (row,) = [
        row for row in read_lake(paths.lake, REMOTE_FILE) if row["source"] == "log" and row["file_name"] != "done"
    ]
    assert (row["file_name"], row["outcome"]) == (f"done/{FLOW}", "skipped")


def test_one_name_in_both_folders_is_fetched_twice(station: Station) -> None:
    paths = station.settings.paths
    station.write(COMPUTER, "".join(COMPUTER_ROWS))
    changed = [COMPUTER_ROWS[0], COMPUTER_ROWS[1].replace("44 61", "45 61"), *COMPUTER_ROWS[2:4]]
    station.write(f"done/{COMPUTER}", "".join(changed))
    assert station.fetch().detail["fetched"] == 2
    assert station.landed() == [f"{folder}/2025-02/{COMPUTER}" for folder in ("done", "top")]
    assert extract_lab(paths.landing, paths.lake).failures == []
    rows = read_lake(paths.lake, LAB_COMPUTER)
    assert sorted((row["remote_folder"], row["disk_1_fill_pct"]) for row in rows) == sorted(
        [("done", 44), ("done", 45), ("done", 44), ("done", 44), *[("top", 44)] * 5]
    )


def test_other_names_are_counted_and_what_lines_hold_stays_inert(station: Station) -> None:
    for name in (
        "clean_Flow0_2025-02-08.log",
        "merged_hv0.log",
        "restart.log",
        "hv0_2025-02-08.log~2",
        ODD.replace("/", ""),
    ):
        station.write(name, "x\n")
    (station.folder / "hv0_2025-02-09.log").symlink_to("/etc/passwd")
    station.write("rates_2025-02-08", f"2025-02-08T10:00:00; {ODD}\n")
    plan = CliRunner().invoke(app, ["acquire", "logs", "--plan"])
    assert plan.exit_code == 0, plan.output
    assert station.landed() == []
    result = CliRunner().invoke(app, ["acquire", "logs", "--station", "MINGO01"])
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert result.output.splitlines()[-1].startswith("acquire_logs: 1 files")
    assert station.landed() == ["top/2025-02/rates_2025-02-08"]
    (detail,) = station.fetch().detail["stations"]
    assert detail["n_ignored_names"] == 5
    assert detail["counts"]["not_regular"] == 1
    paths = station.settings.paths
    assert extract_lab(paths.landing, paths.lake).failures == []
    (reject,) = read_lake(paths.lake, ENV_REJECT)
    assert reject["reason"] == "binary"
    assert reject["line_text"].isprintable()


def test_a_scheduled_run_begins_after_a_pause(station: Station) -> None:
    pauses: list[float] = []
    outcome = acquire_logs_later(station.settings, clock=Clock(sleep=pauses.append), draw=lambda: 0.25)
    assert (outcome.state, pauses) == ("NothingToDo", [60.0])


def test_a_host_with_another_key_is_refused(station: Station, tmp_path: Path) -> None:
    station.write(FLOW, FLOW_ROWS[0])
    (tmp_path / "known_hosts").write_text("")
    outcome = station.fetch()
    assert (outcome.state, outcome.exit_code) == ("Failed", 1)
    assert station.server.fingerprint in outcome.sentence
    assert station.landed() == []
