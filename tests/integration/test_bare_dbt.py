"""dbt alone, from the repository root, with no flags: build (unit tests included) on an empty lake, and docs."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from flows.documentation import DATASET_MODULES, SOURCES_FILE, all_datasets
from tests.conftest import ROOT
from warehouse.dataset import to_dbt_sources
from warehouse.dbt import read_nodes


def dbt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt as a person would from the root; only the places it writes to are moved away."""
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments],
        cwd=ROOT,
        env=os.environ
        | {
            "MINGO_DATA_DIR": str(folder / "data"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a bare `dbt build` ran on an empty lake."""
    folder = tmp_path_factory.mktemp("bare")
    result = dbt(folder, "build")
    assert result.returncode == 0, result.stdout[-5000:]
    return folder


def test_everything_was_built_and_tested(built: Path) -> None:
    nodes = read_nodes(built / "target" / "run_results.json")
    kinds = {node.kind for node in nodes}
    assert {"model", "seed", "test", "unit_test"} <= kinds
    assert all(node.status in ("success", "pass") for node in nodes)


def test_an_empty_lake_gives_empty_tables(built: Path) -> None:
    with duckdb.connect(str(built / "data" / "build.duckdb"), read_only=True) as connection:
        for table in ("fct_track", "fct_minute_count", "large_corrected_table", "fct_environment_minute"):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,), table


def test_docs_are_one_page(built: Path) -> None:
    result = dbt(built, "docs", "generate", "--static")
    assert result.returncode == 0, result.stdout[-5000:]
    page = (built / "target" / "static_index.html").read_text()
    assert "large_corrected_table" in page


def test_source_docs_are_those_of_the_declarations() -> None:
    assert SOURCES_FILE.read_text() == to_dbt_sources(all_datasets()), "run `./mingo docs --sources`"


def test_the_profile_and_the_docs_know_the_same_datasets() -> None:
    profile = yaml.safe_load((ROOT / "profiles.yml").read_text())["mingo"]["outputs"]["dev"]
    assert profile["plugins"][0]["config"]["dataset_modules"] == list(DATASET_MODULES)
