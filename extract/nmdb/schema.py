"""Lake dataset of the neutron monitors: one row per monitor and interval, also where the answer says null.

An NMDB answer belongs to no station. Its rows have no station partition; its rows of `env_file` and `env_reject`, which
are partitioned by station, lie in the partition ``station=0`` with ``station_id`` NULL.
"""

import pyarrow as pa

from extract.provenance import LINE_NUMBER, PROVENANCE
from warehouse.dataset import Column, Dataset

SOURCE = "nmdb_nest"
FOLDER = "nmdb"
"""Word of the provenance and folder of landing."""

PARSER_VERSION = 1

NMDB = Dataset(
    name="nmdb",
    description="Neutron monitor rates and pressures of NMDB, as answered.",
    key=("nm_code", "interval_start", "dtype", "file_sha256", "line_number"),
    partition=("date",),
    columns=(
        Column("nm_code", pa.string(), "Neutron monitor, code of NMDB", is_nullable=False),
        Column("interval_start", pa.timestamp("us"), "UTC start of the interval", is_nullable=False),
        Column("resolution_s", pa.int32(), "Length of the interval, s", is_nullable=False),
        Column("dtype", pa.string(), "`corr_for_efficiency`, `uncorrected` or `pressure_mbar`", is_nullable=False),
        Column("nm_table", pa.string(), "Table of NMDB: `revori` is revised where present, else original"),
        Column("rate_hz", pa.float64(), "Rate, counts/s; NULL for pressures"),
        Column("pressure_hpa", pa.float64(), "Station pressure, hPa; only for `pressure_mbar`"),
        Column("value_type", pa.string(), "Type as the answer calls it, for example `RCORR_E`"),
        Column("is_partial", pa.bool_(), "True where the interval ends after the fetch", is_nullable=False),
        Column("product", pa.string(), "`rate` or `baro`", is_nullable=False),
        *PROVENANCE,
        LINE_NUMBER,
    ),
)

DATASETS = (NMDB,)
