"""A copy of the whole project in which the commands may edit the seeds, as an operator's checkout."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

FIFTH = [
    *("--code", "MINGO05", "--id", "5", "--city", "Coimbra", "--lat-deg", "40.2", "--lon-deg", "-8.4"),
    *("--altitude-m", "75", "--first-day", "2025-01-15", "--z-mm", "0,60,120,180"),
]


@dataclass(frozen=True)
class Project:
    """A project folder of its own with its own data folder."""

    root: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.root / "data"

    def mingo(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the copy; nothing is typed."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(("MINGO_", "DBT_"))}
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *words],
            cwd=self.root,
            env=own | {"PYTHONPATH": str(self.root)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def files(self) -> dict[str, str]:
        """Digest of every file outside the data folder."""
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not {"data", "__pycache__"} & set(path.relative_to(self.root).parts[:-1])
        }


def copied_project(folder: Path) -> Project:
    """The files under version control, and new ones, in a folder of the test."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        is_needed = name.startswith("tests/dbt/") or not name.startswith(("tests/", "docs/"))
        if is_needed and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return Project(folder)
