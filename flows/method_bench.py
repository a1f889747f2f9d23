"""The barometric coefficient by three methods on the same hours: ours, a plain regression, and the one used before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from flows.corrections_home import ancestors, load_seeds, run, variant_id, write_networks
from simulate.config import StationConfig
from simulate.environment import Series
from simulate.hourly import HourlyNetwork, HourlyStation, network_of_years
from simulate.hourly_counts import HourTruth
from simulate.hourly_series import make_pressure
from warehouse.paths import Paths

CASES = ("clean", "five days missing", "five days of half the minutes", "a Forbush decrease")
METHODS = ("this project", "regr_slope of ln r", "mean of minutes, sigma 1 Hz")
GAMMA_PCT_PER_PCT = 0.5
FORBUSH_PCT = 8.0
YEAR_D = 365.25
HIGH_H = 72
TROUBLE_H = 120


@dataclass(frozen=True)
class MethodRow:
    """A method in a case: coefficient and stated 1 sigma (%/hPa), and the mean error of its corrected rate (%)."""

    case: str
    method: str
    truth: float
    beta: float
    sigma: float
    rate_bias_pct: float

    @property
    def off_sigma(self) -> float:
        """Error of the coefficient in units of its stated sigma."""
        return (self.beta - self.truth) / self.sigma


@dataclass(frozen=True)
class CaseHours:
    """Hours of a case, all of shape (hour,), NaN where missing; ``true_hz`` is the rate at the reference pressure."""

    pressure_hpa: Series
    reference_hpa: float
    live_s: Series
    n_minutes: Series
    rate_eff_hz: Series
    rate_final_hz: Series
    true_hz: Series


def case_networks(days: int, seed: int) -> list[HourlyNetwork]:
    """One station over some weeks, as often as there are cases. Its temperature has no effect here.

    What goes wrong begins when a long high does: there it weighs most.
    """
    network = network_of_years(days / YEAR_D, seed, (1,))
    site = replace(
        network.stations[0].site, alpha_pct_per_k=0.0, gamma_pct_per_pct=GAMMA_PCT_PER_PCT, outages=(), conf_number=1
    )
    clean = replace(
        network, stations=(HourlyStation(site),), forbush=(), cycle_pct=0.0, primary_sigma_pct=0.3, monitor_gaps={}
    )
    high = highest_pressure(clean)

    def with_outages(*outages: tuple[float, float]) -> HourlyNetwork:
        return replace(clean, stations=(HourlyStation(replace(site, outages=outages)),))

    return [
        clean,
        with_outages((high, high + TROUBLE_H)),
        with_outages(*((high + k, high + k + 0.5) for k in range(TROUBLE_H))),
        replace(clean, forbush=((high, FORBUSH_PCT),)),
    ]


def highest_pressure(network: HourlyNetwork) -> int:
    """Hour of the second half from which on the pressure is highest for three days, not in the last week."""
    half = network.n_hours // 2
    pressure = make_pressure(network, network.stations[0])[half:]
    mean = np.convolve(pressure, np.full(HIGH_H, 1 / HIGH_H), "valid")
    return half + int(np.argmax(mean[: -7 * 24]))


def compare_methods(
    days: int = 60, seed: int = 3, on_step: Callable[[int, int, str], None] = lambda done, total, name: None
) -> list[MethodRow]:
    """Fit and correct the hours of every case by every method.

    Raises
    ------
    CorrectionsError
        When dbt fails.
    """
    with TemporaryDirectory(prefix="mingo-methods-") as folder:
        paths = Paths(Path(folder) / "data")
        networks = case_networks(days, seed)
        on_step(0, 2, "simulate")
        load_seeds(paths, [1], groups=("all",))
        truths = write_networks(paths, networks, has_regions=False)
        on_step(1, 2, "corrections")
        run(paths, "run", *ancestors("fct_rate"))
        on_step(2, 2, "")
        return method_rows(paths.build, networks, [truth for (truth,) in truths])


def method_rows(
    build: Path, networks: Sequence[HourlyNetwork], truths: Sequence[HourTruth], first_variant: int = 0
) -> list[MethodRow]:
    """Every method on the built hours of every case; the cases are variants, counted from ``first_variant``."""
    rows = []
    with duckdb.connect(str(build), read_only=True) as connection:
        for case, (name, network, truth) in enumerate(zip(CASES, networks, truths, strict=True)):
            station_id = variant_id(network.stations[0].site.station_id, first_variant + case)
            rows += _case_rows(connection, station_id, name, network.stations[0].site, truth)
    return rows


def _case_rows(
    connection: duckdb.DuckDBPyConnection, station_id: int, name: str, site: StationConfig, truth: HourTruth
) -> list[MethodRow]:
    hours = read_case(connection, station_id, site.reference_pressure_hpa, truth, site.gamma_pct_per_pct)
    true_beta = site.beta_pct_per_hpa
    own = connection.execute(
        "select applied_beta_pct_per_hpa, applied_beta_sigma_pct_per_hpa from fct_pressure_coefficient"
        " where station_id = ? and group_code = 'all' and scope = 'config' and is_applied",
        [station_id],
    ).fetchone()
    assert own is not None
    plain = connection.execute(
        "select 100 * regr_slope(y, x), 100 * sqrt((1 - regr_r2(y, x)) * regr_syy(y, x) / regr_sxx(y, x)"
        " / (regr_count(y, x) - 2)) from (select ln(r.rate_eff_hz) as y, e.pressure_lab_hpa as x from fct_rate as r"
        " join int_bin_environment as e using (station_id, bin_start, bin_width_s)"
        " where r.station_id = ? and r.group_code = 'all')",
        [station_id],
    ).fetchone()
    assert plain is not None
    delta = hours.pressure_hpa - hours.reference_hpa
    corrected = hours.rate_eff_hz * np.exp(-plain[0] / 100 * delta)
    before = mean_of_minutes(hours)
    return [
        MethodRow(name, METHODS[0], true_beta, own[0], own[1], rate_bias_pct(hours.rate_final_hz, hours.true_hz)),
        MethodRow(name, METHODS[1], true_beta, plain[0], plain[1], rate_bias_pct(corrected, hours.true_hz)),
        MethodRow(name, METHODS[2], true_beta, before[0], before[1], rate_bias_pct(before[2], hours.true_hz)),
    ]


def read_case(
    connection: duckdb.DuckDBPyConnection, station_id: int, reference_hpa: float, truth: HourTruth, gamma: float
) -> CaseHours:
    """The hours of a case, those without a rate included."""
    found = connection.execute(
        "select e.pressure_lab_hpa, c.live_s, c.n_minutes, r.rate_eff_hz, r.rate_final_hz from int_bin_count as c"
        " join int_bin_environment as e using (station_id, bin_start, bin_width_s) left join fct_rate as r"
        " on r.station_id = c.station_id and r.bin_start = c.bin_start and r.group_code = 'all'"
        " where c.station_id = ? order by c.bin_start",
        [station_id],
    ).fetchall()
    pressure, live_s, n_minutes, rate_eff, rate_final = np.array(found, dtype=np.float64).T
    true_hz = truth.rate_ref_hz * np.exp(gamma * truth.primary_pct / 100)
    return CaseHours(pressure, reference_hpa, live_s, n_minutes, rate_eff, rate_final, true_hz)


def mean_of_minutes(hours: CaseHours) -> tuple[float, float, Series]:
    """The method used before: coefficient and stated sigma (%/hPa), and the corrected rate (Hz).

    Counts averaged over the minutes of an hour and divided by 60 s times the number of minutes, whatever their live
    time; relative to the mean between two quantiles, which one empty hour makes NaN; an error of 1 Hz on every rate;
    pressure relative to the mean of what is loaded. Counts corrected for efficiency are taken here, so that nothing but
    the method differs.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = hours.rate_eff_hz * hours.live_s
        rate = counts / hours.n_minutes / (60 * hours.n_minutes)
        low, high = np.quantile(rate, [0.1, 0.9])
        mean = rate[(rate >= low) & (rate <= high)].mean() if np.isfinite(low) else np.nan
        x, y = hours.pressure_hpa - np.nanmean(hours.pressure_hpa), np.log(rate / mean)
        weight = rate**2
        x_centred = x - np.sum(weight * x) / np.sum(weight)
        sxx = np.sum(weight * x_centred**2)
        beta = 100 * np.sum(weight * x_centred * y) / sxx
        return float(beta), float(100 / np.sqrt(sxx)), rate * np.exp(-beta / 100 * x)


def rate_bias_pct(corrected_hz: Series, true_hz: Series) -> float:
    """Mean of corrected over true rate less 1, %, over the hours that have a corrected rate; NaN without any."""
    known = ~np.isnan(corrected_hz)
    return float(100 * (np.mean(corrected_hz[known] / true_hz[known]) - 1)) if known.any() else np.nan
