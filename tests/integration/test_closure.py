"""A simulated year through the corrections: coefficients, errors and corrected rates against what is true."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from flows.closure import COUPLED, TARGETS, USUAL, Closure, measure, variants
from flows.closure_measure import Pull
from flows.corrections_home import ancestors, load_seeds, run, write_networks
from flows.method_bench import CASES, METHODS, MethodRow, case_networks, method_rows
from warehouse.paths import Paths

SEED, STATIONS = 11, (1, 2)
N_RANGES = 2 * len(STATIONS)
CLEAN, GAP, HALF, DISTURBED = CASES
OURS, PLAIN, BEFORE = METHODS


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Closure, dict[tuple[str, str], MethodRow]]:
    """Two stations over a year, their variants, and the cases of the comparison of methods: all in one build."""
    paths = Paths(tmp_path_factory.mktemp("years"))
    networks, cases = variants(1.0, SEED, STATIONS), case_networks(60, 3)
    load_seeds(paths, list(STATIONS), groups=("all",))
    truths = write_networks(paths, networks + cases, has_regions=False)
    run(paths, "run", *ancestors(*TARGETS))
    result = Closure(1, 1.0)
    measure(paths.build, networks, truths[USUAL], result)
    rows = method_rows(paths.build, cases, [truth for (truth,) in truths[len(networks) :]], len(networks))
    return paths.build, result, {(row.case, row.method): row for row in rows}


def _pulls(result: Closure, quantity: str, variant: int = USUAL) -> list[Pull]:
    return [pull for pull in result.pulls if pull.quantity == quantity and pull.variant == variant]


@pytest.mark.parametrize("quantity", ["beta", "beta, joint fit", "alpha", "gamma"])
def test_coefficients_agree_with_the_truth_within_their_errors(
    corrected: tuple[Path, Closure, object], quantity: str
) -> None:
    pulls = _pulls(corrected[1], quantity)
    assert len(pulls) == N_RANGES
    assert max(abs(pull.pull) for pull in pulls) < 4
    assert all(pull.sigma < 0.15 * abs(pull.truth) for pull in pulls)


def test_a_forbush_decrease_does_not_move_beta(corrected: tuple[Path, Closure, object]) -> None:
    shifts = corrected[1].shifts
    assert len(shifts) == N_RANGES
    assert max(map(abs, shifts)) < 1
    assert any(shifts)


def test_efficiency_drift_leaves_the_corrected_rate_flat(corrected: tuple[Path, Closure, object]) -> None:
    for rest in corrected[1].rests:
        assert abs(rest.flat_sigma) < 4
        assert rest.raw_sigma > 20
        assert rest.raw_slope == pytest.approx(1, abs=0.1)


def test_no_pressure_is_left_in_the_final_rate(corrected: tuple[Path, Closure, object]) -> None:
    for rest in corrected[1].rests:
        assert abs(rest.pressure_sigma) < 2
        assert abs(rest.pressure_correlation) < 0.05


def test_the_half_daily_tide_vanishes(corrected: tuple[Path, Closure, object]) -> None:
    for rest in corrected[1].rests:
        assert rest.tide_before_pct == pytest.approx(0.2, abs=0.08)
        assert rest.tide_sigma < 3


def test_joint_fit_parts_pressure_from_air_that_goes_with_it(corrected: tuple[Path, Closure, object]) -> None:
    alone = [pull.pull for pull in _pulls(corrected[1], "beta", COUPLED)]
    joint = [pull.pull for pull in _pulls(corrected[1], "beta, joint fit", COUPLED)]
    assert len(alone) == len(joint) == N_RANGES
    assert np.mean(alone) < -2
    assert max(map(abs, joint)) < 4


def test_rates_without_one_correction_differ_by_its_factor(corrected: tuple[Path, Closure, object]) -> None:
    with duckdb.connect(str(corrected[0]), read_only=True) as connection:
        rows = connection.execute(
            "select r.rate_final_hz, r.rate_without_eff_hz, r.rate_without_pressure_hz, b.eff_telescope,"
            " exp(-c.applied_beta_pct_per_hpa * (e.pressure_lab_hpa - s.reference_pressure_hpa) / 100)"
            " from fct_rate as r"
            " join int_bin_efficiency as b using (station_id, bin_start, bin_width_s)"
            " join int_bin_environment as e using (station_id, bin_start, bin_width_s)"
            " join int_station_reference as s using (station_id)"
            " join fct_pressure_coefficient as c on c.station_id = r.station_id and c.conf_number = r.conf_number"
            " and c.group_code = r.group_code and c.is_applied where r.rate_final_hz is not null"
        ).fetchall()
    final, without_eff, without_pressure, efficiency, factor = np.array(rows, dtype=np.float64).T
    assert final.size > 70_000
    np.testing.assert_allclose(without_eff, final * efficiency, rtol=1e-9)
    np.testing.assert_allclose(without_pressure, final / factor, rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_ours_is_right_in_every_case(
    corrected: tuple[Path, Closure, dict[tuple[str, str], MethodRow]], case: str
) -> None:
    row = corrected[2][case, OURS]
    assert abs(row.off_sigma) < 3
    assert row.sigma < 0.02
    assert abs(row.rate_bias_pct) < 0.1


def test_other_methods_are_wrong_where_it_matters(
    corrected: tuple[Path, Closure, dict[tuple[str, str], MethodRow]],
) -> None:
    rows = corrected[2]
    assert all(abs(rows[case, BEFORE].rate_bias_pct) > 90 for case in (CLEAN, HALF, DISTURBED))
    assert all(rows[case, BEFORE].sigma > 100 * rows[case, OURS].sigma for case in (CLEAN, HALF))
    assert np.isnan(rows[GAP, BEFORE].beta)
    half, clean = (abs(rows[case, BEFORE].beta - rows[case, BEFORE].truth) for case in (HALF, CLEAN))
    assert half > 3 * clean
    assert abs(rows[DISTURBED, PLAIN].off_sigma) > 3
    assert abs(rows[DISTURBED, PLAIN].beta + 0.2) > 2 * abs(rows[DISTURBED, OURS].beta + 0.2)
