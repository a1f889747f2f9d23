"""The NMDB request plan: blocks from the start date, the last days again, older days only where they are missing."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from extract.nmdb.request import QUERIES, Block, plan
from warehouse.settings import Nmdb

START, TODAY = date(2023, 7, 1), date(2024, 7, 1)
SETTINGS = Nmdb(start_date=START)
ALL = {START + timedelta(days=n) for n in range(367)}
RATE = QUERIES[0]


def blocks_of(held: set[date], settings: Nmdb = SETTINGS, today: date = TODAY) -> list[Block]:
    others = {query.dtype: ALL for query in QUERIES[1:]}
    return [b for b in plan({RATE.dtype: held, **others}, today, settings) if b.query == RATE]


def days_of(blocks: list[Block]) -> list[date]:
    return [b.first_day + timedelta(days=n) for b in blocks for n in range((b.last_day - b.first_day).days + 1)]


def test_the_first_time_asks_for_all_in_blocks_from_the_start() -> None:
    blocks = blocks_of(set())
    assert len(blocks) == 12
    assert blocks[-1].name == "corr_for_efficiency_20230701_20230731"
    assert blocks[0].name == "corr_for_efficiency_20240606_20240701"
    assert sorted(days_of(blocks)) == sorted(ALL)


def test_later_runs_ask_for_the_last_hundred_days() -> None:
    blocks = blocks_of(ALL)
    assert [b.name.removeprefix("corr_for_efficiency_") for b in blocks] == [
        "20240606_20240701",
        "20240506_20240605",
        "20240405_20240505",
        "20240324_20240404",
    ]
    assert len(plan({query.dtype: ALL for query in QUERIES}, TODAY, SETTINGS)) == 12


@settings(max_examples=100)
@given(st.sets(st.integers(0, 366)), st.integers(1, 40), st.integers(0, 120))
def test_every_day_that_is_needed_is_asked_for_once(missing: set[int], block_days: int, refresh_days: int) -> None:
    chosen = SETTINGS.model_copy(update={"block_days": block_days, "refresh_days": refresh_days})
    lost = {START + timedelta(days=n) for n in missing}
    blocks = blocks_of(ALL - lost, chosen)
    window = {TODAY - timedelta(days=n) for n in range(refresh_days)}
    assert sorted(days_of(blocks)) == sorted((lost | window) & ALL)
    assert all((b.last_day - b.first_day).days < block_days for b in blocks)
    assert [b.first_day for b in blocks] == sorted((b.first_day for b in blocks), reverse=True)


def test_parameters_stand_in_the_order_of_the_service() -> None:
    block = Block(QUERIES[2], date(2025, 2, 7), date(2025, 2, 9))
    assert block.parameters == [
        ("wget", "1"),
        ("stations[]", "OULU"),
        ("output", "ascii"),
        ("tabchoice", "revori"),
        ("dtype", "pressure_mbar"),
        ("tresolution", "60"),
        ("force", "1"),
        ("yunits", "0"),
        ("date_choice", "bydate"),
        ("start_year", "2025"),
        ("start_month", "02"),
        ("start_day", "07"),
        ("start_hour", "00"),
        ("start_min", "00"),
        ("end_year", "2025"),
        ("end_month", "02"),
        ("end_day", "09"),
        ("end_hour", "23"),
        ("end_min", "59"),
    ]
    assert [(q.product, q.dtype, q.resolution_min, len(q.stations)) for q in QUERIES] == [
        ("rate", "corr_for_efficiency", 10, 10),
        ("baro", "uncorrected", 60, 1),
        ("baro", "pressure_mbar", 60, 1),
    ]
