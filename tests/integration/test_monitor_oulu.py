"""Real neutron monitors: twenty-four years of Oulu give the coefficient that is known for it, year by year."""

from pathlib import Path

import duckdb
import pytest

from tests.integration.conftest import Home
from tests.integration.corrections_input import query, run_dbt
from tests.truth.monitor import Year, figure, yearly

NAMES = ("OULU_pressure_2h_2000-2024", "OULU_uncorrected_2h_2000-2024", "JUNG_corrected_1h_2015-2016")

# ln of the rate in Oulu and at Jungfraujoch (the same Sun) where both are known, within calendar months
WITH_JUNG = """
with

jung as (
    select time_bucket(interval 2 hour, interval_start) as interval_start, avg(ln(rate_hz)) as ln_jung
    from fct_nmdb_hour
    where nm_code = 'JUNG'
    group by all
    having count(rate_hz) = 2
),

oulu as (
    select interval_start, ln(rate_hz) as ln_oulu, pressure_delta_hpa as x
    from int_pressure_monitor_row
    where nm_code = 'OULU' and fit_exclusion_reason is null
),

centred as (
    select
        x - avg(x) over months as x,
        ln_oulu - avg(ln_oulu) over months as ln_oulu,
        ln_jung - avg(ln_jung) over months as ln_jung
    from oulu
    inner join jung using (interval_start)
    window months as (partition by date_trunc('month', interval_start))
)

"""


@pytest.fixture(scope="module")
def built(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files from landing to the coefficients, in the ordinary way."""
    home = Home(tmp_path_factory.mktemp("monitor"))
    home.mingo("acquire", "--local", *(str(shared_data / "nmdb" / f"{name}.txt.gz") for name in NAMES))
    home.mingo("extract")
    models = ("+fct_pressure_coefficient", "+fct_nmdb_hour")
    skipped = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    result = run_dbt(home.data_dir, "build", "--select", *models, *skipped)
    assert result.error is None, result.error
    return home.data_dir


@pytest.fixture(scope="module")
def years(built: Path) -> dict[int, Year]:
    return {one.year: one for one in yearly(built, "OULU")}


@pytest.mark.parametrize(
    ("year", "plain", "plain_r2", "blocks", "blocks_r2"),
    [
        (2008, -0.7483, 0.991, -0.7466, 0.995),
        (2019, -0.7468, 0.995, -0.7485, 0.995),
        (2023, -0.7158, 0.948, -0.7282, 0.970),
    ],
)
def test_years_are_those_of_an_independent_fit(
    years: dict[int, Year], year: int, plain: float, plain_r2: float, blocks: float, blocks_r2: float
) -> None:
    found = years[year]
    assert found.plain_beta == pytest.approx(plain, abs=5e-4)
    assert found.blocks_beta == pytest.approx(blocks, abs=5e-4)
    assert (found.plain_r2, found.blocks_r2) == pytest.approx((plain_r2, blocks_r2), abs=5e-4)


def test_blocks_and_clusters_do_what_they_are_for(years: dict[int, Year]) -> None:
    whole = [one for one in years.values() if one.n_rows > 4000]
    assert len(whole) == 23

    def spread(betas: list[float]) -> float:
        mean = sum(betas) / len(betas)
        return float((sum((beta - mean) ** 2 for beta in betas) / (len(betas) - 1)) ** 0.5)

    assert spread([one.blocks_beta for one in whole]) < 0.7 * spread([one.plain_beta for one in whole])
    scatter = spread([one.weighted_beta for one in whole])
    mean_sigma = sum(one.weighted_sigma for one in whole) / len(whole)
    mean_stat = sum(one.weighted_sigma_stat for one in whole) / len(whole)
    assert 0.5 < mean_sigma / scatter < 1.5
    assert mean_stat < 0.02 * scatter


def test_the_whole_series_lies_where_it_is_published(built: Path) -> None:
    ((beta, sigma, status, n_rows, n_excluded, n_blocks, reference, is_applied),) = query(
        built,
        "select beta_pct_per_hpa, beta_sigma_pct_per_hpa, fit_status, n_rows, n_excluded_rows,"
        " n_blocks, reference_pressure_hpa, is_applied from fct_pressure_coefficient"
        " where target_kind = 'nm' and scope = 'config'",
    )
    assert beta == pytest.approx(-0.74, abs=0.01)
    assert 0.0005 < sigma < 0.005  # type: ignore[operator]
    assert (status, reference, is_applied) == ("ok", 1000.0, False)
    # 2000-11-21 to 2024-10-31 in intervals of two hours, less those the service has no value for
    assert (n_rows + n_excluded, n_blocks) == (8746 * 12 - 41, 288)  # type: ignore[operator]


def test_most_months_and_windows_lie_within_the_bounds(built: Path) -> None:
    shares: dict[str, float] = dict(
        query(  # type: ignore[arg-type]
            built,
            "select concat_ws(' ', scope, half_width_days), avg((fit_status = 'ok')::int)"
            " from fct_pressure_coefficient where nm_code = 'OULU' group by 1",
        )
    )
    assert shares["month"] > 0.95
    assert shares["rolling 14"] > 0.95
    assert shares["rolling 91"] == shares["rolling 182"] == 1


def test_another_monitor_sees_the_same_sun(built: Path) -> None:
    """Over the rate of Jungfraujoch, which is corrected already, little but the air is left in the rate of Oulu."""
    ((over_jung, alone, raw),) = query(
        built,
        WITH_JUNG
        + "select 100 * regr_slope(ln_oulu - ln_jung, x), 100 * regr_slope(ln_oulu, x), corr(ln_oulu, ln_jung)"
        " from centred",
    )
    assert over_jung == pytest.approx(-0.75, abs=0.005)
    assert alone == pytest.approx(over_jung, abs=0.01)
    ((corrected,),) = query(built, WITH_JUNG + f"select corr(ln_oulu - {over_jung} / 100 * x, ln_jung) from centred")
    assert corrected > 0.75 > raw + 0.5  # type: ignore[operator]


def test_a_monitor_without_pressure_has_no_coefficient(built: Path) -> None:
    assert query(built, "select distinct nm_code from fct_pressure_coefficient") == [("OULU",)]
    assert query(built, "select count(*) > 8700 from fct_nmdb_hour where nm_code = 'JUNG'") == [(True,)]


def test_the_figure_is_drawn_the_same_every_time(built: Path, tmp_path: Path) -> None:
    contents = []
    for name in ("one.svg", "other.svg"):
        figure(built, "OULU").save(tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    with duckdb.connect(str(built / "build.duckdb"), read_only=True) as connection:
        drawn = connection.execute(
            "select count(*) from fct_pressure_coefficient where scope = 'rolling' and half_width_days = 182"
        ).fetchone()
    assert drawn == (8767,)
