"""Write the measured tables and the figures of docs/detector.md from a data folder with the files of truth.

    python -m tests.truth.document DATA_DIR FOLDER_OF_THE_INDEPENDENT_FILES

The data folder is one into which the simulated and the independent files were acquired, extracted and transformed, as
the tests do (`detector_files` in tests/integration/conftest.py).
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

from tests.truth.bounds import all_bounds
from tests.truth.differences import all_differences
from tests.truth.figures import all_figures
from tests.truth.known import CASES, INDEPENDENT, independent, write_cases
from tests.truth.measure import Found, find
from tests.truth.table import bound_row, by_quantity
from warehouse.files import write_bytes
from warehouse.paths import PROJECT_ROOT

DETECTOR = PROJECT_ROOT / "docs" / "detector.md"
FIGURES = PROJECT_ROOT / "docs" / "figures"
COLUMNS = (("M1", "A", "B"), ("S1", "C"))


def read_files(data_dir: Path, folder: Path) -> dict[str, Found]:
    """Every file of truth with what the data folder says about it."""
    with TemporaryDirectory() as scratch:
        _, known = write_cases(CASES, Path(scratch))
    known += [independent(folder, label) for label in INDEPENDENT]
    found = {one.label: find(data_dir / "build.duckdb", one) for one in known}
    return {label: found[label] for labels in COLUMNS for label in labels}


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measured_tables(files: dict[str, Found]) -> str:
    """The tables of measured values and bounds, one for each size of file."""
    rows = [bound_row(label, bound) for label, found in files.items() for bound in all_bounds(found)]
    return "\n\n".join(
        markdown(["quantity", "bound", *labels], by_quantity(rows, labels)).replace("<=", "≤") for labels in COLUMNS
    )


def difference_list(found: Found) -> str:
    """The differences from the production chain as a list."""
    items = [f"**{one.elsewhere}**; here {one.here}: {one.effect}." for one in all_differences(found)]
    return "\n".join(fill(item, 118, initial_indent="- ", subsequent_indent="  ") for item in items)


def between(text: str, mark: str, content: str) -> str:
    """The text with the lines between the two marks replaced."""
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    changed, n = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}\n{content}\n{end}", text, flags=re.S
    )
    if n != 1:
        raise ValueError(f"{begin} and {end} must stand once in the text, not {n} times")
    return changed


def main(data_dir: Path, folder: Path) -> None:
    """Rewrite the tables of docs/detector.md and all figures."""
    files = read_files(data_dir, folder)
    text = between(DETECTOR.read_text(), "measured", measured_tables(files))
    text = between(text, "differences", difference_list(files["M1"]))
    write_bytes(DETECTOR, text.encode())
    for figure in all_figures(files, "M1"):
        figure.save(FIGURES / f"{figure.key}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
