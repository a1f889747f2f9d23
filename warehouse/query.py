"""Questions to the published file: read-only, without access to files or the network, bounded in time and memory."""

import threading
from pathlib import Path

import duckdb
import polars as pl

TIMEOUT_S = 60
MEMORY_LIMIT = "4GB"


def ask(serving: Path, sql: str) -> pl.DataFrame:
    """The answer to one SQL statement.

    Raises
    ------
    FileNotFoundError
        When nothing is published yet.
    duckdb.Error
        When the statement is wrong, tries to write or to reach a file, or takes longer than a minute.
    """
    if not serving.exists():
        raise FileNotFoundError(serving)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "memory_limit": MEMORY_LIMIT,
        "lock_configuration": "true",
    }
    with duckdb.connect(str(serving), read_only=True, config=settings) as connection:
        alarm = threading.Timer(TIMEOUT_S, connection.interrupt)
        alarm.start()
        try:
            return connection.execute(sql).pl()
        finally:
            alarm.cancel()
