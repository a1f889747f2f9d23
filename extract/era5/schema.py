"""Lake datasets of ERA5: box means above a station, one row per hour, and one per hour and pressure level."""

import pyarrow as pa

from extract.provenance import PROVENANCE
from warehouse.dataset import Column, Dataset

SOURCE = "era5_cds"
FOLDER = "era5"
"""Word of the provenance and folder of landing."""

PARSER_VERSION = 1

_HEAD = (
    Column("station_id", pa.int8(), "Station", is_nullable=False),
    Column("valid_time", pa.timestamp("us"), "UTC hour, an instant", is_nullable=False),
)
_TAIL = (
    Column("expver", pa.int16(), "Experiment version of the service: 1 final, 5 preliminary, NULL not marked"),
    Column("is_final", pa.bool_(), "True for final data, by `finality_basis`", is_nullable=False),
    Column("finality_basis", pa.string(), "`expver`, or `age` (older than 100 days at the fetch)", is_nullable=False),
    Column("n_points", pa.int32(), "Grid points in the file", is_nullable=False),
    Column("n_points_valid", pa.int32(), "Grid points in the mean (the fewest of the row's values)", is_nullable=False),
    Column("lat_min_deg", pa.float64(), "Southern edge of the grid, deg", is_nullable=False),
    Column("lat_max_deg", pa.float64(), "Northern edge of the grid, deg", is_nullable=False),
    Column("lon_min_deg", pa.float64(), "Western edge of the grid, deg east", is_nullable=False),
    Column("lon_max_deg", pa.float64(), "Eastern edge of the grid, deg east", is_nullable=False),
    Column("product", pa.string(), "`single`, `pl100` or `profile`", is_nullable=False),
)

ERA5_SINGLE = Dataset(
    name="era5_single",
    description="ERA5 at the surface, mean over the grid box of the station.",
    key=("station_id", "valid_time", "file_sha256"),
    columns=(
        *_HEAD,
        Column("temp_ground_k", pa.float64(), "Temperature 2 m above ground, K"),
        Column("era5_surface_pressure_hpa", pa.float64(), "Pressure at the orography of the ERA5 grid, hPa"),
        *_TAIL,
        *PROVENANCE,
    ),
)

ERA5_LEVEL = Dataset(
    name="era5_level",
    description="ERA5 on pressure levels, mean over the grid box of the station.",
    key=("station_id", "valid_time", "pressure_level_hpa", "file_sha256"),
    columns=(
        *_HEAD,
        Column("pressure_level_hpa", pa.float64(), "Pressure level, hPa", is_nullable=False),
        Column("temp_k", pa.float64(), "Temperature, K"),
        Column("height_m", pa.float64(), "Geopotential height, m; NULL without geopotential"),
        *_TAIL,
        *PROVENANCE,
    ),
)

DATASETS = (ERA5_SINGLE, ERA5_LEVEL)
