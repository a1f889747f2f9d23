"""The careful path: every reason, every recovery, exact values."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.line import Comment, Event, Recovered, Reject, nearest_float32, parse_line
from tests.unit.daq.rows import ROW_A, ROW_B, at, joined, tokens

MAX = 4096
X_ROW = b"X" + ROW_A


def outcome(line: bytes) -> tuple[str, str | None]:
    result = parse_line(line, MAX)
    assert isinstance(result, Reject), result
    return result.reason, result.detail


def event(line: bytes) -> Event:
    result = parse_line(line, MAX)
    assert isinstance(result, Event), result
    return result


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b"", "blank", None),
        (b" \t\r\v\f", "blank", None),
        (b"x" * (MAX + 1), "over_long_line", "4097 bytes"),
        (b"#" * (MAX + 1), "over_long_line", "4097 bytes"),
        (b" " * (MAX + 1), "over_long_line", "4097 bytes"),
        (ROW_A[:100] + b"\x00" + ROW_A[101:], "non_text", "byte 100 0x00"),
        (ROW_A + b"\x7f", "non_text", "byte 686 0x7f"),
        (b"\xe9", "non_text", "byte 0 0xe9"),
        (b"one", "truncated", "1 tokens"),
        (b" ".join(tokens(ROW_A)[:70]), "truncated", "70 tokens"),
        (ROW_A + b" 0000.0000", "extra_columns", "72 tokens"),
        (joined(ROW_A, {0: b"1999"}), "bad_date", "1999 06 10 14 03 27"),
        (joined(ROW_A, {0: b"2100"}), "bad_date", "2100 06 10 14 03 27"),
        (joined(ROW_A, {0: b"0000"}), "bad_date", "0000 06 10 14 03 27"),
        (joined(ROW_A, {0: b"02025"}), "bad_date", "02025 06 10 14 03 27"),
        (joined(ROW_A, {1: b"0"}), "bad_date", "2025 0 10 14 03 27"),
        (joined(ROW_A, {1: b"13"}), "bad_date", "2025 13 10 14 03 27"),
        (joined(ROW_A, {2: b"32"}), "bad_date", "2025 06 32 14 03 27"),
        (joined(ROW_A, {2: b"31"}), "bad_date", "2025 06 31 14 03 27"),
        (joined(ROW_A, {1: b"02", 2: b"29"}), "bad_date", "2025 02 29 14 03 27"),
        (joined(ROW_A, {3: b"24"}), "bad_date", "2025 06 10 24 03 27"),
        (joined(ROW_A, {4: b"60"}), "bad_date", "2025 06 10 14 60 27"),
        (joined(ROW_A, {5: b"60"}), "bad_date", "2025 06 10 14 03 60"),
        (joined(ROW_A, {5: b"2.0"}), "bad_date", "2025 06 10 14 03 2.0"),
        (joined(ROW_A, {5: b"+7"}), "bad_date", "2025 06 10 14 03 +7"),
        (joined(ROW_A, {6: b"128"}), "malformed_number", "6 128"),
        (joined(ROW_A, {6: b"0001"}), "malformed_number", "6 0001"),
        (joined(ROW_A, {6: b"1.0"}), "malformed_number", "6 1.0"),
        (joined(ROW_A, {6: b"-1"}), "malformed_number", "6 -1"),
        *(
            (joined(ROW_A, {7: token, 9: b"nan"}), "malformed_number", f"7 {token.decode()}")
            for token in (b"1_000", b"0x1F", b"1,5", b"1.2.3", b"-", b"+", b".", b"e5", b"1e", b"--1", b"1-2", b"nanx")
        ),
        *(
            (joined(ROW_A, {7: token, 9: b"1,5"}), "non_finite", f"7 {token.decode()}")
            for token in (b"nan", b"NaN", b"-inf", b"+Infinity", b"INF", b"1e39", b"-3.5e38", b"1e999", b"3.4028236e38")
        ),
        (b" ".join(tokens(ROW_A)[:29]) + X_ROW[:50], "x_joined", "truncated truncated"),
        (joined(X_ROW, {30: b"bad"}), "x_joined", "malformed_number"),
    ],
)
def test_rejects(line: bytes, reason: str, detail: str | None) -> None:
    assert outcome(line) == (reason, detail)


def test_detail_names_the_column() -> None:
    for index in range(7, 71):
        assert outcome(joined(ROW_A, {index: b"bad"})) == ("malformed_number", f"{index} bad")


@pytest.mark.parametrize(
    ("line", "param_hash"),
    [
        (b"# param_hash=00ff", "00ff"),
        (b"# param_hash=00ff \r", "00ff"),
        (b"# param_hash=xyz", None),
        (b"  # anything \xff", None),
        (b"#X2025 ", None),
    ],
)
def test_comments(line: bytes, param_hash: str | None) -> None:
    assert parse_line(line, MAX) == Comment(param_hash)


def test_white_space() -> None:
    for separator in (b" ", b"\t", b"\v", b"\f", b"\r", b" \t  "):
        line = separator + separator.join(tokens(ROW_A)) + separator
        assert event(line) == event(ROW_A)


def test_longest_line() -> None:
    padded = ROW_A + b" " * (MAX - len(ROW_A))
    assert event(padded) == event(ROW_A)


@pytest.mark.parametrize(("token", "trigger_type"), [(b"0", 0), (b"1", 1), (b"002", 2), (b"127", 127)])
def test_trigger_types(token: bytes, trigger_type: int) -> None:
    assert event(joined(ROW_A, {6: token})).trigger_type == trigger_type


def test_leap_day() -> None:
    assert event(joined(ROW_A, {0: b"2024", 1: b"2", 2: b"29"})).seconds == 1_709_215_407


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"-000.0000", 0.0),
        (b"-0000.0000", 0.0),
        (b"00000.0000", 0.0),
        (b"-0", 0.0),
        (b"+1.5", 1.5),
        (b".5", 0.5),
        (b"5.", 5.0),
        (b"1e2", 100.0),
        (b"1E-2", float(np.float32(0.01))),
        (b"-1.5e+1", -15.0),
        (b"12345.5000", 12345.5),
        (b"3.4028235e38", 3.4028234663852886e38),
        (b"1e-50", 0.0),
    ],
)
def test_values(token: bytes, value: float) -> None:
    found = event(joined(ROW_A, {7: token})).values[0]
    assert struct.pack("<d", found) == struct.pack("<d", value)


class TestGluedNegatives:
    def glue(self, row: bytes, *firsts: int) -> bytes:
        parts = tokens(row)
        for first in sorted(firsts, reverse=True):
            parts[first : first + 2] = [parts[first] + parts[first + 1]]
        return b" ".join(parts)

    def test_one(self) -> None:
        found = event(self.glue(ROW_A, 56))
        assert found.recovery == "glued_negative"
        assert found.values == event(ROW_A).values

    def test_all_at_once(self) -> None:
        row = joined(ROW_A, dict.fromkeys(range(55, 63), b"-122.1501"))
        found = event(self.glue(row, 55, 57, 59))
        assert (found.recovery, found.values) == ("glued_negative", event(row).values)

    def test_three_in_one_token(self) -> None:
        parts = tokens(joined(ROW_A, {56: b"-1.0000", 57: b"-2.0000"}))
        parts[55:58] = [b"".join(parts[55:58])]
        found = event(b" ".join(parts))
        assert found.recovery == "glued_negative"
        assert found.values[48:51] == (0.0, -1.0, -2.0)

    def test_ambiguous_stays_unsplit(self) -> None:
        line = self.glue(joined(ROW_A, {70: b""}), 56)
        assert outcome(line) == ("truncated", "69 tokens")

    def test_complete_line_is_never_split(self) -> None:
        line = joined(ROW_A, {30: b"0000.0000-119.1234"})
        assert outcome(line) == ("malformed_number", "30 0000.0000-119.1234")

    @pytest.mark.parametrize("token", [b"0000.000-119.1234", b"0000.0000+119.1234", b"0000.0000-119.12345"])
    def test_four_decimals_only(self, token: bytes) -> None:
        parts = tokens(ROW_A)
        parts[56:58] = [token]
        assert outcome(b" ".join(parts)) == ("truncated", "70 tokens")

    def test_glued_date_is_not_split(self) -> None:
        parts = tokens(ROW_A)
        parts[5:7] = [b"27.0000-1.0000"]
        assert outcome(b" ".join(parts)) == ("truncated", "70 tokens")

    def test_split_line_is_checked_further(self) -> None:
        line = self.glue(joined(ROW_A, {1: b"13"}), 56)
        assert outcome(line) == ("bad_date", "2025 13 10 14 03 27")


class TestJoinedRows:
    def recovered(self, line: bytes) -> Recovered:
        result = parse_line(line, MAX)
        assert isinstance(result, Recovered), result
        return result

    def test_prefix(self) -> None:
        found = self.recovered(X_ROW)
        assert (found.event.recovery, found.fragments) == ("x_prefix", ())
        assert found.event.values == event(ROW_A).values

    def test_prefix_after_white_space_and_twice(self) -> None:
        assert self.recovered(b"  " + X_ROW).event.recovery == "x_prefix"

    def test_cut_row_before(self) -> None:
        cut = b" ".join(tokens(ROW_B)[:30])
        found = self.recovered(cut + X_ROW)
        assert found.event.recovery == "x_joined"
        assert [(f.text, f.reason, f.detail, f.n_tokens) for f in found.fragments] == [
            (cut, "x_joined", "truncated", 30)
        ]

    def test_last_complete_row_wins(self) -> None:
        found = self.recovered(at(1) + b"X" + at(2) + b"X" + ROW_A[:60])
        assert found.event.seconds % 60 == 2
        assert [f.detail for f in found.fragments] == ["complete_row", "truncated"]

    def test_glued_keeps_the_joint(self) -> None:
        parts = tokens(ROW_A)
        parts[56:58] = [parts[56] + parts[57]]
        assert self.recovered(b"X" + b" ".join(parts)).event.recovery == "x_prefix"

    @pytest.mark.parametrize("mark", [b"X19", b"x20", b"X 20", b"X202 "])
    def test_other_marks_are_no_joint(self, mark: bytes) -> None:
        assert outcome(mark + ROW_A[2:])[0] in ("bad_date", "truncated", "extra_columns")


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("0123.0456", 0x42F61759),
        ("-138.0007", 0xC30A002E),
        ("0000.0500", 0x3D4CCCCD),
        ("0096.6863", 0x42C15F63),
        ("-118.2043", 0xC2EC689A),
        ("0104.0063", 0x42D0033A),
    ],
)
def test_golden_float32(text: str, bits: int) -> None:
    assert struct.unpack("<I", struct.pack("<f", nearest_float32(text)))[0] == bits
    assert struct.unpack("<I", struct.pack("<f", event(joined(ROW_A, {7: text.encode()})).values[0]))[0] == bits


def exact_nearest(text: str) -> float:
    """The nearest float32 by exact fractions over the neighbours of a first guess."""
    exact = Fraction(text)
    with np.errstate(all="ignore"):
        guess = np.float32(float(text))
        around = [np.nextafter(guess, np.float32(-np.inf)), guess, np.nextafter(guess, np.float32(np.inf))]
    finite = [value for value in around if np.isfinite(value)]
    return float(min(finite, key=lambda v: (abs(Fraction(float(v)) - exact), int(v.view(np.uint32)) & 1)))


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=30, allow_nan=False))
def test_nearest_float32_of_long_texts(number: object) -> None:
    text = f"{number:f}"
    assert nearest_float32(text) == exact_nearest(text)


@given(st.floats(width=32, min_value=2.0**-120, max_value=2.0**120), st.integers(-1, 1))
def test_nearest_float32_beside_the_middle(value: float, side: int) -> None:
    low = Fraction(float(np.float32(value)))
    high = Fraction(float(np.nextafter(np.float32(value), np.float32(np.inf))))
    middle = (low + high) / 2 + side * (high - low) / 10**25
    text = f"{middle.numerator * 10**400 // middle.denominator}e-400"
    assert nearest_float32(text) == exact_nearest(text)


@pytest.mark.parametrize("text", ["1e-45", "0.7e-45", "0.70064923216240854e-45", "1.1754943e-38", "-1e-40"])
def test_nearest_float32_of_tiny_numbers(text: str) -> None:
    assert nearest_float32(text) == exact_nearest(text)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_edge_of_the_range(step: int) -> None:
    limit = (2**25 - 1) * 2**103  # half way between the largest float32 and the next power of two
    assert np.isinf(nearest_float32(str(limit + step))) == (step >= 0)
