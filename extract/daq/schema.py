"""The lake datasets of the detector files and of the logbook, the column map of a row, the words for rejected lines."""

from typing import NamedTuple

import pyarrow as pa

from warehouse.dataset import Column, Dataset

PARSER_VERSION = 1
"""Raised by hand with any change of a parsing rule; part of every lake file name."""

N_COLUMNS = 71
N_HEADER_COLUMNS = 7
N_VALUES = 64

RAW_TT = (0, 1, 2, 3, 4, 12, 13, 14, 23, 24, 34, 123, 124, 134, 234, 1234)
"""The plane combinations in the order of the topology counters: digits of the planes with charge, ascending."""

REJECT_REASONS = {
    "blank": "Nothing but white space",
    "over_long_line": "Longer than the limit of bytes without a line feed",
    "non_text": "A byte that is neither printable ASCII nor white space",
    "truncated": "Fewer than 71 tokens",
    "extra_columns": "More than 71 tokens",
    "bad_date": "The first six tokens are not a calendar date and time of 2000 to 2099",
    "malformed_number": "The trigger type or a value is not a plain decimal number",
    "non_finite": "A value is not a number, infinite, or beyond the range of float32",
    "x_joined": "Rows joined by a lost line feed of which nothing could be recovered, or a piece of such a row",
    "no_reference_time": "HLD event without a leading edge in the reference channel",
    "no_tdc_header": "HLD event without a TDC header followed by an epoch word",
    "hld_truncated": "HLD event cut by the end of the file",
}
"""Reasons of `raw_reject`; the seed `raw_reject_reason` holds the same words."""

HLD_REJECT_REASONS = ("no_reference_time", "no_tdc_header", "hld_truncated")
TEXT_REJECT_REASONS = tuple(reason for reason in REJECT_REASONS if reason not in HLD_REJECT_REASONS)


def column_index(plane: int, strip: int, side: str, quantity: str) -> int:
    """Index (0-based) in a row of one value: ``plane`` and ``strip`` 1..4, ``side`` front or back, ``quantity`` T or Q.

    The acquisition numbers its layers from the bottom, so the first block of 16 values is plane 4.
    """
    k = 2 * ("TQ".index(quantity)) + ("front", "back").index(side)
    return N_HEADER_COLUMNS + 16 * (4 - plane) + 4 * k + (strip - 1)


class MappedColumn(NamedTuple):
    """What one value column of a row holds (a row of the seed `raw_column_map`)."""

    column_index: int
    plane: int
    strip: int
    side: str
    quantity: str
    tdc_channel: int


def _mapped(plane: int, strip: int, side: str, quantity: str) -> MappedColumn:
    channel = 32 - 8 * (4 - plane) - 4 * ("front", "back").index(side) - (strip - 1)
    return MappedColumn(column_index(plane, strip, side, quantity), plane, strip, side, quantity, channel)


COLUMN_MAP = tuple(
    sorted(
        _mapped(plane, strip, side, quantity)
        for plane in (1, 2, 3, 4)
        for strip in (1, 2, 3, 4)
        for side in ("front", "back")
        for quantity in ("T", "Q")
    )
)
"""The 64 value columns in the order of the row, columns 7..70."""


def lake_file_name(base_name: str, content_sha256: str, parser_version: int = PARSER_VERSION) -> str:
    """Name of the lake files of one content of one raw file, the same in every dataset."""
    return f"{base_name}-{content_sha256[:12]}-p{parser_version}.parquet"


def _column(name: str, kind: pa.DataType, description: str) -> Column:
    return Column(name, kind, description, is_nullable=False)


_TIME = pa.timestamp("us")
_COUNT = pa.int32()
_COUNTS = pa.list_(pa.int32())

_FILE_ID = _column("file_id", pa.int64(), "Station times 10^11 plus the 11 digits of the file name")
_STATION_ID = _column("station_id", pa.int8(), "Station, 1..9 real, 0 simulated")
_EVENT_NUMBER = _column("event_number", pa.int32(), "Physical line number in the file, from 1 (HLD: event ordinal)")

RAW_EVENT = Dataset(
    name="raw_event",
    description="One row per event of a detector file, as it stands in the file.",
    key=("file_id", "event_number"),
    columns=(
        _FILE_ID,
        _EVENT_NUMBER,
        _STATION_ID,
        _column("event_time", _TIME, "Event builder time, whole seconds, UTC"),
        _column("trigger_type", pa.int8(), "As in the file: 1 coincidence, 2 self-trigger"),
        _column("raw_tt", pa.int16(), "Planes with any charge, digits ascending, 0 if none"),
        _column("n_hits", pa.int8(), "Rows of the event in `raw_hit`, 0..16"),
        Column("recovery", pa.string(), "`glued_negative`, `x_prefix` or `x_joined` where the line was repaired"),
        _column("is_duplicate", pa.bool_(), "An earlier row of the file has the same time, type and values"),
        _column("is_time_backwards", pa.bool_(), "Earlier than the latest time seen before it in the file"),
        _column("is_time_far", pa.bool_(), "Further from the time in the file name than the limit"),
    ),
)

RAW_HIT = Dataset(
    name="raw_hit",
    description="One row per event and strip with any value.",
    key=("file_id", "event_number", "plane", "strip"),
    columns=(
        _FILE_ID,
        _EVENT_NUMBER,
        _column("plane", pa.int8(), "Plane 1..4, 1 on top"),
        _column("strip", pa.int8(), "Strip 1..4 as cabled, no swap applied"),
        Column(
            "t_front_ns", pa.float32(), "Leading edge at the front end relative to the reference, ns; NULL for zero"
        ),
        Column("t_back_ns", pa.float32(), "Leading edge at the back end relative to the reference, ns; NULL for zero"),
        Column("q_front_ns", pa.float32(), "Pulse width at the front end, ns; NULL for zero"),
        Column("q_back_ns", pa.float32(), "Pulse width at the back end, ns; NULL for zero"),
    ),
)

RAW_REJECT = Dataset(
    name="raw_reject",
    description="One row per rejected line, and per left-over piece of a recovered line.",
    key=("file_id", "line_number", "fragment_number"),
    columns=(
        _FILE_ID,
        _STATION_ID,
        _column("line_number", pa.int32(), "Physical line number, from 1 (HLD: event ordinal)"),
        _column("fragment_number", pa.int16(), "0 for a whole line, 1.. for the pieces of a recovered line"),
        _column("is_fragment", pa.bool_(), "True for a piece of a line whose event was recovered"),
        _column("reason", pa.string(), "Word of the seed `raw_reject_reason`"),
        Column("detail", pa.string(), "Index and text of the bad token, number of tokens, `complete_row`"),
        _column("n_tokens", _COUNT, "Tokens of the line or piece (HLD: words of the event)"),
        _column("n_bytes", _COUNT, "Bytes of the line or piece without its line feed (HLD: of the event)"),
        _column(
            "line_text",
            pa.string(),
            "First 1,024 bytes, other than printable ASCII as \\xNN (HLD: first 64 words, hexadecimal)",
        ),
    ),
)

_HLD_COLUMNS = (
    Column("n_hld_empty", _COUNT, "HLD: empty events, not numbered; NULL for text"),
    Column("n_hld_other_id", _COUNT, "HLD: records that are no events; NULL for text"),
    Column("n_hld_resync", _COUNT, "HLD: searches for the next event header; NULL for text"),
    Column("n_hld_other_offset", _COUNT, "HLD: events whose TDC data start elsewhere; NULL for text"),
    Column("n_hld_type_mismatch", _COUNT, "HLD: events whose two trigger types differ; NULL for text"),
    Column("n_hld_fine_over", _COUNT, "HLD: edges with a fine code above 1000; NULL for text"),
    Column("hld_limits_source", pa.string(), "HLD: `file`, `pooled` or `seed`; NULL for text"),
    Column("detail_hld", pa.string(), "HLD: channels that took the common fine-time limits; NULL for text"),
)

RAW_FILE = Dataset(
    name="raw_file",
    description="One row per content version of a detector file; written last, it is the commit mark of the file.",
    key=("file_id", "content_sha256", "source_kind"),
    columns=(
        _FILE_ID,
        _STATION_ID,
        _column("base_name", pa.string(), "Canonical name, `mi0` + station + 11 digits"),
        _column("file_name", pa.string(), "Name as fetched"),
        _column("source_file", pa.string(), "Path relative to the landing root"),
        _column("source_kind", pa.string(), "`dat` or `hld`"),
        _column("container", pa.string(), "`plain`, `gz` or `tar_gz`, by content"),
        _column("start_time", _TIME, "Time in the file name, UTC"),
        Column("remote_modified_at", _TIME, "Modification time at the source, UTC"),
        Column("fetched_at", _TIME, "Time of the fetch, UTC; NULL without a sidecar"),
        _column("extracted_at", _TIME, "Time of this extraction, UTC"),
        _column(
            "content_sha256", pa.string(), "SHA-256 of the decompressed content (of the file if it cannot be opened)"
        ),
        _column("content_size_bytes", pa.int64(), "Size of the decompressed content, bytes"),
        _column("file_sha256", pa.string(), "SHA-256 of the landing file"),
        _column("file_size_bytes", pa.int64(), "Size of the landing file, bytes"),
        _column("parser_version", pa.int32(), "Version of the parsing rules"),
        _column("status", pa.string(), "`ok`, `ok_with_rejects`, `no_events`, or why nothing was read"),
        _column("version_number", pa.int16(), "1, or n of a name ending in `~n`"),
        _column("is_current", pa.bool_(), "As known at extraction; settled over all versions in staging"),
        Column("duplicate_of_file_id", pa.int64(), "The file that holds the same content"),
        Column("param_hash", pa.string(), "Hash of the simulation parameters, from the first comment naming one"),
        _column("n_lines", _COUNT, "Physical lines"),
        _column("n_events", _COUNT, "Rows in `raw_event`"),
        _column("n_rejects", _COUNT, "Rejected lines"),
        _column("n_comments", _COUNT, "Comment lines"),
        _column("n_fragments", _COUNT, "Left-over pieces of recovered lines"),
        *(_column(f"n_reject_{reason}", _COUNT, f"Lines rejected as `{reason}`") for reason in TEXT_REJECT_REASONS),
        _column("n_reject_hld", _COUNT, "HLD events rejected, all reasons"),
        _column("n_recovered_glued", _COUNT, "Events recovered from glued negative values"),
        _column("n_recovered_x_prefix", _COUNT, "Events recovered from rows with an X before the year"),
        _column("n_recovered_x_joined", _COUNT, "Events recovered from joined rows"),
        _column("n_duplicate", _COUNT, "Events with `is_duplicate`"),
        _column("n_time_backwards", _COUNT, "Events with `is_time_backwards`"),
        _column("max_backward_s", _COUNT, "Largest step back in time, s"),
        _column("n_time_far", _COUNT, "Events with `is_time_far`"),
        Column("first_event_time", _TIME, "Earliest event time that is not far, UTC"),
        Column("last_event_time", _TIME, "Latest event time that is not far, UTC"),
        _column("n_type_1", _COUNT, "Events of trigger type 1, coincidence"),
        _column("n_type_2", _COUNT, "Events of trigger type 2, self-trigger"),
        _column("n_type_other", _COUNT, "Events of any other trigger type"),
        _column(
            "n_by_raw_tt_type_1", _COUNTS, "Type 1 events by raw_tt: 0 1 2 3 4 12 13 14 23 24 34 123 124 134 234 1234"
        ),
        _column("n_by_raw_tt_type_2", _COUNTS, "Type 2 events by raw_tt, order as for type 1"),
        _column("n_nonzero_by_channel", _COUNTS, "Values other than zero, in the order of columns 7..70"),
        _column("n_hits", _COUNT, "Rows in `raw_hit`"),
        _column("n_no_trailing", _COUNT, "Strip ends whose charge is minus their time: no trailing edge"),
        _column("n_no_leading", _COUNT, "Strip ends with charge and no time: no leading edge"),
        *_HLD_COLUMNS,
    ),
)

_LOGBOOK_SOURCE = (
    _column("source_file", pa.string(), "Path relative to the landing root"),
    _column("file_sha256", pa.string(), "SHA-256 of the landing file"),
    _column("fetched_at", _TIME, "Time of the fetch, from the file name, UTC"),
    _column("row_number", _COUNT, "Row of the sheet, from 1; the two header rows are 1 and 2"),
)

LOGBOOK = Dataset(
    name="logbook",
    description="Station configurations from the newest logbook fetched on a day.",
    key=("source_file", "row_number"),
    columns=(
        _STATION_ID,
        _column("conf_number", pa.float64(), "Configuration number, increasing"),
        _column("valid_from", pa.date32(), "First day, inclusive"),
        Column("valid_to", pa.date32(), "Last day, inclusive; NULL while it still runs"),
        *(Column(f"z_plane_{p}_mm", pa.float64(), f"Height of plane {p}, mm, downward") for p in (1, 2, 3, 4)),
        Column("lead_over_1_mm", pa.float64(), "Lead above plane 1, mm"),
        Column("lead_12_mm", pa.float64(), "Lead between planes 1 and 2, mm"),
        Column("lead_23_mm", pa.float64(), "Lead between planes 2 and 3, mm"),
        Column("lead_34_mm", pa.float64(), "Lead between planes 3 and 4, mm"),
        *(Column(f"trigger_{n}", pa.int32(), f"Plane combination {n} of the trigger, e.g. 12") for n in (1, 2, 3, 4)),
        Column("phi_north_deg", pa.float64(), "Azimuth of the x axis from north, degrees"),
        Column("city", pa.string(), "Site"),
        Column("comment", pa.string(), "Free text"),
        *_LOGBOOK_SOURCE,
    ),
)

LOGBOOK_REJECT = Dataset(
    name="logbook_reject",
    description="Rejected rows of the logbook, and warnings about single values of accepted rows.",
    key=("source_file", "row_number", "reason", "detail"),
    columns=(
        _STATION_ID,
        _column("is_warning", pa.bool_(), "True where the row was kept and only a value became NULL"),
        _column("reason", pa.string(), "`bad_station`, `wrong_station`, `bad_conf`, `bad_start`, ...; `bad_number`"),
        Column("detail", pa.string(), "Column and text that could not be read"),
        _column("row_text", pa.string(), "The row as comma-separated text, first 1,024 characters"),
        *_LOGBOOK_SOURCE,
    ),
)

DATASETS = (RAW_EVENT, RAW_HIT, RAW_REJECT, RAW_FILE, LOGBOOK, LOGBOOK_REJECT)
