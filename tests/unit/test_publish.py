"""Publishing and exporting: complete or absent, readers unharmed, untouched when nothing changed."""

from pathlib import Path

import duckdb
import pytest

from tests.unit.small_build import TABLES, VIEWS, change, write_build
from warehouse import build
from warehouse.publish import PublishError, publish, published_word, roll_back
from warehouse.relation import Relation
from warehouse.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a finished build."""
    return write_build(tmp_path)


def count(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("select count(*) from large_corrected_table").fetchone()
    assert row is not None
    return int(row[0])


def test_publishes_tagged_relations_with_their_comments(settings: Settings) -> None:
    result = publish(settings)
    assert result.rows is not None
    assert set(result.rows) == (set(TABLES) | set(VIEWS)) - {"fct_minute_count"}
    with duckdb.connect(str(settings.paths.serving), read_only=True) as connection:
        names = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        comment = connection.execute(
            "select comment from duckdb_columns() where table_name = 'fct_rate' and column_name = 'group_code'"
        ).fetchone()
        span = connection.execute("select data_start_at::varchar, data_end_at::varchar from publication").fetchone()
        views = connection.execute(
            "select view_name, (select comment from duckdb_columns() where table_name = view_name and column_index = 4)"
            " from duckdb_views() where not internal order by 1"
        ).fetchall()
        assert connection.execute("select count(*) from a_second_view").fetchone() == (1,)
    assert names == {*TABLES, "publication"} - {"fct_minute_count"}
    assert views == [("a_second_view", "It's group_code"), ("the_first_view", "It's group_code")]
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
    with pytest.raises(PublishError, match=r"columns lack a description, first a_second_view\.undocumented"):
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


def test_the_fingerprint_follows_data_and_ignores_schema_files(tmp_path: Path) -> None:
    day = tmp_path / "raw_file" / "station=1" / "date=2025-01-01"
    day.mkdir(parents=True)
    empty = build.lake_fingerprint(tmp_path)
    (day / "schema.parquet").touch()
    assert build.lake_fingerprint(tmp_path) == empty
    (day / "a.parquet").touch()
    assert build.lake_fingerprint(tmp_path) != empty
