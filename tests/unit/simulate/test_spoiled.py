"""Files that are wrong as a whole get the status they were made for."""

from datetime import datetime
from pathlib import Path

import pytest

from extract.daq.parser import parse_dat
from simulate.config import StationConfig
from simulate.file import simulate_file, write_file
from simulate.spoiled import SpoiledFile, spoiled_files

START = datetime(2025, 6, 10, 3)
SOUND = simulate_file(300, station=StationConfig(2), start=START, layout="production")


@pytest.mark.parametrize("spoiled", spoiled_files(SOUND, START), ids=lambda spoiled: spoiled.kind)
def test_status(spoiled: SpoiledFile, tmp_path: Path) -> None:
    path = tmp_path / spoiled.name
    path.write_bytes(spoiled.content)
    assert parse_dat(path, expected_station=2).status == spoiled.status


def test_versions_and_twins_relate_to_the_sound_file() -> None:
    content = {spoiled.kind: spoiled.content for spoiled in spoiled_files(SOUND, START)}
    assert content["twin"] == SOUND.content
    assert content["second_version"].startswith(SOUND.content)
    assert content["second_version"] != SOUND.content
    assert SOUND.content.startswith(content["cut_copy"])


@pytest.mark.parametrize(("container", "suffix"), [("plain", ".dat"), ("gz", ".dat.gz"), ("tar_gz", ".dat.tar.gz")])
def test_a_sound_file_in_every_container(container: str, suffix: str, tmp_path: Path) -> None:
    path = write_file(SOUND, tmp_path, container)  # type: ignore[arg-type]
    assert path.name == f"mi0225161030000{suffix}"
    result = parse_dat(path, expected_station=2)
    assert (result.status, result.events.num_rows) == ("ok", 300)
