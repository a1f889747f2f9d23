"""What a person sees: progress on a terminal, plain lines in a log, one sentence at the end, JSON for scripts."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from extract.transfer.sftp.remote import shown
from flows.outcome import Outcome
from warehouse import masking

LOGGER = logging.getLogger("mingo")
PLAIN_EVERY_S = 10.0
USAGE = 2

LOG_WIDTH = 140  # of tables that do not go to a terminal

out = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
err = Console(stderr=True, width=None if sys.stderr.isatty() else LOG_WIDTH)


def set_up_logging(is_verbose: bool) -> None:
    """One line an event: short and coloured on a terminal, with time and module in a log."""
    level = logging.INFO if is_verbose else logging.WARNING
    handler: logging.Handler
    if err.is_terminal:
        handler = RichHandler(console=err, show_path=False, show_time=False)
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    masking.install()


@contextmanager
def progress(title: str, unit: str, is_quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """A callback (done, total, name): a bar on a terminal, otherwise a plain line every ten seconds."""
    if is_quiet:
        yield lambda done, total, name: None
    elif err.is_terminal:
        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[name]}"),
        )
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task(title, total=None, name="")
            yield lambda done, total, name: bar.update(task, completed=done, total=total, name=name[-40:])
    else:
        last = time.monotonic()

        def say(done: int, total: int, name: str) -> None:
            nonlocal last
            if time.monotonic() - last >= PLAIN_EVERY_S:
                last = time.monotonic()
                err.print(f"{title}: {done} of {total} {unit} {name}".rstrip(), highlight=False, markup=False)

        yield say


def finish(outcome: Outcome, is_json: bool = False) -> NoReturn:
    """Print the last sentence (or the whole outcome as JSON) and leave with the outcome's exit code."""
    show(outcome, is_json)
    raise typer.Exit(outcome.exit_code)


def show(outcome: Outcome, is_json: bool = False) -> None:
    """Print the sentence of an outcome, or all of it as one JSON object."""
    if is_json:
        content = {"flow": outcome.flow, "state": outcome.state, "sentence": outcome.sentence, **outcome.detail}
        sys.stdout.write(masking.masked(json.dumps(content, default=str)) + "\n")
    else:
        out.print(masking.masked(outcome.line), highlight=False, markup=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Say in one line what is wrong and how to mend it, and leave."""
    err.print(masking.masked(f"mingo: {message}"), style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def cell(text: str) -> Text:
    """A name or line of foreign origin as a cell of a table, where brackets would else mean colours."""
    return Text(text if text.isprintable() else shown(text))


def print_table(title: str | Text, columns: list[str], rows: list[list[Any]], right_from: int = 1) -> None:
    """A table for a person; columns from ``right_from`` on are numbers and stand right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position >= right_from else "left")
    for row in rows:
        table.add_row(*("–" if v is None else v if isinstance(v, Text) else str(v) for v in row))
    out.print(table)
