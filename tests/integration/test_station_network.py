"""A fifth station is one command: the network of five simulates, extracts, transforms and publishes as it is."""

import json

import duckdb
import pytest

from tests.integration.station_project import FIFTH, Project, copied_project

SEEDS = {
    f"seeds/{name}.csv"
    for name in (
        *("station", "station_configuration", "station_reference"),
        *("station_acceptance", "station_monitor", "cutoff_rigidity"),
    )
}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, str]]:
    """The project after one whole cycle of five stations, and its files before the fifth was added."""
    project = copied_project(tmp_path_factory.mktemp("five"))
    before = project.files()
    network = ["--days", "0.25", "--stations", "1,2,3,4,5", "--rate-hz", "0.3", "--file-hours", "6"]
    unknown = project.mingo("simulate", *network)
    assert (unknown.returncode, "no station 5" in unknown.stderr) == (2, True), unknown.stderr
    for words in (["station", "add", *FIFTH, "--offline"], ["simulate", *network], ["run"]):
        result = project.mingo(*words)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return project, before


def test_only_seeds_were_edited(five: tuple[Project, dict[str, str]]) -> None:
    project, before = five
    after = project.files()
    assert {name for name in after if after[name] != before.get(name)} == SEEDS
    assert set(before) <= set(after)


def test_the_fifth_is_published_like_the_others(five: tuple[Project, dict[str, str]]) -> None:
    project, _ = five
    with duckdb.connect(str(project.data / "serving.duckdb"), read_only=True) as connection:
        rates = connection.execute(
            "select station_code, count(rate_final_hz) from large_corrected_table"
            " where bin_width_s = 3600 group by all order by all"
        ).fetchall()
        site = connection.execute("select city, altitude_m from dim_station where station_id = 5").fetchall()
        dashboard = json.loads((project.root / "grafana" / "dashboards" / "mingo-station.json").read_text())
        (offered,) = [v["query"] for v in dashboard["templating"]["list"] if v["name"] == "station"]
        offered = offered if isinstance(offered, str) else offered["query"]
        codes = [row[0] for row in connection.execute(offered).fetchall()]
    assert [code for code, _ in rates] == [f"MINGO0{n}" for n in range(1, 6)]
    assert all(n_rates >= 5 for _, n_rates in rates), rates
    assert site == [("Coimbra", 75.0)]
    assert codes == [f"MINGO0{n}" for n in range(1, 6)]
    assert (project.data / "report" / "MINGO05.html").is_file()
    assert (project.data / "export" / "MINGO05").is_dir()


def test_the_files_for_its_computer_stay(five: tuple[Project, dict[str, str]]) -> None:
    project, _ = five
    folder = project.data / "export" / "station" / "MINGO05"
    assert "MINGO05" in (folder / "README.txt").read_text()
    assert len(list(folder.iterdir())) == 10


def test_it_is_listed(five: tuple[Project, dict[str, str]]) -> None:
    project, _ = five
    stations = json.loads(project.mingo("station", "list", "--json").stdout)["stations"]
    fifth = stations[5]
    assert (fifth["station_code"], fifth["landing"]["n_files"], fifth["lake"]["n_files"]) == ("MINGO05", 1, 1)
    shown = project.mingo("station", "show", "5")
    assert (shown.returncode, "Coimbra" in shown.stdout) == (0, True)
