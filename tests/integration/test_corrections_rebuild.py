"""Minutes and bins are built again where their inputs changed, and only there; wrong settings stop the build."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.integration.corrections_input import (
    PATTERNS,
    Minutes,
    pattern_share,
    query,
    run_dbt,
    write_inputs,
    write_seeds,
)

TABLES = {
    "large_table": "station_id, minute_start",
    "int_bin_count": "station_id, bin_start, bin_width_s",
    "int_bin_environment": "station_id, bin_start, bin_width_s",
    "int_bin_region": "station_id, bin_start, bin_width_s, region_code",
    "int_bin_list_count": "station_id, bin_start, bin_width_s",
    "large_corrected_table": "station_id, bin_start, bin_width_s",
    "fct_rate": "station_id, bin_start, bin_width_s, group_code",
}
WIDTHS = {"bin_widths_s": [3600, 604800]}


def _station(station_id: int, n_days: int, seed: int) -> Minutes:
    rng = np.random.default_rng(seed)
    n = n_days * 1440
    counts = {(p, "R0.0"): rng.poisson(900 * pattern_share(p), n).astype(np.float64) for p in PATTERNS}
    counts["1234", "R0.0"][1439] += 400  # the last minute of the first day is bad
    pressure = 940 + np.cumsum(rng.normal(0, 0.02, n))
    return Minutes(
        station_id,
        np.datetime64("2025-01-30T00:00") + np.arange(n),
        np.full(n, 60.0),
        counts,
        {"pressure_lab_hpa": pressure, "hv_neg_kv": np.full(n, 5.5)},
        {"pressure_lab_source": "ext_measured"},
    )


def _build(data_dir: Path, *arguments: str) -> None:
    models = ("int_station_day+", "fct_primary+", "int_pressure_monitor_row")
    result = run_dbt(data_dir, "run", "--select", *models, *arguments, variables=WIDTHS)
    assert result.error is None, result.error


def _content(data_dir: Path) -> dict[str, list[tuple[object, ...]]]:
    return {name: query(data_dir, f"select * from {name} order by {key}") for name, key in TABLES.items()}


def _days_built(data_dir: Path) -> list[tuple[int, str]]:
    sql = "select station_id, strftime(day_start, '%Y-%m-%d') from int_correction_day_todo order by all"
    return query(data_dir, sql)  # type: ignore[return-value]


def _late_reading(stations: list[Minutes]) -> None:
    stations[0].values["pressure_lab_hpa"][2000] += 1


def _reprocessed_day(stations: list[Minutes]) -> None:
    stations[1].counts["1234", "R0.0"][3000:3100] = 0


def _lost_day(stations: list[Minutes]) -> None:
    stations[0].start = stations[0].start[:-1440]
    stations[0].live_s = stations[0].live_s[:-1440]
    stations[0].counts = {key: value[:-1440] for key, value in stations[0].counts.items()}
    stations[0].values = {key: value[:-1440] for key, value in stations[0].values.items()}


def _renew_lineage(data_dir: Path) -> None:
    with duckdb.connect(str(data_dir / "build.duckdb")) as connection:
        connection.execute(
            "update int_day_built set lineage_id = 'second' where station_id = 2 and day = date '2025-02-01'"
        )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of four days that is changed three times, each test on the state the former one left."""
    data_dir = tmp_path_factory.mktemp("history")
    write_inputs(data_dir, [_station(1, 4, 1), _station(2, 4, 2)])
    write_seeds(data_dir, [1, 2])
    _build(data_dir)
    assert len(_days_built(data_dir)) == 8
    return data_dir


def _changed(*changes: Callable[[list[Minutes]], None]) -> list[Minutes]:
    stations = [_station(1, 4, 1), _station(2, 4, 2)]
    for change in changes:
        change(stations)
    return stations


def test_nothing_new_builds_nothing(history: Path) -> None:
    before = _content(history)
    _build(history)
    assert _days_built(history) == []
    assert _content(history) == before


def test_changes_build_their_days_and_equal_a_build_from_nothing(history: Path) -> None:
    stations = _changed(_late_reading, _reprocessed_day, _lost_day)
    write_inputs(history, stations)
    _renew_lineage(history)
    _build(history)
    # a file counts for its day and those beside it; the day that lost everything is among the changed ones
    assert _days_built(history) == [
        *((1, "2025-01-31"), (1, "2025-02-01"), (1, "2025-02-02")),
        *((2, "2025-01-31"), (2, "2025-02-01"), (2, "2025-02-02")),
    ]
    found = _content(history)
    _build(history, "--full-refresh")
    expected = _content(history)
    for name in TABLES:
        assert found[name] == expected[name], name
    assert query(history, "select count(*) from large_table where station_id = 1") == [(3 * 1440,)]


def test_an_unfinished_build_is_taken_up_again(history: Path) -> None:
    before = _content(history)
    with duckdb.connect(str(history / "build.duckdb")) as connection:
        connection.execute("drop table int_correction_done")
        connection.execute("delete from large_table where station_id = 2")
        connection.execute("delete from int_bin_count where station_id = 1")
    _build(history)
    assert _content(history) == before


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"bin_widths_s": [7]}, "bin_widths_s: 7 s"),
        ({"efficiency_outer_method": "guess"}, "efficiency_outer_method: guess"),
        ({"pressure_applied_scope": "rolling"}, "pressure_applied_scope: rolling"),
        ({"pressure_rolling_groups": ["all", "up"]}, "pressure_rolling_groups: up"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, variables: dict[str, object], word: str) -> None:
    result = run_dbt(tmp_path, "parse", variables=variables)
    assert result.error is not None
    assert word in result.error


def test_a_station_without_reference_stops_the_build(history: Path) -> None:
    with duckdb.connect(str(history / "build.duckdb")) as connection:
        connection.execute("update dim_station set reference_pressure_hpa = null where station_id = 2")
    result = run_dbt(history, "run", "--select", "int_station_reference")
    assert result.error is not None
    assert "MINGO02: reference_pressure_hpa is missing" in result.error


def test_overlapping_exclusions_stop_the_build(history: Path) -> None:
    with duckdb.connect(str(history / "build.duckdb")) as connection:
        for station, start, end in ((1, "2025-01-01", "2025-01-03"), (None, "2025-01-02", "2025-01-04")):
            connection.execute("insert into fit_exclusion values (?, ?, ?, 'gas', '', '')", [station, start, end])
    result = run_dbt(history, "run", "--select", "int_fit_exclusion")
    assert result.error is not None
    assert "the gas row of station 1 that starts 2025-01-02" in result.error
