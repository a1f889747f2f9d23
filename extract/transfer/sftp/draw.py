"""The days that were drawn at random, kept so that a draw can be repeated and a stopped run goes on with its day."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from extract.transfer.sftp.order import draw_day
from extract.transfer.sidecar import from_iso, to_iso
from warehouse.files import write_json


@dataclass(frozen=True)
class Draw:
    """A day drawn with a seed among the files of a scope (stations, source, days); ``drawn_at`` naive UTC."""

    scope: str
    seed: int
    day: date
    drawn_at: datetime


def choose(
    draws: Iterable[Draw], days: Collection[date], scope: str, seed: int | None, new_seed: int, now: datetime
) -> Draw | None:
    """The draw a run works on; None where there is no day to draw.

    Parameters
    ----------
    draws
        The earlier ones.
    days
        The days that may be drawn.
    seed
        A seed already used in this scope gives the same day again, whatever became of it. None goes on with the newest
        draw whose day may still be drawn, and draws with ``new_seed`` where there is none.
    """
    mine = sorted((draw for draw in draws if draw.scope == scope), key=lambda draw: (draw.drawn_at, draw.seed))
    if seed is not None:
        former = next((draw for draw in mine if draw.seed == seed), None)
    else:
        former = next((draw for draw in reversed(mine) if draw.day in days), None)
    if former is not None:
        return former
    chosen = new_seed if seed is None else seed
    day = draw_day(days, chosen)
    return None if day is None else Draw(scope, chosen, day, now)


def write_draw(folder: Path, draw: Draw) -> None:
    """Keep a draw."""
    digest = sha256(draw.scope.encode()).hexdigest()[:12]
    write_json(
        folder / f"draw-{draw.seed}-{digest}.json",
        {
            "scope": draw.scope,
            "seed": draw.seed,
            "day": draw.day.isoformat(),
            "drawn_at": to_iso(draw.drawn_at),
        },
    )


def read_draws(folder: Path) -> list[Draw]:
    """The draws that were kept; a file that cannot be read is no draw."""
    draws = (_read(path) for path in sorted(folder.glob("draw-*.json")))
    return [draw for draw in draws if draw is not None]


def _read(path: Path) -> Draw | None:
    try:
        content = json.loads(path.read_bytes())
        drawn_at = from_iso(content["drawn_at"])
        day = date.fromisoformat(content["day"])
        return None if drawn_at is None else Draw(str(content["scope"]), int(content["seed"]), day, drawn_at)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
