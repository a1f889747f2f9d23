"""The data dictionary: the dbt source file from the dataset declarations, and the static page of dbt docs."""

from importlib import import_module
from pathlib import Path

from warehouse import dbt
from warehouse.dataset import Dataset, to_dbt_sources
from warehouse.files import write_bytes
from warehouse.paths import PROJECT_ROOT
from warehouse.settings import Settings

SOURCES_FILE = PROJECT_ROOT / "models" / "staging" / "sources.yml"
DATASET_MODULES = (
    "extract.daq.schema",
    "extract.transfer.sftp.schema",
    "extract.provenance",
    "extract.lab.schema",
    "extract.era5.schema",
    "extract.nmdb.schema",
)


def all_datasets() -> list[Dataset]:
    """Every declared lake dataset."""
    return [dataset for module in DATASET_MODULES for dataset in import_module(module).DATASETS]


def write_sources() -> Path:
    """Write the dbt source file from the declarations."""
    write_bytes(SOURCES_FILE, to_dbt_sources(all_datasets()).encode())
    return SOURCES_FILE


def build_docs(settings: Settings) -> Path | None:
    """Make the static page of dbt docs in the report folder; None when dbt failed."""
    result = dbt.run(settings.paths, ["docs", "generate", "--static"], variables=settings.dbt_vars)
    page = settings.paths.dbt_target / "static_index.html"
    if result.return_code or not page.exists():
        return None
    target = settings.paths.report / "tables.html"
    write_bytes(target, page.read_bytes())
    return target
