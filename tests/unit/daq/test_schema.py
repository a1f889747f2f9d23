"""The declarations: seeds and program say the same, and what the specification of a row says."""

import csv
from pathlib import Path

import pytest

from extract.daq.counters import Counters
from extract.daq.schema import (
    COLUMN_MAP,
    DATASETS,
    HLD_REJECT_REASONS,
    LOGBOOK,
    RAW_FILE,
    REJECT_REASONS,
    MappedColumn,
    column_index,
    lake_file_name,
)

SEEDS = Path(__file__).resolve().parents[3] / "seeds"

# First column of each quantity and the TDC channels of strips 1..4, by block (plane) and side.
ROW_MAP = [
    (4, "front", 7, 15, (32, 31, 30, 29)),
    (4, "back", 11, 19, (28, 27, 26, 25)),
    (3, "front", 23, 31, (24, 23, 22, 21)),
    (3, "back", 27, 35, (20, 19, 18, 17)),
    (2, "front", 39, 47, (16, 15, 14, 13)),
    (2, "back", 43, 51, (12, 11, 10, 9)),
    (1, "front", 55, 63, (8, 7, 6, 5)),
    (1, "back", 59, 67, (4, 3, 2, 1)),
]


def read_seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("plane", "side", "first_t", "first_q", "channels"), ROW_MAP)
def test_column_map(plane: int, side: str, first_t: int, first_q: int, channels: tuple[int, ...]) -> None:
    by_index = {column.column_index: column for column in COLUMN_MAP}
    for strip in (1, 2, 3, 4):
        for quantity, first in (("T", first_t), ("Q", first_q)):
            index = first + strip - 1
            assert column_index(plane, strip, side, quantity) == index
            assert by_index[index] == MappedColumn(index, plane, strip, side, quantity, channels[strip - 1])


def test_column_map_is_complete() -> None:
    assert [column.column_index for column in COLUMN_MAP] == list(range(7, 71))


def test_column_map_seed() -> None:
    rows = read_seed("raw_column_map")
    assert [tuple(row.values()) for row in rows] == [tuple(map(str, column)) for column in COLUMN_MAP]
    assert tuple(rows[0]) == MappedColumn._fields


def test_reason_seed() -> None:
    rows = read_seed("raw_reject_reason")
    assert {row["reason"]: row["description"] for row in rows} == REJECT_REASONS
    counters = {column.name for column in RAW_FILE.columns}
    for row in rows:
        assert row["counter"] in counters
        assert row["source_kind"] == ("hld" if row["reason"] in HLD_REJECT_REASONS else "dat")


def test_station_configuration_seed() -> None:
    rows = read_seed("station_configuration")
    logbook = [column.name for column in LOGBOOK.columns]
    assert list(rows[0]) == logbook[: len(rows[0])]
    heights = {
        (row["station_id"], row["conf_number"], row["valid_from"], row["valid_to"]): tuple(
            row[f"z_plane_{plane}_mm"] for plane in (1, 2, 3, 4)
        )
        for row in rows
    }
    assert heights == {
        ("0", "0", "2020-01-01", ""): ("0", "150", "300", "450"),
        ("1", "12", "2024-04-24", "2024-09-16"): ("0", "100", "200", "400"),
        ("1", "13", "2024-09-16", "2024-11-01"): ("0", "65", "130", "195"),
        ("1", "14", "2024-11-01", "2025-02-17"): ("0", "145", "290", "435"),
    }
    assert {tuple(row[f"trigger_{n}"] for n in (1, 2, 3, 4)) for row in rows} == {("12", "23", "34", "13")}


def test_counters_are_columns() -> None:
    assert set(vars(Counters())) <= {column.name for column in RAW_FILE.columns}


def test_keys_are_columns() -> None:
    for dataset in DATASETS:
        assert set(dataset.key) <= set(dataset.schema.names), dataset.name


RAW_FILE_NAMES = """
    file_id station_id base_name file_name source_file source_kind container
    start_time remote_modified_at fetched_at extracted_at
    content_sha256 content_size_bytes file_sha256 file_size_bytes parser_version status version_number
    is_current duplicate_of_file_id param_hash n_lines n_events n_rejects n_comments n_fragments
    n_reject_blank n_reject_over_long_line n_reject_non_text n_reject_truncated n_reject_extra_columns
    n_reject_bad_date n_reject_malformed_number n_reject_non_finite n_reject_x_joined n_reject_hld
    n_recovered_glued n_recovered_x_prefix n_recovered_x_joined
    n_duplicate n_time_backwards max_backward_s n_time_far first_event_time last_event_time
    n_type_1 n_type_2 n_type_other n_by_raw_tt_type_1 n_by_raw_tt_type_2 n_nonzero_by_channel
    n_hits n_no_trailing n_no_leading
    n_hld_empty n_hld_other_id n_hld_resync n_hld_other_offset n_hld_type_mismatch n_hld_fine_over
    hld_limits_source detail_hld
"""


def test_names_of_raw_file() -> None:
    assert RAW_FILE.schema.names == RAW_FILE_NAMES.split()


def test_lake_file_name() -> None:
    assert lake_file_name("mi0125161140327", "58736d9276d45fe3", 3) == "mi0125161140327-58736d9276d4-p3.parquet"
