"""Running unattended: serve, config, doctor."""

import json as json_module
import sys

import typer

from flows.commands.options import JSON, load
from flows.console import fail, finish, out, print_table


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(serve)
    app.command()(config)
    app.command()(doctor)


def serve() -> None:
    """Run all flows on their schedules under Prefect's own server, until stopped.

    Example: mingo serve
    """
    from flows.serve import serve as serve_flows

    finish(serve_flows(load()))


def config(json: bool = JSON) -> None:
    """Print the settings in force, secrets masked.

    Example: mingo config
    """
    from warehouse.settings import as_shown, config_file

    shown = as_shown(load())
    if json:
        sys.stdout.write(json_module.dumps(shown) + "\n")
        return
    source = config_file()
    out.print(
        f"# from {source if source.exists() else 'defaults'} and MINGO_* variables", highlight=False, markup=False
    )
    assert isinstance(shown, dict)
    for line in _flat(shown):
        out.print(line, highlight=False, markup=False)


def _flat(table: dict[str, object], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _flat(value, f"{prefix}{key}.")
        else:
            lines.append(f"{prefix}{key} = {json_module.dumps(value)}")
    return lines


def doctor(json: bool = JSON) -> None:
    """Check this machine and the installation, and say how to mend what is wrong.

    Example: mingo doctor
    """
    from flows.health import check_all

    checks = check_all(load())
    if json:
        sys.stdout.write(json_module.dumps([vars(check) for check in checks]) + "\n")
    else:
        marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "failed": "[red]failed[/]"}
        rows = [[check.name, marks[check.status], check.message] for check in checks]
        print_table("Doctor", ["check", "state", "finding and remedy"], rows, right_from=3)
    n_failed = sum(check.status == "failed" for check in checks)
    if n_failed:
        fail(f"{n_failed} of {len(checks)} checks failed; the last column says what to do")
    out.print(f"doctor: {len(checks)} checks, none failed", highlight=False)
