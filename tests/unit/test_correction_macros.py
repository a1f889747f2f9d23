"""The formulas of the corrections, as the SQL they become."""

import math

import duckdb
import jinja2
import pytest

from tests.conftest import ROOT

EFFICIENCY = (0.92, 0.88, 0.95, 0.85)
N_1234 = 15 * 3600 * math.prod(EFFICIENCY)


def _evaluate(file: str, macro: str, *arguments: object) -> float:
    """Value of a macro of macros/corrections for literal arguments."""
    module = jinja2.Environment().from_string((ROOT / "macros" / "corrections" / file).read_text()).module
    sql = getattr(module, macro)(*(f"({float(argument)!r}::double)" for argument in arguments))  # type: ignore[arg-type]
    with duckdb.connect() as connection:
        row = connection.execute(f"select {sql}").fetchone()
    assert row is not None
    return float(row[0])


def test_binomial_error() -> None:
    assert _evaluate("efficiency.sql", "binomial_sigma", 90 / (90 + 10), 100) == pytest.approx(0.03, rel=1e-12)
    assert _evaluate("efficiency.sql", "binomial_sigma", 1, 100) == 0


def test_telescope_efficiency() -> None:
    assert _evaluate("efficiency.sql", "telescope_efficiency", *EFFICIENCY) == pytest.approx(0.777308, rel=1e-12)


@pytest.mark.parametrize(
    ("f1", "f4", "percent", "tolerance"),
    [(1, 1, 0.4498, 5e-5), (0.8, 0.75, 0.4713, 5e-5), (0.5, 0.5, 0.517, 5e-4)],
)
def test_error_of_the_corrected_rate(f1: float, f4: float, percent: float, tolerance: float) -> None:
    variance = _evaluate("efficiency.sql", "corrected_rate_relative_variance", N_1234, *EFFICIENCY, f1, f4)
    assert 100 * math.sqrt(variance) == pytest.approx(percent, abs=tolerance)


@pytest.mark.parametrize("efficiency", [EFFICIENCY, (0.5, 0.6, 0.7, 0.8), (1, 1, 1, 1)])
def test_error_without_the_fiducial_cut(efficiency: tuple[float, ...]) -> None:
    variance = _evaluate("efficiency.sql", "corrected_rate_relative_variance", 1000, *efficiency, 1, 1)
    short = ((sum(efficiency) - 3) ** 2 + sum(e * (1 - e) for e in efficiency)) / 1000
    assert variance == pytest.approx(short, rel=1e-12)


def test_error_of_the_efficiency_is_the_gradient() -> None:
    sigma = (0.01, 0.02, 0.03, 0.04)
    value = _evaluate("efficiency.sql", "telescope_efficiency", *EFFICIENCY)
    step = 1e-6
    variance = 0.0
    for k in range(4):
        moved = [e + step * (j == k) for j, e in enumerate(EFFICIENCY)]
        slope = (_evaluate("efficiency.sql", "telescope_efficiency", *moved) - value) / step
        variance += (slope * sigma[k] / value) ** 2
    found = _evaluate("efficiency.sql", "telescope_efficiency_relative_variance", *EFFICIENCY, *sigma)
    assert found == pytest.approx(variance, rel=1e-5)


@pytest.mark.parametrize(("delta", "factor"), [(10, 1.020201), (-10, 0.980199), (0, 1)])
def test_pressure_factor(delta: float, factor: float) -> None:
    assert _evaluate("pressure.sql", "pressure_factor", -0.20, delta) == pytest.approx(factor, abs=5e-7)


def test_error_after_pressure() -> None:
    factor = _evaluate("pressure.sql", "pressure_factor", -0.20, 10)
    assert 15 * factor == pytest.approx(15.3030, abs=5e-5)
    sigma = _evaluate("pressure.sql", "pressure_corrected_sigma", 15, 0.0675, factor, -0.20, 0.006, 10, 0.5)
    assert sigma == pytest.approx(0.0711, abs=5e-5)


@pytest.mark.parametrize(
    ("minute", "width", "start"),
    [
        ("2025-01-02 10:59:00", 3600, "2025-01-02 10:00:00"),
        ("2025-01-02 10:59:00", 600, "2025-01-02 10:50:00"),
        ("2025-01-02 00:00:00", 86400, "2025-01-02 00:00:00"),
        ("2000-01-07 23:59:00", 604800, "2000-01-01 00:00:00"),
        ("2000-01-08 00:00:00", 604800, "2000-01-08 00:00:00"),
        ("1999-12-31 23:59:00", 604800, "1999-12-25 00:00:00"),
    ],
)
def test_start_of_a_bin(minute: str, width: int, start: str) -> None:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    module = environment.from_string((ROOT / "macros" / "corrections" / "bins.sql").read_text()).module
    sql = module.bin_start(f"timestamp '{minute}'", width)  # type: ignore[attr-defined]
    with duckdb.connect() as connection:
        assert connection.execute(f"select cast({sql} as varchar)").fetchone() == (start,)


def test_an_exact_sum_does_not_depend_on_the_order() -> None:
    module = jinja2.Environment().from_string((ROOT / "macros" / "corrections" / "exact.sql").read_text()).module
    sql = module.exact_sum("x")  # type: ignore[attr-defined]
    values = [math.sin(k) * 10 ** (k % 5) for k in range(2000)]
    exact, plain = set(), set()
    with duckdb.connect() as connection:
        for order in (values, values[::-1], values[1000:] + values[:1000]):
            connection.execute("create or replace table t as select unnest(?::double[]) as x", [order])
            exact.update(connection.execute(f"select {sql} from t").fetchone() or ())
            plain.update(connection.execute("select sum(x) from t").fetchone() or ())
    assert len(plain) > 1
    assert len(exact) == 1
    assert exact.pop() == pytest.approx(math.fsum(values), rel=1e-12)
