"""Minutes follow the files: they add up; a new version replaces its part, a lost or superseded file takes it away."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb
import pytest

from extract.daq.extract import extract_landing
from extract.daq.schema import N_COLUMNS, N_HEADER_COLUMNS, column_index
from warehouse import dbt
from warehouse.paths import Paths

START = datetime(2025, 3, 1, 10)
FIRST, SECOND, THIRD = "mi0025060100000", "mi0025060100231", "mi0025060100030"
SELF_TRIGGERS, MIXED = "mi0025062100000", "mi0025064100000"
N_LABELS = 16
MINUTES = "select minute_start, live_s, n_events_live, n_files from fct_minute_live"
TABLES = (
    "fct_minute_live",
    "fct_minute_count",
    "fct_minute_plane",
    "fct_minute_track",
    "int_minute_file",
    "int_second",
    "fct_plane_efficiency",
    "int_hour_pattern",
)


def line(second: int, number: int, trigger_type: int = 1, start: datetime = START) -> str:
    """An event of planes 1 and 2, unlike any other."""
    values = ["0000.0000"] * (N_COLUMNS - N_HEADER_COLUMNS)
    for plane in (1, 2):
        for side in ("front", "back"):
            for quantity, value in (("T", -127.0), ("Q", 100.0 + number % 5000 / 100)):
                values[column_index(plane, 2, side, quantity) - N_HEADER_COLUMNS] = f"{value:09.4f}"
    time = start + timedelta(seconds=second)
    return f"{time:%Y %m %d %H %M %S} {trigger_type} {' '.join(values)}\n"


def land(paths: Paths, stem: str, lines: Iterable[str]) -> None:
    """A detector file, newer than any before."""
    file = paths.data_dir / "landing" / "dat" / "station=0" / f"{stem}.dat"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines))
    newest = max(path.stat().st_mtime for path in file.parent.iterdir())
    os.utime(file, (newest + 10, newest + 10))


def steady(seconds: range, per_second: int) -> list[str]:
    """Coincidences at a constant rate."""
    return [line(second, second * per_second + k) for second in seconds for k in range(per_second)]


def lose(paths: Paths, stem: str) -> None:
    """Remove a file from landing and lake."""
    for path in [*paths.data_dir.glob(f"landing/**/{stem}.*"), *paths.lake.glob(f"**/{stem}*.parquet")]:
        path.unlink()


def build(paths: Paths) -> None:
    extract_landing(paths.data_dir / "landing", paths.lake)
    result = dbt.run(
        paths, ["run", "--select", "+int_day_built", "+fct_file", "+int_file_counter", "+fct_minute_quality"]
    )
    assert result.error is None


def content(paths: Paths) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the tables of minutes."""
    with duckdb.connect(str(paths.data_dir / "build.duckdb"), read_only=True) as connection:
        rows = {table: connection.execute(f"from {table}").fetchall() for table in TABLES}
        rows["minutes"] = connection.execute(MINUTES).fetchall()
    return {table: sorted((tuple(map(comparable, row)) for row in of), key=repr) for table, of in rows.items()}


def comparable(value: object) -> object:
    """A value without the last digits of a sum of floats, which depend on the order of the rows."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


@dataclass
class Story:
    """A data folder, and what its tables held after each step."""

    paths: Paths
    content: dict[str, dict[str, list[tuple[object, ...]]]] = field(default_factory=dict)

    def step(self, name: str) -> None:
        build(self.paths)
        self.content[name] = content(self.paths)

    def minutes(self, step: str) -> dict[int, tuple[object, ...]]:
        """Live seconds, live events and files of each minute after ten."""
        rows = self.content[step]["minutes"]
        return {time.minute: tuple(rest) for time, *rest in rows if time.date() == START.date()}  # type: ignore[attr-defined]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What a query says in the end."""
        with duckdb.connect(str(self.paths.data_dir / "build.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def land_other_triggers(paths: Paths) -> None:
    """A file of self-triggers alone, and events of other types among coincidences, on other days."""
    day = START + timedelta(days=2)
    land(paths, SELF_TRIGGERS, [line(second, second, 2, day) for second in range(90)])
    day = START + timedelta(days=4)
    types = (1, 2, 1, 3)
    land(paths, MIXED, [line(second, k, types[k], day) for second in range(60) for k in range(4)])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Two files that share a minute; again; one replaced; one lost and one that overlaps; the same from nothing."""
    story = Story(Paths(tmp_path_factory.mktemp("days")))
    paths = story.paths
    assert dbt.run(paths, ["seed"]).error is None
    land(paths, FIRST, steady(range(151), 6))
    land(paths, SECOND, steady(range(151, 361), 6))
    land_other_triggers(paths)
    story.step("both")
    story.step("again")
    land(paths, FIRST, steady(range(121), 4))
    story.step("replaced")
    lose(paths, SECOND)
    land(paths, THIRD, steady(range(30, 181), 5))
    story.step("last")

    anew = Story(Paths(tmp_path_factory.mktemp("anew")))
    assert dbt.run(anew.paths, ["seed"]).error is None
    land(anew.paths, FIRST, steady(range(121), 4))
    land(anew.paths, THIRD, steady(range(30, 181), 5))
    land_other_triggers(anew.paths)
    anew.step("anew")
    story.content |= anew.content
    return story


def test_a_minute_of_two_files_is_their_sum(story: Story) -> None:
    both = story.minutes("both")
    assert both[1] == (60, 360, 1)
    assert both[2] == (30 + 28, 58 * 6, 2)
    assert both[6] == (0, 0, 1)
    assert sorted(both) == [0, 1, 2, 3, 4, 5, 6]


def test_running_twice_changes_nothing(story: Story) -> None:
    assert story.content["again"] == story.content["both"]


def test_a_new_version_replaces_its_part_only(story: Story) -> None:
    both, replaced = story.minutes("both"), story.minutes("replaced")
    assert replaced[1] == (60, 240, 1)
    assert replaced[2] == (28, 28 * 6, 2)
    assert {m: replaced[m] for m in (3, 4, 5, 6)} == {m: both[m] for m in (3, 4, 5, 6)}


def test_a_file_that_overlaps_for_long_supersedes_or_is_superseded(story: Story) -> None:
    last = story.minutes("last")
    assert last[0] == (29, 29 * 5, 2)
    assert last[2] == (60, 300, 2)
    assert sorted(last) == [0, 1, 2, 3]
    superseded = story.rows(
        f"select n, unit from int_file_counter where file_id = {FIRST[3:]} and reason = 'superseded'"
    )
    assert sorted(superseded) == [(121, "second"), (484, "event")]
    assert story.rows(
        "select base_name from fct_file_quality inner join dim_file using (file_id) where is_superseded"
    ) == [(FIRST,)]


def test_the_order_of_arrival_does_not_matter(story: Story) -> None:
    assert story.content["anew"] == story.content["last"]


def test_counts_by_label_are_those_of_the_live_events(story: Story) -> None:
    for step in ("both", "replaced", "last"):
        tables = story.content[step]
        live = {row[0]: row[2] for row in tables["minutes"] if row[1]}
        counted: dict[object, int] = dict.fromkeys(live, 0)
        rows: dict[object, int] = dict.fromkeys(live, 0)
        for _, minute, kind, tt, region, n, *_ in tables["fct_minute_count"]:
            if kind == "raw_tt":
                assert region == "all"
                assert n == 0 or tt == 12
                counted[minute] += n  # type: ignore[operator]
                rows[minute] += 1
        assert counted == live
        assert set(rows.values()) == {N_LABELS}


def test_a_file_without_coincidences_has_live_time_and_no_counts(story: Story) -> None:
    day = (START + timedelta(days=2)).date()
    of_day = f"minute_start::date = '{day}'"
    assert story.rows(
        f"select sum(live_s), sum(n_self_trigger), sum(n_events_live) from fct_minute_live where {of_day}"
    ) == [(88, 90, 0)]
    assert story.rows(f"select sum(n_events), count(*) from fct_minute_count where {of_day}") == [(0, 2 * 4 * N_LABELS)]
    assert story.rows(f"select sum(n_tracks), count(*) from fct_minute_track where {of_day}") == [(0, 2)]
    quality = f"from fct_file_quality where file_id = {SELF_TRIGGERS[3:]}"
    assert story.rows(f"select status, n_self_trigger, n_coincidence, clean_purity_pct {quality}") == [
        ("no_coincidence", 90, 0, None)
    ]


def test_only_coincidences_are_tracked_and_counted(story: Story) -> None:
    day = (START + timedelta(days=4)).date()
    assert story.rows(f"select count(*), count(distinct event_number) from fct_track where file_id = {MIXED[3:]}") == [
        (120, 120)
    ]
    live = "sum(n_events_live), sum(n_events_dropped), sum(n_self_trigger), sum(n_other_trigger), sum(live_s)"
    assert story.rows(f"select {live} from fct_minute_live where minute_start::date = '{day}'") == [
        (116, 4, 60, 60, 58)
    ]
    kinds = story.rows(
        f"select tt_kind, sum(n_events) from fct_minute_count where minute_start::date = '{day}' group by tt_kind"
    )
    assert sorted(kinds) == [(kind, 116) for kind in ("clean_tt", "fit_tt", "list_tt", "raw_tt")]


def test_an_event_without_a_plane_hit_is_a_track_of_nothing(story: Story) -> None:
    facts = "list_tt, fit_tt, n_planes, track_reject_mask, is_track, region_code, x0_mm, chi2"
    assert story.rows(f"select distinct {facts} from fct_track") == [(0, 0, 0, 1, False, "none", None, None)]


def test_a_minute_carries_the_configuration_of_its_newest_file(story: Story) -> None:
    facts = story.rows(f"select conf_number, is_z_default, z_plane_4_mm from dim_file where file_id = {THIRD[3:]}")
    minute = "minute_start = '2025-03-01 10:01:00'"
    live = story.rows(f"select conf_number, is_z_default from fct_minute_live where {minute}")
    quality = story.rows(f"select z_plane_4_mm, n_events from fct_minute_quality where {minute}")
    assert (live, quality) == ([facts[0][:2]], [(facts[0][2], 300)])
