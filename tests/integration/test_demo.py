"""The demo: recovered truth for four stations, a file others can read, a second run that changes nothing."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.conftest import Home

Demo = tuple[Home, dict[str, Any]]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and modification time of everything a reader may look at."""
    kept = ("landing", "lake", "export", "report", "truth")
    files = [p for name in kept for p in (folder / name).rglob("*") if p.is_file()] + [folder / "serving.duckdb"]
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_every_recovered_value_is_within_three_sigma_of_truth(demo: Demo) -> None:
    stations = demo[1]["stations"]
    assert [row["station_code"] for row in stations] == ["MINGO01", "MINGO02", "MINGO03", "MINGO04"]
    for row in stations:
        assert row["n_events"] > 100_000
        assert row["n_rejects"] > 0
        assert row["applied_source"] == "fit"
        assert row["beta_sigma"] < 0.06
        assert abs(row["beta"] - row["beta_true"]) < 3 * row["beta_sigma"]
        for plane in range(4):
            assert row["efficiency_sigma"][plane] < 0.01
            pull = (row["efficiency"][plane] - row["efficiency_true"][plane]) / row["efficiency_sigma"][plane]
            assert abs(pull) < 3, f"{row['station_code']} plane {plane + 1}: {pull:.2f}"


def test_published_file_has_all_stations_and_every_column_described(published: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as connection:
        stations = connection.execute(
            "select station_id, count(*), count(rate_final_hz) from large_corrected_table group by all order by all"
        ).fetchall()
        assert [row[0] for row in stations] == [1, 2, 3, 4]
        assert all(hours >= 14 * 24 - 1 and rates > 0.9 * hours for _, hours, rates in stations)
        bare = connection.execute(
            "select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = ''"
        ).fetchall()
        assert bare == []
        assert connection.execute("select count(*) from publication").fetchone() == (1,)


def test_corrected_rate_no_longer_follows_pressure(published: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            """
            select station_id,
                   corr(ln(rate_eff_hz), pressure_delta_hpa) as before,
                   corr(ln(rate_final_hz), pressure_delta_hpa) as after,
                   count(*) as n
            from large_corrected_table where is_usable and rate_final_hz is not null group by all order by all
            """
        ).fetchall()
    for station_id, before, after, n in rows:
        assert abs(after) < 3 / n**0.5, station_id
        assert before < after, station_id


def test_every_line_is_accounted_for(demo: Demo) -> None:
    home = demo[0]
    counts = home.json("status")["stations"]
    assert all(row["landed"] == row["extracted"] == row["published"] for row in counts)
    with duckdb.connect(str(home.serving), read_only=True) as connection:
        files = "read_parquet(?, hive_partitioning = false)"
        glob = str(home.data_dir / "lake" / "raw_file" / "station=[1-9]" / "*" / "*.parquet")
        unbalanced = connection.execute(
            f"select file_name from {files} where n_lines <> n_events + n_rejects + n_comments", [glob]
        ).fetchall()
        assert unbalanced == []
        truth = str(home.data_dir / "truth" / "file.parquet")
        wrong = connection.execute(
            f"""
            select r.base_name from {files} as r
            left join read_parquet(?) as t on t.base_name = r.base_name
            where t.n_events is distinct from r.n_events or t.n_rejects is distinct from r.n_rejects
            """,
            [glob, truth],
        ).fetchall()
    assert wrong == []


def test_second_run_changes_nothing_and_says_so(demo: Demo) -> None:
    home = demo[0]
    before = snapshot(home.data_dir)
    again = home.json("demo")
    assert again["state"] == "NothingToDo"
    assert "nothing to do" in again["sentence"]
    assert snapshot(home.data_dir) == before


def test_demo_refuses_a_folder_with_other_data(tmp_path: Path) -> None:
    (tmp_path / "landing" / "dat").mkdir(parents=True)
    result = Home(tmp_path).mingo("demo", check=False)
    assert result.returncode == 2
    assert "holds other data" in result.stderr
    assert "Traceback" not in result.stderr


def test_demo_refuses_other_options_in_its_own_folder(demo: Demo) -> None:
    result = demo[0].mingo("demo", "--days", "9", check=False)
    assert result.returncode == 2
    assert "holds a demo of 14 days" in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", ["extract", "transform", "publish", "report", "run"])
def test_each_step_alone_has_nothing_to_do(demo: Demo, command: str) -> None:
    assert demo[0].json(command)["state"] == "NothingToDo"
