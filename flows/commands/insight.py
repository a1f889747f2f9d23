"""Looking: status and query."""

import sys

import typer

from flows.commands.options import JSON, load
from flows.console import fail, out, print_table


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(status)
    app.command()(query)


def status(json: bool = JSON) -> None:
    """Show what landed, what is in the lake and what is published, by station.

    Example: mingo status
    """
    import json as json_module

    from flows.status import read_status

    found = read_status(load().paths)
    if json:
        sys.stdout.write(json_module.dumps(found, default=str) + "\n")
        return
    columns = ["station", "landed files", "in the lake", "published files", "newest file", "newest hour", "rate (Hz)"]
    rows = [
        [
            row["station_code"],
            f"{row['landed']:,}",
            f"{row['extracted']:,}",
            f"{row['published']:,}",
            row["newest_file"],
            row["newest_hour"],
            None if row["rate_final_hz"] is None else f"{row['rate_final_hz']:.4f}",
        ]
        for row in found["stations"]
    ]
    print_table("Network", columns, rows)
    out.print(f"status: published {found['published_at'] or 'nothing yet'}", highlight=False)


def query(
    sql: str = typer.Argument(help="One SQL statement on the published tables."),
    csv: bool = typer.Option(False, "--csv", help="Print CSV instead of a table."),
    limit: int = typer.Option(40, min=1, help="Rows shown in a table; CSV prints all."),
) -> None:
    """Ask the published file, read-only.

    Example: mingo query "select station_code, count(*) from large_corrected_table group by all"
    """
    import duckdb

    from warehouse.query import ask

    try:
        answer = ask(load().paths.serving, sql)
    except FileNotFoundError:
        fail("nothing is published yet; run `mingo run`")
    except duckdb.Error as error:
        fail(" ".join(str(error).split())[:300], 2)
    if csv:
        answer.write_csv(sys.stdout)
        return
    rows = [list(row) for row in answer.head(limit).iter_rows()]
    numbers_from = next((i for i, kind in enumerate(answer.dtypes) if kind.is_numeric()), len(answer.columns))
    print_table(f"{answer.height} rows", answer.columns, rows, right_from=numbers_from)
