"""Landing to lake for detector files: what is not there yet is extracted, file by file, in any order, again at will."""

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from extract.daq.landing import LandingFile, StationFiles, list_files, list_stations
from extract.daq.limits import DEFAULT_LIMITS, Limits
from extract.daq.schema import DATASETS, PARSER_VERSION, RAW_EVENT, RAW_HIT, RAW_REJECT
from extract.daq.store import Part, Source, StationLake, list_station, parts_of_stamp
from extract.daq.twins import settle_twins
from extract.daq.versions import GroupOutcome, is_settled, settle_group
from extract.daq.workers import settle_each, subject_of
from warehouse.attempts import Attempts
from warehouse.lake import write_schema_files

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]


@dataclass
class StationSummary:
    """Counts of one station; lines to hits are of the files extracted in this run.

    ``n_waiting`` and ``n_quarantined``: files that failed before and were not tried, for now or any more.
    """

    station_id: int
    n_done: int = 0
    n_skipped: int = 0
    n_bad_name: int = 0
    n_wrong_station: int = 0
    n_failed: int = 0
    n_waiting: int = 0
    n_quarantined: int = 0
    n_lines: int = 0
    n_events: int = 0
    n_rejects: int = 0
    n_comments: int = 0
    n_hits: int = 0
    n_by_status: dict[str, int] = field(default_factory=dict)


@dataclass
class DaqSummary:
    """What a run did. ``failures`` are path and message."""

    stations: list[StationSummary] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


def extract_landing(
    landing: Path,
    lake: Path,
    *,
    stations: Iterable[int] | None = None,
    only_hld: bool = False,
    only: Collection[str] | None = None,
    on_progress: Progress | None = None,
    workers: int = 1,
    verify: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    attempts: Attempts | None = None,
) -> DaqSummary:
    """Extract every detector file of landing that the lake does not hold as it is.

    Parameters
    ----------
    stations
        Station ids; all with a folder in landing by default.
    only_hld
        Leave out what is in landing as text only.
    only
        Base names; all by default.
    on_progress
        Called with the number of files done, the number to do, and the base name of the last one.
    workers
        Processes; 1 works in this one.
    verify
        Read every file and compare hashes, instead of sizes and modification times.
    attempts
        Where attempts that fail are kept, so that a file is not tried for ever; None keeps none.

    A file that fails is reported and does not keep the others from being extracted.
    """
    started = time.monotonic()
    summary = DaqSummary()
    write_schema_files(lake, DATASETS)
    plans = [
        _Plan(landing, lake, station_id, verify=verify, only_hld=only_hld, only=only, attempts=attempts)
        for station_id in list_stations(landing, stations)
    ]
    todo = [(plan, files) for plan in plans for files in plan.todo]
    settle = partial(settle_group, lake, limits=limits, verify=verify)
    settled = settle_each(settle, [files for _, files in todo], workers, attempts)
    for done, (index, outcome) in enumerate(settled, start=1):
        plan, files = todo[index]
        base_name = files[0].name.base_name
        if isinstance(outcome, GroupOutcome):
            plan.add(outcome)
        else:
            plan.summary.n_failed += 1
            summary.failures.append((files[-1].source_file, f"{type(outcome).__name__}: {outcome}"))
            logger.error("%s could not be extracted: %s", files[-1].source_file, outcome)
        if on_progress:
            on_progress(done, len(todo), base_name)
    for plan in plans:
        plan.settle_twins(limits, summary.failures)
        summary.stations.append(plan.finish())
    summary.seconds = time.monotonic() - started
    return summary


def list_unsettled(
    landing: Path, lake: Path, station_id: int, attempts: Attempts | None = None
) -> tuple[StationFiles, set[str]]:
    """The detector files of a station in landing, and the base names of those to extract: not in the lake as they are.

    By names, sizes and times; only where a file has several versions its rows in the lake are read. A file whose
    attempts forbid another one for now is left out.
    """
    plan = _Plan(landing, lake, station_id, verify=False, only_hld=False, attempts=attempts)
    return plan.files, {files[0].name.base_name for files in plan.todo if not is_settled(lake, files)}


class _Plan:
    """What is to do for one station, found by listing."""

    def __init__(
        self,
        landing: Path,
        lake: Path,
        station_id: int,
        *,
        verify: bool,
        only_hld: bool,
        only: Collection[str] | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        self._lake = lake
        self.files = list_files(landing, station_id)
        self._outcomes: dict[str, GroupOutcome] = {}
        self.summary = _summary(self.files)
        self.todo: list[list[LandingFile]] = []
        held = list_station(lake, station_id)
        for base_name, files in sorted(self.files.groups.items()):
            if only_hld and all(file.name.kind == "dat" for file in files):
                continue
            outcome = None if verify else _held(base_name, files, held)
            if outcome:
                self.add(outcome)
            elif (only is None or base_name in only) and (attempts is None or self._may_try(attempts, files)):
                self.todo.append(files)

    def _may_try(self, attempts: Attempts, files: list[LandingFile]) -> bool:
        """Whether the attempts made so far leave the file to this run; counts it where they do not."""
        verdict = attempts.verdict(subject_of(files))
        self.summary.n_waiting += verdict == "waiting"
        self.summary.n_quarantined += verdict == "quarantined"
        return verdict in ("free", "suspect")

    def add(self, outcome: GroupOutcome) -> None:
        """Note what became of a file."""
        self._outcomes[outcome.base_name] = outcome

    def settle_twins(self, limits: Limits, failures: list[tuple[str, str]]) -> None:
        """Settle contents that occur under two names."""

        def extract_alone(base_name: str) -> GroupOutcome:
            return settle_group(self._lake, self.files.groups[base_name], limits, force=True)

        outcomes = list(self._outcomes.values())
        try:
            for outcome in settle_twins(outcomes, self._lake, self.files.station_id, extract_alone):
                self.add(outcome)
        except OSError as error:
            failures.append((f"station {self.files.station_id}", f"{type(error).__name__}: {error}"))
            logger.error("twins of station %d could not be settled: %s", self.files.station_id, error)

    def finish(self) -> StationSummary:
        """Add up what became of the files."""
        summary = self.summary
        for outcome in self._outcomes.values():
            if outcome.row is None:
                summary.n_skipped += 1
            else:
                summary.n_done += 1
                for name in ("n_lines", "n_events", "n_rejects", "n_comments", "n_hits"):
                    setattr(summary, name, getattr(summary, name) + outcome.row[name])
                status = outcome.row["status"]
                summary.n_by_status[status] = summary.n_by_status.get(status, 0) + 1
        return summary


def _summary(files: StationFiles) -> StationSummary:
    for source_file in files.bad_names:
        logger.warning("%s has no readable name and is left in landing", source_file)
    for source_file in files.wrong_station:
        logger.warning("%s is of another station and is left in landing", source_file)
    return StationSummary(
        files.station_id,
        n_bad_name=len(files.bad_names),
        n_wrong_station=len(files.wrong_station),
    )


def _held(base_name: str, files: list[LandingFile], held: StationLake) -> GroupOutcome | None:
    """The outcome for a file with one version that the lake holds complete, by listing alone; None if unsure."""
    entries = held.files.get(base_name, [])
    if len(files) != 1 or len(entries) != 1 or entries[0].parser_version != PARSER_VERSION:
        return None
    entry = entries[0]
    parts = parts_of_stamp(entry.mtime_ns, Source.of(files[0]))
    if parts is None or held.left_over(entry):
        return None
    expected: dict[str, Part] = {RAW_EVENT.name: "events", RAW_HIT.name: "events", RAW_REJECT.name: "rejects"}
    for dataset in (RAW_EVENT, RAW_HIT, RAW_REJECT):
        if held.has(dataset, entry) != (expected[dataset.name] in parts):
            return None
    return GroupOutcome(base_name, entry.name, frozenset(parts))
