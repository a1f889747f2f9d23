"""A data folder, a Climate Data Store on loopback and a clock: what the tests of fetching ERA5 share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.era5.client import CdsService, ClientPatience
from extract.era5.extract import extract_era5
from extract.era5.fetch import fetch_era5
from extract.transfer.fetched import FetchSummary
from extract.transfer.stations import Site
from tests.servers.cds import KEY, FakeCds
from tests.servers.loopback import FakeClock
from warehouse.settings import Era5

NOW = datetime(2025, 2, 10, 9)
MADRID = Site((40.4168, -3.7038), date(2023, 1, 1), None)
# six wanted days: 30 and 31 January, 1 to 4 February
SETTINGS = Era5(start_date=date(2025, 1, 30), products=["single"], job_deadline_s=600)
PATIENCE = ClientPatience(timeout_s=10.0, tries=3, wait_s=0.0)


class Home:
    """A data folder, a service and a clock."""

    def __init__(self, folder: Path, service: FakeCds) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"
        self.service = service
        self.time = FakeClock(NOW)
        self.patience = PATIENCE

    def fetch(self, settings: Era5 = SETTINGS, **options: Any) -> FetchSummary:
        sites = options.pop("sites", {1: [MADRID]})
        return fetch_era5(
            self.landing,
            self.lake,
            settings,
            sites=sites,
            open_service=lambda: CdsService(self.patience),
            clock=self.time.clock,
            **options,
        )

    def extract(self, *sites: Site) -> None:
        summary = extract_era5(self.landing, self.lake, {1: sites or [MADRID]})
        assert (summary.failures, summary.total.n_files_rejected) == ([], 0)

    def files(self, pattern: str = "**/*") -> list[str]:
        found = (p for p in (self.landing / "era5").glob(pattern) if p.is_file() and not p.name.endswith(".meta.json"))
        return sorted(p.relative_to(self.landing / "era5").as_posix() for p in found)

    def later(self, days: float) -> None:
        self.time = FakeClock(self.time.now() + timedelta(days=days))


@contextmanager
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with its service, and credentials for it."""
    with FakeCds() as service:
        monkeypatch.setenv("CDSAPI_URL", f"{service.url}/api")
        monkeypatch.setenv("CDSAPI_KEY", KEY)
        monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "none"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield Home(tmp_path, service)


def outcomes(summary: FetchSummary) -> list[str]:
    return [item.outcome for item in summary.items]
