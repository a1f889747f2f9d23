"""What the station commands print for a person."""

from collections.abc import Iterator
from typing import Any

from flows.console import print_table

MAX_ACROSS = 8  # columns of a table that fit side by side; rows with more stand beside each other


def show_table(stations: list[dict[str, Any]]) -> None:
    """The table of `station list`."""
    rows = [
        [
            fact["station_code"],
            fact["city"],
            fact["station_id"],
            "yes" if fact["is_enabled"] else fact["disabled_reason"] or "no",
            " ".join(fact["sources"]) or None,
            _pins(fact["pinned"]),
            fact["first_day"],
            f"{fact['landing']['n_files']:,}",
            f"{fact['lake']['n_files']:,}",
            max((fact[place]["newest_at"] or "" for place in ("landing", "lake")), default="") or None,
        ]
        for fact in stations
    ]
    columns = ["station", "city", "id", "enabled", "sources", "host key", "first day", "landing", "lake", "last file"]
    print_table("Stations", columns, rows, right_from=7)


def show_facts(facts: dict[str, Any]) -> None:
    """The tables of `station show`."""
    state = "in use" if facts["is_enabled"] else f"disabled ({facts['disabled_reason'] or 'no reason given'})"
    head = [["state", state], ["first day", facts["first_day"]]]
    head += [
        [f"files in {place}", f"{facts[place]['n_files']:,}, newest {facts[place]['newest_at'] or '–'}"]
        for place in ("landing", "lake")
    ]
    head += [[f"host key of {server}", ", ".join(keys) or "none pinned"] for server, keys in facts["pinned"].items()]
    print_table(f"{facts['station_code']}, {facts['city']}", ["", ""], head, right_from=2)
    if facts["sources"]:
        columns = ["source", "host", "port", "account", "key", "directory"]
        rows = [[name, *source.values()] for name, source in facts["sources"].items()]
        print_table("Sources", columns, rows, right_from=6)
    for name, dated in facts["rows"].items():
        columns = list(dict.fromkeys(column for row in dated for column in row))
        if len(columns) > MAX_ACROSS:
            across = [[column, *(row.get(column) for row in dated)] for column in columns]
            print_table(name, ["", *("row" for _ in dated)], across, right_from=1 + len(dated))
        else:
            print_table(name, columns, [[row.get(column) for column in columns] for row in dated], right_from=9)


def next_steps(code: str, *, has_pin: bool, is_changed: bool) -> Iterator[str]:
    """What is left to do by hand after a station was added."""
    if not is_changed:
        return
    yield "Left to do by hand:"
    yield "  - compare the coordinates with a map; once surveyed: mingo station edit with --surveyed"
    if not has_pin:
        yield f"  - when the server answers: mingo station repin {code}"
    yield f"  - set the variables named in mingo.toml, then: mingo station check {code}"
    yield f"  - logbook: a tab for {code} with its configurations"
    yield f"  - station: copy the files of export/station/{code} as its README.txt says"


def _pins(pinned: dict[str, list[str]]) -> str | None:
    if not pinned:
        return None
    return "pinned" if all(pinned.values()) else "missing"
