"""The command line's manners: every command helps, is documented, and turns a user's mistake into one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from flows.cli import app
from tests.conftest import ROOT

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def mingo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_gives_an_example(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.help
    if not hasattr(command, "commands"):
        assert f"mingo {name}" in command.help, f"{name} gives no example"
    for sub in getattr(command, "commands", {}).values():
        assert f"mingo {name} {sub.name}" in sub.help
    for parameter in command.params:
        assert getattr(parameter, "help", "") or parameter.name == "help", f"{name} {parameter.name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_operators_guide(name: str) -> None:
    assert f"| `mingo {name}" in (ROOT / "docs" / "operator.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["acquire", "--local", "absent.dat"], 2, "absent.dat: no such file"),
        (["acquire", "--local"], 2, "--local needs files"),
        (["acquire", "raw.dat"], 2, "files of this machine need --local"),
        (["acquire"], 2, "no source is configured"),
        (["acquire", "era5", "--kind", "era5"], 2, "--kind belongs to --local"),
        (["acquire", "nmdb", "--station", "1"], 2, "belong to no station"),
        (["acquire", "era5", "--station", "MINGO77"], 2, "known are MINGO00"),
        (["acquire", "logbook"], 1, "set logbook.url"),
        (["run", "nonsense"], 2, "unknown flow 'nonsense'"),
        (["demo", "--stations", "a,b"], 2, "not a list of station numbers"),
        (["query", "select 1"], 1, "nothing is published yet"),
        (["publish"], 1, "run `mingo transform` first"),
        (["report"], 1, "run `mingo publish` first"),
        (["publish", "--rollback"], 1, "no former publication"),
    ],
)
def test_a_mistake_is_one_line_without_a_traceback(tmp_path: Path, arguments: list[str], code: int, text: str) -> None:
    result = mingo(*arguments, MINGO_DATA_DIR=str(tmp_path / "data"))
    assert result.returncode == code, result.stdout + result.stderr
    assert text in " ".join((result.stdout + result.stderr).split())
    assert "Traceback" not in result.stderr


def test_the_sheet_of_an_unknown_station_is_a_usage_error(tmp_path: Path) -> None:
    address = {"MINGO_LOGBOOK__URL__MINGO77": "https://sheets.example.org/x", "MINGO_DATA_DIR": str(tmp_path)}
    result = mingo("acquire", "logbook", **address)
    assert result.returncode == 2
    assert "known are MINGO00" in result.stderr


def test_unknown_options_are_usage_errors() -> None:
    result = mingo("extract", "--nonsense")
    assert result.returncode == 2
    assert "No such option" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mingo.toml").write_text("dada_dir = 'x'\n")
    result = mingo("config", MINGO_CONFIG=str(tmp_path / "mingo.toml"))
    assert result.returncode == 2
    assert "configuration key 'dada_dir': unknown key" in " ".join(result.stderr.split())


def test_the_front_door_is_portable_shell() -> None:
    assert subprocess.run(["sh", "-n", str(ROOT / "mingo")], check=False).returncode == 0
    assert os.access(ROOT / "mingo", os.X_OK)
