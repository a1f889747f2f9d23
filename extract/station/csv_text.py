"""CSV files edited as text: what is not changed keeps its bytes, so that a comparison shows the new lines only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CELL = re.compile(r'("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|\r|\Z)')
_BYTE_ORDER_MARK = "\ufeff"
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$')


class CsvTextError(ValueError):
    """A text that is no CSV table with a header; the message says where."""


@dataclass
class Line:
    """One record: its cells as they are written, and what ends it."""

    cells: list[str]
    ending: str


@dataclass
class CsvText:
    """A CSV table that can be edited and written back byte for byte. ``columns`` are the names in its first line."""

    columns: list[str]
    lines: list[Line] = field(default_factory=list)
    mark: str = ""

    @property
    def rows(self) -> list[dict[str, str]]:
        """The records as name to value; lines without content are left out."""
        return [self._row(line) for line in self._records]

    @property
    def text(self) -> str:
        """The whole file."""
        return self.mark + "".join(",".join(line.cells) + line.ending for line in self.lines)

    @property
    def _records(self) -> list[Line]:
        return [line for line in self.lines[1:] if line.cells != [""]]

    def _row(self, line: Line) -> dict[str, str]:
        return dict(zip(self.columns, [_value(cell) for cell in line.cells], strict=True))

    def add(self, row: Mapping[str, str], key: str = "station_id") -> None:
        """Add a record behind the last one whose ``key``, a number or nothing, is not greater.

        Raises
        ------
        CsvTextError
            When the row has a column that the table has not.
        """
        unknown = sorted(set(row) - set(self.columns))
        if unknown:
            raise CsvTextError(f"no column {unknown[0]}")
        ending = self.lines[0].ending or "\n"
        place = 1
        for position, line in enumerate(self.lines[1:], start=2):
            if line.cells != [""] and _rank(self._row(line)[key]) <= _rank(row[key]):
                place = position
        before = self.lines[place - 1]
        before.ending = before.ending or ending
        self.lines.insert(place, Line([_cell(row.get(name, "")) for name in self.columns], ending))

    def change(self, where: Mapping[str, str], values: Mapping[str, str]) -> int:
        """Write ``values`` into the records that have all values of ``where``; returns how many there are."""
        n_changed = 0
        for line in self._records:
            row = self._row(line)
            if any(row[name] != value for name, value in where.items()):
                continue
            n_changed += 1
            for name, value in values.items():
                if row[name] != value:
                    line.cells[self.columns.index(name)] = _cell(value)
        return n_changed


def parse_csv(text: str) -> CsvText:
    """Read the text of a CSV file.

    Raises
    ------
    CsvTextError
        For a text without header, with a quote in the middle of a cell or with a line of another number of cells.
    """
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    lines = _lines(text[len(mark) :])
    if not lines or lines[0].cells == [""]:
        raise CsvTextError("no header")
    columns = [_value(cell) for cell in lines[0].cells]
    for number, line in enumerate(lines[1:], start=2):
        if line.cells != [""] and len(line.cells) != len(columns):
            raise CsvTextError(f"record {number} has {len(line.cells)} cells and the header {len(columns)}")
    return CsvText(columns, lines, mark)


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    cells: list[str] = []
    position = 0
    while position < len(text) or cells:
        match = _CELL.match(text, position)
        if match is None:
            raise CsvTextError(f"record {len(lines) + 1} has a quote that does not belong there")
        cells.append(match.group(1))
        position = match.end()
        if match.group(2) != ",":
            lines.append(Line(cells, match.group(2)))
            cells = []
    return lines


def _value(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _cell(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if _NEEDS_QUOTES.search(value) else value


def _rank(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("-inf")
