"""What an ERA5 answer is by its first bytes, and the gridded datasets inside."""

import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import netCDF4
import xarray as xr

MAX_MEMBERS = 256
MAX_UNPACKED_BYTES = 2 << 30
N_DETAIL_CHARACTERS = 500

_ZIP = b"PK\x03\x04"
_NETCDF4 = b"\x89HDF"
_CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_GRIB = b"GRIB"


class ContainerError(Exception):
    """Bytes that hold no readable grid; ``reason`` is the reason word, ``detail`` what is known about it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def tell_format(head: bytes) -> str | None:
    """`zip`, `netcdf4`, `classic` or `grib` by the first four bytes; None for anything else."""
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(_NETCDF4):
        return "netcdf4"
    if head.startswith(_CLASSIC):
        return "classic"
    return "grib" if head.startswith(_GRIB) else None


def open_members(content: bytes) -> Iterator[tuple[str, xr.Dataset | ContainerError]]:
    """The datasets of an answer with their member names (empty outside an archive), each in memory and decoded.

    A member that cannot be read is given as its error, so that the others can still be used.
    """
    if tell_format(content[:4]) != "zip":
        yield "", _open(content)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) > MAX_MEMBERS or sum(info.file_size for info in members) > MAX_UNPACKED_BYTES:
                yield "", ContainerError("too_large", f"{len(members)} members")
                return
            for info in members:
                try:
                    inner = archive.read(info)
                except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
                    yield info.filename, ContainerError("not_readable", f"{info.filename}: {error}")
                    continue
                yield info.filename, _open(inner)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        yield "", ContainerError("not_readable", str(error))


def _open(content: bytes) -> xr.Dataset | ContainerError:
    kind = tell_format(content[:4])
    if kind == "grib":
        return ContainerError("grib_support_missing", "GRIB answer; only netCDF is read")
    if kind not in ("netcdf4", "classic"):
        text = content[:N_DETAIL_CHARACTERS].decode("utf-8", errors="replace")
        return ContainerError("not_data", text or "empty file")
    try:
        with warnings.catch_warnings():
            # differing fill values and the like: what is missing is judged by the values
            warnings.simplefilter("ignore")
            return _open_netcdf4(content) if kind == "netcdf4" else _open_classic(content)
    except Exception as error:  # the libraries raise nearly everything on damaged bytes
        return ContainerError("not_readable", f"{type(error).__name__}: {error}"[:N_DETAIL_CHARACTERS])


def _open_netcdf4(content: bytes) -> xr.Dataset:
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf", decode_timedelta=False) as dataset:
        return dataset.load()


def _open_classic(content: bytes) -> xr.Dataset:
    handle = netCDF4.Dataset("memory", memory=content)
    try:
        store: Any = xr.backends.NetCDF4DataStore(handle)  # type: ignore[no-untyped-call]
        return xr.open_dataset(store, decode_timedelta=False).load()
    finally:
        handle.close()
