"""The barometric coefficient of a neutron monitor over years, by the project's own regression in three forms.

    python -m tests.truth.monitor DATA_DIR CODE

writes the table of years and the figure of docs/corrections.md from a data folder into which the monitor's uncorrected
rates and pressures were acquired, extracted and transformed.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import duckdb

from tests.truth.document import FIGURES, between, markdown
from warehouse import dbt
from warehouse.files import write_bytes
from warehouse.paths import PROJECT_ROOT, Paths
from warehouse.report.figure import Chart, Columns, Figure, named, time_axis, to_columns
from warehouse.report.theme import BLUE, GREY, SKY, VERMILLION

CORRECTIONS = PROJECT_ROOT / "docs" / "corrections.md"
HEIGHT = 190
EVERY_DAYS = 10
HALF_WIDTHS = {28: SKY, 182: BLUE}

YEARLY = """
with
interval_of_year as (
    select
        year(interval_start) as year,
        date_trunc('month', interval_start) as month_start,
        {{ cluster_number('interval_start') }} as cluster_id,
        pressure_delta_hpa as x,
        ln(rate_hz) as y,
        case when fit_exclusion_reason is null then ln(rate_hz) end as fitted_y,
        pow(rate_hz / rate_sigma_hz, 2) as w
    from {{ ref('int_pressure_monitor_row') }}
    where nm_code = '__code__' and rate_hz is not null and pressure_delta_hpa is not null
),
plain_sum as (select year, month_start, cluster_id, {{ line_sums(weight='1') }} from interval_of_year group by all),
weighted_sum as (
    select year, month_start, cluster_id, {{ line_sums(y='fitted_y') }} from interval_of_year group by all
),
plain as ({{ block_regression('plain_sum', ['year'], '0') }}),
blocks as ({{ block_regression('plain_sum', ['year'], 'month_start') }}),
weighted as ({{ block_regression('weighted_sum', ['year'], 'month_start') }}),
final as (
    select
        year,
        plain.n_rows,
        100 * plain.slope as plain_beta,
        plain.r2 as plain_r2,
        100 * blocks.slope as blocks_beta,
        blocks.r2 as blocks_r2,
        100 * weighted.slope as weighted_beta,
        100 * weighted.slope_sigma as weighted_sigma,
        100 * weighted.slope_sigma_stat as weighted_sigma_stat
    from plain
    inner join blocks using (year)
    inner join weighted using (year)
)
select * from final order by year
"""

ROLLING = """
select
    range_start + (range_end - range_start) / 2 as t,
    beta_pct_per_hpa as y,
    beta_pct_per_hpa - beta_sigma_pct_per_hpa as low,
    beta_pct_per_hpa + beta_sigma_pct_per_hpa as high,
    rate_at_p_ref_hz as rate
from fct_pressure_coefficient
where nm_code = $code and scope = 'rolling' and half_width_days = $half_width and fit_status in ('ok', 'out_of_bounds')
    and epoch(t)::bigint // 86400 % $every = 0
order by t
"""

BOUNDS = """
select warn_low, warn_high from coefficient_bound where quantity = 'nm_beta_pct_per_hpa'
"""


@dataclass(frozen=True)
class Year:
    """Coefficients (%/hPa) of one year: without weights and blocks, with blocks, with weights and blocks."""

    year: int
    n_rows: int
    plain_beta: float
    plain_r2: float
    blocks_beta: float
    blocks_r2: float
    weighted_beta: float
    weighted_sigma: float
    weighted_sigma_stat: float


def yearly(data_dir: Path, code: str) -> list[Year]:
    """Fits of every calendar year by the macros of the project, run by dbt."""
    paths = Paths(data_dir)
    sql = YEARLY.replace("__code__", code)
    arguments = ["--quiet", "show", "--inline", sql, "--output", "json", "--limit", "-1"]
    call = dbt.call(paths, arguments)
    result = subprocess.run(
        call.command,
        cwd=call.folder,
        env=call.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Year(**row) for row in json.loads(result.stdout)["show"]]


def figure(data_dir: Path, code: str) -> Figure:
    """The rolling coefficient with its error, and the rate at the reference pressure."""
    data: dict[str, Columns] = {}
    layers: list[Chart] = []
    with duckdb.connect(str(data_dir / "build.duckdb"), read_only=True) as connection:
        warn = connection.execute(BOUNDS).fetchone()
        for half_width in HALF_WIDTHS:
            parameters = {"code": code, "half_width": half_width, "every": EVERY_DAYS}
            data[f"w{half_width}"] = to_columns(connection.execute(ROLLING, parameters).pl())
    assert warn is not None
    data["warn"] = {"limit": list(warn)}
    layers.append(named("warn").mark_rule(color=GREY, strokeDash=[4, 3]).encode(alt.Y("limit:Q")))
    scale = alt.Scale(zero=False, domain=[-1.0, -0.5])
    value = alt.Y("y:Q", title="coefficient (%/hPa)", scale=scale)
    for half_width, colour in HALF_WIDTHS.items():
        base = named(f"w{half_width}").encode(time_axis())
        layers.append(base.mark_area(color=colour, opacity=0.3).encode(alt.Y("low:Q"), alt.Y2("high:Q")))
        layers.append(base.mark_line(color=colour, strokeWidth=1.4).encode(value))
    rate = alt.Y("rate:Q", title="rate at 1000 hPa (counts/s)", scale=alt.Scale(zero=False))
    line = named(f"w{min(HALF_WIDTHS)}").mark_line(color=VERMILLION, strokeWidth=1.4).encode(time_axis(), rate)
    return Figure(
        "08",
        "monitor",
        f"Rolling barometric coefficient of {code}, ± 28 (light) and ± 182 days; bands: 1 sigma; dashed: usual range",
        "",
        [alt.layer(*layers).properties(height=1.4 * HEIGHT), line.properties(height=HEIGHT)],
        data,
    )


def table(years: list[Year]) -> str:
    """The fits of the years for docs/corrections.md."""
    head = ["year", "plain", "R²", "blocks", "R²", "weighted, blocks", "1 sigma", "from counts alone"]
    rows = [
        [
            str(one.year),
            *(f"{one.plain_beta:.4f}", f"{one.plain_r2:.3f}", f"{one.blocks_beta:.4f}", f"{one.blocks_r2:.3f}"),
            *(f"{one.weighted_beta:.4f}", f"{one.weighted_sigma:.4f}", f"{one.weighted_sigma_stat:.5f}"),
        ]
        for one in years
    ]
    return markdown(head, rows)


def main(data_dir: Path, code: str) -> None:
    """Rewrite the table of docs/corrections.md and the figure."""
    write_bytes(CORRECTIONS, between(CORRECTIONS.read_text(), "monitor", table(yearly(data_dir, code))).encode())
    drawn = figure(data_dir, code)
    drawn.save(FIGURES / f"{drawn.key}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
