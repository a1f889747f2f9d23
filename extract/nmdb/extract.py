"""NMDB answers from landing to the lake."""

import re
from collections.abc import Iterator
from pathlib import Path

from extract.environment_file import LandingFile, Marks, Outcome, commit, describe
from extract.environment_summary import EnvSummary, Progress, extract_each
from extract.nmdb.header import Request
from extract.nmdb.read import read_nmdb
from extract.nmdb.schema import DATASETS, FOLDER, PARSER_VERSION, SOURCE
from extract.transfer.sidecar import is_landing_name
from warehouse.attempts import Attempts

PRODUCTS = ("rate", "baro")

_DTYPE_OF_NAME = re.compile(r"([a-z_]+)_[0-9]{8}_[0-9]{8}_")


def extract_nmdb(
    landing: Path, lake: Path, *, on_progress: Progress | None = None, attempts: Attempts | None = None
) -> EnvSummary:
    """Extract every NMDB answer in landing that is not in the lake.

    Answers belong to no station: their rows of `env_file` and `env_reject` lie in the partition ``station=0``, with
    ``station_id`` NULL.
    """
    summary = EnvSummary(SOURCE)
    marks = Marks(lake, DATASETS)
    products: dict[Path, str] = {}
    todo = []
    for file, product in find_answers(landing, summary):
        products[file.path] = product
        if marks.find(file, PARSER_VERSION) is None:
            todo.append(file)
        else:
            summary.skip(file)

    def extract_one(file: LandingFile) -> Outcome:
        request = Request.from_parameters(file.request, dtype=_dtype(file.path))
        outcome = read_nmdb(file.path.read_bytes(), request, product=products[file.path], fetched_at=file.fetched_at)
        commit(lake, marks, file, outcome, PARSER_VERSION)
        return outcome

    extract_each(todo, extract_one, summary, on_progress, attempts)
    return summary


def find_answers(landing: Path, summary: EnvSummary) -> Iterator[tuple[LandingFile, str]]:
    """The answers in landing with their products; those that cannot be read are counted in ``summary``."""
    for product in PRODUCTS:
        for path in sorted((landing / FOLDER / product).glob("*")):
            if not is_landing_name(path.name):
                continue
            kind = _dtype(path) or product
            try:
                yield describe(path, landing, source=SOURCE, station_id=None, kind=kind), product
            except OSError as error:
                summary.fail(None, kind, path.relative_to(landing).as_posix(), error)


def _dtype(path: Path) -> str | None:
    """The dtype in the name of a landing file."""
    match = _DTYPE_OF_NAME.match(path.name)
    return match[1] if match else None
