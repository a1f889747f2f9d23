"""The words for mask bits are those the SQL sets."""

import re

from tests.conftest import ROOT
from warehouse.look.masks import STRIP_END, STRIP_HIT, TRACK, words


def test_bits_of_strip_ends_are_those_of_the_macro() -> None:
    text = (ROOT / "macros" / "detector_hit.sql").read_text()
    body = text.split("macro reject_bits()", 1)[1].split("endmacro", 1)[0]
    assert {name: int(bit) for name, bit in re.findall(r"'(\w+)': (\d+)", body)} == STRIP_END


def test_bits_are_named_in_order_and_none_is_lost() -> None:
    assert words(1 | 16 | 64, STRIP_END) == ["no_trailing_edge", "pair_broken", "time_raw"]
    assert words(2 | 16, STRIP_HIT) == ["t_dif_cal", "time_cal"]
    assert words(16 | 64, TRACK) == ["chi2", "bit_64"]
    assert words(0, TRACK) == words(None, TRACK) == []


def test_every_bit_is_another_one() -> None:
    for bits in (STRIP_END, STRIP_HIT, TRACK):
        assert sorted(bits.values()) == [1 << i for i in range(len(bits))]
