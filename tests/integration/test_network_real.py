"""Forbush decreases that are known, in measured rates of neutron monitors."""

import gzip
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from extract.nmdb.extract import extract_nmdb
from tests.integration.corrections_input import query
from tests.integration.environment_inputs import land
from warehouse import dbt
from warehouse.paths import Paths

OULU_BETA_PCT_PER_HPA = -0.74
FETCHED_AT = datetime(2025, 1, 1)
MODELS = ("reference_interval", "base_nmdb", "stg_nmdb", "fct_nmdb", "fct_nmdb_hour", "fct_primary")
# the 27 days before each decrease and the decrease; a year of a quiet Sun
SPANS = (
    *(("2003-09-25", "2003-11-02"), ("2004-12-15", "2005-01-21"), ("2005-08-10", "2005-09-15"), ("2008-12-01", "2010")),
    *(("2012-02-05", "2012-03-12"), ("2015-05-20", "2015-06-27"), ("2021-10-01", "2021-11-07")),
    ("2024-04-10", "2024-05-15"),
)
DISTURBED = "select count(*) filter (is_disturbed), count(*) from fct_primary where bin_width_s = 3600"


def _measured(path: Path) -> pl.DataFrame:
    """Start (text) and value of every interval of an answer."""
    text = gzip.decompress(path.read_bytes()).decode()
    lines = [line.split(";") for line in text.splitlines() if any(a <= line < b for a, b in SPANS)]
    return pl.DataFrame({"start": [a for a, _ in lines], "value": [float(b) for _, b in lines]})


def _oulu(folder: Path) -> str:
    """An answer with the rate of Oulu, brought to 1000 hPa."""
    rate, pressure = (_measured(folder / f"OULU_{name}_2h_2000-2024.txt.gz") for name in ("uncorrected", "pressure"))
    both = rate.join(pressure, on="start", suffix="_hpa")
    corrected = both["value"].to_numpy() * np.exp(-OULU_BETA_PCT_PER_HPA / 100 * (both["value_hpa"].to_numpy() - 1000))
    rows = (f"{start};{value:7.3f}" for start, value in zip(both["start"], corrected, strict=True))
    return "\n".join(["#        STATION: OULU", "  start_date_time   RCORR_E", *rows, ""])


def _land(paths: Paths, code: str, minutes: int, first: date, last: date, text: str) -> None:
    name = f"corr_for_efficiency_{first:%Y%m%d}_{last:%Y%m%d}_{FETCHED_AT:%Y%m%dT%H%M%SZ}-{code}.txt"
    request = {"stations[]": [code], "tresolution": str(minutes), "tabchoice": "revori"}
    land(paths.landing / "nmdb" / "rate" / name, text, "nmdb_nest", fetched_at=FETCHED_AT, request=request)


@pytest.fixture(scope="module")
def built(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shared_data / "nmdb"
    jungfraujoch = folder / "JUNG_corrected_1h_2015-2016.txt.gz"
    if not jungfraujoch.is_file():
        pytest.skip("no measured rates of neutron monitors among the independent inputs")
    paths = Paths(tmp_path_factory.mktemp("forbush"))
    _land(paths, "OULU", 120, date(2000, 11, 21), date(2024, 11, 21), _oulu(folder))
    _land(
        paths, "JUNG", 60, date(2015, 10, 10), date(2016, 10, 10), gzip.decompress(jungfraujoch.read_bytes()).decode()
    )
    assert extract_nmdb(paths.landing, paths.lake).failures == []
    result = dbt.run(paths, ["build", "--select", *MODELS, "--exclude-resource-type", "unit_test"])
    assert result.error is None, result.error
    return paths.data_dir


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("OULU", "2003-10-29 12:00", "2003-11-01"),
        ("OULU", "2005-01-19", "2005-01-20"),
        ("OULU", "2005-09-11 12:00", "2005-09-14"),
        ("OULU", "2012-03-09", "2012-03-11"),
        ("OULU", "2015-06-23", "2015-06-26"),
        ("OULU", "2021-11-04 06:00", "2021-11-06"),
        ("OULU", "2024-05-11", "2024-05-14"),
        ("JUNG", "2015-11-07", "2015-11-09"),
    ],
)
def test_great_decreases_are_disturbed(built: Path, code: str, first: str, last: str) -> None:
    span = f"nm_code = '{code}' and bin_start >= timestamp '{first}' and bin_start < timestamp '{last}'"
    ((disturbed, hours),) = query(built, f"{DISTURBED} and {span}")
    assert disturbed == hours >= 24  # type: ignore[operator]


def test_the_quiet_sun_of_2009_is_not_disturbed(built: Path) -> None:
    assert query(built, f"{DISTURBED} and nm_code = 'OULU' and year(bin_start) = 2009") == [(0, 8760)]


def test_intervals_of_two_hours_stand_for_both_hours(built: Path) -> None:
    wrong = query(
        built,
        "select count(*), count(*) filter (b.rate_hz is distinct from i.rate_hz or abs(b.dt_s) != 1800)"
        " from fct_primary as b join fct_nmdb as i on b.nm_code = i.nm_code"
        " and i.interval_start = time_bucket(interval 2 hours, b.bin_start) where b.nm_code = 'OULU'",
    )
    assert wrong[0][0] == 2 * query(built, "select count(*) from fct_nmdb where nm_code = 'OULU'")[0][0]  # type: ignore[operator]
    assert wrong[0][1] == 0
