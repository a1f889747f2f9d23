"""One source file on the screen: landing, lake, counters, rejected lines, tables, attempts."""

from datetime import UTC, datetime
from typing import Any

from extract.states.state import FileState
from flows.console import cell, print_table
from warehouse.attempts import Record

SIDECAR_FACTS = ("host", "remote_path", "remote_modified_at", "fetched_at", "file_sha256", "software_version")
ROW_FACTS = (
    "source_kind",
    "container",
    "kind",
    "status",
    "detail",
    "is_current",
    "version_number",
    "duplicate_of_file_id",
    "parser_version",
    "content_sha256",
    "file_sha256",
    "first_event_time",
    "last_event_time",
    "extracted_at",
)


FACTS_FROM = 9
"""No column of these tables is one of numbers."""


def show_file(file: FileState, facts: dict[str, Any], station_code: str) -> None:
    """Print everything known of a file."""
    lines: list[list[Any]] = [
        ["state", cell(f"{file.state}: {file.reason}" if file.reason else file.state)],
        ["station", station_code],
        ["kind", file.kind],
        ["begins (UTC)", file.file_time],
        ["in the newest listing", "yes" if file.is_remote else "no"],
    ]
    lines += [[key, facts[key]] for key in ("file_id",) if key in facts]
    lines += [[key, _held(facts[key])] for key in ("transformed", "published") if key in facts]
    print_table(cell(file.name), ["", ""], lines, right_from=FACTS_FROM)
    _show_landing(facts["landing"])
    _show_rows(facts["rows"])
    _show_lake(facts["lake"])
    _show_rejects(facts["rejects"])
    _show_attempts(facts["attempts"])


def _held(held: Any) -> str:  # noqa: ANN401 - a held file, a word or nothing
    if held is None:
        return "no"
    if isinstance(held, str):
        return held
    return f"lineage {held.lineage_id}" + (" (an older one)" if held.is_lineage_old else "") + f", {held.status}"


def _show_landing(landed: list[dict[str, Any]]) -> None:
    rows: list[list[Any]] = []
    for one in landed:
        rows.append([cell(one["source_file"]), "bytes", f"{one['size_bytes']:,}" if "size_bytes" in one else "gone"])
        if "modified_s" in one:
            rows.append(["", "changed (UTC)", f"{datetime.fromtimestamp(one['modified_s'], UTC):%Y-%m-%d %H:%M:%S}"])
        sidecar = one["sidecar"]
        if isinstance(sidecar, dict):
            rows += [["", key, cell(str(sidecar[key]))] for key in SIDECAR_FACTS if sidecar.get(key)]
        else:
            rows.append(["", "sidecar", sidecar or "none"])
    if rows:
        print_table("Landing", ["file", "", ""], rows, right_from=FACTS_FROM)


def _show_rows(found: list[dict[str, Any]]) -> None:
    for row in found:
        facts = [[key, cell(str(row[key]))] for key in ROW_FACTS if row.get(key) is not None]
        counts = [[key, f"{n:,}"] for key, n in row.items() if key.startswith("n_") and isinstance(n, int) and n]
        name = row.get("file_name") or row.get("source_file") or row.get("damaged")
        print_table(cell(f"Read: {name}"), ["", ""], [*facts, *counts], right_from=FACTS_FROM)


def _show_lake(files: list[dict[str, Any]]) -> None:
    rows = [[cell(f["path"]), f"{f['size_bytes']:,}", f.get("parser_version"), f.get("damaged")] for f in files]
    if rows:
        print_table("Lake files", ["file", "bytes", "parser", "damage"], rows)


def _show_rejects(rejects: list[dict[str, Any]]) -> None:
    rows: list[list[Any]] = []
    for one in rejects:
        for number, line in enumerate(one.get("first_lines", [])):
            head = [one["reason"], f"{one['n']:,}"] if number == 0 else ["", ""]
            rows.append([*head, line["line_number"], cell(line["detail"] or ""), cell(line["line_text"] or "")])
    if rows:
        title = "Rejected, first lines of each reason"
        print_table(title, ["reason", "n", "line", "detail", "text"], rows, right_from=FACTS_FROM)


def _show_attempts(record: Record | None) -> None:
    if record is None:
        return
    rows = [
        [a.started_at, a.ended_at, a.host, cell(f"{a.error_class or 'killed'}: {a.message or ''}")]
        for a in record.attempts
    ]
    after = "quarantined" if record.is_quarantined else f"tried again {record.retry_at or 'by the next run'}"
    title = f"Attempts with code {record.code_version}, {after}"
    print_table(title, ["began", "ended", "host", "error"], rows, right_from=FACTS_FROM)
