"""The report opened in Chromium: no word on the console, every chart drawn."""

import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.unit.report.network import write_published
from warehouse.report.pages import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# --no-sandbox: in a container Chromium's own sandbox cannot be set up, and the pages are ours
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,2000",
    "--virtual-time-budget=15000",
    "--enable-logging=stderr",
)
LIMIT_S = 90
MISSING = """
update large_corrected_table set
    rate_eff_hz = null,
    rate_final_hz = null,
    rate_norm_pct = null,
    eff_status = 'low_statistics',
    pressure_ext_hpa = null,
    pressure_int_hpa = null,
    pressure_lab_hpa = null,
    pressure_delta_hpa = null,
    temp_ext_degc = null
where station_id = 2
"""
# the second station has no efficiency, no pressure and no outside thermometer
N_CHARTS = {"index": 4, "MINGO01": 12, "MINGO02": 5}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium found; install it (Debian: apt-get install -y chromium) to open the pages")
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    serving = write_published(folder / "serving.duckdb", days=14, rate_hz=1.5, city="<script>alert(1)</script>")
    with duckdb.connect(str(serving)) as connection:
        connection.execute(MISSING)
    truth = [{"station": "MINGO01", "quantity": "beta", "recovered": -0.19, "sigma": 0.01, "true": -0.2}]
    write_report(serving, folder / "pages", truth=truth, has_png=False)
    return folder / "pages"


def opened(browser: str, page: Path, profile: Path) -> tuple[str, list[str]]:
    """The document after its scripts ran, and the lines of its console."""
    result = subprocess.run(
        [browser, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    return result.stdout, [line for line in result.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("name", sorted(N_CHARTS))
def test_page_draws_all_charts(name: str, browser: str, report: Path, tmp_path: Path) -> None:
    document, console = opened(browser, report / f"{name}.html", tmp_path)
    assert console == []
    assert f'data-charts="{N_CHARTS[name]}"' in document
    assert len(re.findall("<canvas", document)) == N_CHARTS[name]
    sizes = [int(width) for width in re.findall(r'<canvas width="(\d+)"', document)]
    assert len(sizes) == N_CHARTS[name]
    assert min(sizes) > 300


def test_console_is_heard(browser: str, report: Path, tmp_path: Path) -> None:
    """The check above can fail: a broken figure is on the console, and a foreign script does not run."""
    text = (report / "index.html").read_text()
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace('"mark":{"type":"rect"', '"mark":{"type":"nonsense"', 1))
    document, console = opened(browser, broken, tmp_path / "profile")
    assert "data-charts=" not in document
    assert any("figure failed" in line for line in console)
    foreign = tmp_path / "foreign.html"
    foreign.write_text(text.replace("</footer>", "</footer><script>document.title = 'taken'</script>", 1))
    document, console = opened(browser, foreign, tmp_path / "profile")
    assert "<title>taken" not in document
    assert any("Content Security Policy" in line for line in console)
