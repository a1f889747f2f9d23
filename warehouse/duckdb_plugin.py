"""dbt-duckdb plugin that prepares the data folder before DuckDB connects, so that a bare `dbt build` works anywhere."""

from importlib import import_module
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from warehouse.dataset import Dataset
from warehouse.lake import write_schema_files
from warehouse.paths import Paths


def declared_datasets(modules: list[str]) -> list[Dataset]:
    """The ``DATASETS`` of each module, named in the configuration because `warehouse` imports no extractor."""
    return [dataset for module in modules for dataset in import_module(module).DATASETS]


class Plugin(BasePlugin):
    """Make the data folder and the schema-only file of every lake dataset."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Run by dbt-duckdb before it connects."""
        paths = Paths(Path(plugin_config["data_dir"]).resolve())
        for folder in (paths.data_dir, paths.lake, paths.data_dir / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        write_schema_files(paths.lake, declared_datasets(plugin_config["dataset_modules"]))
