from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.report.numbers import MISSING, count, percent, plain, span, with_error


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (14.20314, 0.01234, "14.203 ± 0.012"),
        (-0.2, 0.0057, "−0.2000 ± 0.0057"),
        (1234.5, 56.0, "1234 ± 56"),
        (0.92, None, "0.9200"),
        (0.92, 0.0, "0.9200"),
        (15.0, 0.00003, "15.0000 ± 0.0000"),
        (None, 0.1, MISSING),
        (float("nan"), 0.1, MISSING),
    ],
)
def test_with_error(value: float | None, sigma: float | None, text: str) -> None:
    assert with_error(value, sigma).replace("\u202f", " ") == text


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e5))
def test_error_keeps_its_size(value: float, sigma: float) -> None:
    """What is shown of an error is within 5 % of it: two significant digits."""
    shown = float(with_error(value, sigma).split("±")[1])
    assert shown == pytest.approx(sigma, rel=0.051)


def test_words() -> None:
    assert count(1_234_567) == "1\u202f234\u202f567"
    assert count(None) == MISSING
    assert percent(0.9876) == "98.8\u202f%"
    assert plain(-1.25, 1) == "\u22121.2"
    assert span(datetime(2025, 3, 1), datetime(2025, 3, 15)) == "2025-03-01 to 2025-03-15"
    assert span(None, None) == MISSING
