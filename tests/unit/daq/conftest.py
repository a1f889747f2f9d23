"""Fixtures of the tests of detector files."""

from pathlib import Path

import pytest

from tests.unit.daq.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty data folder."""
    return Home(tmp_path)
