"""Hostile archives: each is refused with its status within 5 s and 256 MiB, and nothing is written anywhere.

Each file is read by a process of its own under limits of the kernel: beyond 5 s of processor time it is killed, beyond
256 MiB of address space an allocation fails.
"""

import gzip
import json
import os
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from extract.daq.limits import MIB
from tests.conftest import ROOT
from tests.unit.daq.test_container import archive, member

STEM = "mi0125161140327"
CPU_S, MEMORY_BYTES = 5, 256 * MIB
BOMB_MIB = 10 * 1024
TEXT = b"2025 06 10 14 03 27 0 0\n"
READER = """
import json, resource, sys
from pathlib import Path
cpu_s, n_bytes = int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from extract.daq.container import open_content
from extract.daq.name import parse_name
path = Path(sys.argv[1])
content = open_content(path, parse_name(path.name))
print(json.dumps([content.status, content.detail]))
"""


def read(path: Path) -> tuple[str, str]:
    """Status and detail of a file read under the limits, by a process that cannot write a byte."""
    before = sorted(path.parent.rglob("*"))
    result = subprocess.run(
        [sys.executable, "-c", READER, str(path), str(CPU_S), str(MEMORY_BYTES)],
        cwd=path.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, f"{result.returncode}: {result.stderr[-2000:]}"
    assert sorted(path.parent.rglob("*")) == before
    status, detail = json.loads(result.stdout)
    return status, detail


def header(size: int, kind: bytes = tarfile.REGTYPE, name: str = f"{STEM}.dat") -> bytes:
    """The header of one member, as large as it says it is."""
    return member(name, kind, size=size).tobuf(tarfile.GNU_FORMAT)


def with_path(name: str) -> bytes:
    return archive((member(name), TEXT))


def with_link(kind: bytes, target: str = "/etc/passwd") -> bytes:
    return archive((member(f"{STEM}.dat", kind, linkname=target), b""))


def with_sparse_map() -> bytes:
    info = member(f"{STEM}.dat")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 62)}
    return archive((info, b"1\n0\n1\n".ljust(512, b"\0") + TEXT), form=tarfile.PAX_FORMAT)


def with_pax_header(text: bytes) -> bytes:
    return archive((member("pax", tarfile.XHDTYPE), text), (member(f"{STEM}.dat"), TEXT))


UNSAFE, BROKEN, LARGE = "container_unsafe", "bad_container", "too_large"
ARCHIVES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "absolute path": (UNSAFE, lambda: with_path(f"//etc/{STEM}.dat")),
    "path upwards": (UNSAFE, lambda: with_path(f"../../{STEM}.dat")),
    "path upwards in the middle": (UNSAFE, lambda: with_path(f"a/../../{STEM}.dat")),
    "drive letter": (UNSAFE, lambda: with_path(f"C:/{STEM}.dat")),
    "backslash": (UNSAFE, lambda: with_path(f"..\\{STEM}.dat")),
    "GNU long name upwards": (UNSAFE, lambda: with_path("../" * 80 + f"{STEM}.dat")),
    "symbolic link": (UNSAFE, lambda: with_link(tarfile.SYMTYPE)),
    "hard link": (UNSAFE, lambda: with_link(tarfile.LNKTYPE)),
    "character device": (UNSAFE, lambda: with_link(tarfile.CHRTYPE)),
    "block device": (UNSAFE, lambda: with_link(tarfile.BLKTYPE)),
    "FIFO": (UNSAFE, lambda: with_link(tarfile.FIFOTYPE)),
    "header text of 8 GiB": (UNSAFE, lambda: header(8 << 30, tarfile.XHDTYPE) + bytes(MIB)),
    "long name of 8 GiB": (UNSAFE, lambda: header(8 << 30, tarfile.GNUTYPE_LONGNAME) + bytes(MIB)),
    "path upwards in a PAX header": (UNSAFE, lambda: with_pax_header(b"22 path=../../../etc/\n")),
    "17 members": (LARGE, lambda: archive(*((member(f"folder{k}", tarfile.DIRTYPE), b"") for k in range(17)))),
    "two files": (BROKEN, lambda: archive((member(f"{STEM}.dat"), TEXT), (member(f"{STEM}.hld"), TEXT))),
    "no file": (BROKEN, lambda: archive((member("folder", tarfile.DIRTYPE), b""))),
    "another file": (BROKEN, lambda: with_path("mi0225161140327.dat")),
    "no name of ours": (BROKEN, lambda: with_path("passwd")),
    "cut member": (BROKEN, lambda: header(8192) + TEXT),
    "8 EiB announced": (BROKEN, lambda: header((1 << 63) - 1) + TEXT.ljust(512, b"\0")),
    "sparse file": (BROKEN, lambda: header(1024, tarfile.GNUTYPE_SPARSE) + bytes(2048)),
    "sparse file of 4 EiB in a PAX header": (BROKEN, with_sparse_map),
    "PAX header of no length": (BROKEN, lambda: with_pax_header(b"0 path=x\n")),
    "PAX size of no number": (BROKEN, lambda: with_pax_header(b"12 size=-10\n")),
    "more behind the end": (BROKEN, lambda: with_path(f"{STEM}.dat") + b"more"),
    "gzip inside gzip": (BROKEN, lambda: gzip.compress(TEXT)),
    "zip inside gzip": (BROKEN, lambda: b"PK\x03\x04" + bytes(600)),
}


@pytest.mark.parametrize("case", ARCHIVES)
@pytest.mark.parametrize("suffix", [".dat.tar.gz", ".hld.tar.gz"])
def test_refused_with_its_status(tmp_path: Path, case: str, suffix: str) -> None:
    status, make = ARCHIVES[case]
    path = tmp_path / f"{STEM}{suffix}"
    path.write_bytes(gzip.compress(make(), 1))
    assert read(path)[0] == status


@pytest.mark.parametrize("n_bytes", [1, 9, 40, -1, -9])
def test_a_cut_file_is_refused(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / f"{STEM}.dat.tar.gz"
    whole = gzip.compress(with_path(f"{STEM}.dat"))
    path.write_bytes(whole[:n_bytes])
    assert read(path)[0] == (BROKEN if n_bytes != 1 else None)


def write_bomb(path: Path, piece: bytes, head: bytes = b"") -> float:
    """A gzip file of ``BOMB_MIB`` pieces of a MiB behind ``head``, made without packing each; the ratio of a piece."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    first = zlib.compressobj(9, wbits=-15)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first.compress(head) + first.flush(zlib.Z_FULL_FLUSH))
        for _ in range(BOMB_MIB):
            file.write(block)
        file.write(zlib.compressobj(9, wbits=-15).flush() + bytes(8))
    return len(piece) / len(block)


@pytest.mark.parametrize("suffix", [".dat.gz", ".dat.tar.gz", ".hld.tar.gz"])
def test_ten_gibibytes_in_ten_mebibytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"{STEM}{suffix}"
    name = f"{STEM}.hld" if "hld" in suffix else f"{STEM}.dat"
    write_bomb(path, bytes(MIB), b"" if suffix == ".dat.gz" else header(BOMB_MIB * MIB, name=name))
    assert path.stat().st_size < 11 * MIB
    status, detail = read(path)
    assert status == UNSAFE, detail


@pytest.mark.parametrize(("suffix", "status"), [(".dat.gz", LARGE), (".hld.tar.gz", UNSAFE)])
def test_a_bomb_below_the_first_ratio(tmp_path: Path, suffix: str, status: str) -> None:
    """Ratio 450, which a short file may have: the text ends at its limit of size, HLD at the ratio of large files."""
    path = tmp_path / f"{STEM}{suffix}"
    noise = Random(1).randbytes(1_100)
    assert 400 < write_bomb(path, noise + bytes(MIB - len(noise))) < 500
    found, detail = read(path)
    assert found == status, detail
