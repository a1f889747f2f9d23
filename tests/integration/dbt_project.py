"""Running dbt in a data folder of a test."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def run_dbt(data_dir: Path, *arguments: str) -> str:
    """Run dbt from the root of the project with its artifacts in the data folder; fails the test when dbt fails."""
    result = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments],
        cwd=ROOT,
        env=os.environ
        | {
            "MINGO_DATA_DIR": str(data_dir),
            "DBT_TARGET_PATH": str(data_dir / "dbt" / "target"),
            "DBT_LOG_PATH": str(data_dir / "dbt" / "logs"),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5_000:]
    return result.stdout
