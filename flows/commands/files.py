"""Files: where every source file stands, what is missing, what is covered, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NoReturn

import typer

from extract.states.state import KINDS, STATES, FileState, Kind
from extract.transfer.sftp.remote import shown
from flows.commands.options import JSON, find_station_id, load
from flows.console import cell, fail, finish, out, print_table
from flows.outcome import Outcome
from warehouse.settings import Settings

GAP_WORDS = {
    "fetch": "files of it lie on the server",
    "station": "the station took none",
    "short": "started again soon",
    "unlisted": "no listing reaches back",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(files)


def files(
    words: list[str] | None = typer.Argument(
        None, help="A station, or with --release files.", metavar="[CODE|FILE...]"
    ),
    station: str | None = typer.Option(None, help="Only this station, by code or number."),
    kind: list[str] | None = typer.Option(None, help=f"Only files of this kind: {', '.join(KINDS)}; may be repeated."),
    state: list[str] | None = typer.Option(None, help=f"List the files in a state: {', '.join(STATES)}."),
    older_than: str | None = typer.Option(None, help="Only files that begin before this age, e.g. 6h."),
    newer_than: str | None = typer.Option(None, help="Only files that begin within this age, e.g. 3d."),
    first: datetime | None = typer.Option(None, "--from", formats=["%Y-%m-%d"], help="First day, UTC."),
    last: datetime | None = typer.Option(None, "--to", formats=["%Y-%m-%d"], help="Last day, UTC."),
    show: str | None = typer.Option(None, metavar="FILE", help="Everything known of one file, by name or id."),
    missing: bool = typer.Option(False, "--missing", help="What exists or is expected and is not here, by day."),
    coverage: bool = typer.Option(False, "--coverage", help="Files of every day by stage, and its live share."),
    release: bool = typer.Option(False, "--release", help="Let the named files, or --all, be tried again."),
    every: bool = typer.Option(False, "--all", help="With --release: all files with failed attempts."),
    limit: int = typer.Option(50, min=0, help="Lines of a list; 0 shows all."),
    json: bool = JSON,
) -> None:
    """Show where every source file stands: by station and state, or file by file.

    Example: mingo files, or mingo files --state quarantined --state rejected, or mingo files --show mi0125161140327

    Example: mingo files MINGO01 --missing --from 2025-03-01 --to 2025-03-31
    """
    settings = load()
    if sum([show is not None, missing, coverage, release]) > 1:
        fail("--show, --missing, --coverage and --release are four different questions: ask one", 2)
    if first and last and last < first:
        fail(f"--to {last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}", 2)
    if release:
        _release(settings, words or [], every, json)
    if every:
        fail("--all belongs to --release", 2)
    if show is not None:
        _show(settings, show, json)
    stations = _stations(words or [], station)
    now = datetime.now(UTC).replace(tzinfo=None)
    choice = {
        "older_than": _age(older_than, "--older-than"),
        "newer_than": _age(newer_than, "--newer-than"),
        "first": first and first.date(),
        "last": last and last.date(),
        "now": now,
    }
    kinds = _words(kind, KINDS, "--kind") or KINDS
    states = _words(state, STATES, "--state")
    if missing or coverage:
        if states or older_than or newer_than:
            fail("--state and ages choose files of the list, not days", 2)
        days = first and first.date(), last and last.date()
        (_missing if missing else _coverage)(settings, stations, days, now, limit, json)
    _list_or_count(settings, stations, kinds, states, choice, limit, json)


def _stations(words: Sequence[str], station: str | None) -> list[int] | None:
    called = [*words, *([station] if station else [])]
    if len(called) > 1:
        fail("name one station, or none for all", 2)
    return [find_station_id(called[0])] if called else None


def _words(given: list[str] | None, known: Sequence[str], option: str) -> list[Any]:
    """Words of an option that may be repeated, or hold several with commas."""
    words = [word.strip().lower() for text in given or [] for word in text.split(",") if word.strip()]
    for word in words:
        if word not in known:
            fail(f"{option} '{shown(word)}' is none of {', '.join(known)}", 2)
    return words


def _age(text: str | None, option: str) -> timedelta | None:
    from flows.files import read_age

    try:
        return None if text is None else read_age(text)
    except ValueError as error:
        fail(f"{option}: {shown(str(error))}", 2)


def _codes() -> Callable[[int | None], str]:
    from extract.transfer.stations import read_stations

    known = {number: station.station_code for number, station in read_stations().items()}
    return lambda number: "–" if number is None else known.get(number, str(number))


def _list_or_count(
    settings: Settings,
    stations: list[int] | None,
    kinds: Sequence[Kind],
    states: Sequence[str],
    choice: dict[str, Any],
    limit: int,
    json: bool,
) -> NoReturn:
    from flows.files import choose, hints, look, table

    code = _codes()
    seen = look(settings, stations=stations, kinds=kinds, with_reasons="rejected" in states)
    chosen = choose(seen.files, states=states, **choice)
    texts = hints(chosen, settings.paths, is_build_busy=seen.is_build_busy)
    rows = table(chosen, choice["now"])
    detail: dict[str, Any] = {
        "counts": [{"station_code": code(row["station_id"]), **row} for row in rows],
        "is_build_busy": seen.is_build_busy,
        "hints": texts,
    }
    if states:
        chosen.sort(key=lambda file: (file.station_id or 0, file.file_time or datetime.min, file.name))
        part = chosen[-limit:] if limit else chosen
        detail["files"] = [asdict(file) for file in part]
        if not json and part:
            columns = ["station", "kind", "file", "state", "begins (UTC)", "bytes", "reason"]
            print_table("Files", columns, [_row(file, code) for file in part], right_from=9)
    elif not json and rows:
        from flows.files import AGES

        columns = ["station", "kind", "state", "files", "MB", *(word for word, _ in AGES), "oldest", "newest"]
        print_table("Files by the time they begin", columns, [_count_row(row, code) for row in rows], right_from=3)
    if not json:
        for text in texts:
            out.print(text, highlight=False, markup=False, soft_wrap=True)
    n_shown = len(detail.get("files", []))
    rest = f", the last {n_shown} shown" if states and n_shown < len(chosen) else ""
    finish(Outcome("files", "Completed", f"{len(chosen):,} files{rest}", detail), json)


def _row(file: FileState, code: Callable[[int | None], str]) -> list[Any]:
    return [
        code(file.station_id),
        file.kind,
        cell(file.name),
        file.state,
        file.file_time,
        f"{file.size_bytes:,}",
        cell(file.reason),
    ]


def _count_row(row: dict[str, Any], code: Callable[[int | None], str]) -> list[Any]:
    return [
        code(row["station_id"]),
        row["kind"],
        row["state"],
        f"{row['n']:,}",
        f"{row['bytes'] / 1e6:,.1f}",
        *(n or None for n in row["ages"].values()),
        *(row[key] and f"{row[key]:%Y-%m-%d %H:%M}" for key in ("oldest", "newest")),
    ]


Days = tuple[date | None, date | None]


def _missing(
    settings: Settings, stations: list[int] | None, days: Days, now: datetime, limit: int, json: bool
) -> NoReturn:
    from flows.files import look, missing

    code = _codes()
    found, gaps = missing(settings, look(settings, stations=stations, kinds=("dat", "hld")).files, *days, now)
    rows = [row for row in found if row["missing"] or row["fetch_gap_h"] or row["station_gap_h"]]
    if not json:
        columns = ["day", "station", "listed", "here", "missing", "usual", "fetch gap (h)", "station gap (h)"]
        lines = [
            [
                row["day"],
                code(row["station_id"]),
                *(row[key] for key in ("listed", "here", "missing", "expected")),
                *(f"{row[key]:.1f}" if row[key] else None for key in ("fetch_gap_h", "station_gap_h")),
            ]
            for row in (rows[-limit:] if limit else rows)
        ]
        if lines:
            print_table("Days with missing files or gaps", columns, lines, right_from=2)
        _show_gaps(gaps, code, limit)
    detail = {
        "days": [{"station_code": code(row["station_id"]), **row} for row in found],
        "gaps": [{"station_code": code(gap.station_id), **asdict(gap), "hours": gap.hours} for gap in gaps],
    }
    n_missing = sum(row["missing"] for row in found)
    n_station = sum(gap.cause == "station" for gap in gaps)
    sentence = f"{n_missing:,} files listed and not here, {len(gaps):,} gaps, {n_station:,} of them the station's"
    finish(Outcome("files", "Completed", sentence, detail), json)


def _show_gaps(gaps: Sequence[Any], code: Callable[[int | None], str], limit: int) -> None:
    lines = [
        [code(gap.station_id), gap.begins_at, gap.ends_at, gap.cause, GAP_WORDS[gap.cause], f"{gap.hours:.1f}"]
        for gap in (gaps[-limit:] if limit else gaps)
    ]
    if lines:
        columns = ["station", "file before", "file after", "cause", "meaning", "hours"]
        print_table("Gaps between files that are here", columns, lines, right_from=5)


def _coverage(
    settings: Settings, stations: list[int] | None, days: Days, now: datetime, limit: int, json: bool
) -> NoReturn:
    from flows.files import coverage, look

    code = _codes()
    found = coverage(settings, look(settings, stations=stations, kinds=("dat", "hld")).files, *days)
    if not json and found:
        columns = ["day", "station", "remote", "landed", "in the lake", "published", "rejected", "live share"]
        lines = [
            [
                day.day,
                code(day.station_id),
                day.n_remote,
                day.n_landed,
                day.n_in_lake,
                day.n_published,
                day.n_rejected,
                None if live is None else f"{live:.1%}",
            ]
            for day, live in (found[-limit:] if limit else found)
        ]
        print_table("Detector files by the day they begin", columns, lines, right_from=2)
    detail = {"days": [{"station_code": code(d.station_id), **asdict(d), "live_share": live} for d, live in found]}
    shares = [live for _, live in found if live is not None]
    sentence = f"{len(found):,} days with files" + (f", {sum(shares) / len(shares):.1%} live" if shares else "")
    finish(Outcome("files", "Completed", sentence, detail), json)


def _release(settings: Settings, words: Sequence[str], every: bool, json: bool) -> NoReturn:
    from flows.files import release

    if bool(words) == every:
        fail("--release needs files, or --all", 2)
    finish(release(settings, words, is_all=every), json)


def _show(settings: Settings, word: str, json: bool) -> NoReturn:
    from flows.commands.files_show import show_file
    from flows.files import find

    found = find(settings, word)
    if not found:
        fail(f"no file '{shown(word)}' in landing, lake or the newest listing; `mingo files --state STATE` lists names")
    if not json:
        code = _codes()
        for file, facts in found:
            show_file(file, facts, code(file.station_id))
    states = ", ".join(dict.fromkeys(file.state for file, _ in found))
    plain = [asdict(file) | {key: _plain(value) for key, value in facts.items()} for file, facts in found]
    detail = {"files": plain}
    finish(Outcome("files", "Completed", f"{shown(found[0][0].name)} is {states}", detail), json)


def _plain(value: Any) -> Any:  # noqa: ANN401 - facts of a file of any kind
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
