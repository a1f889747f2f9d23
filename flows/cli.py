"""The command line. Each command is one short function in `flows/commands`; heavy imports happen inside them."""

import signal
from types import FrameType

import typer

from flows.commands import (
    acquire,
    backfill,
    calibrate,
    data,
    demo,
    development,
    files,
    insight,
    inspection,
    service,
    station,
)
from flows.console import err, set_up_logging

app = typer.Typer(
    name="mingo",
    help="From the files of the miniTRASGO cosmic-ray telescopes to one table a scientist can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

STOPPED = 130


@app.callback()
def main(verbose: bool = typer.Option(False, "--verbose", "-v", help="Show one log line for each event.")) -> None:
    """Set up what all commands share."""
    set_up_logging(verbose)


for module in (
    demo,
    acquire,
    data,
    backfill,
    insight,
    files,
    calibrate,
    inspection,
    station,
    service,
    development,
):
    module.register(app)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    err.print("mingo: stopped by a signal; run the same command again to go on where it ended", style="yellow")
    raise SystemExit(STOPPED)


def run() -> None:
    """Run the command line; a signal ends it with 130 and one sentence instead of a traceback."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    app(prog_name="mingo")


if __name__ == "__main__":
    run()
