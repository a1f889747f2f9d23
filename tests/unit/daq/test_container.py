"""Containers: one content in three forms, limits that hold while reading, archives that are refused."""

import gzip
import hashlib
import io
import resource
import tarfile
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.container import open_content
from extract.daq.limits import MIB, Limits
from extract.daq.parser import parse_dat
from extract.daq.tar import MAX_HEADER_BYTES
from tests.unit.daq.rows import GOLDEN_NAME, GOLDEN_SHA256, golden_file, name_of

STEM = GOLDEN_NAME.removesuffix(".dat")
GOLDEN = golden_file()
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def member(name: str, kind: bytes = tarfile.REGTYPE, **attributes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def archive(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tar_gz(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    return gzip.compress(archive(*members, form=form))


def status_of(folder: Path, content: bytes, suffix: str = ".dat.tar.gz", limits: Limits | None = None) -> str:
    path = folder / f"{STEM}{suffix}"
    path.write_bytes(content)
    before = sorted(folder.rglob("*"))
    result = parse_dat(path, limits=limits or Limits())
    assert sorted(folder.rglob("*")) == before, "reading must not write"
    if result.status in ("bad_container", "container_unsafe", "too_large"):
        assert result.facts
        assert result.facts.content_sha256 == hashlib.sha256(content).hexdigest()
        assert (len(result.events), result.counters.n_lines) == (0, 0)
        assert result.detail
    return result.status


GOOD = "ok_with_rejects"
FORMS = {
    ".dat": (GOLDEN, "plain"),
    ".dat.gz": (gzip.compress(GOLDEN), "gz"),
    ".dat.tar.gz": (tar_gz((member(GOLDEN_NAME), GOLDEN)), "tar_gz"),
    ".tar.gz": (tar_gz((member(f"./{GOLDEN_NAME}"), GOLDEN)), "tar_gz"),
}


@pytest.mark.parametrize("limits", [Limits(), Limits(held_bytes=100)], ids=["held", "read twice"])
@pytest.mark.parametrize("suffix", FORMS)
def test_one_content_in_every_form(tmp_path: Path, suffix: str, limits: Limits) -> None:
    content, container = FORMS[suffix]
    path = tmp_path / f"{STEM}{suffix}"
    path.write_bytes(content)
    result = parse_dat(path, 1, limits=limits)
    plain = tmp_path / GOLDEN_NAME
    plain.write_bytes(GOLDEN)
    expected = parse_dat(plain, 1)
    assert result.facts
    assert (result.facts.container, result.facts.content_sha256) == (container, GOLDEN_SHA256)
    assert result.facts.content_size_bytes == len(GOLDEN)
    assert result.facts.file_sha256 == hashlib.sha256(content).hexdigest()
    assert result.facts.file_size_bytes == len(content)
    assert result.events.equals(expected.events)
    assert result.hits.equals(expected.hits)
    assert result.rejects.equals(expected.rejects)
    assert result.counters == expected.counters


def test_the_name_is_only_a_hint(tmp_path: Path) -> None:
    for named in FORMS:
        for content, _ in FORMS.values():
            assert status_of(tmp_path, content, named) == GOOD


@pytest.mark.parametrize("form", FORMATS)
def test_archive_formats(tmp_path: Path, form: int) -> None:
    folder = member("a" * 90, tarfile.DIRTYPE)
    deep = "/".join(["deep" * 10] * 6) + f"/{GOLDEN_NAME}"
    if form == tarfile.USTAR_FORMAT:
        deep = "/".join(["deep" * 10] * 3) + f"/{GOLDEN_NAME}"
    content = tar_gz((folder, b""), (member(deep), GOLDEN), form=form)
    assert status_of(tmp_path, content) == GOOD


def test_gzip_of_several_parts_and_padding(tmp_path: Path) -> None:
    parts = gzip.compress(GOLDEN[:1000]) + gzip.compress(GOLDEN[1000:]) + b"\0" * 512
    assert status_of(tmp_path, parts, ".dat.gz") == GOOD


@pytest.mark.parametrize(
    "name",
    [
        f"/{GOLDEN_NAME}",
        f"../{GOLDEN_NAME}",
        f"a/../{GOLDEN_NAME}",
        f"C:{GOLDEN_NAME}",
        f"C:/{GOLDEN_NAME}",
        f"a\\{GOLDEN_NAME}",
    ],
)
def test_unsafe_paths(tmp_path: Path, name: str) -> None:
    for form in FORMATS:
        assert status_of(tmp_path, tar_gz((member(name), GOLDEN), form=form)) == "container_unsafe"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_unsafe_members(tmp_path: Path, kind: bytes) -> None:
    extra = member("extra", kind, linkname="/etc/passwd")
    assert status_of(tmp_path, tar_gz((member(GOLDEN_NAME), GOLDEN), (extra, b""))) == "container_unsafe"
    assert status_of(tmp_path, tar_gz((member(GOLDEN_NAME, kind, linkname="/etc/passwd"), b""))) == "container_unsafe"


def test_huge_header_is_refused(tmp_path: Path) -> None:
    info = member(GOLDEN_NAME, pax_headers={"comment": "x" * (MAX_HEADER_BYTES + 1)})
    assert status_of(tmp_path, tar_gz((info, GOLDEN), form=tarfile.PAX_FORMAT)) == "container_unsafe"


def broken_archives() -> dict[str, bytes]:
    good = archive((member(GOLDEN_NAME), GOLDEN))
    return {
        "only a folder": archive((member("folder", tarfile.DIRTYPE), b"")),
        "two members": archive((member(GOLDEN_NAME), GOLDEN), (member("mi0125161140328.dat"), GOLDEN)),
        "member of another file": archive((member("mi0125161140328.dat"), GOLDEN)),
        "member without a name": archive((member("readme.txt"), GOLDEN)),
        "sparse member": archive((member(GOLDEN_NAME, tarfile.GNUTYPE_SPARSE), GOLDEN)),
        "wrong checksum": good[:100] + b"9999999\0" + good[108:],
        "unreadable size": good[:124] + b"zzzzzzzzzzz\0" + good[136:],
        "cut in the content": good[:5000],
        "cut in the header": good[:300],
        "data behind the end": good + b"more",
    }


@pytest.mark.parametrize("case", broken_archives())
def test_broken_archives(tmp_path: Path, case: str) -> None:
    assert status_of(tmp_path, gzip.compress(broken_archives()[case])) == "bad_container"


@pytest.mark.parametrize(
    "content",
    [
        archive((member(GOLDEN_NAME), GOLDEN)),
        gzip.compress(gzip.compress(GOLDEN)),
        b"PK\x03\x04" + GOLDEN,
        b"BZh9" + GOLDEN,
        b"\xfd7zXZ\x00" + GOLDEN,
        b"\x28\xb5\x2f\xfd" + GOLDEN,
        gzip.compress(GOLDEN)[:-1],
        gzip.compress(GOLDEN)[:200],
        gzip.compress(GOLDEN)[:12],
        gzip.compress(GOLDEN)[:-8] + b"\0" * 8,
        gzip.compress(GOLDEN) + b"more",
        b"\x1f\x8b",
    ],
    ids=lambda content: f"{content[:4]!r}-{len(content)}",
)
def test_other_and_broken_containers(tmp_path: Path, content: bytes) -> None:
    assert status_of(tmp_path, content, ".dat.gz") == "bad_container"


def test_too_many_members(tmp_path: Path) -> None:
    folders = [(member(f"folder{n}", tarfile.DIRTYPE), b"") for n in range(16)]
    assert status_of(tmp_path, tar_gz(*folders[:15], (member(GOLDEN_NAME), GOLDEN))) == GOOD
    assert status_of(tmp_path, tar_gz(*folders, (member(GOLDEN_NAME), GOLDEN))) == "too_large"


@pytest.mark.parametrize("suffix", FORMS)
def test_limit_of_size(tmp_path: Path, suffix: str) -> None:
    limits = Limits(max_uncompressed_bytes=len(GOLDEN) - 1)
    assert status_of(tmp_path, FORMS[suffix][0], suffix, limits) == "too_large"


def test_size_in_the_header_is_not_believed(tmp_path: Path) -> None:
    lying = bytearray(archive((member(GOLDEN_NAME), GOLDEN)))
    info = member(GOLDEN_NAME)
    info.size = 10**10
    lying[:512] = info.tobuf(tarfile.GNU_FORMAT)
    assert status_of(tmp_path, gzip.compress(bytes(lying))) == "bad_container"


def write_bomb(path: Path, n_bytes: int, byte: bytes, head: bytes = b"") -> None:
    packer = zlib.compressobj(9, wbits=31)
    piece = byte * MIB
    with path.open("wb") as file:
        file.write(packer.compress(head))
        block = packer.compress(piece * 8)
        for _ in range(n_bytes // len(piece) - 8):
            file.write(block)
            block = packer.compress(piece)
        file.write(block + packer.flush())


@pytest.mark.parametrize("kind", ["gz", "tar_gz"])
def test_bombs_are_refused_early(tmp_path: Path, kind: str) -> None:
    """The stream is cut after 256 MiB of output here: a reader that needed more of it would fail otherwise."""
    path = tmp_path / f"{STEM}.dat.gz"
    info = member(GOLDEN_NAME)
    info.size = 10 << 30
    write_bomb(path, 256 * MIB, b"\n", info.tobuf(tarfile.GNU_FORMAT) if kind == "tar_gz" else b"")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    content = open_content(path, name_of(path.name))
    assert content.status == "container_unsafe"
    assert content.held is None
    assert time.process_time() - started < 5
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 200 * 1024


def test_limited_bomb_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / f"{STEM}.dat.gz"
    write_bomb(path, 16 * MIB, b"\n")
    content = open_content(path, name_of(path.name), Limits(max_uncompressed_bytes=9 * MIB, held_bytes=MIB))
    assert content.status == "too_large"


@given(st.binary(max_size=3000), st.sampled_from([".dat", ".dat.gz", ".dat.tar.gz"]), st.booleans())
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str, is_packed: bool) -> None:
    path = tmp_path_factory.getbasetemp() / f"{STEM}{suffix}"
    path.write_bytes(gzip.compress(content, 1) if is_packed else content)
    result = parse_dat(path)
    assert result.facts
    assert result.facts.file_size_bytes == path.stat().st_size


@given(st.binary(min_size=1, max_size=600), st.integers(0, 2000))
def test_damaged_archives(tmp_path_factory: pytest.TempPathFactory, damage: bytes, position: int) -> None:
    good = archive((member(GOLDEN_NAME), GOLDEN))
    path = tmp_path_factory.getbasetemp() / f"{STEM}.dat.tar.gz"
    path.write_bytes(gzip.compress(good[:position] + damage + good[position + len(damage) :], 1))
    parse_dat(path)
