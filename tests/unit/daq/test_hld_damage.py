"""Whatever the bytes of an HLD are: no error, no endless walk, counters that add up, and the undamaged events stay."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.daq.hld.fine import FineLimits
from extract.daq.hld.read import parse_hld_bytes
from extract.daq.hld.walk import walk
from extract.daq.hld.words import Words
from extract.daq.name import parse_name
from extract.daq.reading import RawResult
from extract.daq.schema import RAW_EVENT, RAW_HIT, RAW_REJECT
from simulate.file import simulate_file
from simulate.hld import HldFormat, render_hld

NAME = parse_name("mi0025161140327.hld")
FORM = HldFormat(n_trigger_words=20)
FINE = FineLimits(FORM.fine_low, FORM.fine_high, "seed")
N_EVENTS = 12


def _make() -> bytes:
    block = simulate_file(N_EVENTS, layout="production").block
    return render_hld(np.random.default_rng(3), block.time_s, block.trigger, block.values, FORM).content


CONTENT = _make()
EVENTS = walk(Words(CONTENT))
STARTS = (4 * EVENTS.place).tolist()


def read(content: bytes) -> RawResult:
    """Read any content; the balance of the counters is checked inside."""
    result = parse_hld_bytes(content, NAME, fine_limits=FINE)
    for dataset, table in ((RAW_EVENT, result.events), (RAW_HIT, result.hits), (RAW_REJECT, result.rejects)):
        dataset.check(table)
    return result


WHOLE = read(CONTENT)


def test_whole_content() -> None:
    assert len(EVENTS) == N_EVENTS
    assert (WHOLE.status, WHOLE.counters.n_events) == ("ok", N_EVENTS)


@given(st.integers(0, len(CONTENT)))
def test_cut_anywhere(n_bytes: int) -> None:
    result = read(CONTENT[:n_bytes])
    n_whole = sum(end * 4 <= n_bytes for end in EVENTS.end.tolist())
    assert result.counters.n_events == n_whole
    assert result.hits.equals(WHOLE.hits.slice(0, len(result.hits)))
    padded_ends = [0, STARTS[0], *STARTS[1:], len(CONTENT)]
    is_between = n_bytes in padded_ends or any(end * 4 <= n_bytes < end * 4 + 8 for end in EVENTS.end.tolist())
    if n_bytes > STARTS[0] and not is_between:
        assert result.rejects["reason"].to_pylist() == ["hld_truncated"]


@given(st.lists(st.tuples(st.integers(0, 8 * len(CONTENT) - 1)), min_size=1, max_size=8))
def test_flipped_bits_harm_their_own_event_only(places: list[tuple[int]]) -> None:
    damaged = bytearray(CONTENT)
    for (bit,) in places:
        damaged[bit // 8] ^= 1 << bit % 8
    harmed = {sum(start <= bit // 8 for start in STARTS) for (bit,) in places}
    result = read(bytes(damaged))
    assert result.counters.n_events >= N_EVENTS - len(harmed)


@given(st.binary(max_size=600))
def test_random_bytes(content: bytes) -> None:
    read(content)


PIECES = st.one_of(
    st.sampled_from([CONTENT[a:b] for a, b in zip(STARTS, [*STARTS[1:], len(CONTENT)], strict=True)]),
    st.sampled_from(
        [b"\1\0\3\0", b"\0\3\0\1", b"\1\x20\0\0", b"\x40\0\0\0", b"\0\2\0\x11", b"\0\0\xc0\1", b"\0\0\0\x40"]
    ),
    st.binary(max_size=40),
    st.integers(0, 300).map(lambda n: CONTENT[n : n + 40]),
)


@given(st.lists(PIECES, max_size=30))
def test_mixtures_of_pieces(pieces: list[bytes]) -> None:
    read(b"".join(pieces))


@pytest.mark.parametrize(
    ("damage", "n_lost"),
    [
        (lambda c, at: c[:at] + b"\xff" * 64 + c[at:], 0),  # foreign words between two events
        (lambda c, at: c[: at + 4] + b"\0" * 4 + c[at + 8 :], 1),  # no decoding word
        (lambda c, at: c[:at] + b"\xff\xff\xff\x7f" + c[at + 4 :], 1),  # a size beyond the file
        (lambda c, at: c[:at] + (200).to_bytes(4, "little") + c[at + 4 :], 0),  # too small a size
        (lambda c, at: c[:at] + (900).to_bytes(4, "little") + c[at + 4 :], 0),  # too large a size
        (lambda c, at: c[: at + 60] + c[at + 68 :], 1),  # two words lost
    ],
)
def test_the_next_event_is_found(damage: Callable[[bytes, int], bytes], n_lost: int) -> None:
    result = read(damage(CONTENT, STARTS[5]))
    assert result.hld
    assert (result.counters.n_events, result.hld.n_hld_resync) == (N_EVENTS - n_lost, 1)
    times = WHOLE.events["event_time"].to_pylist()
    assert result.events["event_time"].to_pylist()[-6:] == times[-6:]


def test_big_endian_headers() -> None:
    words = np.frombuffer(CONTENT, "<u4").copy()
    places = np.concatenate([[0], EVENTS.place])[:, None] + np.arange(8)
    words[places] = words[places].byteswap()
    assert read(words.tobytes()).events.equals(WHOLE.events)


def test_little_endian_subevents() -> None:
    words = np.frombuffer(CONTENT, "<u4").byteswap()
    places = np.concatenate([[0], EVENTS.place])[:, None] + np.arange(8)
    words[places] = words[places].byteswap()
    assert read(words.tobytes()).hits.equals(WHOLE.hits)
