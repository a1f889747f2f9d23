"""What a closure run says: coefficients against the truth, and what is left in the corrected rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from flows.corrections_home import variant_id
from simulate.environment import Series
from simulate.hourly import HourlyNetwork
from simulate.hourly_counts import HourTruth
from simulate.hourly_series import hour_start

CLUSTER_H = 120
TIDE_PIECE_H = 240
Words = NDArray[np.int64]


@dataclass(frozen=True)
class Pull:
    """A quantity of a station and configuration: what was found, what is true, and the stated 1 sigma."""

    quantity: str
    variant: int
    station_id: int
    conf_number: float
    value: float
    truth: float
    sigma: float

    @property
    def pull(self) -> float:
        """Difference in units of sigma."""
        return (self.value - self.truth) / self.sigma


@dataclass(frozen=True)
class RatedHours:
    """Usable hours of a station and configuration that have a final rate, and the truth about them.

    ``kept_pct`` is what stays in a rate that is corrected for pressure: temperature and primary variation.
    """

    hour: Words
    month: Words
    pressure_delta_hpa: Series
    rate_eff_hz: Series
    rate_final_hz: Series
    rate_without_eff_hz: Series
    efficiency: Series
    kept_pct: Series
    beta_sigma: float


def block_slope(x: Series, y: Series, block: Words, cluster: Words) -> tuple[float, float]:
    """Slope of y on x with a mean of its own for each block, and its 1 sigma from sums over clusters of rows.

    Liang and Zeger 1986, Biometrika 73, 13: rows of a cluster may be correlated in any way, clusters are independent.
    """
    x, y = _centred(x, block), _centred(y, block)
    sxx = float(np.dot(x, x))
    slope = float(np.dot(x, y)) / sxx
    _, place = np.unique(cluster, return_inverse=True)
    sums = np.bincount(place, x * (y - slope * x))
    return slope, float(np.sqrt(np.dot(sums, sums) * sums.size / (sums.size - 1))) / sxx


def _centred(values: Series, block: Words) -> Series:
    _, place = np.unique(block, return_inverse=True)
    centred: Series = values - (np.bincount(place, values) / np.bincount(place))[place]
    return centred


def coefficient_pulls(build: Path, networks: Sequence[HourlyNetwork]) -> list[Pull]:
    """Pressure coefficients of all directions, and those of the joint fit, each by station and configuration.

    ``networks`` are the first variants of what was built; stations of later ones are left out.
    """
    site = {
        variant_id(station.site.station_id, variant): (variant, station.site)
        for variant, network in enumerate(networks)
        for station in network.stations
    }
    known = list(site)
    pulls = []
    with duckdb.connect(str(build), read_only=True) as connection:
        for station_id, conf_number, beta, sigma in connection.execute(
            "select station_id, conf_number, beta_pct_per_hpa, beta_sigma_pct_per_hpa from fct_pressure_coefficient"
            " where target_kind = 'station' and scope = 'config' and group_code = 'all' and fit_status = 'ok'"
            " and list_contains(?, station_id) order by station_id, range_start",
            [known],
        ).fetchall():
            variant, true = site[station_id]
            pulls.append(Pull("beta", variant, true.station_id, conf_number, beta, true.beta_pct_per_hpa, sigma))
        for station_id, conf_number, *fitted in connection.execute(
            "select station_id, conf_number, beta_pct_per_hpa, beta_sigma_pct_per_hpa, alpha_pct_per_k,"
            " alpha_sigma_pct_per_k, gamma_pct_per_pct, gamma_sigma_pct_per_pct from fct_temperature_coefficient"
            " where method = 'mass' and fit_status = 'ok' and has_primary and list_contains(?, station_id)"
            " order by station_id, range_start",
            [known],
        ).fetchall():
            variant, true = site[station_id]
            truth = {
                "beta, joint fit": true.beta_pct_per_hpa,
                "alpha": true.alpha_pct_per_k,
                "gamma": true.gamma_pct_per_pct,
            }
            for name, value, sigma in zip(truth, fitted[::2], fitted[1::2], strict=True):
                pulls.append(Pull(name, variant, true.station_id, conf_number, value, truth[name], sigma))
    return pulls


def forbush_shifts(pulls: Sequence[Pull], with_it: int, without: int) -> list[float]:
    """How far a Forbush decrease moves the coefficient of a configuration, in units of its sigma."""
    key = {(p.station_id, p.conf_number): p for p in pulls if p.quantity == "beta" and p.variant == without}
    return [
        (pull.value - key[pull.station_id, pull.conf_number].value) / pull.sigma
        for pull in pulls
        if pull.quantity == "beta" and pull.variant == with_it
    ]


def read_hours(build: Path, network: HourlyNetwork, truths: Sequence[HourTruth]) -> list[RatedHours]:
    """Hours of each station and configuration of the first variant."""
    found = []
    first = int(hour_start(network)[0].astype("datetime64[h]").astype(np.int64))
    with duckdb.connect(str(build), read_only=True) as connection:
        for station, truth in zip(network.stations, truths, strict=True):
            site = station.site
            found_rows = connection.execute(
                "select (epoch(r.bin_start) / 3600)::bigint as hour,"
                " (year(r.bin_start) * 12 + month(r.bin_start))::bigint as month, r.conf_number,"
                " r.rate_eff_hz, r.rate_final_hz, r.rate_without_eff_hz,"
                " e.pressure_lab_hpa - ? as delta, c.applied_beta_sigma_pct_per_hpa as beta_sigma from fct_rate as r"
                " join int_bin_environment as e using (station_id, bin_start, bin_width_s)"
                " join fct_pressure_coefficient as c on c.station_id = r.station_id and c.group_code = r.group_code"
                " and c.conf_number = r.conf_number and c.is_applied and c.scope = 'config'"
                " where r.station_id = ? and r.group_code = 'all' and r.is_usable and r.rate_final_hz > 0"
                " order by r.bin_start",
                [site.reference_pressure_hpa, site.station_id],
            ).fetchnumpy()
            rows = {name: np.asarray(values) for name, values in found_rows.items()}
            hour, month = rows["hour"] - first, rows["month"]
            e1, e2, e3, e4 = truth.efficiency
            efficiency = e1 * e4 * (1 - (1 - e2) * (1 - e3))
            kept = site.alpha_pct_per_k * (truth.air.temp_mass_k - truth.air.temp_mass_ref_k)
            kept = kept + site.gamma_pct_per_pct * truth.primary_pct
            for conf_number in np.unique(rows["conf_number"]):
                own = rows["conf_number"] == conf_number
                found.append(
                    RatedHours(
                        hour=hour[own],
                        month=month[own],
                        pressure_delta_hpa=rows["delta"][own],
                        rate_eff_hz=rows["rate_eff_hz"][own],
                        rate_final_hz=rows["rate_final_hz"][own],
                        rate_without_eff_hz=rows["rate_without_eff_hz"][own],
                        efficiency=efficiency[hour[own]],
                        kept_pct=kept[hour[own]],
                        beta_sigma=float(rows["beta_sigma"][own][0]),
                    )
                )
    return found


def residual_with_pressure(hours: RatedHours) -> tuple[float, float]:
    """What pressure is left in the final rate: slope of ln r on pressure within months over its error; correlation."""
    x, y = hours.pressure_delta_hpa, np.log(hours.rate_final_hz)
    slope, sigma = block_slope(x, y, hours.month, hours.hour // CLUSTER_H)
    together = np.corrcoef(_centred(x, hours.month), _centred(y, hours.month))[0, 1]
    return slope / sigma, float(together)


def efficiency_slopes(hours: RatedHours) -> tuple[float, float, float, float]:
    """Slope of ln r on the logarithm of the true efficiency, with 1 sigma: of the final rate, then of the raw one.

    Temperature and primary variation, which stay in the rates, are taken out with their truth. The efficiency follows
    the pressure, so that the error of beta is part of the error.
    """
    x = np.log(hours.efficiency)
    one_block, cluster = np.zeros_like(hours.hour), hours.hour // CLUSTER_H
    pressure_slope, _ = block_slope(x, hours.pressure_delta_hpa, one_block, cluster)
    found = []
    for rate_hz in (hours.rate_final_hz, hours.rate_without_eff_hz):
        slope, sigma = block_slope(x, np.log(rate_hz) - hours.kept_pct / 100, one_block, cluster)
        found += [slope, float(np.hypot(sigma, pressure_slope * hours.beta_sigma / 100))]
    return found[0], found[1], found[2], found[3]


def half_day_wave(hours: RatedHours, rate_hz: Series) -> tuple[float, float]:
    """Amplitude of the half-daily wave in a rate, %, and the 1 sigma of each of its two parts.

    The wave is fitted in pieces of ten days; their scatter gives the error, whatever noise there is.
    """
    piece = hours.hour // TIDE_PIECE_H
    parts = []
    for number in np.unique(piece):
        own = piece == number
        if own.sum() < TIDE_PIECE_H // 2:
            continue
        hour = hours.hour[own].astype(np.float64)
        phase = 2 * np.pi * hour / 12
        design = np.column_stack([np.cos(phase), np.sin(phase), np.cos(phase / 2), np.sin(phase / 2), hour - hour[0]])
        design = np.column_stack([design, np.ones(hour.size)])
        parts.append(np.linalg.lstsq(design, 100 * np.log(rate_hz[own]), rcond=None)[0][:2])
    waves = np.array(parts)
    amplitude = float(np.hypot(*waves.mean(axis=0)))
    return amplitude, float(np.sqrt((waves.var(axis=0, ddof=1) / len(waves)).mean()))
