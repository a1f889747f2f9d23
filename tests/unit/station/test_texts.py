"""Files edited as text keep what is not changed: seeds and `mingo.toml`."""

import csv
import io
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.station.csv_text import CsvTextError, parse_csv
from extract.station.toml_text import TomlEditError, Value, append, replace
from tests.conftest import ROOT

CELL = st.text(st.sampled_from('ab1,"\n é=-.'), max_size=6)
ROWS = st.lists(st.tuples(st.integers(0, 9).map(str), CELL, CELL), max_size=6)
ENDING = st.sampled_from(["\n", "\r\n"])


def written(rows: list[tuple[str, str, str]], ending: str) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=ending)
    writer.writerows([("station_id", "first", "second"), *rows])
    return stream.getvalue()


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@given(ROWS, ENDING, st.booleans())
def test_what_is_not_edited_keeps_its_bytes(rows: list[tuple[str, str, str]], ending: str, is_cut: bool) -> None:
    text = written(rows, ending)
    text = text.removesuffix(ending) if is_cut else text
    table = parse_csv(text)
    assert table.text == text
    assert table.rows == read(text)


@given(ROWS, ENDING, st.integers(0, 9), CELL, st.booleans())
def test_a_new_row_is_one_new_line(
    rows: list[tuple[str, str, str]], ending: str, number: int, cell: str, is_cut: bool
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    text = written(rows, ending)
    table = parse_csv(text.removesuffix(ending) if is_cut else text)
    table.add({"station_id": str(number), "second": cell})
    after = read(table.text)
    place = sum(row[0] <= str(number) for row in rows)
    assert after[place] == {"station_id": str(number), "first": "", "second": cell}
    assert after[:place] + after[place + 1 :] == read(text)
    assert table.text.replace("\r\n", "").count("\r") == 0 or ending == "\n"


@given(ROWS, CELL)
def test_a_changed_cell_changes_nothing_else(rows: list[tuple[str, str, str]], cell: str) -> None:
    table = parse_csv(written(rows, "\n"))
    before = table.rows
    n_changed = table.change({"station_id": "3"}, {"second": cell})
    assert n_changed == sum(row["station_id"] == "3" for row in before)
    assert read(table.text) == [row | {"second": cell} if row["station_id"] == "3" else row for row in before]


@pytest.mark.parametrize("path", sorted((ROOT / "seeds").glob("*.csv")), ids=lambda path: path.stem)
def test_every_seed_survives(path: object) -> None:
    text = path.read_bytes().decode()  # type: ignore[attr-defined]
    assert parse_csv(text).text == text


@pytest.mark.parametrize("text", ["", "\n", 'a,b\n"x"y,1\n', "a,b\n1\n", 'a,b\n"open,1\n'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(CsvTextError):
        parse_csv(text)


DOTTED = """# my settings
data_dir = "there"   # a disk

[acquire.stations]   # the servers
MINGO01.dat.host = "mingo01"   # the one in the cellar
MINGO01.dat.directory = '/data/asci'

[extract]
workers = 3
"""
TABLE = ("acquire", "stations", "MINGO05", "dat")
VALUES: dict[str, Value] = {"host": "mingo05", "port": 2222, "directory": "/data"}


def test_a_table_is_appended_and_all_else_stays() -> None:
    text = append(DOTTED, {TABLE: VALUES})
    assert text.startswith(DOTTED)
    found = tomllib.loads(text)
    assert found["acquire"]["stations"]["MINGO05"]["dat"] == VALUES
    del found["acquire"]["stations"]["MINGO05"]
    assert found == tomllib.loads(DOTTED)


def test_an_appended_table_takes_the_line_ends_of_the_file() -> None:
    text = append(DOTTED.replace("\n", "\r\n"), {TABLE: VALUES})
    assert text.count("\n") == text.count("\r\n")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (("acquire", "stations", "MINGO01", "dat"), DOTTED),
        (TABLE, append(DOTTED, {TABLE: VALUES})),
    ],
)
def test_a_value_is_replaced_in_its_line(table: tuple[str, ...], text: str) -> None:
    after = replace(text, table, {"host": "other", "user": "reader"})
    before, now = text.splitlines(), after.splitlines()
    assert len(now) == len(before) + 1
    assert len([line for line in now if line not in before]) == 2
    assert [line for line in before if line not in now] == [line for line in before if "host" in line and
        (("MINGO01" in line) == (table[2] == "MINGO01"))]  # fmt: skip
    found = tomllib.loads(after)["acquire"]["stations"][table[2]]["dat"]
    assert (found["host"], found["user"]) == ("other", "reader")
    assert "# the one in the cellar" in after


@pytest.mark.parametrize(
    "text",
    [
        '[acquire]\nstations = {MINGO01 = {dat = {host = "a", directory = "b"}}}\n',
        '[acquire.stations]\nMINGO05 = {dat = {host = "a", directory = "b"}}\n',
        "[acquire\n",
    ],
)
def test_what_cannot_be_edited_safely_is_said(text: str) -> None:
    with pytest.raises(TomlEditError):
        append(text, {TABLE: VALUES})


def test_the_refusal_shows_what_to_paste() -> None:
    with pytest.raises(TomlEditError, match=r"\[acquire\.stations\.MINGO05\.dat\]\nhost = \"mingo05\"\nport = 2222"):
        append("[acquire]\nstations = {}\n", {TABLE: VALUES})


def test_a_multi_line_text_that_looks_like_a_table_is_not_edited() -> None:
    text = 'data_dir = """\n[acquire.stations.MINGO05.dat]\nhost = "a"\n"""\n' + append("", {TABLE: VALUES})
    with pytest.raises(TomlEditError):
        replace(text, TABLE, {"host": "b"})
