"""Several contents of one file, one content of several files, several parsers."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest

from extract.daq import extract as extract_module
from extract.daq import versions as versions_module
from tests.unit.daq.home import Home, counts, tar_gz
from tests.unit.daq.rows import GOLDEN_NAME, at, golden_file, lines

STEM = GOLDEN_NAME.removesuffix(".dat")


class TestVersions:
    """Two contents under one name."""

    old, new, cut = lines([at(27), at(28)]), lines([at(27), at(29)]), lines([at(27)])

    def land_all(self, home: Home, order: list[int]) -> list[int]:
        """Land the old content and the new one in some order, with a run after each; returns files done."""
        landings = [
            lambda: home.land(GOLDEN_NAME, self.old, age_s=100),
            lambda: home.land(f"{GOLDEN_NAME}~2", self.new, age_s=50),
            lambda: home.land(f"{STEM}.dat.tar.gz", tar_gz(GOLDEN_NAME, self.new), age_s=10),
        ]
        done = []
        for index in order:
            landings[index]()
            done.append(counts(home.run())[0])
        return done

    def test_newer_content_replaces_the_rows(self, home: Home) -> None:
        self.land_all(home, [0, 1])
        rows = {row["content_sha256"]: row for row in home.raw_files()}
        assert {sha: row["is_current"] for sha, row in rows.items()} == {
            hashlib.sha256(self.old).hexdigest(): False,
            hashlib.sha256(self.new).hexdigest(): True,
        }
        assert home.current()["version_number"] == 2
        for dataset in ("raw_event", "raw_hit"):
            assert [hashlib.sha256(self.new).hexdigest()[:12] in name for name in home.names(dataset)] == [True]
        files = home.files()
        assert counts(home.run()) == (0, 1)
        assert home.files() == files

    @pytest.mark.parametrize("order", [[1, 0, 2], [2, 1, 0], [0, 2, 1], [2, 0, 1]])
    def test_order_of_arrival_does_not_matter(self, home: Home, tmp_path: Path, order: list[int]) -> None:
        self.land_all(home, order)
        rebuilt = Home(tmp_path / "rebuilt")
        shutil.copytree(home.landing, rebuilt.landing)
        rebuilt.run()
        assert home.rows() == rebuilt.rows()
        assert home.current()["container"] == "tar_gz"
        files = home.files()
        assert counts(home.run()) == (0, 1)
        assert home.files() == files

    @pytest.mark.parametrize("copy", ["cut", "empty"])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_cut_copy_never_becomes_current(self, home: Home, copy: str, is_first: bool) -> None:
        content = self.cut if copy == "cut" else b""
        landings = [
            lambda: home.land(f"{GOLDEN_NAME}~2", content, age_s=5),
            lambda: home.land(GOLDEN_NAME, self.old, age_s=100),
        ]
        for land in landings if is_first else reversed(landings):
            land()
            home.run()
        assert home.current()["content_sha256"] == hashlib.sha256(self.old).hexdigest()
        assert len(home.raw_files()) == 2
        assert len(home.names("raw_event")) == 1
        files = home.files()
        assert counts(home.run()) == (0, 1)
        assert home.files() == files

    def test_cut_packed_copy_never_becomes_current(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.old, age_s=100)
        home.run()
        home.land(f"{GOLDEN_NAME}.gz", gzip.compress(self.old)[:-4])
        home.run()
        assert home.current()["status"] == "ok"
        assert sorted(row["status"] for row in home.raw_files()) == ["bad_container", "ok"]

    def test_longer_content_replaces_its_beginning(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.cut, age_s=100)
        home.run()
        home.land(f"{GOLDEN_NAME}~2", self.old)
        home.run()
        assert home.current()["content_sha256"] == hashlib.sha256(self.old).hexdigest()

    def test_equal_times_higher_version(self, home: Home) -> None:
        home.land(f"{GOLDEN_NAME}~2", self.new)
        home.land(f"{GOLDEN_NAME}~10", self.old)
        home.run()
        assert home.current()["version_number"] == 10

    def test_content_that_comes_back(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.old, age_s=100)
        home.land(f"{GOLDEN_NAME}~2", self.new, age_s=50)
        home.run()
        home.land(f"{GOLDEN_NAME}~3", self.old, age_s=10)
        home.run()
        assert (home.current()["version_number"], len(home.raw_files())) == (3, 2)
        assert len(home.names("raw_event")) == 1

    def test_pruned_landing_keeps_the_row(self, home: Home) -> None:
        path = home.land(GOLDEN_NAME, self.old, age_s=100)
        home.run()
        path.unlink()
        assert counts(home.run()) == (0, 0)
        home.land(f"{GOLDEN_NAME}~2", self.new)
        home.run()
        assert len(home.raw_files()) == 2
        assert home.current()["version_number"] == 2

    def test_file_overwritten_in_place(self, home: Home) -> None:
        home.land(GOLDEN_NAME, self.old, age_s=100)
        home.run()
        home.land(GOLDEN_NAME, self.new, age_s=50)
        home.run()
        assert home.current()["content_sha256"] == hashlib.sha256(self.new).hexdigest()
        assert counts(home.run()) == (0, 1)


def test_new_parser_version(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.land(GOLDEN_NAME, golden_file())
    home.land("mi0125161150000.dat", TestVersions.old, age_s=100)
    home.land("mi0125161150000.dat~2", TestVersions.new)
    home.run()
    for module in (extract_module, versions_module):
        monkeypatch.setattr(module, "PARSER_VERSION", 2)
    monkeypatch.setattr(versions_module, "lake_file_name", lambda base, sha: f"{base}-{sha[:12]}-p2.parquet")
    assert counts(home.run()) == (2, 0)
    assert {row["parser_version"] for row in home.raw_files()} == {2}
    assert all("-p2" in name for name in home.rows())
    assert counts(home.run()) == (0, 2)


class TestTwins:
    """One content under two names."""

    content = lines([at(28), at(30)])
    near, far = "mi0125161140327.dat", "mi0125161140326.dat"

    def check(self, home: Home) -> None:
        rows = {row["file_name"]: row for row in home.raw_files()}
        assert (rows[self.near]["status"], rows[self.near]["duplicate_of_file_id"]) == ("ok", None)
        assert rows[self.far]["status"] == "duplicate_content"
        assert rows[self.far]["duplicate_of_file_id"] == 125161140327
        assert (rows[self.far]["n_lines"], rows[self.far]["n_events"]) == (0, 0)
        assert rows[self.far]["is_current"]
        assert [self.near[:15] in name for name in home.names("raw_event")] == [True]
        files = home.files()
        assert counts(home.run()) == (0, 2)
        assert home.files() == files

    def test_together(self, home: Home) -> None:
        home.land(self.near, self.content)
        home.land(self.far, self.content)
        station = home.run().stations[0]
        assert (station.n_events, station.n_by_status) == (2, {"ok": 1, "duplicate_content": 1})
        self.check(home)

    @pytest.mark.parametrize("order", [(near, far), (far, near)])
    def test_one_after_the_other(self, home: Home, order: tuple[str, str]) -> None:
        for name in order:
            home.land(name, self.content)
            home.run()
        self.check(home)

    def test_in_parallel(self, home: Home) -> None:
        home.land(self.near, self.content)
        home.land(self.far, self.content)
        home.run(workers=2)
        self.check(home)

    def test_ties_to_the_smaller_id(self, home: Home) -> None:
        for name in ("mi0125161140329.dat", self.near):
            home.land(name, self.content)
        home.run()
        assert {row["file_name"]: row["status"] for row in home.raw_files()} == {
            self.near: "ok",
            "mi0125161140329.dat": "duplicate_content",
        }

    def test_empty_files_are_no_twins(self, home: Home) -> None:
        home.land(self.near, b"")
        home.land(self.far, b"")
        home.run()
        assert {row["status"] for row in home.raw_files()} == {"empty_file"}

    def test_twin_gets_its_events_back(self, home: Home) -> None:
        home.land(self.near, self.content, age_s=100)
        home.land(self.far, self.content)
        home.run()
        home.land(f"{self.near}~2", lines([at(28), at(31)]))
        home.run()
        rows = {row["file_name"]: row["status"] for row in home.raw_files() if row["is_current"]}
        assert rows == {f"{self.near}~2": "ok", self.far: "ok"}
        assert len(home.names("raw_event")) == 2
