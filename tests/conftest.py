"""Fixtures and settings all tests share."""

import gc
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, settings

from tests.truth.table import bound_lines

ROOT = Path(__file__).resolve().parent.parent
SHOWN_VERSIONS = ("duckdb", "dbt-core", "dbt-duckdb", "pyarrow", "numpy", "prefect", "hypothesis")

settings.register_profile("ci", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")


# fixtures that take minutes: the tests that share one run in one process, and these tests start first
COSTLY = ("demo", "detector_files")


def group(item: pytest.Function) -> str:
    """The tests that run in one process, one after the other: those of a costly fixture, else those of a file."""
    shared = [name for name in COSTLY if name in item.fixturenames]
    return shared[0] if shared else item.path.relative_to(ROOT).as_posix()


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Group the tests for pytest-xdist; the slow folders come first, so that its processes end together."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=lambda item: item.path.relative_to(ROOT).as_posix().startswith("tests/unit"))


def pytest_report_header() -> str:
    """Versions of what the results depend on."""
    return ", ".join(f"{name} {version(name)}" for name in SHOWN_VERSIONS)


@pytest.fixture(autouse=True)
def _close_databases() -> Iterator[None]:
    """Close every DuckDB connection a test opened, so that no test sees another one's open file."""
    opened: list[duckdb.DuckDBPyConnection] = []
    connect = duckdb.connect

    def recording(*args: object, **kwargs: object) -> duckdb.DuckDBPyConnection:
        connection = connect(*args, **kwargs)  # type: ignore[arg-type]
        opened.append(connection)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", recording)
        yield
    for connection in opened:
        connection.close()
    if opened:
        opened.clear()
        gc.collect()


def shared_folder() -> Path:
    """Where real and independent inputs, which are not part of the project, would lie."""
    return Path(os.environ.get("MINGO_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real and independent inputs, which are not part of the project."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip(f"no independent inputs: {folder.name} folder absent (set MINGO_SHARED_DATA to where they lie)")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured against truth beside its bounds."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    lines = bound_lines([value for report in reports for name, value in report.user_properties if name == "bound"])
    if lines:
        terminalreporter.section("measured against truth")
        for line in lines:
            terminalreporter.write_line(line)
