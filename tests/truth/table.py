"""The table of measured values and bounds: a line a quantity, a column a file."""

from collections.abc import Sequence

from tests.truth.bounds import Bound

Row = Sequence[str]
"""Label of the file, name of the quantity, measured value, interval, and ``out`` where the value lies outside."""


def bound_row(label: str, bound: Bound) -> Row:
    """A bound as plain words, which pass from one test process to another."""
    return label, bound.name, bound.measured, bound.interval, "" if bound.holds else "out"


def by_quantity(rows: Sequence[Row], labels: Sequence[str]) -> list[list[str]]:
    """For each quantity its name, the interval of the first file, and a cell for each file.

    A cell holds the value, its own interval where that differs from the first one, and ``OUT`` where it does not hold.
    """
    cells: dict[str, dict[str, Row]] = {}
    for row in rows:
        cells.setdefault(row[1], {})[row[0]] = row
    table = []
    for name, found in cells.items():
        own = {label: found[label] for label in labels if label in found}
        if not own:
            continue
        interval = next(iter(own.values()))[3]
        line = [name, interval]
        for label in labels:
            _, _, value, differing, out = own.get(label, ("", "", "", interval, ""))
            line.append(" ".join(filter(None, [value, f"[{differing}]" if differing != interval else "", out.upper()])))
        table.append(line)
    return table


def bound_lines(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of a terminal; files of 50,000 events first."""
    lines = []
    for labels in (("M1", "A", "B"), ("S1", "C")):
        table = by_quantity(rows, labels)
        if table:
            table.insert(0, ["quantity", "bound", *labels])
            widths = [max(len(line[column]) for line in table) for column in range(len(labels) + 2)]
            lines += ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table]
            lines.append("")
    return lines
