"""Every measured quantity of a detector file lies as near the truth as statistics allow; the values are printed."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.conftest import shared_folder
from tests.integration.conftest import Home
from tests.truth.bounds import PARTS, Bound
from tests.truth.known import CASES, INDEPENDENT, Known
from tests.truth.measure import Found, efficiencies, find
from tests.truth.table import bound_row

DetectorFiles = tuple[Home, dict[str, Known]]
LABELS = (*INDEPENDENT, *(case.label for case in CASES))


@pytest.fixture(scope="module")
def finder(detector_files: DetectorFiles) -> Callable[[str], Found]:
    """What was found about each file, read once."""
    home, known = detector_files
    read: dict[str, Found] = {}

    def found(label: str) -> Found:
        if label not in known:
            pytest.skip(f"{label} is an independent file, and there are none in {shared_folder().name}")
        if label not in read:
            read[label] = find(home.build, known[label])
        return read[label]

    return found


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("label", LABELS)
def test_bounds_hold(
    finder: Callable[[str], Found], label: str, part: str, record_property: Callable[[str, object], None]
) -> None:
    bounds = list(PARTS[part](finder(label)))
    for bound in bounds:
        record_property("bound", bound_row(label, bound))
    outside = [f"{bound.name}: {bound.measured}, not {bound.interval}" for bound in bounds if not bound.holds]
    assert bounds
    assert outside == []


def test_pulls_of_the_efficiencies_are_those_of_statistics(
    detector_files: DetectorFiles, finder: Callable[[str], Found]
) -> None:
    large = [label for label, known in detector_files[1].items() if known.is_large]
    pulls = [one.pull for label in large for one in efficiencies(finder(label)) if one.method == "projection"]
    assert len(pulls) == 4 * len(large) >= 8
    assert np.sqrt(np.mean(np.square(pulls))) <= 1.2


def test_a_bound_can_fail() -> None:
    assert not Bound("offset", 0.021, 0, 0.02, "ns").holds
    assert not Bound("offset", float("nan"), 0, 0.02, "ns").holds
    assert bound_row("M1", Bound("offset", 1.0, 0, 0.02, "ns")) == ("M1", "offset (ns)", "1", "<= 0.02", "out")
