"""The ERA5 request plan: golden numbers, each day exactly once, preliminary data until they are final."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.era5.refusal import meaning_of
from extract.era5.request import ALL_HOURS, DayState, Request, area_of, block_days, plan, wanted_days
from extract.transfer.stations import Site, sites_to_fetch
from warehouse.settings import Era5

MADRID = Site((40.4168, -3.7038), date(2023, 1, 1), None)
NOW = datetime(2025, 11, 7, 9)  # the last wanted day is 2025-11-01
SETTINGS = Era5()
HOURS = frozenset(range(24))


def requests_of(product: str, settings: Era5 = SETTINGS, now: datetime = NOW) -> list[Request]:
    chosen = settings.model_copy(update={"products": [product]})
    return plan({1: [MADRID]}, {}, now, chosen).requests


def state(fetched_at: datetime, final: frozenset[int] = HOURS, hours: frozenset[int] = HOURS) -> DayState:
    return DayState(hours, final, fetched_at)


def test_areas_are_those_of_the_stations() -> None:
    sites = sites_to_fetch()
    assert set(sites) == {1, 2, 3, 4}
    assert area_of(sites[1][0].position, 0.25) == (40.6668, -3.9538, 40.1668, -3.4538)
    assert area_of(sites[4][0].position, 0.25) == (25.9366, -100.5661, 25.4366, -100.0661)


@pytest.mark.parametrize(("product", "n"), [("single", 29), ("pl100", 29), ("profile", 57)])
def test_855_days_make_so_many_requests(product: str, n: int) -> None:
    requests = requests_of(product)
    assert len(requests) == n
    days = Counter(day for request in requests for day in request.days)
    assert sorted(days) == [date(2023, 7, 1) + timedelta(days=i) for i in range(855)]
    assert set(days.values()) == {1}
    assert all({day.month for day in r.days} == {r.days[0].month} for r in requests)


def test_hourly_profiles_need_186_requests() -> None:
    hourly = SETTINGS.model_copy(update={"profile_hours": list(range(24))})
    assert block_days("profile", hourly) == 5
    assert len(requests_of("profile", hourly)) == 186


def test_the_largest_request_has_4736_fields() -> None:
    requests = [r for product in SETTINGS.products for r in requests_of(product)]
    assert max(r.n_fields for r in requests) == 4736
    assert max(r.n_fields for r in requests if r.product == "single") == 1488


def test_the_last_hour_wanted_is_that_of_the_day_before_the_latency() -> None:
    days = wanted_days([MADRID], datetime(2025, 2, 7, 9), SETTINGS)
    assert (days[0], days[-1]) == (date(2023, 7, 1), date(2025, 2, 1))
    late = replace(MADRID, first_day=date(2025, 1, 30))
    assert wanted_days([late], datetime(2025, 2, 7, 9), SETTINGS) == [
        date(2025, 1, 30),
        date(2025, 1, 31),
        date(2025, 2, 1),
    ]


def test_the_body_is_what_the_service_reads() -> None:
    (request,) = [r for r in requests_of("pl100") if r.days[0] == date(2024, 2, 1)]
    assert request.body == {
        "product_type": ["reanalysis"],
        "variable": ["temperature", "geopotential"],
        "year": "2024",
        "month": "02",
        "day": [f"{day:02}" for day in range(1, 30)],
        "time": [f"{hour:02}:00" for hour in range(24)],
        "pressure_level": ["100"],
        "area": [40.6668, -3.9538, 40.1668, -3.4538],
        "data_format": "netcdf",
        "download_format": "unarchived",
    }
    assert "pressure_level" not in requests_of("single")[0].body
    profile = requests_of("profile")[0].body
    assert len(profile["pressure_level"]) == 37
    assert profile["time"] == ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]
    assert Request.from_body(1, "pl100", request.body) == request


def test_order_is_newest_month_first_then_product() -> None:
    requests = plan({1: [MADRID], 2: [MADRID]}, {}, NOW, SETTINGS).requests
    assert [(r.product, r.station_id, r.days[0]) for r in requests[:10]] == [
        ("single", 1, date(2025, 11, 1)),
        ("single", 2, date(2025, 11, 1)),
        ("pl100", 1, date(2025, 11, 1)),
        ("pl100", 2, date(2025, 11, 1)),
        ("profile", 1, date(2025, 11, 1)),
        ("profile", 2, date(2025, 11, 1)),
        ("single", 1, date(2025, 10, 1)),
        ("single", 2, date(2025, 10, 1)),
        ("pl100", 1, date(2025, 10, 1)),
        ("pl100", 2, date(2025, 10, 1)),
    ]


@settings(max_examples=100)
@given(st.sets(st.integers(0, 854)), st.integers(1, 12000))
def test_every_missing_day_is_asked_for_exactly_once(missing: set[int], max_fields: int) -> None:
    first = date(2023, 7, 1)
    chosen = SETTINGS.model_copy(update={"products": ["profile"], "max_fields_per_request": max_fields})
    held = {first + timedelta(days=i): state(NOW) for i in range(855) if i not in missing}
    requests = plan({1: [MADRID]}, {(1, "profile"): held}, NOW, chosen).requests
    days = sorted(day for r in requests for day in r.days)
    assert days == [first + timedelta(days=i) for i in sorted(missing)]
    assert all(r.n_fields <= max_fields or len(r.days) == 1 for r in requests)
    assert all((r.days[-1] - r.days[0]).days == len(r.days) - 1 for r in requests)


def test_a_day_without_one_hour_is_asked_for_again() -> None:
    held = {day: state(NOW) for day in wanted_days([MADRID], NOW, SETTINGS)}
    held[date(2024, 5, 5)] = state(NOW, hours=HOURS - {23})
    (request,) = plan(
        {1: [MADRID]}, {(1, "single"): held}, NOW, SETTINGS.model_copy(update={"products": ["single"]})
    ).requests
    assert (request.days, request.hours, request.is_recheck) == ((date(2024, 5, 5),), ALL_HOURS, False)


def recheck(now: datetime, fetched_at: datetime, month: date = date(2025, 7, 1)) -> list[Request]:
    """Requests when the days 10 to 12 of a month are preliminary and all else is final."""
    held = {day: state(fetched_at) for day in wanted_days([MADRID], now, SETTINGS)}
    for day in (10, 11, 12):
        held[month.replace(day=day)] = state(fetched_at, final=frozenset())
    return plan(
        {1: [MADRID]}, {(1, "single"): held}, now, SETTINGS.model_copy(update={"products": ["single"]})
    ).requests


def test_preliminary_days_are_asked_for_again_when_their_block_is_old() -> None:
    block_end = datetime(2025, 7, 31)
    long_ago = datetime(2025, 8, 10)
    assert recheck(block_end + timedelta(days=65, hours=23), long_ago) == []
    (request,) = recheck(block_end + timedelta(days=66), long_ago)
    assert request.days == tuple(date(2025, 7, day) for day in (10, 11, 12))
    assert request.is_recheck


def test_they_are_not_asked_for_more_often_than_weekly() -> None:
    now = datetime(2025, 11, 7, 9)
    assert recheck(now, now - timedelta(days=6, hours=23)) == []
    assert len(recheck(now, now - timedelta(days=7))) == 1


def test_overdue_final_data_are_a_warning() -> None:
    held = {day: state(NOW) for day in wanted_days([MADRID], NOW, SETTINGS)}
    late = date(2025, 6, 9)  # 151 days
    held[late] = held[date(2025, 6, 10)] = state(NOW, final=frozenset())
    planned = plan({1: [MADRID]}, {(1, "single"): held}, NOW, SETTINGS.model_copy(update={"products": ["single"]}))
    assert planned.overdue == [
        "station 1 single: 1 days from 2025-06-09 to 2025-06-09 are still preliminary after 150 days"
    ]


def test_a_new_site_splits_the_month() -> None:
    moved = [replace(MADRID, last_day=date(2025, 10, 9)), Site((41.0, -3.7), date(2025, 10, 10), None)]
    requests = [
        r for r in plan({1: moved}, {}, NOW, SETTINGS).requests if r.days[0].month == 10 and r.product == "single"
    ]
    assert [(r.days[0].day, r.days[-1].day, r.area[0]) for r in requests if r.days[0].year == 2025] == [
        (10, 31, 41.25),
        (1, 9, 40.6668),
    ]


def test_halves_go_down_to_one_day() -> None:
    request = requests_of("profile")[1]
    sizes = []
    parts: list[Request] = [request]
    while len(parts[0].days) > 1:
        parts = [half for part in parts for half in part.halves()]
        sizes.append(max(len(part.days) for part in parts))
    assert tuple(day for part in parts for day in part.days) == request.days
    assert sizes == [8, 4, 2, 1]
    assert parts[0].halves() == (parts[0],)


@pytest.mark.parametrize(
    ("status", "text", "meaning"),
    [
        (401, "whatever", "credentials"),
        (403, "required licences not accepted: visit the page", "licence"),
        (403, "the API key is not valid", "credentials"),
        (403, "cost limits exceeded: Your request is too large, please reduce your selection.", "too_large"),
        (400, "Your request is too large", "too_large"),
        (403, "go away", "refused"),
        (400, "invalid variable", "refused"),
        (404, "dataset not found", "refused"),
        (400, "MarsNoDataError: None of the data you have requested is available yet", "no_data"),
        (None, "no data for the dates", "no_data"),
        (None, "The job failed with: MultiAdaptorNoDataError", "no_data"),
        (None, "a worker was lost", "refused"),
        (None, "cost limits exceeded", "too_large"),
        *[(status, "cost limits exceeded", "unavailable") for status in (408, 429, 500, 502, 503, 504)],
    ],
)
def test_errors_mean_what_the_text_says(status: int | None, text: str, meaning: str) -> None:
    assert meaning_of(status, text) == meaning
