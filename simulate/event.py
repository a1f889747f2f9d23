"""The events of one file, in time order, with everything that is true of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulate.config import Layout, StationConfig
from simulate.geometry import LABELS, N_PLANES, N_STRIPS, SPEED_OF_LIGHT_MM_PER_NS, strip_of
from simulate.response import JITTER_NS, N_VALUES, TICKS_PER_NS, Offsets, make_values, topology
from simulate.trigger import Triggered, charge_factor, draw_events, masks

COINCIDENCE = 1
SELF_TRIGGER = 2


@dataclass(frozen=True)
class EventBlock:
    """Events in time order: ``time_s`` whole Unix seconds, ``values`` in units of 0.0001 ns as in the text.

    ``muon`` is the place of the event in ``muons`` and ``t0_ns``, -1 for a self-trigger.
    """

    time_s: NDArray[np.int64]
    trigger: NDArray[np.int64]
    values: NDArray[np.int32]
    muon: NDArray[np.int64]
    muons: Triggered
    t0_ns: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time_s)


def self_trigger_values(rng: np.random.Generator, n_events: int, offsets: Offsets) -> NDArray[np.int32]:
    """One strip of one plane in each event, one end of ten missing; shape (n, 64)."""
    plane, strip = rng.integers(N_PLANES, size=n_events), rng.integers(N_STRIPS, size=n_events)
    values = np.zeros((n_events, N_PLANES, 4, N_STRIPS), dtype=np.int32)
    row = np.arange(n_events)
    time = rng.uniform(-180.0, -60.0, n_events)
    is_lost = rng.random((2, n_events)) < 0.1
    for kind, pedestal in enumerate((offsets.q_front, offsets.q_back)):
        seen = ~is_lost[kind] | (is_lost[0] & is_lost[1] & (kind == 0))
        width = 1.0 + rng.exponential(25.0, n_events).clip(max=150.0)
        time_end = np.rint((time + rng.normal(0.0, 0.4, n_events)) * TICKS_PER_NS).astype(np.int32)
        charge = np.rint((pedestal[plane, strip] + width) * TICKS_PER_NS).astype(np.int32)
        values[row, N_PLANES - 1 - plane, kind, strip] = np.where(seen, time_end, 0)
        values[row, N_PLANES - 1 - plane, 2 + kind, strip] = np.where(seen, charge, 0)
    return values.reshape(n_events, N_VALUES)


def make_events(
    rng: np.random.Generator,
    station: StationConfig,
    offsets: Offsets,
    times_s: NDArray[np.float64],
    *,
    layout: Layout = "production",
    self_times_s: NDArray[np.float64] | None = None,
) -> EventBlock:
    """Simulate one event for each time, and a self-trigger for each of ``self_times_s``.

    Parameters
    ----------
    times_s, self_times_s
        Sorted Unix seconds; the row shows the whole second.
    """
    muons = draw_events(rng, station, len(times_s))
    t0_ns = station.jitter_low_ns + JITTER_NS * rng.random(len(times_s))
    factor = charge_factor(station, muons.tracks)
    values = make_values(rng, muons, station.z_mm, offsets, t0_ns, factor, is_time_always=layout == "simulated")
    second = np.floor(times_s).astype(np.int64)
    muon = np.arange(len(times_s))
    trigger = np.full(len(times_s), COINCIDENCE, dtype=np.int64)
    if self_times_s is None or not len(self_times_s):
        return EventBlock(second, trigger, values, muon, muons, t0_ns)
    n_self = len(self_times_s)
    order = np.argsort(np.concatenate([times_s, self_times_s]), kind="stable")
    return EventBlock(
        np.concatenate([second, np.floor(self_times_s).astype(np.int64)])[order],
        np.concatenate([trigger, np.full(n_self, SELF_TRIGGER)])[order],
        np.concatenate([values, self_trigger_values(rng, n_self, offsets)])[order],
        np.concatenate([muon, np.full(n_self, -1)])[order],
        muons,
        t0_ns,
    )


def event_truth(block: EventBlock, event: NDArray[np.int64]) -> pa.Table:
    """Truth of the events with these places in the block; -1 stands for a line without an event (all NULL)."""
    is_event = event >= 0
    muon = np.where(is_event, block.muon[np.maximum(event, 0)] if len(block) else -1, -1)
    has_track = muon >= 0
    at = np.maximum(muon, 0)
    tracks = block.muons.tracks
    n = len(event)

    def take(values: NDArray[Any]) -> NDArray[Any]:
        taken: NDArray[Any] = values[at] if len(tracks) else np.zeros((n, *values.shape[1:]), dtype=values.dtype)
        return taken

    def column(values: NDArray[Any], valid: NDArray[np.bool_], kind: pa.DataType) -> "pa.Array[Any]":
        return pa.array(values, type=kind, mask=~valid)

    slope, x, y = take(tracks.slope), take(tracks.x_mm), take(tracks.y_mm)
    inside = take(tracks.is_inside)
    fired = take(block.muons.is_two_ended | block.muons.is_one_ended)
    two_ended = take(block.muons.is_two_ended)
    tangent = np.hypot(slope[:, 0], slope[:, 1])
    written = LABELS[topology(block.values)] if len(block) else np.zeros(0, dtype=np.int16)
    row = np.maximum(event, 0)
    f8, i2 = pa.float64(), pa.int16()
    columns = {
        "event_time": pa.array(
            (block.time_s[row] if len(block) else np.zeros(n, dtype=np.int64)) * 1_000_000,
            type=pa.timestamp("us"),
            mask=~is_event,
        ),
        "trigger_type": column(block.trigger[row] if len(block) else np.zeros(n), is_event, pa.int8()),
        "tt_crossing": column(LABELS[masks(inside)], has_track, i2),
        "tt_fired": column(LABELS[masks(fired)], has_track, i2),
        "tt_two_ended": column(LABELS[masks(two_ended)], has_track, i2),
        "tt_trigger": column(written[row] if len(block) else np.zeros(n, dtype=np.int16), is_event, i2),
        "theta_rad": column(np.arctan(tangent), has_track, f8),
        "phi_rad": column(np.arctan2(slope[:, 1], slope[:, 0]), has_track, f8),
        "x0_mm": column(x[:, 0], has_track, f8),
        "y0_mm": column(y[:, 0], has_track, f8),
        "x_slope": column(slope[:, 0], has_track, f8),
        "y_slope": column(slope[:, 1], has_track, f8),
        "slowness_ns_per_mm": column(np.full(n, 1.0 / SPEED_OF_LIGHT_MM_PER_NS), has_track, f8),
        "t0_ns": column(take(block.t0_ns), has_track, f8),
    }
    strips = strip_of(y) + 1
    for plane in range(N_PLANES):
        valid = has_track & inside[:, plane]
        columns[f"x_true_p{plane + 1}_mm"] = column(x[:, plane], valid, f8)
        columns[f"y_true_p{plane + 1}_mm"] = column(y[:, plane], valid, f8)
        columns[f"strip_true_p{plane + 1}"] = column(strips[:, plane], valid, pa.int8())
    return pa.table(columns)
