"""How a value stands in a CSV file, and which unit the name of its column tells."""

import csv
import re
from functools import cache

from warehouse.paths import PROJECT_ROOT

DEFAULT_DECIMALS = 6
FORMULA_SIGNS = "=+-@"
UNITS = {"counts", "counts/s", "UTC", "0..1", "fraction", "arbitrary units", "days", "kg"}
"""Units that stand in descriptions only; the others are known from names too."""


@cache
def _rules() -> list[dict[str, str]]:
    """Rows of the seed `column_decimals`, longest name part first, so that `_pct_per_hpa` beats `_hpa`."""
    with (PROJECT_ROOT / "seeds" / "column_decimals.csv").open(newline="") as stream:
        return sorted(csv.DictReader(stream), key=lambda row: -len(row["name_part"]))


def _rule(column: str) -> dict[str, str] | None:
    for rule in _rules():
        is_fit = column.endswith if rule["position"] == "end" else column.startswith
        if is_fit(rule["name_part"]):
            return rule
    return None


def decimals(column: str) -> int:
    """Digits after the decimal point of a number in the column."""
    rule = _rule(column)
    return DEFAULT_DECIMALS if rule is None else int(rule["decimals"])


def unit(column: str, description: str) -> str:
    """Unit of a column: what its name tells, else the last of the brackets in its description that holds a unit."""
    rule = _rule(column)
    if rule is not None:
        return rule["unit"]
    units = UNITS | {rule["unit"] for rule in _rules()}
    found = [bracket for bracket in re.findall(r"\(([^()]*)\)", description) if bracket in units]
    return found[-1] if found else ""


def printed(column: str, kind: str) -> str:
    """SQL of a column as a CSV shows it: numbers rounded by their unit, formulas in text made harmless."""
    name = f'"{column}"'
    if kind in ("DOUBLE", "FLOAT"):
        return f"round({name}, {decimals(column)}) + 0.0 as {name}"  # + 0.0: a rounded -1e-9 is 0, not -0
    if kind == "VARCHAR":
        is_formula = f"contains('{FORMULA_SIGNS}', {name}[1]) and {name} != ''"
        return f"case when {is_formula} then chr(39) || {name} else {name} end as {name}"
    return name
