"""Where everything lives below the data folder. Nothing is ever written outside it."""

from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Paths:
    """The folders and files of one data directory."""

    data_dir: Path

    @property
    def landing(self) -> Path:
        """Source files as they came, with their sidecars."""
        return self.data_dir / "landing"

    @property
    def lake(self) -> Path:
        """Parquet datasets written by the extractors."""
        return self.data_dir / "lake"

    @property
    def locks(self) -> Path:
        """Lock files; never removed, so that there is no unlink race."""
        return self.data_dir / "locks"

    @property
    def backfill(self) -> Path:
        """Days that backfills drew at random, by seed."""
        return self.data_dir / "backfill"

    @property
    def attempts(self) -> Path:
        """Records of work that failed by a fault of the machine; losing them loses no data."""
        return self.data_dir / "attempts"

    @property
    def build(self) -> Path:
        """The private database dbt builds in: one writer, no readers."""
        return self.data_dir / "build.duckdb"

    @property
    def serving(self) -> Path:
        """The published database: a finished copy, replaced atomically."""
        return self.data_dir / "serving.duckdb"

    @property
    def serving_previous(self) -> Path:
        """The publication before the present one."""
        return self.data_dir / "serving.duckdb.prev"

    @property
    def export(self) -> Path:
        """CSV and Parquet exports with their manifest."""
        return self.data_dir / "export"

    @property
    def report(self) -> Path:
        """Report pages."""
        return self.data_dir / "report"

    @property
    def truth(self) -> Path:
        """Truth of simulated inputs; read by the demo and by tests only."""
        return self.data_dir / "truth"

    @property
    def dbt_target(self) -> Path:
        """Artifacts of dbt (manifest, run results, docs)."""
        return self.data_dir / "dbt" / "target"

    @property
    def dbt_logs(self) -> Path:
        """Logs of dbt."""
        return self.data_dir / "dbt" / "logs"

    @property
    def prefect(self) -> Path:
        """Home of Prefect's server and client."""
        return self.data_dir / "prefect"
