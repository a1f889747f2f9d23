"""Opening the build file to look: read-only, under its lock, for the moment it takes to fetch rows."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from warehouse.lock import held
from warehouse.settings import Settings
from warehouse.transform import build_lock

WAIT_S = 5.0
N_NEAREST = 3


class LookError(Exception):
    """What was asked for is not there; the message is one line that says what to do."""


@contextmanager
def opened(settings: Settings, purpose: str, wait_s: float = WAIT_S) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, read-only, while the block runs; the block should only fetch.

    Raises
    ------
    LookError
        When there is no build yet, or a table that is asked for is not in it.
    LockBusyError
        When a run has the build file for longer than ``wait_s``, by default as long as a person likes to wait.
    """
    path = settings.paths.build
    if not path.exists():
        raise LookError("there is no build yet; run `mingo transform` first")
    with held(build_lock(settings), purpose, min(wait_s, settings.transform.wait_s)):
        if path.with_name(path.name + ".wal").exists():
            raise LookError("the last run was stopped while it wrote; run `mingo transform` first")
        with duckdb.connect(str(path), read_only=True) as connection:
            try:
                yield connection
            except duckdb.CatalogException as error:
                missing = str(error).splitlines()[0].removeprefix("Catalog Error: ")
                raise LookError(f"{missing} Run `mingo transform` to bring the build up to date") from None


def find_file(connection: duckdb.DuckDBPyConnection, word: str) -> int:
    """The id of the file called by its id (`125062000000`) or by its name (`mi0125062000000`, with or without ending).

    Raises
    ------
    LookError
        With the nearest ids when no built file is called so.
    """
    name = word.strip().lower().split(".")[0]
    known = connection.execute(
        "select file_id from dim_file where cast(file_id as varchar) = ltrim(?, '0') or lower(base_name) = ?",
        [name, name],
    ).fetchone()
    if known is not None:
        return int(known[0])
    order = "abs(file_id - cast(? as bigint))" if name.isdigit() else "levenshtein(lower(base_name), ?)"
    near = connection.execute(
        f"select file_id, base_name from dim_file order by {order}, file_id limit {N_NEAREST}", [name[:18]]
    ).fetchall()
    if not near:
        raise LookError("the build holds no detector file; run `mingo extract` and `mingo transform` first")
    nearest = ", ".join(f"{file_id} ({base_name})" for file_id, base_name in near)
    raise LookError(f"no file '{word}' in the build; nearest are {nearest}")
