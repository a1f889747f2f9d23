"""Every listed name gets one word; what is fetched is not fetched again."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from extract.daq.name import parse_name
from extract.transfer.sftp.held import Extracted, Held
from extract.transfer.sftp.remote import RemoteFile, shown
from extract.transfer.sftp.select import Choice, Looks, Plausible, Wanted, oldest_first, select_files
from tests.unit.transfer.fake_remote import NOW, OLD

DAT = Wanted(station_id=1, kind="dat", include=("*.dat", "*.dat.gz", "*.dat.tar.gz"))
HLD = Wanted(station_id=1, kind="hld", include=("*.hld", "*.hld.tar.gz", "*.hld-tar-gz"))

starts = st.datetimes(datetime(2024, 1, 1), datetime(2025, 6, 19)).map(lambda t: t.replace(microsecond=0))
endings = st.sampled_from([".dat", ".dat.gz", ".dat.tar.gz", ".hld", ".hld.tar.gz", ".hld-tar-gz"])
stations = st.sampled_from([1, 1, 1, 2])


def detector_name(station_id: int, start: datetime, ending: str) -> str:
    return f"mi0{station_id}{start:%y%j%H%M%S}{ending}"


names = st.builds(detector_name, stations, starts, endings) | st.text(max_size=40)
files = st.builds(
    RemoteFile,
    name=names,
    size=st.sampled_from([0, 1, 2, 700, 1 << 31]),
    modified_at=st.sampled_from([OLD, NOW - timedelta(seconds=10), NOW + timedelta(hours=1), None]),
    is_regular=st.sampled_from([True, True, True, False]),
)
listings = st.lists(files, max_size=30)
wishes = st.builds(
    Wanted,
    station_id=st.just(1),
    kind=st.sampled_from(["dat", "hld"]),
    first=st.none() | st.dates(date(2024, 6, 1), date(2024, 9, 1)),
    last=st.none() | st.dates(date(2024, 9, 1), date(2025, 1, 1)),
    max_files=st.none() | st.integers(1, 5),
    plausible=st.none() | st.just(Plausible((0.0001, 10.0), (5.0, 120.0))),
    hld_window=st.sampled_from(["flag", "filter", "off"]),
)


def word(file: RemoteFile, wanted: Wanted = DAT, held: Held | None = None, looks: Looks | None = None) -> str:
    (choice,) = select_files([file], wanted, held or Held(), NOW, looks)
    return choice.word


def of(name: str, size: int = 700, modified_at: datetime | None = OLD, **more: bool) -> RemoteFile:
    return RemoteFile(name, size, modified_at, **more)


def after_fetching(choices: list[Choice]) -> Held:
    """What is here once everything chosen was fetched."""
    held = Held()
    for choice in choices:
        if choice.word == "fetch" and choice.name:
            held.sizes[choice.file.name].add(choice.file.size)
            held.names[choice.name.base_name, choice.name.kind or "dat"].add(choice.file.name)
    return held


@given(listings, wishes)
def test_every_name_has_exactly_one_word(listing: list[RemoteFile], wanted: Wanted) -> None:
    choices = select_files(listing, wanted, Held(), NOW)
    assert Counter(choice.file.name for choice in choices) == Counter({file.name for file in listing})
    assert sum(choice.word == "fetch" for choice in choices) <= (wanted.max_files or len(listing))


@given(listings, wishes)
def test_what_is_chosen_can_be_a_path_of_landing(listing: list[RemoteFile], wanted: Wanted) -> None:
    for choice in select_files(listing, wanted, Held(), NOW):
        if choice.word == "fetch":
            name = parse_name(choice.file.name)
            assert choice.file.name.isascii()
            assert choice.file.name.isprintable()
            assert "/" not in choice.file.name
            assert ".." not in choice.file.name
            assert name.station_id == 1
            assert name.kind == wanted.kind
            assert 0 < choice.file.size <= 1 << 30


@given(listings, wishes)
def test_a_second_run_fetches_nothing_of_the_first(listing: list[RemoteFile], wanted: Wanted) -> None:
    first = select_files(listing, wanted, Held(), NOW)
    fetched = {choice.file.name for choice in first if choice.word == "fetch"}
    second = select_files(listing, wanted, after_fetching(first), NOW)
    assert not fetched & {choice.file.name for choice in second if choice.word == "fetch"}
    assert {c.word for c in second if c.file.name in fetched} <= {"skipped"}


@given(listings, wishes)
def test_what_waits_is_fetched_by_the_next_runs(listing: list[RemoteFile], wanted: Wanted) -> None:
    whole = {c.file.name for c in select_files(listing, replace(wanted, max_files=None), Held(), NOW)}
    held, seen = Held(), set()
    for _ in range(len(whole) + 1):
        choices = select_files(listing, wanted, held, NOW)
        new = after_fetching(choices)
        for name, sizes in new.sizes.items():
            held.sizes[name] |= sizes
        for key, found in new.names.items():
            held.names[key] |= found
        seen |= {choice.file.name for choice in choices if choice.word == "fetch"}
    assert not [c for c in select_files(listing, wanted, held, NOW) if c.word in ("fetch", "waiting")]
    assert seen <= whole


def test_rules_in_their_order() -> None:
    name = "mi0125170120000.dat"
    assert word(of(name)) == "fetch"
    assert word(of("mi0225170120000.dat")) == "wrong_station"
    assert word(of(name, size=0)) == "empty_remote"
    assert word(of(name, modified_at=NOW - timedelta(seconds=599))) == "too_fresh"
    assert word(of(name, modified_at=NOW - timedelta(seconds=600))) == "fetch"
    assert word(of(name, is_regular=False)) == "not_regular"
    assert word(of(name, size=(1 << 30) + 1)) == "too_large"
    assert word(of(name), replace(DAT, first=date(2025, 6, 20))) == "out_of_window"
    assert word(of(name), replace(DAT, first=date(2025, 6, 19), last=date(2025, 6, 19))) == "fetch"
    assert word(of("notes.txt")) == "not_included"
    assert word(of(name), replace(DAT, exclude=("mi01*",))) == "not_included"
    for bad in ("../mi0125170120000.dat", "..dat", "mi0125366120000.dat", "mi01\n.dat", f"{'x' * 296}.dat", "é.dat"):
        assert word(of(bad)) == "bad_name", bad


def test_a_clock_in_the_future_needs_a_second_look() -> None:
    name = "mi0125170120000.dat"
    for modified_at in (NOW + timedelta(days=1), None):
        assert word(of(name, modified_at=modified_at)) == "too_fresh"
        assert word(of(name, modified_at=modified_at), looks=Looks({name})) == "fetch"


def test_what_is_here_is_skipped_whatever_form_it_has() -> None:
    name, base = "mi0125170120000.dat", "mi0125170120000"
    landed = Held()
    landed.sizes[name].add(700)
    landed.names[base, "dat"].add(name)
    assert word(of(name), held=landed) == "skipped"
    assert word(of(f"{name}.tar.gz", size=90), held=landed) == "skipped"
    assert word(of(name, size=900), held=landed) == "fetch"
    pruned = Held(extracted={base: Extracted("dat", "plain", 700)})
    assert word(of(name), held=pruned) == "skipped"
    assert word(of(f"{name}.tar.gz", size=90), held=pruned) == "skipped"
    assert word(of(name, size=900), held=pruned) == "fetch"


def test_text_here_makes_the_archive_needless() -> None:
    name, base = "mi0125170120000.hld.tar.gz", "mi0125170120000"
    for held in (Held(extracted={base: Extracted("dat", "plain", 700)}), Held()):
        held.names[base, "dat"].add(f"{base}.dat")
        assert word(of(name), HLD, held) == "has_text"
        assert word(of(name), replace(HLD, has_force_hld=True), held) == "fetch"
    assert word(of(name), HLD, Held(extracted={base: Extracted("hld", "tar_gz", 700)})) == "skipped"


def test_the_newest_first_unless_told_otherwise() -> None:
    listing = [of(detector_name(1, datetime(2025, 6, day), ".dat")) for day in (3, 1, 2)]
    newest = [c.name.start_time.day for c in select_files(listing, DAT, Held(), NOW) if c.name]
    oldest = select_files(listing, replace(DAT, order=oldest_first, max_files=2), Held(), NOW)
    assert newest == [3, 2, 1]
    assert [(c.name.start_time.day, c.word) for c in oldest if c.name] == [(1, "fetch"), (2, "fetch"), (3, "waiting")]


def test_unusual_archive_files_are_flagged_or_left_out() -> None:
    start, mib = datetime(2025, 6, 1), 1 << 20
    listing = [
        of(detector_name(1, start, ".hld"), 5 * mib),
        of(detector_name(1, start + timedelta(minutes=40), ".hld"), 9 * mib),
        of(detector_name(1, start + timedelta(minutes=80), ".hld"), 5 * mib),
        of(detector_name(1, start + timedelta(minutes=290), ".hld"), 5 * mib),
    ]
    wanted = replace(HLD, plausible=Plausible((4, 8), (5, 120)), order=oldest_first)
    flagged = select_files(listing, wanted, Held(), NOW)
    assert [(c.word, c.is_implausible) for c in flagged] == [
        ("fetch", False),
        ("fetch", True),
        ("fetch", True),
        ("fetch", False),
    ]
    assert [c.word for c in select_files(listing, replace(wanted, hld_window="filter"), Held(), NOW)] == [
        "fetch",
        "fetch",
        "implausible",
        "implausible",
    ]
    assert not any(c.is_implausible for c in select_files(listing, replace(wanted, hld_window="off"), Held(), NOW))


@given(st.lists(st.text(st.characters(codec=None), max_size=6), max_size=2, unique=True), st.binary(max_size=6))
def test_names_are_shown_inert_and_apart(texts: list[str], raw: bytes) -> None:
    found = [*texts, raw.decode("utf-8", "surrogateescape")]
    assert len({shown(name) for name in set(found)}) == len(set(found))
    assert all(shown(name).isprintable() or not name for name in found)
