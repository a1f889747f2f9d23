"""The pages as files: complete, escaped, self-contained, replaced at once."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from tests.unit.report.network import STATIONS, write_published
from warehouse.report.figure import Figure
from warehouse.report.html import content_security_policy, figure_data
from warehouse.report.pages import write_report

HOSTILE = "<script>alert(1)</script> & 'Madrid'"
TRUTH = [
    {"station": "MINGO01", "quantity": "beta", "recovered": -0.19, "sigma": 0.01, "true": -0.2},
    {"station": "MINGO02", "quantity": "plane 1", "recovered": 0.95, "sigma": 0.01, "true": 0.9},
]
PNG_MAGIC = b"\x89PNG"


class Page(HTMLParser):
    """Elements, attributes and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.policy = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self._inside = tag
        self.links += [value for name in ("href", "src") if (value := values.get(name))]
        self.ids += [value for value in [values.get("id")] if value]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    folder = tmp_path_factory.mktemp("report")
    serving = write_published(folder / "serving.duckdb", days=14, city=HOSTILE)
    written = write_report(serving, folder / "report", truth=TRUTH, has_png=False)
    return {path.stem: Page(path.read_text()) for path in written}


def test_a_page_for_the_network_and_each_station(pages: dict[str, Page]) -> None:
    assert list(pages) == ["index", *(station.station_code for station in STATIONS)]


def test_pages_name_what_they_show(pages: dict[str, Page]) -> None:
    for page in pages.values():
        for word in ("2025-03-01 to 2025-03-15", "2025-04-01 06:30", "0123456789ab", "2 checks with a warning"):
            assert word in page.text
    assert "Barometric effect" in pages["MINGO01"].text
    assert "insufficient_rows" in pages["MINGO04"].text
    assert "excluded_detector" in pages["MINGO01"].text


def test_values_are_escaped(pages: dict[str, Page]) -> None:
    assert HOSTILE in pages["index"].text
    assert HOSTILE in pages["MINGO01"].text
    for page in pages.values():
        assert page.tags.count("script") == 2


def test_nothing_is_fetched(pages: dict[str, Page]) -> None:
    local = {f"{name}.html" for name in pages} | {"data:,"}
    for page in pages.values():
        assert set(page.links) <= local
        assert "default-src 'none'" in page.policy
        assert page.policy == content_security_policy("".join(page.scripts[1:]))


def test_every_chart_has_its_place_and_data(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        content = json.loads(page.scripts[0])
        assert content["name"] == name
        assert set(content["charts"]) <= set(page.ids)
        named = set(re.findall(r'"data":\s*{"name":\s*"(\w+)"', json.dumps(content["charts"])))
        assert named
        assert named <= set(content["data"])
        for columns in content["data"].values():
            assert len({len(values) for values in columns.values()}) == 1


def test_truth_is_compared(pages: dict[str, Page]) -> None:
    assert "Recovered against true" in pages["index"].text
    assert re.search(r"beta\s+−0\.190\s±\s0\.010\s+−0\.2000\s+1\.0\s", pages["index"].text)
    assert "Recovered against true" not in pages["MINGO01"].text


def test_pages_stay_light(pages: dict[str, Page], tmp_path: Path) -> None:
    """A year of four stations: less than 3 MB a page, the script once."""
    serving = write_published(tmp_path / "serving.duckdb", days=366)
    for path in write_report(serving, tmp_path / "report", has_png=False):
        assert path.stat().st_size < 3_000_000


def test_same_publication_same_bytes(tmp_path: Path) -> None:
    serving = write_published(tmp_path / "serving.duckdb", days=9)
    first = {path.name: path.read_bytes() for path in write_report(serving, tmp_path / "report", has_png=False)}
    second = {path.name: path.read_bytes() for path in write_report(serving, tmp_path / "report", has_png=False)}
    assert first == second
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(first)


def test_each_figure_also_as_png(tmp_path: Path) -> None:
    serving = write_published(tmp_path / "serving.duckdb", days=8)
    with duckdb.connect(str(serving)) as connection:
        for table in ("dim_station", "large_corrected_table", "fct_rate", "fct_efficiency", "fct_file"):
            connection.execute(f"delete from {table} where station_id > 1")
    write_report(serving, tmp_path / "report")
    names = {path.name: path.read_bytes()[:4] for path in (tmp_path / "report" / "figures").iterdir()}
    words = ("01_rates", "02_corrections", "03_efficiency", "05_pressure", "11_coverage", "13_environment")
    assert set(names) == {"index_01_rates.png", "index_11_coverage.png", *(f"MINGO01_{word}.png" for word in words)}
    assert set(names.values()) == {PNG_MAGIC}


def test_a_network_without_data_has_its_page(tmp_path: Path) -> None:
    serving = write_published(tmp_path / "serving.duckdb", days=8)
    with duckdb.connect(str(serving)) as connection:
        for table in ("large_corrected_table", "fct_rate", "fct_efficiency", "fct_pressure_coefficient", "fct_file"):
            connection.execute(f"delete from {table}")
        connection.execute("update publication set data_start_at = null, data_end_at = null")
    (page,) = write_report(serving, tmp_path / "report", has_png=False)
    assert "Cosmic-ray telescope network" in page.read_text()


def test_hours_without_rate_and_sensors(tmp_path: Path) -> None:
    """A station whose efficiency, pressure and coefficient are missing still has a page, with dashes."""
    serving = write_published(tmp_path / "serving.duckdb", days=8)
    with duckdb.connect(str(serving)) as connection:
        connection.execute(
            "update large_corrected_table set rate_eff_hz = null, rate_final_hz = null, rate_norm_pct = null,"
            " eff_status = 'low_statistics', pressure_lab_hpa = null, pressure_delta_hpa = null, temp_ext_degc = null"
            " where station_id = 2"
        )
        connection.execute("update fct_efficiency set eff_status = 'low_statistics' where station_id = 2")
        connection.execute("delete from fct_pressure_coefficient where station_id = 2")
    written = {path.stem: Page(path.read_text()) for path in write_report(serving, tmp_path / "report", has_png=False)}
    assert "β = – %/hPa (none)" in written["MINGO02"].text


def test_script_cannot_be_ended_by_data() -> None:
    figure = Figure("99", "test", "Test", "", [], {"words": {"word": ["</script><b>", "\u2028"]}})
    text = figure_data("page", [figure])
    assert "<" not in text
    assert json.loads(text)["data"]["words"]["word"] == ["</script><b>", "\u2028"]
