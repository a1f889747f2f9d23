"""Numbers as a person reads them: as many digits as the error allows, thin spaces between thousands, a true minus."""

import math
from datetime import datetime

MISSING = "–"
THIN_SPACE = "\u202f"
MAX_PLACES = 4


def count(value: float | None) -> str:
    """A count with its thousands apart."""
    return MISSING if value is None else f"{round(value):,}".replace(",", THIN_SPACE)


def decimals(sigma: float) -> int:
    """Decimal places that show an error with two significant digits, four at most."""
    return min(MAX_PLACES, max(0, 1 - math.floor(math.log10(sigma))))


def plain(value: float | None, places: int) -> str:
    """A number with fixed decimal places."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{places}f}".replace("-", "\u2212")


def with_error(value: float | None, sigma: float | None) -> str:
    """``value ± sigma`` with two significant digits of the error; the value alone when no error is known."""
    if value is None or not math.isfinite(value):
        return MISSING
    if sigma is None or not math.isfinite(sigma) or sigma <= 0:
        return plain(value, MAX_PLACES)
    places = decimals(sigma)
    return f"{plain(value, places)}{THIN_SPACE}±{THIN_SPACE}{plain(sigma, places)}"


def percent(share: float | None) -> str:
    """A share 0..1 as percent with one decimal."""
    return MISSING if share is None else f"{plain(100 * share, 1)}{THIN_SPACE}%"


def moment(time: datetime | None) -> str:
    """A time, UTC, to the minute."""
    return MISSING if time is None else f"{time:%Y-%m-%d %H:%M}"


def span(start: datetime | None, end: datetime | None) -> str:
    """A span of time, UTC, by its days."""
    if start is None or end is None:
        return MISSING
    return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"
