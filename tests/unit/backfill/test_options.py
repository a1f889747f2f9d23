"""Wrong options of `mingo backfill` are one clear line and exit code 2; nothing is asked of any server."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app

CONFIG = """
[acquire.stations.MINGO01]
dat.host = "127.0.0.1"
dat.port = 9
dat.user = "${MINGO_TEST_UNSET}"
dat.key_file = "key"
dat.known_hosts = "known_hosts"
dat.directory = "asci"
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mingo.toml"
    path.write_text(CONFIG)
    monkeypatch.setenv("MINGO_CONFIG", str(path))
    monkeypatch.setenv("MINGO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("MINGO_TEST_UNSET", raising=False)
    return path


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--mode oldest", "--mode oldest is none of range, newest, random_day"),
        ("--mode range --from 2025-06-02 --to 2025-06-01", "--to 2025-06-01 lies before --from 2025-06-02"),
        ("--mode newest --seed 1", "--seed belongs to --mode random_day"),
        ("--mode range --source tape", "--source tape is none of station, archive, landing"),
        ("--mode range --limit 0", "--limit 0: at least one file"),
        ("--mode range --budget 0", "--budget 0: a number of seconds above 0"),
        ("--mode range --budget nan", "--budget nan: a number of seconds above 0"),
        ("--mode range --station MINGO09", "known are MINGO00, MINGO01, MINGO02, MINGO03, MINGO04, or all"),
        ("--mode range --source archive", "set acquire.stations.MINGO01.hld in"),
        ("--mode range --source archive --station all", "set acquire.stations.<CODE>.hld in"),
        ("--mode range", "acquire.stations.MINGO01.dat.user': the environment variable MINGO_TEST_UNSET is not set"),
    ],
)
def test_wrong_options(words: str, text: str, tmp_path: Path) -> None:
    station = [] if "--station" in words else ["--station", "MINGO01"]
    result = CliRunner().invoke(app, ["backfill", *station, *words.split()])
    assert (result.exit_code, result.stdout) == (2, "")
    assert text in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_landing_needs_no_server() -> None:
    result = CliRunner().invoke(app, ["backfill", "--station", "all", "--mode", "newest", "--source", "landing"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "backfill: nothing to do (no file is pending)"
