"""The lake dataset with what the stations' servers have."""

import pyarrow as pa

from warehouse.dataset import Column, Dataset

REMOTE_FILE = Dataset(
    name="remote_file",
    description=(
        "One row per name in the newest listing of a day of a station's remote folder, with what was done about it;"
        " each run replaces the listing of its day."
    ),
    key=("source", "file_name"),
    columns=(
        Column("station_id", pa.int8(), "Station whose folder was listed", is_nullable=False),
        Column("source", pa.string(), "`dat`, `hld` or `log`", is_nullable=False),
        Column(
            "file_name",
            pa.string(),
            "Name as the server gives it, with `done/` before those of that folder; what is not printable as \\xNN",
            is_nullable=False,
        ),
        Column("file_size_bytes", pa.int64(), "Size there, bytes", is_nullable=False),
        Column("remote_modified_at", pa.timestamp("us"), "Modification time there, UTC"),
        Column("file_id", pa.int64(), "File id in the name of a detector file"),
        Column("base_name", pa.string(), "Base name of a detector file"),
        Column("start_time", pa.timestamp("us"), "Start time in the name of a detector file, UTC"),
        Column(
            "outcome",
            pa.string(),
            "What was done: `fetched`, `skipped` (held already), `waiting` (chosen, not fetched in this run),"
            " `too_fresh`, `empty_remote`, `wrong_station`, `bad_name`, `not_regular`, `too_large`, `not_included`,"
            " `out_of_window`, `has_text`, `implausible`, `vanished`, `failed`",
            is_nullable=False,
        ),
        Column("is_implausible", pa.bool_(), "HLD of unusual size or time to the next file", is_nullable=False),
        Column("host", pa.string(), "Name of the host in the settings", is_nullable=False),
        Column("directory", pa.string(), "Folder on the host", is_nullable=False),
        Column("listed_at", pa.timestamp("us"), "Time of the listing, UTC", is_nullable=False),
    ),
)

DATASETS = (REMOTE_FILE,)
