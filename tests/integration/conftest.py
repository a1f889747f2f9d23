"""Data folders that several tests read: the demo's network, and the independent files with truth. Each is made once."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, shared_folder
from tests.truth.known import CASES, INDEPENDENT, Known, write_cases
from tests.truth.known import independent as independent_truth


@dataclass(frozen=True)
class Home:
    """A data folder and a way to run commands in it."""

    data_dir: Path

    def mingo(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line in a process of its own."""
        result = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=ROOT,
            env=os.environ
            | {"MINGO_DATA_DIR": str(self.data_dir), "MINGO_CONFIG": str(self.data_dir / "mingo.toml"), **environment},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def json(self, *arguments: str) -> dict[str, Any]:
        """The JSON answer of a command."""
        answer: dict[str, Any] = json.loads(self.mingo(*arguments, "--json").stdout)
        return answer

    @property
    def serving(self) -> Path:
        """The published file."""
        return self.data_dir / "serving.duckdb"

    @property
    def build(self) -> Path:
        """The build file."""
        return self.data_dir / "build.duckdb"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Any]]:
    """A data folder in which `mingo demo` has run, and what it said."""
    home = Home(tmp_path_factory.mktemp("demo"))
    return home, home.json("demo")


@pytest.fixture(scope="session")
def published(demo: tuple[Home, dict[str, Any]]) -> Path:
    """The published file of the demo's network."""
    return demo[0].serving


@pytest.fixture(scope="session")
def detector_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, Known]]:
    """Detector files with truth, from landing to the published file: simulated ones, the independent ones if there."""
    home = Home(tmp_path_factory.mktemp("detector"))
    (home.data_dir / "mingo.toml").write_text("[detector]\nquality_time_scan = true\n")
    files, known = write_cases(CASES, home.data_dir / "source")
    folder = shared_folder() / "detector"
    if folder.is_dir():
        files += sorted(folder.glob("*.dat.gz"))
        known += [independent_truth(folder, label) for label in INDEPENDENT]
    home.mingo("acquire", "--local", *map(str, files))
    for step in ("extract", "transform", "publish"):
        home.mingo(step)
    return home, {one.label: one for one in known}


@pytest.fixture(scope="session")
def independent(shared_data: Path, detector_files: tuple[Home, dict[str, Known]]) -> Home:
    """A data folder that holds the independent detector files among others, from landing to the published file."""
    home, known = detector_files
    assert set(known) >= set(INDEPENDENT)
    return home
