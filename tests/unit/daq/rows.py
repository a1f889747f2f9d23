"""Rows and files of known content for the tests of the detector parser."""

from collections.abc import Iterable

from extract.daq.name import RawName, parse_name

# Invented rows in the stations' layout: one of planes 1, 2 and 3, one self-trigger of plane 4.
ROW_A = (
    b"2025 06 10 14 03 27  1   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"-118.2200 -117.3056 0000.0000 0000.0000  -115.7003 -116.0480 0000.0000 0000.0000   "
    b"0000.0000 0110.4071 0000.0000 0000.0000  0088.0150 0112.9950 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 -120.7725 0000.0000  0000.0000 0000.0000 -118.9004 0000.0000   "
    b"0000.0000 0000.0000 0095.6610 0000.0000  0000.0000 0000.0000 0094.0312 0000.0000   "
    b"0000.0000 0000.0000 -121.0387 0000.0000  0000.0000 0000.0000 -119.5102 0000.0000   "
    b"0000.0000 0000.0000 0097.2046 0000.0000  0000.0000 0000.0000 0101.0009 0000.0000"
)
ROW_B = (
    b"2025 06 10 14 03 28  2   "
    b"-005.1000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0091.0507 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000   "
    b"0000.0000 0000.0000 0000.0000 0000.0000  0000.0000 0000.0000 0000.0000 0000.0000"
)

GOLDEN_NAME = "mi0125161140327.dat"
GOLDEN_SHA256 = "58736d9276d45fe3f212cf42618d7529cedc3d9773b9a018787a9b9bfce3acde"


def at(second: int, row: bytes = ROW_A) -> bytes:
    """A row with another second."""
    return row[:17] + b"%02d" % second + row[19:]


def tokens(row: bytes, changes: dict[int, bytes] | None = None) -> list[bytes]:
    """The 71 tokens of a row, some of them replaced."""
    return [(changes or {}).get(index, token) for index, token in enumerate(row.split())]


def joined(row: bytes, changes: dict[int, bytes] | None = None) -> bytes:
    """A row with single spaces."""
    return b" ".join(tokens(row, changes))


def lines(content: Iterable[bytes]) -> bytes:
    """Lines with a line feed each."""
    return b"".join(line + b"\n" for line in content)


def golden_file() -> bytes:
    """Nineteen lines with every kind of defect."""
    glued = tokens(at(31))
    glued[56:58] = [glued[56] + glued[57]]
    return b"\n".join(
        [
            b"# param_hash=" + b"0" * 64,
            at(27),
            ROW_B,
            at(27),
            b"",
            b" ".join(tokens(at(30))[:40]),
            at(30) + b" 0000.0000",
            joined(at(30), {49: b"0095.6610.19"}),
            joined(at(30), {1: b"13"}),
            joined(at(30), {1: b"02", 2: b"30"}),
            b" ".join(glued),
            b"X" + at(32),
            b" ".join(tokens(at(33))[:30]) + b"X" + at(34),
            joined(at(30), {70: b"nan"}),
            joined_trigger(at(35), b"3"),
            at(30)[:100] + b"\xff" + at(30)[101:],
            b"7" * 5000,
            joined(at(36)),
            at(37),
        ]
    )


def joined_trigger(row: bytes, trigger_type: bytes) -> bytes:
    """A row of the stations' layout with another trigger type."""
    return row[:21] + trigger_type + row[22:]


def name_of(file_name: str = GOLDEN_NAME) -> RawName:
    """A parsed name."""
    return parse_name(file_name)
