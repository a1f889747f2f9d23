"""Grafana without Grafana: the files agree with their source, and every query answers on a published file."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from grafana.generate import DASHBOARDS, DATASOURCE_TYPE, DATASOURCE_UID, QUERIES, dashboard_files
from grafana.panels import STATION_PANELS, Panel
from tests.conftest import ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"
TIME_FILTER = re.compile(r"\$__timeFilter\(([\w.]+)\)")
STATION, GROUP = "MINGO01", "all"


def committed() -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads((DASHBOARDS / "mingo-station.json").read_text())
    return dashboard


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def as_asked(sql: str, start: str, end: str) -> str:
    """The query as the plugin sends it: macro and variables replaced."""
    sql = TIME_FILTER.sub(rf"\1 >= '{start}' AND \1 <= '{end}'", sql)
    for name, value in {"station": STATION, "grp": GROUP}.items():
        sql = sql.replace(f"${{{name}:sqlstring}}", quoted(value))
    assert "$" not in sql
    return sql


@pytest.fixture
def serving(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file as the plugin opens it."""
    with duckdb.connect(str(published), read_only=True) as connection:
        connection.execute("SET TimeZone='UTC'")
        yield connection


@pytest.fixture
def data_range(serving: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """First and last moment of the data, as the plugin writes them."""
    row = serving.execute("select data_start_at, data_end_at from publication").fetchone()
    assert row is not None
    return row[0].strftime("%Y-%m-%dT%H:%M:%SZ"), row[1].strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("path", dashboard_files(), ids=lambda path: path.stem)
def test_committed_dashboard_is_the_generated_one(path: Path) -> None:
    assert path.read_text() == dashboard_files()[path], "run `python -m grafana.generate` and commit the result"


def test_dashboard_is_complete() -> None:
    dashboard = committed()
    panels = dashboard["panels"]
    assert (dashboard["uid"], dashboard["timezone"], dashboard["refresh"]) == ("mingo-station", "utc", "5m")
    assert dashboard["editable"] is False
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    source = {"type": DATASOURCE_TYPE, "uid": DATASOURCE_UID}
    for panel in panels:
        assert panel["datasource"] == source
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        (target,) = panel["targets"]
        assert target["datasource"] == source
        assert "$__timeFilter(" in target["rawSql"]
        assert not re.findall(r"\$\{\w+\}|\$(?!__|\{)\w+", target["rawSql"]), "a variable without its format"
    for variable in dashboard["templating"]["list"]:
        assert variable["datasource"] == source


def test_panels_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in committed()["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_only_known_plugin_and_places_are_provisioned() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "mingo.yaml").read_text())["datasources"]
    assert (source["uid"], source["type"], source["access"]) == (DATASOURCE_UID, DATASOURCE_TYPE, "proxy")
    assert source["jsonData"] == {
        "path": "${MINGO_GRAFANA_DUCKDB}",
        "readOnly": True,
        "initSql": "SET TimeZone='UTC'",
    }
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "mingo.yaml").read_text())["providers"]
    assert (provider["folder"], provider["allowUiUpdates"]) == ("miniTRASGO", False)
    readme = (ROOT / "grafana" / "README.md").read_text()
    for variable in ("MINGO_GRAFANA_DUCKDB", "MINGO_GRAFANA_DASHBOARDS"):
        assert variable in readme


@pytest.mark.parametrize("panel", STATION_PANELS, ids=lambda panel: panel.title)
def test_panel_query_answers(panel: Panel, serving: duckdb.DuckDBPyConnection, data_range: tuple[str, str]) -> None:
    """The query gives the named columns and rows, and no column is NULL throughout."""
    answer = serving.execute(as_asked(panel.sql, *data_range)).pl()
    assert tuple(answer.columns) == panel.columns
    assert answer.height > 0
    assert [name for name in answer.columns if answer.get_column(name).null_count() == answer.height] == []
    if panel.columns[0] == "time":
        assert answer.get_column("time").is_sorted()
    nothing = serving.execute(as_asked(panel.sql, "1999-01-01T00:00:00Z", "1999-01-02T00:00:00Z")).pl()
    assert nothing.height == 0


@pytest.mark.parametrize(("name", "expected"), [("station", STATION), ("grp", GROUP)])
def test_variables_offer_their_default(name: str, expected: str, serving: duckdb.DuckDBPyConnection) -> None:
    assert (expected,) in serving.execute(QUERIES[name]).fetchall()
