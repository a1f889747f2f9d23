"""Makes the committed dashboards: ``python -m grafana.generate`` writes them, a test compares both."""

from pathlib import Path

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import timeseries, xychart
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import xychart as xychart_model

from grafana.panels import STATION_PANELS, Panel, Step

DATASOURCE_TYPE = "motherduck-duckdb-datasource"
DATASOURCE_UID = "mingo-duckdb"
DASHBOARDS = Path(__file__).parent / "dashboards"
TIME_SERIES, TABLE = 0, 1  # how the plugin returns rows: series by metric, or as they are
WIDTH, HEIGHT = 12, 9
QUERIES = {
    "station": "select station_code from dim_station where station_id > 0 order by 1",
    "grp": "select distinct group_code from grafana_rate order by 1",
}


class SqlQuery(Dataquery, Builder[Dataquery]):
    """A query of the DuckDB plugin."""

    def __init__(self, sql: str, row_format: int) -> None:
        self.sql = sql
        self.row_format = row_format

    def build(self) -> Dataquery:
        """The query itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """The query as the plugin stores it."""
        return {
            "refId": "A",
            "datasource": _datasource(),
            "editorMode": "code",
            "format": self.row_format,
            "rawQuery": True,
            "rawSql": self.sql,
        }


def _datasource() -> dashboard.DataSourceRef:
    return dashboard.DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)


def _thresholds(steps: tuple[Step, ...]) -> builder.ThresholdsConfig:
    thresholds = [dashboard.Threshold(value=value, color=colour) for value, colour in steps]
    return builder.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(thresholds)


def _overrides(panel: Panel) -> dict[str, list[dashboard.DynamicConfigValue]]:
    """What differs by series: its colour, its unit, its axis."""
    found: dict[str, list[dashboard.DynamicConfigValue]] = {}

    def add(name: str, key: str, value: object) -> None:
        found.setdefault(name, []).append(dashboard.DynamicConfigValue(id_val=key, value=value))

    for name, colour in panel.colours:
        add(name, "color", {"mode": "fixed", "fixedColor": colour})
    for name, unit in panel.units:
        add(name, "unit", unit)
    for name in panel.right:
        add(name, "custom.axisPlacement", "right")
    if panel.band is not None:
        high, low = panel.band
        add(high, "custom.fillBelowTo", low)
        for name in panel.band:
            add(name, "custom.lineWidth", 0)
            add(name, "custom.hideFrom", {"legend": True, "tooltip": False, "viz": False})
    return found


def _time_series(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .legend(common_builder.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).show_legend(True))
        .tooltip(common_builder.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        .line_width(1)
        .span_nulls(False)
        .with_target(SqlQuery(panel.sql, TIME_SERIES))
    )
    if panel.kind == "bars":
        made.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60)
    if panel.kind == "points":
        made.draw_style(common.GraphDrawStyle.POINTS).point_size(7)
    if panel.steps:
        style = common_builder.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
        made.thresholds(_thresholds(panel.steps)).thresholds_style(style)
    return made


def _xy_chart(panel: Panel) -> xychart.Panel:
    return (
        xychart.Panel()
        .series_mapping(xychart_model.SeriesMapping.AUTO)
        .dims(xychart.XYDimensionConfig().frame(0).x(panel.columns[0]))
        .show(xychart_model.ScatterShow.POINTS)
        .with_target(SqlQuery(panel.sql, TABLE))
    )


def _panel(number: int, panel: Panel) -> timeseries.Panel | xychart.Panel:
    made = _xy_chart(panel) if panel.kind == "xy" else _time_series(panel)
    row, column = divmod(number, 2)
    made.id(number + 1).title(panel.title).description(panel.description).unit(panel.unit).datasource(_datasource())
    made.grid_pos(dashboard.GridPos(h=HEIGHT, w=WIDTH, x=column * WIDTH, y=row * HEIGHT))
    for name, properties in _overrides(panel).items():
        if panel.is_by_metric:  # Grafana calls such a series "value <metric>" where it looks for overrides
            made.override_by_regexp(f"/(^| ){name}$/", properties)
        else:
            made.override_by_name(name, properties)
    if panel.is_by_metric:
        made.display_name("${__field.labels.metric}")
    return made


def _variable(name: str, label: str, selected: str) -> builder.QueryVariable:
    return (
        builder.QueryVariable(name)
        .label(label)
        .query(QUERIES[name])
        .datasource(_datasource())
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(False)
        .include_all(False)
        .current(dashboard.VariableOption(selected=True, text=selected, value=selected))
    )


def station_dashboard() -> dashboard.Dashboard:
    """One station in detail: rates, corrections, efficiencies, environment, coefficients."""
    made = (
        builder.Dashboard("miniTRASGO station")
        .uid("mingo-station")
        .description("Corrected rate of one station, what corrected it, and what it was measured with.")
        .tags(["miniTRASGO"])
        .readonly()
        .timezone("utc")
        .time("now-14d", "now")
        .refresh("5m")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(_variable("station", "Station", "MINGO01"))
        .with_variable(_variable("grp", "Direction", "all"))
    )
    for number, panel in enumerate(STATION_PANELS):
        made.with_panel(_panel(number, panel))
    return made.build()


def as_json(made: dashboard.Dashboard) -> str:
    """The text of a dashboard file."""
    text: str = JSONEncoder(sort_keys=True, indent=2).encode(made)
    return text + "\n"


def dashboard_files() -> dict[Path, str]:
    """Path and text of every committed dashboard."""
    return {DASHBOARDS / "mingo-station.json": as_json(station_dashboard())}


def main() -> None:
    """Write the dashboards."""
    for path, text in dashboard_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
