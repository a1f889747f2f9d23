"""Front-back polynomials from synthetic two-dimensional histograms."""

import numpy as np
import pytest

from warehouse.fit.front_back import FrontBack, degree_for, fit_front_back, weighted_quantile

TRUTH = np.array([0.4, -1.0, 0.8, 0.0, -0.05])


def binned(q_sum: np.ndarray, q_dif: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pairs = np.column_stack([np.floor(q_sum), np.floor(q_dif / 0.1)]).astype(np.int64)
    bins, n = np.unique(pairs, axis=0, return_counts=True)
    return bins[:, 0], bins[:, 1], n.astype(float)


def sample(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    q_sum = np.minimum(rng.exponential(40, n), 199)
    return q_sum, np.polynomial.polynomial.polyval(q_sum / 100, TRUTH) + rng.normal(0, 0.3, n)


def fit(q_sum: np.ndarray, q_dif: np.ndarray, degree: int = 4) -> FrontBack:
    return fit_front_back(
        *binned(q_sum, q_dif), degree=degree, residual_max_ns=4, support_quantile=0.99, high_max_ns=200
    )


def value(polynomial: FrontBack, q: np.ndarray) -> np.ndarray:
    u = np.clip(q, polynomial.low_ns, polynomial.high_ns) / 100
    return np.asarray(np.polynomial.polynomial.polyval(u, polynomial.coefficients))


def test_polynomial_is_recovered_inside_its_support() -> None:
    polynomial = fit(*sample(50_000))
    q = np.linspace(0, polynomial.high_ns, 50)
    truth = np.polynomial.polynomial.polyval(q / 100, TRUTH)
    np.testing.assert_allclose(value(polynomial, q), truth, atol=0.05)


def test_outliers_are_left_out_of_the_second_round() -> None:
    q_sum, q_dif = sample(50_000)
    rng = np.random.default_rng(2)
    spoiled = fit(np.concatenate([q_sum, rng.uniform(0, 150, 1_500)]), np.concatenate([q_dif, np.full(1_500, 9.0)]))
    q = np.linspace(0, 100, 50)
    np.testing.assert_allclose(value(spoiled, q), value(fit(q_sum, q_dif), q), atol=0.02)


def test_support_is_the_quantile_and_not_beyond_the_limit() -> None:
    q_sum, q_dif = sample(50_000)
    polynomial = fit(q_sum, q_dif)
    assert polynomial.low_ns == 0
    assert polynomial.high_ns == pytest.approx(np.quantile(q_sum, 0.99), abs=1)
    capped = fit_front_back(*binned(q_sum, q_dif), degree=4, residual_max_ns=4, support_quantile=0.99, high_max_ns=120)
    assert capped.high_ns == 120


def test_lower_degrees_leave_the_other_coefficients_zero() -> None:
    q_sum, q_dif = sample(2_000)
    polynomial = fit(q_sum, q_dif, degree=1)
    assert polynomial.degree == 1
    assert polynomial.coefficients[2:].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("n", "degree"), [(299, None), (300, 1), (999, 1), (1000, 2), (4999, 2), (5000, 4), (10**6, 4)]
)
def test_degree_by_entries(n: int, degree: int | None) -> None:
    assert degree_for(n, min_1=300, min_2=1000, min_4=5000) == degree


def test_charges_all_alike_determine_no_polynomial() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        fit(np.full(6_000, 20.5), np.random.default_rng(3).normal(size=6_000))


def test_quantile_inside_a_bin() -> None:
    assert weighted_quantile(np.array([0, 0, 3]), np.array([1.0, 1.0, 2.0]), 0.25) == 0.5
    assert weighted_quantile(np.array([0, 0, 3]), np.array([1.0, 1.0, 2.0]), 0.75) == 3.5
    assert weighted_quantile(np.array([-2, 3]), np.array([1.0, 3.0]), 1.0) == 4.0
    assert weighted_quantile(np.array([7]), np.array([10.0]), 0.25) == 7.25
