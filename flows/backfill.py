"""Old files on demand: from the stations, the archive or landing into the lake, in any order, again at will."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from extract.daq.pace import recent_pace
from extract.transfer.clock import Clock
from extract.transfer.sftp.draw import write_draw
from extract.transfer.sftp.pending import Supply
from flows.backfill_plan import DayCount, Plan, Request, count_days, make_plan
from flows.backfill_run import LOCK_WAIT_S, OnFile, Runner, Work
from flows.outcome import Outcome, State, worst
from flows.steps import state_of, transform
from warehouse.dbt import Progress
from warehouse.settings import Settings

FLOW = "backfill"
SEED_BITS = 32
MAX_PROBLEM_CHARACTERS = 200


def backfill(
    settings: Settings,
    request: Request,
    supplies: Mapping[int, Supply],
    *,
    clock: Clock | None = None,
    on_file: OnFile | None = None,
    on_node: Progress | None = None,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Outcome:
    """Bring the pending files of a request into the lake, as many as its limit and budget allow.

    What is done is seen from landing and lake alone, so that a run may be stopped at any moment and begun again. A file
    that vanished since its server was listed makes the run list again, once.

    Parameters
    ----------
    supplies
        The remote sources by station number.
    """
    clock = clock or Clock()
    started = clock.monotonic()
    plan = make_plan(settings, request, supplies, clock.now(), secrets.randbits(SEED_BITS))
    if plan.draw is not None:
        write_draw(settings.paths.backfill, plan.draw)
    runner = Runner(settings, supplies, request.budget_s, clock, on_file, lock_wait_s)
    work = runner.run(plan.todo)
    if work.vanished and not request.is_fresh:
        _run_again(settings, request, supplies, clock, plan, runner)
    work.problems[:0] = plan.problems
    outcome = _outcome(plan, work, request, clock.monotonic() - started)
    if not request.has_transform or outcome.state in ("Failed", "Skipped"):
        return outcome
    built = transform(settings, on_node)
    detail = outcome.detail | {"transform": {"state": built.state, "sentence": built.sentence}}
    return Outcome(FLOW, worst([outcome, built]), f"{outcome.sentence}; {built.line}", detail)


def _run_again(
    settings: Settings, request: Request, supplies: Mapping[int, Supply], clock: Clock, plan: Plan, runner: Runner
) -> None:
    """List anew and work on what was not tried yet: a file may have got another name meanwhile."""
    seed = plan.draw.seed if plan.draw else None
    again = replace(request, is_fresh=True, seed=seed)
    found = make_plan(settings, again, supplies, clock.now(), 0)
    tried = {pending.name.file_name for pending in plan.todo}
    todo = [pending for pending in found.todo if pending.name.file_name not in tried]
    limit = request.limit - runner.work.total("n_extracted")
    plan.n_left = found.n_left + max(len(todo) - limit, 0)
    plan.problems += [problem for problem in found.problems if problem not in plan.problems]
    runner.work.n_waiting = 0
    runner.run(todo[: max(limit, 0)])


def _outcome(plan: Plan, work: Work, request: Request, seconds: float) -> Outcome:
    n_done = work.total("n_extracted")
    n_left = work.n_waiting + plan.n_left
    state: State = state_of(n_done, len(work.problems))
    if state == "NothingToDo" and (work.busy or work.full):
        state = "Skipped"
    codes = {station.station_id: station.station_code for station in request.stations}
    detail: dict[str, Any] = {
        "extracted": n_done,
        "fetched": work.total("n_fetched"),
        "bytes": work.total("n_bytes"),
        "events": work.n_events,
        "rejected_lines": work.n_rejects,
        "by_status": work.n_by_status,
        "waiting": n_left,
        "unusual": unusual_names(plan),
        "vanished": [pending.name.file_name for pending in work.vanished],
        "problems": [list(problem) for problem in work.problems],
        "busy": work.busy,
        "seconds": round(seconds, 1),
        "days": day_rows({(codes[number], day): count for (number, day), count in work.days.items()}),
        **draw_detail(plan),
    }
    return Outcome(FLOW, state, _sentence(plan, work, n_done, n_left, state, seconds), detail)


def _sentence(plan: Plan, work: Work, n_done: int, n_left: int, state: State, seconds: float) -> str:
    drawn = f"; {plan.draw.day} was drawn with seed {plan.draw.seed}" if plan.draw else ""
    why = work.full or (work.busy[0] if work.busy else "") or work.stopped
    if state == "NothingToDo":
        gone = f" ({len(work.vanished)} vanished from the server)" if work.vanished else ""
        left = f" ({n_left} files wait: {why})" if n_left and why else ""
        return f"nothing to do{gone}{left or ('' if gone else ' (no file is pending)')}{drawn}"
    if state == "Skipped":
        return f"skipped, {why}; {n_left} files wait{drawn}"
    parts = [
        f"{n_done} files brought into the lake in {seconds:.1f} s, {work.total('n_fetched')} of them fetched"
        f" ({work.total('n_bytes') / 1e6:.1f} MB); {work.n_events:,} events",
    ]
    if n_left:
        parts.append(f"{n_left} files wait" + (f" ({why})" if why else ""))
    if unusual := unusual_names(plan):
        parts.append(f"{len(unusual)} archived files of unusual size or spacing")
    if work.vanished:
        parts.append(f"{len(work.vanished)} vanished from the server")
    if work.problems:
        place, reason = work.problems[0]
        text = f"{len(work.problems)} failed: {place}: {reason}"
        parts.append(text if len(text) <= MAX_PROBLEM_CHARACTERS else text[: MAX_PROBLEM_CHARACTERS - 1] + "…")
    return "; ".join(parts) + drawn


def plan_only(
    settings: Settings, request: Request, supplies: Mapping[int, Supply], clock: Clock | None = None
) -> Outcome:
    """Say what `backfill` would do; nothing is changed, not even the listing that is kept."""
    clock = clock or Clock()
    plan = make_plan(settings, request, supplies, clock.now(), secrets.randbits(SEED_BITS), is_stored=False)
    pace = recent_pace(settings.paths.lake, clock.now())
    expected_s = len(plan.todo) / pace if pace else None
    codes = {station.station_id: station.station_code for station in request.stations}
    detail: dict[str, Any] = {
        "files": len(plan.todo),
        "to_fetch": sum(pending.remote is not None for pending in plan.todo),
        "bytes": plan.n_bytes,
        "waiting": plan.n_left,
        "files_per_minute": None if pace is None else round(60 * pace, 1),
        "expected_s": None if expected_s is None else round(expected_s, 1),
        "unusual": unusual_names(plan),
        "problems": [list(problem) for problem in plan.problems],
        "days": day_rows(count_days(plan, codes)),
        **draw_detail(plan),
    }
    state: State = state_of(len(plan.todo), len(plan.problems))
    drawn = f"; {plan.draw.day} would be drawn with seed {plan.draw.seed}" if plan.draw else ""
    time = "unknown (no files were extracted one after the other in the last 2 h)"
    if pace and expected_s is not None:
        time = f"{expected_s:.0f} s at {60 * pace:.0f} files a minute, as in the last 2 h"
    sentence = (
        f"plan: {len(plan.todo)} files, {plan.n_bytes / 1e6:.1f} MB to fetch, {plan.n_left} more beyond --limit;"
        f" expected time {time}{drawn}"
        if plan.todo
        else f"plan: nothing to do (no file is pending){drawn}"
    )
    if plan.problems:
        sentence += f"; {plan.problems[0][0]}: {plan.problems[0][1]}"
    return Outcome(FLOW, state, sentence, detail)


def unusual_names(plan: Plan) -> list[str]:
    """Archived files that are flagged for their size or their distance to the next one."""
    return [pending.name.file_name for pending in plan.todo if pending.is_unusual]


def draw_detail(plan: Plan) -> dict[str, Any]:
    """Seed and day of a draw, where there was one."""
    return {"seed": plan.draw.seed, "drawn_day": plan.draw.day.isoformat()} if plan.draw else {}


def day_rows(counts: Mapping[tuple[str, date], DayCount]) -> Sequence[dict[str, Any]]:
    """Counts by station code and day as rows."""
    return [{"station": code, "day": day.isoformat(), **vars(count)} for (code, day), count in sorted(counts.items())]
