"""Which old file comes first, and which day is drawn: questions to pure functions."""

from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from extract.daq.name import RawName, parse_name
from extract.transfer.sftp.draw import Draw, choose, read_draws, write_draw
from extract.transfer.sftp.order import (
    SETTLED_DAYS,
    draw_day,
    drawable_days,
    in_order,
    newest_first,
    oldest_first,
    within,
)

TODAY = date(2025, 7, 1)
NOW = datetime(2025, 7, 1, 12)


class Named:
    """A file by its name alone."""

    def __init__(self, station_id: int, start: datetime) -> None:
        self.name: RawName = parse_name(f"mi0{station_id}{start:%y%j%H%M%S}.dat")


moments = st.datetimes(datetime(2023, 1, 1), datetime(2025, 7, 1)).map(lambda moment: moment.replace(microsecond=0))
files = st.lists(st.builds(Named, st.integers(1, 9), moments), max_size=40)
days = st.dates(date(2023, 1, 1), date(2025, 7, 1))


def day(file: Named) -> date:
    return file.name.start_time.date()


def names(found: list[Named]) -> list[str]:
    return [file.name.file_name for file in found]


@given(files, days, days)
def test_a_range_is_inclusive_and_oldest_first(found: list[Named], one: date, other: date) -> None:
    first, last = min(one, other), max(one, other)
    ordered = in_order(found, "range", first, last)
    assert sorted(map(id, ordered)) == sorted(id(file) for file in found if first <= day(file) <= last)
    times = [file.name.start_time for file in ordered]
    assert times == sorted(times)
    assert in_order(found, "random_day", first, last) == ordered


@given(files)
def test_newest_is_the_reverse_and_open_ends_keep_all(found: list[Named]) -> None:
    assert names(newest_first(found)) == names(oldest_first(found))[::-1]
    assert [day(file) for file in in_order(found, "newest", None, None)] == sorted(map(day, found), reverse=True)
    assert within(found, None, None) == found


@given(st.randoms(use_true_random=False), files)
def test_the_order_does_not_depend_on_that_of_the_listing(random: Random, found: list[Named]) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert names(oldest_first(shuffled)) == names(oldest_first(found))


@given(files, days)
def test_days_may_be_drawn_from_the_first_one_to_five_days_ago(found: list[Named], first: date) -> None:
    last = TODAY - timedelta(days=SETTLED_DAYS)
    assert drawable_days(found, first, TODAY) == sorted({day(file) for file in found if first <= day(file) <= last})


def test_five_days_ago_is_drawn_and_four_are_not() -> None:
    found = [Named(1, NOW - timedelta(days=age)) for age in (4, 5)]
    assert drawable_days(found, date(2023, 7, 1), TODAY) == [date(2025, 6, 26)]


@given(st.sets(days, min_size=1), st.integers(), st.data())
def test_the_draw_is_repeated_and_other_days_do_not_change_it(among: set[date], seed: int, data: st.DataObject) -> None:
    drawn = draw_day(among, seed)
    assert drawn in among
    assert draw_day(sorted(among, reverse=True), seed) == drawn
    fewer = {one for one in among if one == drawn or data.draw(st.booleans())}
    assert draw_day(fewer, seed) == drawn


def test_every_day_is_as_likely_as_any_other() -> None:
    among = [date(2025, 3, 1) + timedelta(days=n) for n in range(10)]
    drawn = [draw_day(among, seed) for seed in range(5000)]
    counts = [drawn.count(one) for one in among]
    sigma = (5000 * 0.1 * 0.9) ** 0.5
    assert all(abs(count - 500) < 5 * sigma for count in counts)


def test_nothing_is_drawn_from_nothing() -> None:
    assert draw_day([], 1) is None
    assert choose([], [], "all", None, 1, NOW) is None


@given(st.sets(days, min_size=2), st.integers())
def test_a_seed_gives_its_day_again_although_that_is_done(among: set[date], seed: int) -> None:
    first = choose([], among, "one", seed, 0, NOW)
    assert first is not None
    assert choose([first], among - {first.day}, "one", seed, 0, NOW) == first
    other = choose([first], among - {first.day}, "two", seed, 0, NOW)
    assert other is not None
    assert other.day != first.day


@given(st.sets(days, min_size=2), st.integers(), st.integers())
def test_without_a_seed_an_unfinished_day_goes_first(among: set[date], seed: int, new_seed: int) -> None:
    first = choose([], among, "one", None, seed, NOW)
    assert first is not None
    assert choose([first], among, "one", None, new_seed, NOW + timedelta(hours=1)) == first
    then = choose([first], among - {first.day}, "one", None, new_seed, NOW + timedelta(hours=1))
    assert then is not None
    assert (then.seed, then.day) == (new_seed, draw_day(among - {first.day}, new_seed))


def test_draws_are_kept(tmp_path: Path) -> None:
    kept = [Draw("MINGO01 all ..", 7, date(2025, 3, 1), NOW), Draw("MINGO02 all ..", 7, date(2025, 3, 2), NOW)]
    for draw in kept:
        write_draw(tmp_path / "backfill", draw)
    (tmp_path / "backfill" / "draw-1-0.json").write_text("{")
    (tmp_path / "backfill" / "draw-2-0.json").write_text('{"scope": "x", "seed": 1, "day": "2025-13-01"}')
    assert sorted(read_draws(tmp_path / "backfill"), key=lambda draw: draw.day) == kept
