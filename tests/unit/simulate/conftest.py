"""A small network with truth, simulated once for all tests of this folder."""

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulate.config import NetworkConfig, demo_network
from simulate.network import SimulationSummary, simulate_network


@dataclass(frozen=True)
class SmallNetwork:
    config: NetworkConfig
    folder: Path
    summary: SimulationSummary

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    def truth(self, name: str) -> pa.Table:
        return pq.read_table(self.folder / "truth" / f"{name}.parquet")


def small_config() -> NetworkConfig:
    config = demo_network(days=2, stations=(1, 3))
    first, second = config.stations
    return replace(
        config,
        stations=(replace(first, rate_hz=0.1, outages=((30.0, 34.5),)), replace(second, rate_hz=0.05)),
        file_hours=12.0,
        defect_share=0.02,
        log_defect_share=0.01,
        event_truth=True,
    )


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> SmallNetwork:
    folder = tmp_path_factory.mktemp("network")
    config = small_config()
    return SmallNetwork(config, folder, simulate_network(config, folder / "landing", folder / "truth"))
