"""Provenance columns and the file-level datasets shared by the environment sources (lab logs, ERA5, NMDB)."""

import pyarrow as pa

from warehouse.dataset import Column, Dataset

PROVENANCE = (
    Column("source", pa.string(), "`lab_log`, `era5_cds` or `nmdb_nest`", is_nullable=False),
    Column("source_file", pa.string(), "Path relative to the landing root", is_nullable=False),
    Column("file_sha256", pa.string(), "SHA-256 of the landing file, 64 hexadecimal digits", is_nullable=False),
    Column(
        "fetched_at", pa.timestamp("us"), "UTC time of the fetch, from the sidecar, else the file's modification time"
    ),
    Column("is_fetched_at_guessed", pa.bool_(), "True where `fetched_at` is the modification time", is_nullable=False),
    Column("parser_version", pa.int32(), "Version of the extractor's rules", is_nullable=False),
)
LINE_NUMBER = Column("line_number", pa.int64(), "Physical line in the source file, from 1; NULL for binary sources")

ENV_FILE = Dataset(
    name="env_file",
    description="One row per landing file of an environment source; written last, it is the commit mark of the file.",
    key=("source_file", "file_sha256"),
    columns=(
        *PROVENANCE,
        Column("station_id", pa.int8(), "Station, NULL for NMDB"),
        Column("kind", pa.string(), "Log kind, ERA5 product or NMDB dtype"),
        Column("file_date_from", pa.date32(), "First UTC day in the file"),
        Column("file_date_to", pa.date32(), "Last UTC day in the file"),
        Column("file_size_bytes", pa.int64(), "Size of the landing file, bytes", is_nullable=False),
        Column("remote_folder", pa.string(), "Lab logs: `top` or `done`"),
        Column("remote_modified_at", pa.timestamp("us"), "UTC modification time at the source, from the sidecar"),
        Column("extracted_at", pa.timestamp("us"), "UTC time of the extraction", is_nullable=False),
        Column("n_lines", pa.int64(), "Physical lines, 0 for binary sources", is_nullable=False),
        Column("n_blank", pa.int64(), "Blank lines", is_nullable=False),
        Column("n_header", pa.int64(), "Header, comment and column lines", is_nullable=False),
        Column("n_ok", pa.int64(), "Complete lines (ERA5: hours or hour-levels)", is_nullable=False),
        Column("n_short", pa.int64(), "Lines accepted although short", is_nullable=False),
        Column("n_rejects", pa.int64(), "Rejected lines (ERA5: rejected hours or variables)", is_nullable=False),
        Column("n_pending_tail", pa.int64(), "1 where the last line was still being written", is_nullable=False),
        Column("status", pa.string(), "`ok`, `empty_file`, `superseded` or `rejected`", is_nullable=False),
        Column("detail", pa.string(), "Reason of a rejection, warnings"),
        Column("terms_text", pa.string(), "Header text with the terms of use (NMDB)"),
    ),
)

ENV_REJECT = Dataset(
    name="env_reject",
    description="One row per rejected line, hour or file of an environment source.",
    key=("source_file", "file_sha256", "line_number", "line_text"),
    columns=(
        *PROVENANCE,
        LINE_NUMBER,
        Column("station_id", pa.int8(), "Station, NULL for NMDB"),
        Column("kind", pa.string(), "Log kind, ERA5 product or NMDB dtype"),
        Column(
            "line_text",
            pa.string(),
            "First 1,024 bytes, other than printable ASCII as \\xNN; ERA5: variable, hour, level",
        ),
        Column("reason", pa.string(), "Reason word", is_nullable=False),
        Column("detail", pa.string(), "What exactly was wrong"),
    ),
)

DATASETS = (ENV_FILE, ENV_REJECT)
