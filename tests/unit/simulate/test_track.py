"""Tracks have the flux they claim, whatever the trigger."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from simulate.config import PAIR_TRIGGERS, TRIPLE_TRIGGERS, StationConfig
from simulate.geometry import CENTRES_MM, EDGES_MM, LABELS, WIDTHS_MM, mask_of_label, planes_of_label, strip_of
from simulate.track import draw_tracks, minimal_pairs, path_factor
from simulate.trigger import charge_factor, draw_events, masks, trigger_table


def test_strips_fill_the_active_width() -> None:
    assert WIDTHS_MM.sum(axis=1).tolist() == [287.0] * 4
    assert CENTRES_MM[0].tolist() == [-112.0, -49.0, 14.0, 94.5]
    assert CENTRES_MM[1].tolist() == [-94.5, -14.0, 49.0, 112.0]
    assert EDGES_MM[:, [0, 4]].tolist() == [[-143.5, 143.5]] * 4


def test_strip_of_a_point() -> None:
    y = np.array([[-143.5, -94.5, 14.0, 143.5], [-80.5, -45.5, -80.6, 80.5]])
    assert strip_of(y).tolist() == [[0, 0, 2, 3], [1, 1, 0, 3]]


def test_labels() -> None:
    assert LABELS[[0, 0b1011, 0b1111, 0b0100]].tolist() == [0, 124, 1234, 3]
    assert mask_of_label(124) == 0b1011
    assert planes_of_label(34) == (2, 3)
    assert np.flatnonzero(trigger_table((124,))).tolist() == [0b1011, 0b1111]


@pytest.mark.parametrize(
    ("triggers", "pairs"),
    [
        (PAIR_TRIGGERS, ((0, 1), (1, 2), (2, 3))),
        (TRIPLE_TRIGGERS, ((0, 2), (1, 3))),
        ((1234,), ((0, 3),)),
        ((13,), ((0, 2),)),
    ],
)
def test_minimal_pairs(triggers: Sequence[int], pairs: tuple[tuple[int, int], ...]) -> None:
    assert minimal_pairs(triggers) == pairs


def thrown_plainly(z: NDArray[np.float64], cos_exponent: float, n: int) -> NDArray[np.bool_]:
    """Planes crossed by tracks thrown without any cleverness: uniform over a huge area, angles by rejection."""
    rng = np.random.default_rng(5)
    cosine = rng.random(n)
    cosine = cosine[rng.random(n) < cosine ** (cos_exponent + 1)]
    azimuth = rng.uniform(0, 2 * np.pi, len(cosine))
    tangent = np.sqrt(1 - cosine**2) / cosine
    at = rng.uniform(-600, 600, (2, len(cosine)))
    height = z - z.mean()
    x = at[0][:, None] + (tangent * np.cos(azimuth))[:, None] * height
    y = at[1][:, None] + (tangent * np.sin(azimuth))[:, None] * height
    crossed: NDArray[np.bool_] = (np.abs(x) <= 116) & (np.abs(y) <= 143.5)
    return crossed


@pytest.mark.parametrize("cos_exponent", [2.0, 1.0])
@pytest.mark.parametrize("triggers", [PAIR_TRIGGERS, TRIPLE_TRIGGERS])
def test_topologies_agree_with_plain_throwing(triggers: tuple[int, ...], cos_exponent: float) -> None:
    z = np.array([0.0, 100.0, 200.0, 400.0])
    wanted = trigger_table(triggers)
    plain = masks(thrown_plainly(z, cos_exponent, 3_000_000))
    plain_counts = np.bincount(plain[wanted[plain]], minlength=16)
    clever = masks(draw_tracks(np.random.default_rng(6), 400_000, z, triggers, cos_exponent).is_inside)
    assert wanted[clever].all()
    clever_counts = np.bincount(clever, minlength=16)
    share = clever_counts / clever_counts.sum()
    expected = share * plain_counts.sum()
    variance = expected * (1 + plain_counts.sum() / clever_counts.sum())
    chi2 = ((plain_counts - expected)[variance > 0] ** 2 / variance[variance > 0]).sum()
    assert plain_counts.sum() > 3_000
    assert chi2 < 30


def test_efficiencies_are_the_given_ones() -> None:
    station = StationConfig(0, z_mm=(0.0, 65.0, 130.0, 195.0), efficiency=(0.95, 0.6, 0.99, 0.9), one_ended=0.01)
    events = draw_events(np.random.default_rng(1), station, 40_000)
    n = events.n_crossing_all
    assert n > 15_000
    for plane, efficiency in enumerate(station.efficiency):
        sigma = np.sqrt(efficiency * (1 - efficiency) / n)
        assert abs(events.n_two_ended_of_crossing[plane] / n - efficiency) < 4 * sigma
        assert abs(events.n_fired_of_crossing[plane] / n - min(1, efficiency + 0.01)) < 4 * sigma


def test_every_event_has_a_trigger_and_only_crossed_planes_fire() -> None:
    station = StationConfig(0, triggers=TRIPLE_TRIGGERS)
    events = draw_events(np.random.default_rng(2), station, 3_000)
    fired = events.is_two_ended | events.is_one_ended
    assert len(events.tracks) == 3_000
    assert trigger_table(TRIPLE_TRIGGERS)[masks(fired)].all()
    assert not (fired & ~events.tracks.is_inside).any()
    assert not (events.is_two_ended & events.is_one_ended).any()


def test_inclined_tracks_are_missed_less_often_where_the_path_is_felt() -> None:
    station = StationConfig(0, efficiency=(0.6, 0.9, 0.9, 0.9), triggers=(23,), one_ended=0.0, is_path_felt=True)
    events = draw_events(np.random.default_rng(6), station, 60_000)
    crossed = events.tracks.is_inside[:, 0]
    longer = path_factor(events.tracks.slope)
    for steep in (longer < 1.1, (longer >= 1.1) & (longer < 1.3), longer >= 1.3):
        chosen = crossed & steep
        expected = np.mean(1 - 0.4 ** longer[chosen])
        found = events.is_two_ended[chosen, 0].mean()
        assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / chosen.sum())


def test_charge_follows_the_ionisations_only_where_the_path_is_felt() -> None:
    station = StationConfig(0, efficiency=(0.6, 0.9, 0.95, 0.9), is_path_felt=True)
    tracks = draw_events(np.random.default_rng(7), station, 2_000).tracks
    factor = charge_factor(station, tracks)
    order = np.argsort(path_factor(tracks.slope))
    assert (np.diff(factor[order], axis=0) >= 0).all()
    assert (factor[:, 0] < factor[:, 1]).all()
    assert (factor[:, 1] < factor[:, 2]).all()
    assert (charge_factor(StationConfig(0), tracks) == 1).all()


def test_an_efficiency_of_one_has_no_number_of_ionisations() -> None:
    with pytest.raises(ValueError, match="ionisations"):
        StationConfig(0, efficiency=(1.0, 0.9, 0.9, 0.9), is_path_felt=True)
