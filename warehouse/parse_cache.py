"""One parse of the dbt project for all data folders.

dbt keeps what it parsed in the target folder, so that every new data folder would pay a whole parse. The last parse is
kept a second time beside the installed packages, where compiled bytecode lies too, one file for each set of ``vars``.
dbt itself checks each file of the project against it (content, versions, profile, ``vars``) and parses what differs.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse.files import replacing
from warehouse.paths import PROJECT_ROOT

FILE_NAME = "partial_parse.msgpack"
MAX_KEPT = 24
"""Parses kept: of some sets of ``vars`` and, where several checkouts share their packages, some checkouts."""


def kept_parse(
    variables: Mapping[str, Any] | None = None, folder: Path | None = None, target: str = "here"
) -> Path | None:
    """Where the parse for these ``vars`` and this target is kept, there or not; None where none can be kept."""
    folder = folder or Path(sys.prefix) / "dbt-parse"
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK):
        return None
    state = [str(PROJECT_ROOT), version("dbt-core"), version("dbt-duckdb"), target, variables or {}]
    digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
    return folder / f"{digest[:16]}.msgpack"


def keep_parse(target: Path, kept: Path | None) -> None:
    """Keep the parse of a target folder when dbt wrote it anew; what cannot be kept is parsed again next time."""
    parsed = target / FILE_NAME
    try:
        written_ns = parsed.stat().st_mtime_ns
        if kept is None or (kept.exists() and kept.stat().st_mtime_ns >= written_ns):
            return
        with replacing(kept) as temporary:
            shutil.copyfile(parsed, temporary)
        others = sorted(kept.parent.glob("*.msgpack"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in others[MAX_KEPT:]:
            path.unlink(missing_ok=True)
    except OSError:
        return
