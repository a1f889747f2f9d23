"""HLD from landing to the lake: the tables of the text, and the rules for files that come in both forms."""

from typing import Any

import numpy as np
import pytest

from simulate.config import StationConfig
from simulate.file import simulate_file
from simulate.hld import render_hld
from simulate.text import render_rows
from tests.unit.daq.home import Home, tar_gz

BASE = "mi0125161000000"


@pytest.fixture(scope="module")
def forms() -> tuple[bytes, bytes]:
    """The same 3,000 events of a station as text and as HLD."""
    block = simulate_file(3_000, station=StationConfig(station_id=1), layout="production").block
    hld = render_hld(np.random.default_rng(3), block.time_s, block.trigger, block.values)
    return render_rows("production", block.time_s, block.trigger, hld.values).tobytes(), hld.content


def events_of(home: Home) -> list[dict[str, Any]]:
    return [row for name, rows in home.rows().items() if name.startswith("raw_event/") for row in rows]


def test_hld_gives_the_rows_of_the_text(home: Home, forms: tuple[bytes, bytes], tmp_path_factory: Any) -> None:
    text, hld = forms
    other = Home(tmp_path_factory.mktemp("text"))
    other.land(f"{BASE}.dat", text)
    home.land(f"{BASE}.hld", hld)
    for folder in (home, other):
        assert folder.run().failures == []
    row, expected = home.current(), other.current()
    assert (row["source_kind"], row["container"], row["status"]) == ("hld", "plain", "ok")
    assert (row["hld_limits_source"], row["n_hld_other_id"], expected["n_hld_other_id"]) == ("pooled", 1, None)
    same = ("n_lines", "n_events", "n_hits", "first_event_time", "n_by_raw_tt_type_1", "n_nonzero_by_channel")
    assert {name: row[name] for name in same} == {name: expected[name] for name in same}
    assert events_of(home) == events_of(other)
    before = home.files()
    assert home.run().stations[0].n_skipped == 1
    assert home.files() == before


@pytest.mark.parametrize("name", [f"{BASE}.hld.tar.gz", f"{BASE}.hld-tar-gz", f"{BASE}.tar.gz"])
def test_archives(home: Home, forms: tuple[bytes, bytes], name: str) -> None:
    home.land(name, tar_gz(f"home/station/hlds/{BASE}.hld", forms[1]))
    home.run()
    row = home.current()
    assert (row["source_kind"], row["container"], row["n_events"]) == ("hld", "tar_gz", 3_000)


@pytest.mark.parametrize("is_text_first", [True, False])
def test_text_wins_over_hld_in_any_order(home: Home, forms: tuple[bytes, bytes], is_text_first: bool) -> None:
    text, hld = forms
    landing = [(f"{BASE}.dat", text, 100), (f"{BASE}.hld", hld, 0)]
    for name, content, age_s in landing if is_text_first else landing[::-1]:
        home.land(name, content, age_s=age_s)
        home.run()
    kinds = {row["source_kind"]: row["is_current"] for row in home.raw_files()}
    assert kinds == {"dat": True, "hld": False}
    assert len(home.names("raw_event")) == len(home.names("raw_hit")) == 1
    before = home.files()
    assert home.run().stations[0].n_skipped == 1
    assert home.files() == before


def test_hld_stands_in_for_text_that_cannot_be_read(home: Home, forms: tuple[bytes, bytes]) -> None:
    home.land(f"{BASE}.dat", b"")
    home.land(f"{BASE}.hld", forms[1], age_s=100)
    home.run()
    assert (home.current()["source_kind"], home.current()["n_events"]) == ("hld", 3_000)


def test_cut_copy_and_twin(home: Home, forms: tuple[bytes, bytes]) -> None:
    hld = forms[1]
    home.land(f"{BASE}.hld", hld, age_s=100)
    home.land(f"{BASE}.hld~2", hld[: len(hld) // 2])
    home.land("mi0125161000001.hld", hld)
    home.run()
    status = {(row["file_name"], row["is_current"]): row["status"] for row in home.raw_files()}
    assert status == {
        (f"{BASE}.hld", True): "duplicate_content",
        (f"{BASE}.hld~2", False): "ok_with_rejects",
        ("mi0125161000001.hld", True): "ok",
    }
    assert len(events_of(home)) == 3_000


def test_only_hld(home: Home, forms: tuple[bytes, bytes]) -> None:
    text, hld = forms
    home.land(f"{BASE}.dat", text)
    home.land("mi0125162000000.hld", hld)
    assert home.run(only_hld=True).stations[0].n_done == 1
    assert home.run().stations[0].n_done == 1


def test_many_in_processes(home: Home, forms: tuple[bytes, bytes]) -> None:
    for minute in range(6):
        home.land(f"mi01251610{minute}0000.hld", forms[1] + bytes(8 * minute))
    assert home.run(workers=2).stations[0].n_done == 6


def test_nothing_in_it(home: Home) -> None:
    home.land("mi0125161010000.hld", b"")
    home.land("mi0125161020000.hld", b"no header of an event in here" * 9)
    home.land("mi0125161030000.hld", (b"\0" * 4 + b"\1\0\3\0") * 40)
    home.run()
    assert [row["status"] for row in home.raw_files()] == ["empty_file", "binary_file", "no_events"]
