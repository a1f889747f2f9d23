"""The panels of the station dashboard: what each asks the published file, and how it is shown."""

from dataclasses import dataclass
from typing import Literal

# Variables carry their format: the bare form is quoted or not depending on the type of the variable.
OF_STATION = "$__timeFilter(time) and station_code in (${station:sqlstring})"
OF_GROUP = f"{OF_STATION} and group_code in (${{grp:sqlstring}})"

BLUE = "#0072b2"
ORANGE = "#e69f00"
GREEN = "#009e73"
PURPLE = "#cc79a7"
VERMILLION = "#d55e00"
SKY = "#56b4e9"
GREY = "#7d8590"

Kind = Literal["lines", "points", "bars", "xy"]
Step = tuple[float | None, str]


@dataclass(frozen=True)
class Panel:
    """A panel of the dashboard.

    ``columns`` are the names the query must return, in their order. ``steps`` are thresholds as (from, colour), the
    first from None. ``colours`` and ``units`` are by series (a column, or a value of ``metric``), ``right`` the series
    whose axis is on the right. ``band`` names the upper and the lower column between which the area is filled.
    """

    title: str
    description: str
    sql: str
    columns: tuple[str, ...]
    unit: str
    kind: Kind = "lines"
    steps: tuple[Step, ...] = ()
    colours: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    right: tuple[str, ...] = ()
    band: tuple[str, str] | None = None

    @property
    def is_by_metric(self) -> bool:
        """Whether the series are the values of the column ``metric``."""
        return "metric" in self.columns


def _series(
    title: str,
    description: str,
    table: str,
    columns: dict[str, str],
    unit: str,
    condition: str = OF_STATION,
    kind: Kind = "lines",
    steps: tuple[Step, ...] = (),
    colours: dict[str, str] | None = None,
    units: dict[str, str] | None = None,
    right: tuple[str, ...] = (),
    band: tuple[str, str] | None = None,
) -> Panel:
    """A panel with one series a column; ``columns`` maps each name to its expression."""
    names = ", ".join(name if name == value else f"{value} as {name}" for name, value in columns.items())
    return Panel(
        title=title,
        description=description,
        sql=f"select time, {names} from {table} where {condition} order by 1",
        columns=("time", *columns),
        unit=unit,
        kind=kind,
        steps=steps,
        colours=tuple((colours or {}).items()),
        units=tuple((units or {}).items()),
        right=right,
        band=band,
    )


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _by_metric(
    title: str,
    description: str,
    table: str,
    metric: str,
    value: str,
    unit: str,
    condition: str = OF_STATION,
    steps: tuple[Step, ...] = (),
    colours: dict[str, str] | None = None,
) -> Panel:
    """A panel with one series for each value of ``metric``."""
    return Panel(
        title=title,
        description=description,
        sql=f"select time, {metric} as metric, {value} as value from {table} where {condition} order by 1",
        columns=("time", "metric", "value"),
        unit=unit,
        steps=steps,
        colours=tuple((colours or {}).items()),
    )


PLANE_COLOURS = dict(zip((f"plane {k}" for k in (1, 2, 3, 4)), (BLUE, ORANGE, GREEN, PURPLE), strict=True))

STATION_PANELS = (
    _series(
        "Rate, stage by stage",
        "Counted rate, after the efficiency correction, after the pressure correction.",
        "grafana_rate",
        _same("rate_raw_hz", "rate_eff_hz", "rate_eff_p_hz", "rate_final_hz"),
        "hertz",
        OF_GROUP,
        colours={"rate_raw_hz": GREY, "rate_eff_hz": ORANGE, "rate_eff_p_hz": SKY, "rate_final_hz": BLUE},
    ),
    _series(
        "Effect of each correction",
        "The final rate with one correction left out, relative to the final rate.",
        "grafana_rate",
        {
            "without_eff": "100 * (rate_without_eff_hz / rate_final_hz - 1)",
            "without_pressure": "100 * (rate_without_pressure_hz / rate_final_hz - 1)",
        },
        "percent",
        OF_GROUP,
        colours={"without_eff": ORANGE, "without_pressure": BLUE},
        right=("without_eff",),
    ),
    _series(
        "Normalised rate",
        "Deviation of the corrected rate from its reference, usable hours, with the 1 sigma band.",
        "grafana_rate",
        {
            "rate_norm_pct": "rate_norm_pct",
            "low": "rate_norm_pct - rate_norm_sigma_pct",
            "high": "rate_norm_pct + rate_norm_sigma_pct",
        },
        "percent",
        f"{OF_GROUP} and is_usable",
        colours={"rate_norm_pct": BLUE, "low": SKY, "high": SKY},
        band=("high", "low"),
    ),
    _by_metric(
        "Direction groups",
        "Normalised rate of vertical tracks and of tracks from four sides.",
        "grafana_rate",
        "group_code",
        "rate_norm_pct",
        "percent",
        f"{OF_STATION} and group_code in ('vert', 'north', 'south', 'east', 'west')",
        colours={"vert": GREY, "north": BLUE, "south": ORANGE, "east": GREEN, "west": PURPLE},
    ),
    _by_metric(
        "Plane efficiencies",
        "Share of the tracks through a plane that it saw.",
        "grafana_efficiency",
        "concat('plane ', plane)",
        "efficiency",
        "percentunit",
        steps=((None, "red"), (0.7, "orange"), (0.8, "green")),
        colours=PLANE_COLOURS,
    ),
    _series(
        "Pattern rates",
        "Rates of the planes that saw a track: all four, or three of them.",
        "grafana_environment",
        {f"r{tt}": f"n_{tt} / live_s" for tt in ("1234", "123", "234", "124", "134")},
        "hertz",
        f"{OF_STATION} and live_s > 0",
        colours={"r1234": GREY, "r123": PURPLE, "r234": BLUE, "r124": GREEN, "r134": ORANGE},
    ),
    _by_metric(
        "Accidental excess",
        "Two-plane counts above what the efficiencies explain: noise, and tracks that miss the other planes.",
        "grafana_accidental",
        "concat('tt ', tt)",
        "excess_hz",
        "hertz",
        steps=((None, "green"), (5, "orange")),
    ),
    _series(
        "Pressure outside and inside",
        "pressure_lab_hpa is the one the correction uses.",
        "grafana_environment",
        _same("pressure_ext_hpa", "pressure_int_hpa", "pressure_lab_hpa"),
        "pressurehpa",
        colours={"pressure_ext_hpa": BLUE, "pressure_int_hpa": ORANGE, "pressure_lab_hpa": GREY},
    ),
    _series(
        "Temperature and humidity",
        "Temperature on the left, relative humidity on the right.",
        "grafana_environment",
        _same("temp_ext_degc", "temp_int_degc", "rh_ext_pct", "rh_int_pct"),
        "celsius",
        steps=((None, "green"), (60, "red")),
        colours={"temp_ext_degc": BLUE, "temp_int_degc": ORANGE, "rh_ext_pct": SKY, "rh_int_pct": PURPLE},
        units={"rh_ext_pct": "humidity", "rh_int_pct": "humidity"},
        right=("rh_ext_pct", "rh_int_pct"),
    ),
    _series(
        "High voltage",
        "Below 3 kV an hour is left out of the fits.",
        "grafana_environment",
        _same("hv_neg_kv", "hv_pos_kv"),
        "suffix: kV",
        steps=((None, "red"), (3, "green")),
        colours={"hv_neg_kv": PURPLE, "hv_pos_kv": GREEN},
    ),
    _series(
        "Currents",
        "Current of each side of the high voltage.",
        "grafana_environment",
        _same("hv_current_neg_ua", "hv_current_pos_ua"),
        "suffix: µA",
        steps=((None, "green"), (0.5, "red")),
        colours={"hv_current_neg_ua": PURPLE, "hv_current_pos_ua": GREEN},
    ),
    _series(
        "Gas flow",
        "Raw reading of each plane's flow sensor, zero near 500.",
        "grafana_environment",
        _same("flow_p1_au", "flow_p2_au", "flow_p3_au", "flow_p4_au"),
        "suffix: a.u.",
        steps=((None, "red"), (600, "green")),
        colours={f"flow_p{k}_au": colour for k, colour in zip((1, 2, 3, 4), PLANE_COLOURS.values(), strict=True)},
    ),
    _series(
        "Trigger board",
        "Rates the trigger board reports; accepted below 4 Hz means that the station hardly takes data.",
        "grafana_environment",
        _same(
            "rate_asserted_hz",
            "rate_edge_hz",
            "rate_accepted_hz",
            "rate_tm0_hz",
            "rate_tm1_hz",
            "rate_tm2_hz",
            "rate_tm3_hz",
        ),
        "hertz",
        steps=((None, "red"), (4, "green")),
    ),
    _series(
        "Upper air",
        "ERA5 above the station: temperatures on the left, height of the 100 hPa level on the right.",
        "grafana_environment",
        {
            "temp_100hpa_k": "temp_100hpa_k",
            "temp_mass_avg_k": "temp_mass_avg_k",
            "temp_ground_k": "temp_ground_k",
            "height_100hpa_km": "height_100hpa_m / 1000",
        },
        "kelvin",
        colours={
            "temp_100hpa_k": BLUE,
            "temp_mass_avg_k": ORANGE,
            "temp_ground_k": VERMILLION,
            "height_100hpa_km": GREEN,
        },
        units={"height_100hpa_km": "lengthkm"},
        right=("height_100hpa_km",),
    ),
    _series(
        "Monthly pressure coefficient",
        "Fit of each month with its 1 sigma; the lines are the limits beyond which none is applied.",
        "grafana_coefficient",
        {
            "beta_pct_per_hpa": "beta_pct_per_hpa",
            "low": "beta_pct_per_hpa - beta_sigma_pct_per_hpa",
            "high": "beta_pct_per_hpa + beta_sigma_pct_per_hpa",
        },
        "suffix: %/hPa",
        f"{OF_STATION} and group_code = 'all' and scope = 'month' and fit_status = 'ok'",
        kind="points",
        steps=((None, "red"), (-0.35, "green"), (-0.08, "red")),
        colours={"beta_pct_per_hpa": BLUE, "low": SKY, "high": SKY},
    ),
    Panel(
        title="Rate against pressure",
        description="Efficiency-corrected rate before and after the pressure correction, usable hours.",
        sql=(
            "select e.pressure_delta_hpa, r.rate_eff_hz, r.rate_eff_p_hz from grafana_rate as r"
            " join grafana_environment as e using (time, station_code)"
            " where $__timeFilter(r.time) and station_code in (${station:sqlstring}) and r.group_code = 'all'"
            " and r.is_usable"
        ),
        columns=("pressure_delta_hpa", "rate_eff_hz", "rate_eff_p_hz"),
        unit="hertz",
        kind="xy",
        colours=(("rate_eff_hz", ORANGE), ("rate_eff_p_hz", BLUE)),
        units=(("pressure_delta_hpa", "pressurehpa"),),
    ),
    _series(
        "Live seconds",
        "Seconds of each hour in which the station could count.",
        "grafana_environment",
        _same("live_s"),
        "s",
        kind="bars",
        steps=((None, "orange"), (1800, "green")),
    ),
    _series(
        "Disk",
        "Filling of the disks of the station's computer.",
        "grafana_environment",
        _same("disk_1_fill_pct", "disk_2_fill_pct"),
        "percent",
        steps=((None, "green"), (80, "orange"), (90, "red")),
        colours={"disk_1_fill_pct": BLUE, "disk_2_fill_pct": ORANGE},
    ),
)
