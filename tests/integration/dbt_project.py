"""Running dbt in a data folder of a test."""

from pathlib import Path

from warehouse import dbt
from warehouse.paths import Paths


def run_dbt(data_dir: Path, *arguments: str) -> None:
    """Run dbt with the defaults of the project; fails the test when dbt fails."""
    result = dbt.run(Paths(data_dir), arguments)
    assert result.error is None, result.error
