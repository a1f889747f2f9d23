"""What cannot be simulated is refused with the value that is wrong."""

from datetime import datetime
from typing import Any

import pytest

from simulate.config import DEMO_STATIONS, NetworkConfig, StationConfig, demo_network


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"station_id": 12}, "station_id 12"),
        ({"z_mm": (0.0, 100.0, 100.0, 200.0)}, "four increasing heights"),
        ({"efficiency": (0.9, 0.9, 1.1, 0.9)}, "0..1"),
        ({"rate_hz": 0.0}, "rate_hz"),
        ({"triggers": (21,)}, "trigger 21"),
        ({"triggers": (1,)}, "trigger 1"),
        ({"triggers": (15,)}, "trigger 15"),
    ],
)
def test_station_refuses(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StationConfig(**({"station_id": 1} | wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stations": ()}, "stations"),
        ({"stations": (StationConfig(1), StationConfig(1))}, "different"),
        ({"start": datetime(2025, 1, 1, 6)}, "midnight"),
        ({"days": 0}, "positive"),
    ],
)
def test_network_refuses(wrong: dict[str, Any], message: str) -> None:
    right = {"stations": (StationConfig(1),), "start": datetime(2025, 1, 1), "days": 1, "seed": 1}
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**(right | wrong))


def test_demo_network_is_what_was_asked_for() -> None:
    config = demo_network(days=3, stations=(4, 2), seed=7)
    assert [station.station_id for station in config.stations] == [2, 4]
    assert (config.days, config.seed) == (3, 7)
    with pytest.raises(ValueError, match="not \\[9\\]"):
        demo_network(stations=(1, 9))


@pytest.mark.parametrize("station", DEMO_STATIONS.values(), ids=lambda station: str(station.station_id))
def test_demo_stations_leave_every_efficiency_unbiased(station: StationConfig) -> None:
    """Some trigger combination avoids each plane, so that its efficiency can be measured with the others."""
    for plane in "1234":
        assert any(plane not in str(label) for label in station.triggers)
    assert -0.25 <= station.beta_pct_per_hpa <= -0.12
