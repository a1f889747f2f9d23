"""Reanalysis answers in the layout delivered today: netCDF-4, ``valid_time``, ``expver``, 3 x 3 points."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from simulate.config import NetworkConfig, StationConfig
from simulate.environment import DAY_S, LEVELS_HPA, Weather, make_weather, n_whole_days, unix_start
from simulate.landing import land, utc

STANDARD_GRAVITY = 9.80665
STEP_DEG = 0.25
BOX_OFFSET_K = np.arange(-4, 5).reshape(3, 3) / 10.0
"""Differences of the nine points from their mean: the box mean is the true value."""

FETCHED_AFTER_DAYS = 100
PROFILE_BLOCK_DAYS = 16
DATASET = {
    "single": "reanalysis-era5-single-levels",
    "pl100": "reanalysis-era5-pressure-levels",
    "profile": "reanalysis-era5-pressure-levels",
}
ERA5_MINUS_STATION_HPA = 2.0
ATTRIBUTES = {
    "t2m": ("2 metre temperature", "K"),
    "sp": ("Surface pressure", "Pa"),
    "t": ("Temperature", "K"),
    "z": ("Geopotential", "m**2 s**-2"),
}
Fields = dict[str, NDArray[np.float64]]


def blocks(start: datetime, n_days: int, longest: int) -> list[tuple[datetime, int]]:
    """First day and length of each request: blocks of ``longest`` days from the first of each month."""
    found: list[tuple[datetime, int]] = []
    for offset in range(n_days):
        day = start + timedelta(days=offset)
        if not found or (day.day - 1) % longest == 0:
            found.append((day, 1))
        else:
            found[-1] = (found[-1][0], found[-1][1] + 1)
    return found


def height_100hpa_m(weather: Weather, station: StationConfig) -> NDArray[np.float64]:
    """Geopotential height of 100 hPa on the weather's grid: a warmer air column is thicker (29.3 m per K and ln p)."""
    thickness = 29.27 * np.log(station.reference_pressure_hpa / 100.0)
    height: NDArray[np.float64] = 16_200.0 + thickness * (weather.temp_mass_k - weather.temp_mass_ref_k)
    return height


def product_fields(
    product: str, weather: Weather, station: StationConfig, time_s: NDArray[np.float64]
) -> tuple[Fields, NDArray[np.float64] | None]:
    """True box means of the variables of a product, shape (hours,) or (hours, levels), and the levels (hPa)."""

    def at(series: NDArray[np.float64]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = np.interp(time_s, weather.time_s, series)
        return values

    if product == "single":
        surface_pa = 100.0 * (at(weather.pressure_hpa) + ERA5_MINUS_STATION_HPA)
        return {"t2m": at(weather.temp_ground_k), "sp": surface_pa}, None
    step = np.searchsorted(weather.profile_time_s, time_s)
    if product == "profile":
        return {"t": weather.profile_k[step]}, LEVELS_HPA
    level = int(np.flatnonzero(LEVELS_HPA == 100.0)[0])
    temp_k = np.interp(time_s, weather.profile_time_s, weather.profile_k[:, level])
    height_m = at(height_100hpa_m(weather, station))
    return {"t": temp_k[:, None], "z": height_m[:, None] * STANDARD_GRAVITY}, np.array([100.0])


def write_netcdf(
    path: Path, station: StationConfig, time_s: NDArray[np.float64], fields: Fields, levels: NDArray[np.float64] | None
) -> None:
    """Write one answer with float32 values on a 3 x 3 box around the station."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as answer:
        answer.setncatts({"Conventions": "CF-1.7", "institution": "European Centre for Medium-Range Weather Forecasts"})
        axes: dict[str, tuple[str, NDArray[Any], dict[str, str]]] = {
            "valid_time": (
                "i8",
                time_s.astype(np.int64),
                {"standard_name": "time", "units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"},
            ),
            "pressure_level": ("f8", np.empty(0) if levels is None else levels[::-1], {"units": "hPa"}),
            "latitude": ("f8", station.latitude_deg + STEP_DEG * np.array([1, 0, -1]), {"units": "degrees_north"}),
            "longitude": ("f8", station.longitude_deg + STEP_DEG * np.array([-1, 0, 1]), {"units": "degrees_east"}),
        }
        if levels is None:
            del axes["pressure_level"]
        for name, (kind, values, attributes) in axes.items():
            answer.createDimension(name, len(values))
            answer.createVariable(name, kind, (name,))[:] = values
            answer[name].setncatts(attributes)
        answer.createVariable("number", "i8", ())[...] = 0
        expver = answer.createVariable("expver", str, ("valid_time",))
        expver[:] = np.array(["0001"] * len(time_s), dtype=object)
        for name, mean in fields.items():
            ordered = mean if levels is None else mean[:, ::-1]
            unit = 100.0 if name == "sp" else 1.0
            box = ordered[..., None, None] + BOX_OFFSET_K * unit
            variable = answer.createVariable(name, "f4", tuple(axes), zlib=True, complevel=1, fill_value=np.nan)
            variable[:] = box.astype(np.float32)
            variable.setncatts({"long_name": ATTRIBUTES[name][0], "units": ATTRIBUTES[name][1]})
            variable.setncattr("coordinates", "number valid_time latitude longitude expver")


def write_era5(config: NetworkConfig, station: StationConfig, landing: Path) -> list[Path]:
    """Write the answers of the three products into ``landing/era5/station=<n>/<product>``."""
    weather = make_weather(config, station)
    written = []
    for product, dataset in DATASET.items():
        step_s = 10_800 if product == "profile" else 3600
        longest = PROFILE_BLOCK_DAYS if product == "profile" else 31
        for first, n_days in blocks(config.start, n_whole_days(config), longest):
            begin = unix_start(config) + (first - config.start).days * DAY_S
            time_s = np.arange(begin, begin + n_days * DAY_S, step_s, dtype=np.float64)
            fields, levels = product_fields(product, weather, station, time_s)
            last = utc(begin + (n_days - 1) * DAY_S)
            fetched = last + timedelta(days=FETCHED_AFTER_DAYS, hours=6)
            folder = landing / "era5" / f"station={station.station_id}" / product
            path = folder / f"{product}_{first:%Y%m%d}_{last:%Y%m%d}_{fetched:%Y%m%dT%H%M%SZ}.nc"
            with TemporaryDirectory() as scratch:
                temporary = Path(scratch) / "answer.nc"
                write_netcdf(temporary, station, time_s, fields, levels)
                content = temporary.read_bytes()
            land(
                path,
                content,
                source="era5_cds",
                host="cds.climate.copernicus.eu",
                remote_path=None,
                modified_at=None,
                fetched_at=fetched,
                request=_request(station, dataset, list(fields), levels, time_s),
                http_status=200,
            )
            written.append(path)
    return written


def _request(
    station: StationConfig,
    dataset: str,
    variables: list[str],
    levels: NDArray[np.float64] | None,
    time_s: NDArray[np.float64],
) -> dict[str, Any]:
    moments = [utc(t) for t in time_s.tolist()]
    north, west = station.latitude_deg + STEP_DEG, station.longitude_deg - STEP_DEG
    request: dict[str, Any] = {
        "dataset": dataset,
        "product_type": ["reanalysis"],
        "variable": [ATTRIBUTES[name][0].lower().replace(" ", "_").replace("2_metre", "2m") for name in variables],
        "year": f"{moments[0]:%Y}",
        "month": f"{moments[0]:%m}",
        "day": sorted({f"{moment:%d}" for moment in moments}),
        "time": sorted({f"{moment:%H}:00" for moment in moments}),
        "area": [round(v, 4) for v in (north, west, north - 2 * STEP_DEG, west + 2 * STEP_DEG)],
        "data_format": "netcdf",
        "download_format": "unarchived",
    }
    if levels is not None:
        request["pressure_level"] = [f"{level:.0f}" for level in levels]
    return request
