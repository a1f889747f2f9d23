"""Taking the marks of files away: which, with what they mark, and that a run stopped after it is healed by the next."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse import build, dbt, transform
from warehouse.marks import NothingToRedoError, Span, forget
from warehouse.settings import Settings

BUILD = """
create table fct_file as
select (s * 100 + n)::bigint as file_id, s::tinyint as station_id,
    timestamp '2025-03-01 06:00:00' + n * interval 1 day as start_time, 'v1' as lineage_id
from range(5) as a (n), unnest([1, 2]) as b (s);
create table dim_file as from fct_file;
create table int_day_built as
select station_id, start_time::date as day, file_id from fct_file
union all
select station_id, start_time::date + 1, file_id from fct_file where file_id = 102;
create table int_correction_done as
select s::tinyint as station_id, timestamp '2025-02-27' + n * interval 1 day as day_start
from range(9) as a (n), unnest([1, 2]) as b (s);
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a finished build of two stations with a file a day, and nothing else."""
    settings = Settings(data_dir=tmp_path)
    settings.paths.lake.mkdir()
    with duckdb.connect(str(settings.paths.build)) as connection:
        connection.execute(BUILD)
    fingerprint = build.input_fingerprint(settings.paths, settings.dbt_vars)
    build.write_info(settings.paths.build, fingerprint, is_publishable=True, n_warnings=0)
    return settings


def rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.paths.build), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_only_the_files_of_days_and_station_lose_their_mark(settings: Settings) -> None:
    assert forget(settings.paths.build, Span(date(2025, 3, 2), date(2025, 3, 3), 1)) == 2
    kept = [file_id for (file_id,) in rows(settings, "select file_id from fct_file order by all")]
    assert kept == [100, 103, 104, 200, 201, 202, 203, 204]
    assert rows(settings, "select count(*) from dim_file") == [(10,)]


def test_every_day_the_files_touch_is_made_again_with_the_days_beside_it(settings: Settings) -> None:
    forget(settings.paths.build, Span(date(2025, 3, 3), date(2025, 3, 3), 1))
    # file 102 starts on 3 March and ends on 4 March
    days = rows(settings, "select day::varchar from int_day_built where station_id = 1 order by all")
    assert days == [("2025-03-01",), ("2025-03-02",), ("2025-03-04",), ("2025-03-05",)]
    done = rows(settings, "select day_start::date::varchar from int_correction_done where station_id = 1 order by all")
    assert done == [("2025-02-27",), ("2025-02-28",), ("2025-03-01",), ("2025-03-06",), ("2025-03-07",)]
    assert rows(settings, "select count(*) from int_correction_done where station_id = 2") == [(9,)]


def test_without_a_station_all_are_meant(settings: Settings) -> None:
    assert forget(settings.paths.build, Span(date(2025, 3, 1), date(2025, 3, 1))) == 2


def test_an_unfinished_redo_is_not_published_and_not_taken_for_done(settings: Settings) -> None:
    before = build.read_info(settings.paths.build)
    forget(settings.paths.build, Span(date(2025, 3, 2), date(2025, 3, 3), 1))
    after = build.read_info(settings.paths.build)
    assert before is not None
    assert after is not None
    assert before.is_publishable
    assert not after.is_publishable
    assert after.input_fingerprint != before.input_fingerprint
    assert build.count_waiting(settings.paths.build) == 2


def test_days_without_files_change_nothing(settings: Settings) -> None:
    with pytest.raises(NothingToRedoError, match=r"from 2025-04-01 to 2025-04-02.*start from 2025-03-01 to 2025-03-05"):
        forget(settings.paths.build, Span(date(2025, 4, 1), date(2025, 4, 2)))
    with pytest.raises(NothingToRedoError, match="none of this station"):
        forget(settings.paths.build, Span(date(2025, 3, 1), date(2025, 3, 2), 3))
    info = build.read_info(settings.paths.build)
    assert info is not None
    assert info.is_publishable


def test_without_a_build_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(NothingToRedoError, match="run `mingo transform` first"):
        forget(tmp_path / "build.duckdb", Span(date(2025, 3, 1), date(2025, 3, 2)))


def test_a_redo_stopped_in_the_middle_is_finished_by_the_next_plain_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> dbt.DbtResult:
        raise KeyboardInterrupt

    def remember(*_: object, **__: object) -> dbt.DbtResult:
        with duckdb.connect(str(settings.paths.build)) as connection:
            connection.execute("insert into fct_file from dim_file where file_id not in (select file_id from fct_file)")
        return dbt.DbtResult(0, [], None)

    assert transform.transform(settings).is_current
    monkeypatch.setattr(dbt, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        transform.transform(settings, redo=Span(date(2025, 3, 2), date(2025, 3, 3), 1))
    monkeypatch.setattr(dbt, "run", remember)
    result = transform.transform(settings)
    assert (result.is_current, result.n_files, result.n_waiting) == (False, 2, 0)
    assert transform.transform(settings).is_current
