"""Publishing and exporting: complete or absent, readers unharmed, untouched when nothing changed."""

import json
from pathlib import Path

import duckdb
import pytest

from warehouse import build
from warehouse.export import export
from warehouse.publish import PublishError, Relation, publish, published_word, roll_back
from warehouse.settings import Settings

TABLES = {
    "large_corrected_table": """
        select 1::tinyint as station_id, 'MINGO01' as station_code, h as bin_start, 3600 as bin_width_s,
               '=1+1' as remark, 12.3456789 + epoch(h) * 1e-9 as rate_final_hz
        from range(timestamp '2025-01-30', timestamp '2025-02-03', interval 1 hour) as t (h)
    """,
    "large_table": "select 1::tinyint as station_id, timestamp '2025-01-30' as minute_start, 7 as n_events",
    "fct_rate": """
        select 1::tinyint as station_id, timestamp '2025-01-30' as bin_start, 3600 as bin_width_s, 'all' as group_code
    """,
    "fct_efficiency": """
        select 1::tinyint as station_id, timestamp '2025-01-30' as bin_start, 3600 as bin_width_s, 1::tinyint as plane
    """,
    "fct_pressure_coefficient": "select 'x' as coefficient_id, -0.2 as beta_pct_per_hpa",
    "dim_source_terms": "select 'nmdb' as source, 'Acknowledge the monitors' as acknowledgement",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a finished build."""
    settings = Settings(data_dir=tmp_path)
    nodes = {}
    with duckdb.connect(str(settings.paths.build)) as connection:
        for name, query in TABLES.items():
            connection.execute(f"create table {name} as {query}")
            columns = [row[0] for row in connection.execute(f"describe {name}").fetchall()]
            described = {column: {"description": f"It's {column}"} for column in columns}
            nodes[name] = {"name": name, "description": f"Table {name}", "columns": described, "tags": ["publish"]}
        connection.execute("create table int_private as select 1 as x")
    nodes["int_private"] = {"name": "int_private", "description": "", "columns": {}, "tags": []}
    settings.paths.dbt_target.mkdir(parents=True)
    (settings.paths.dbt_target / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    build.write_info(settings.paths.build, "f1", is_publishable=True, n_warnings=0)
    return settings


def change(settings: Settings, statement: str, *, is_publishable: bool = True) -> None:
    with duckdb.connect(str(settings.paths.build)) as connection:
        connection.execute(statement)
    build.write_info(settings.paths.build, "f2", is_publishable=is_publishable, n_warnings=0)


def count(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("select count(*) from large_corrected_table").fetchone()
    assert row is not None
    return int(row[0])


def test_publishes_tagged_relations_with_their_comments(settings: Settings) -> None:
    result = publish(settings)
    assert result.rows is not None
    assert set(result.rows) == set(TABLES)
    with duckdb.connect(str(settings.paths.serving), read_only=True) as connection:
        names = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        comment = connection.execute(
            "select comment from duckdb_columns() where table_name = 'fct_rate' and column_name = 'group_code'"
        ).fetchone()
        span = connection.execute("select data_start_at::varchar, data_end_at::varchar from publication").fetchone()
    assert names == {*TABLES, "publication"}
    assert comment == ("It's group_code",)
    assert span == ("2025-01-30 00:00:00", "2025-02-03 00:00:00")
    assert (settings.paths.data_dir / "grafana" / "serving.duckdb").read_bytes() == settings.paths.serving.read_bytes()
    assert publish(settings).is_current


def test_columns_that_follow_the_data_take_the_text_of_their_pattern() -> None:
    relation = Relation("network_table", "", {"bin_start": "Start"}, {"nm_*_hz": "Rate", "nm_*_rel_pct": "Variation"})
    columns = ("bin_start", "nm_OULU_hz", "nm_KIEL2_rel_pct", "other")
    assert [relation.comment(column) for column in columns] == ["Start", "Rate", "Variation", ""]


def test_open_reader_keeps_the_old_file_and_a_new_one_sees_the_new(settings: Settings) -> None:
    publish(settings)
    old_inode = settings.paths.serving.open("rb")
    with old_inode:
        before = old_inode.read(4096)
        change(settings, "delete from large_corrected_table where bin_start >= timestamp '2025-02-02'")
        publish(settings)
        old_inode.seek(0)
        assert old_inode.read(4096) == before
    assert count(settings.paths.serving) == 72
    assert count(settings.paths.serving_previous) == 96
    roll_back(settings)
    assert count(settings.paths.serving) == 96
    assert count(settings.paths.serving_previous) == 72


def test_failed_tests_or_missing_docs_leave_the_former_file(settings: Settings) -> None:
    publish(settings)
    former = published_word(settings.paths.serving, "build_id")
    change(settings, "delete from large_corrected_table", is_publishable=False)
    with pytest.raises(PublishError, match="tests of the last build failed"):
        publish(settings)
    change(settings, "alter table fct_rate add column undocumented integer")
    with pytest.raises(PublishError, match=r"first fct_rate\.undocumented"):
        publish(settings)
    assert published_word(settings.paths.serving, "build_id") == former
    assert list(settings.paths.data_dir.glob("serving.duckdb.new-*")) == []


def test_left_over_of_a_killed_publication_is_removed(settings: Settings) -> None:
    left_over = settings.paths.data_dir / "serving.duckdb.new-999999"
    left_over.write_bytes(b"half a file")
    publish(settings)
    assert not left_over.exists()


def test_nothing_to_publish_is_said(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="run `mingo transform` first"):
        publish(Settings(data_dir=tmp_path))
    with pytest.raises(PublishError, match="no former publication"):
        roll_back(Settings(data_dir=tmp_path))


def test_export_touches_only_what_changed(settings: Settings) -> None:
    publish(settings)
    first = export(settings)
    folder = settings.paths.export
    assert "MINGO01/large_corrected_table_MINGO01.csv" in first.written
    months = sorted(name for name in first.written if "parquet/large_corrected_table" in name)
    assert [name.split("/")[3] for name in months] == ["month=2025-01", "month=2025-02"]
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    again = export(settings)
    assert again.written == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == stamps

    change(settings, "update large_corrected_table set rate_final_hz = 1 where bin_start = timestamp '2025-02-01'")
    publish(settings)
    changed = export(settings)
    assert sorted(changed.written) == ["MINGO01/large_corrected_table_MINGO01.csv", months[1]]


def test_export_removes_what_lost_its_rows_and_lists_every_file(settings: Settings) -> None:
    publish(settings)
    export(settings)
    change(settings, "delete from large_corrected_table where bin_start >= timestamp '2025-02-01'")
    publish(settings)
    result = export(settings)
    assert result.removed == ["parquet/large_corrected_table/station=1/month=2025-02/part-0.parquet"]
    manifest = json.loads((settings.paths.export / "manifest.json").read_text())["files"]
    on_disk = {str(p.relative_to(settings.paths.export)) for p in settings.paths.export.rglob("*") if p.is_file()}
    assert on_disk == {*manifest, "manifest.json", "columns.csv", "README.md"}
    assert all(facts["rows"] > 0 for facts in manifest.values())


def test_csv_is_rounded_by_unit_and_harmless_in_a_spreadsheet(settings: Settings) -> None:
    publish(settings)
    export(settings)
    lines = (settings.paths.export / "MINGO01" / "large_corrected_table_MINGO01.csv").read_text().split("\n")
    assert lines[0] == "station_id,station_code,bin_start,bin_width_s,remark,rate_final_hz"
    assert lines[1] == "1,MINGO01,2025-01-30 00:00:00,3600,'=1+1,14.083874"
    assert "Acknowledge the monitors" in (settings.paths.export / "README.md").read_text()


def test_the_fingerprint_follows_data_and_ignores_schema_files(tmp_path: Path) -> None:
    day = tmp_path / "raw_file" / "station=1" / "date=2025-01-01"
    day.mkdir(parents=True)
    empty = build.lake_fingerprint(tmp_path)
    (day / "schema.parquet").touch()
    assert build.lake_fingerprint(tmp_path) == empty
    (day / "a.parquet").touch()
    assert build.lake_fingerprint(tmp_path) != empty
