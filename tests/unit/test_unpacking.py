"""`mingo unpack`: HLD files into the lake or as text, told in one sentence whatever they are."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from extract.daq.parser import parse_dat
from extract.transfer.local import acquire_local
from flows.outcome import Outcome
from flows.unpacking import unpack, write_texts
from simulate.config import StationConfig
from simulate.file import simulate_file
from simulate.hld import render_hld
from tests.unit.daq.home import tar_gz
from tests.unit.test_cli import mingo
from warehouse.settings import Settings, load_settings

BASE = "mi0125161000000"


@pytest.fixture(scope="module")
def content() -> bytes:
    block = simulate_file(500, station=StationConfig(station_id=1), layout="production").block
    return render_hld(np.random.default_rng(3), block.time_s, block.trigger, block.values).content


@pytest.fixture
def disk(tmp_path: Path, content: bytes) -> list[Path]:
    """Three HLD files in three forms."""
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / f"{BASE}.hld").write_bytes(content)
    (folder / "mi0125161010000.hld.tar.gz").write_bytes(tar_gz("/daq/mi0125161010000.hld", content + bytes(8)))
    (folder / "mi0125161020000.hld-tar-gz").write_bytes(tar_gz("mi0125161020000.hld", content + bytes(16)))
    return sorted(folder.iterdir())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "none.toml"))
    return load_settings(data_dir=tmp_path / "data", extract={"workers": 2}, transform={"wait_s": 0})


def counts(outcome: Outcome) -> tuple[str, int, int]:
    return outcome.state, outcome.detail["daq"]["n_done"], outcome.detail["daq"]["n_events"]


def test_files_into_the_lake_once(settings: Settings, disk: list[Path]) -> None:
    seen: list[int] = []
    outcome = unpack(settings, disk, lambda done, total, name: seen.append(done))
    assert counts(outcome) == ("Completed", 3, 1_500)
    assert seen == [1, 2, 3, 1, 2, 3]
    assert "3 files in " in outcome.sentence
    again = unpack(settings, disk)
    assert counts(again) == ("NothingToDo", 0, 0)
    assert again.sentence == "nothing to do (3 HLD files are in the lake)"
    assert {path.suffix for path in (settings.paths.landing / "hld").rglob("mi01*")} >= {".hld", ".gz", ".hld-tar-gz"}


def test_text_in_landing_is_left_to_extract(settings: Settings, disk: list[Path], tmp_path: Path) -> None:
    write_texts(settings, tmp_path / "text", disk[:1])
    acquire_local([tmp_path / "text" / f"{BASE}.dat"], settings.paths.landing)
    assert counts(unpack(settings)) == ("NothingToDo", 0, 0)
    assert counts(unpack(settings, disk[:1])) == ("Completed", 1, 500)
    rows = [pq.ParquetFile(path).read().to_pylist()[0] for path in settings.paths.lake.glob("raw_file/station=1/*/*")]
    assert {row["source_kind"]: row["is_current"] for row in rows} == {"dat": True, "hld": False}


def test_what_is_no_hld_of_ours_is_told(settings: Settings, disk: list[Path], content: bytes, tmp_path: Path) -> None:
    foreign = content.replace(b"\0\0\xc0\1", b"\0\0\x80\0")
    (tmp_path / "mi0125161030000.hld").write_bytes(foreign)
    (tmp_path / "xx14099113231.hld").write_bytes(foreign)
    outcome = unpack(settings, [disk[0], tmp_path / "mi0125161030000.hld", tmp_path / "xx14099113231.hld"])
    assert counts(outcome) == ("Partial", 2, 500)
    assert outcome.detail["daq"]["n_rejects"] == 500
    assert outcome.sentence.endswith(
        "0 failed, 1 refused; without events: 1 no_events (lake/raw_file and lake/raw_reject say why)"
    )
    assert [row[1] for row in outcome.detail["refused"]] == ["bad_name"]


def test_as_text(settings: Settings, disk: list[Path], tmp_path: Path) -> None:
    (tmp_path / "mi0125161030000.hld").write_bytes(b"text")
    outcome = write_texts(settings, tmp_path / "text", [*disk, tmp_path / "mi0125161030000.hld"])
    assert (outcome.state, outcome.detail["n_written"]) == ("Partial", 3)
    assert [problem for _, problem in outcome.detail["failures"]] == [
        f"{tmp_path / 'mi0125161030000.hld'}: no event header in it, so it is no HLD file"
    ]
    assert [parse_dat(path).counters.n_events for path in (tmp_path / "text").iterdir()] == [500] * 3
    assert not settings.paths.lake.exists()


def test_as_text_all_of_landing(settings: Settings, disk: list[Path], tmp_path: Path) -> None:
    assert write_texts(settings, tmp_path / "text").state == "NothingToDo"
    unpack(settings, disk[:1])
    assert write_texts(settings, tmp_path / "text").detail == {"n_written": 1, "failures": []}


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["unpack", "absent.hld"], 2, "absent.hld: no such file"),
        (["unpack"], 0, "nothing to do (0 HLD files are in the lake)"),
        (["unpack", "--text", "text"], 0, "no HLD in landing"),
        (["unpack", "--text", "README.md"], 2, "is no folder"),
        (["bench", "hld", "README.md"], 1, "README.md: no known suffix"),
    ],
)
def test_the_command_line(tmp_path: Path, arguments: list[str], code: int, text: str) -> None:
    result = mingo(*arguments, MINGO_DATA_DIR=str(tmp_path / "data"))
    assert (result.returncode, "Traceback" in result.stderr) == (code, False)
    assert text in " ".join((result.stdout + result.stderr).split())
