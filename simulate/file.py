"""One detector file: events, defects, text, truth. A network is made of these; tests and benchmarks use them too."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulate.config import Container, Layout, StationConfig
from simulate.defects import REASON, RECOVERY, USUAL, VALUE_DEFECTS, Lines, apply_to_values, assemble, choose
from simulate.event import EventBlock, event_truth, make_events
from simulate.geometry import LABELS, N_PLANES, N_STRIPS
from simulate.landing import SUFFIX, pack, utc
from simulate.response import Offsets, make_offsets, topology
from simulate.text import SIMULATED_COMMENT, render_lines
from warehouse.files import replacing


@dataclass(frozen=True)
class DetectorFile:
    """A detector file and what is true of it.

    Attributes
    ----------
    base_name
        ``mi0<station><YY><DDD><HHMMSS>``.
    content
        The text.
    block, lines
        Events, and which line shows which of them with which defect.
    """

    base_name: str
    station: StationConfig
    offsets: Offsets
    content: bytes
    block: EventBlock
    lines: Lines

    def truth(self) -> pa.Table:
        """One row per data line: line number from 1, defect, expected reason and recovery, and the event's truth."""
        is_data = np.ones(len(self.lines.event), dtype=bool)
        is_data[0:1] = not self.content.startswith(b"#")
        number = np.flatnonzero(is_data)
        defect = [self.lines.defect[k] or None for k in number]
        reason = [REASON[kind] if kind else None for kind in defect]
        table = event_truth(self.block, self.lines.event[is_data])
        head = pa.table(
            {
                "line_number": pa.array(number + 1, type=pa.int32()),
                "defect": pa.array(defect, type=pa.string()),
                "expected_reason": pa.array(reason, type=pa.string()),
                "expected_recovery": pa.array([RECOVERY.get(k or "") for k in defect], type=pa.string()),
            }
        )
        for name in table.column_names:
            head = head.append_column(name, table.column(name))
        return head

    def calibration(self) -> pa.Table:
        """Offsets and pedestals, 16 rows (plane, strip), ns."""
        return calibration_table(self.offsets)

    def summary(self) -> dict[str, object]:
        """Counts of the file as a parser must find them, and the realised efficiencies."""
        defects = Counter(kind for kind in self.lines.defect if kind)
        rejects = Counter({reason: 0 for reason in REASON.values() if reason})
        for kind, n in defects.items():
            if (reason := REASON[kind]) is not None:
                rejects[reason] += n
        n_comments = int(self.content.startswith(b"#"))
        n_lines = len(self.lines.event)
        muons = self.block.muons
        labels = LABELS[topology(self.block.values)][self.block.trigger == 1]
        row: dict[str, object] = {
            "n_lines": n_lines,
            "n_comments": n_comments,
            "n_events": n_lines - n_comments - sum(rejects.values()),
            "n_rejects": sum(rejects.values()),
            "n_muons": int((self.block.muon >= 0).sum()),
            "n_self_triggers": int((self.block.muon < 0).sum()),
            "n_four_planes": int((labels == 1234).sum()),
            "n_crossing_all": muons.n_crossing_all,
        }
        row |= {f"n_fired_p{p + 1}": int(muons.n_fired_of_crossing[p]) for p in range(N_PLANES)}
        row |= {f"n_two_ended_p{p + 1}": int(muons.n_two_ended_of_crossing[p]) for p in range(N_PLANES)}
        row |= {f"n_reject_{reason}": n for reason, n in sorted(rejects.items())}
        row |= {f"n_defect_{kind}": defects.get(kind, 0) for kind in REASON}
        return row


def calibration_table(offsets: Offsets) -> pa.Table:
    """Offsets and pedestals of a station, 16 rows (plane, strip), ns."""
    return pa.table(
        {
            "plane": pa.array(np.repeat(np.arange(1, N_PLANES + 1), N_STRIPS), type=pa.int8()),
            "strip": pa.array(np.tile(np.arange(1, N_STRIPS + 1), N_PLANES), type=pa.int8()),
            "t_front_offset_ns": pa.array(offsets.t_front.ravel()),
            "t_back_offset_ns": pa.array(offsets.t_back.ravel()),
            "t_sum_offset_ns": pa.array(offsets.t_sum.ravel()),
            "t_dif_offset_ns": pa.array(offsets.t_dif.ravel()),
            "q_pedestal_front_ns": pa.array(offsets.q_front.ravel()),
            "q_pedestal_back_ns": pa.array(offsets.q_back.ravel()),
        }
    )


def base_name(station_id: int, start: datetime) -> str:
    """Canonical name of a file that begins at ``start`` (UTC)."""
    return f"mi0{station_id}{start:%y%j%H%M%S}"


def compose_file(
    rng: np.random.Generator,
    station: StationConfig,
    offsets: Offsets,
    times_s: NDArray[np.float64],
    *,
    name: str,
    layout: Layout = "production",
    self_times_s: NDArray[np.float64] | None = None,
    defect_share: float = 0.0,
    defects: Sequence[str] = USUAL,
) -> DetectorFile:
    """Simulate the events at the given times and write them as the text of one file.

    Raises
    ------
    ValueError
        When defects are wanted in the legacy layout, whose rows are all rejected anyway.
    """
    if layout == "legacy" and defect_share:
        raise ValueError("the legacy layout has no dated rows, so it cannot carry defects")
    block = make_events(rng, station, offsets, times_s, layout=layout, self_times_s=self_times_s)
    chosen = choose(rng, len(block), defect_share, defects) if defect_share else {}
    if any(kind in VALUE_DEFECTS for kind in chosen.values()):
        block, chosen = apply_to_values(rng, block, chosen, offsets)
    rows = render_lines(layout, block.time_s, block.trigger, block.values)
    header = b""
    if layout == "simulated":
        header = f"{SIMULATED_COMMENT}{sha256(repr(station).encode()).hexdigest()}\n".encode()
    lines = assemble(rng, rows, chosen, header)
    return DetectorFile(name, station, offsets, lines.content, block, lines)


def simulate_file(
    n_events: int,
    *,
    station: StationConfig | None = None,
    start: datetime = datetime(2025, 6, 10),
    seed: int = 1,
    layout: Layout = "simulated",
    defect_share: float = 0.0,
    defects: Sequence[str] = USUAL,
) -> DetectorFile:
    """One file with exactly ``n_events`` coincidence events at a constant rate, for tests and benchmarks.

    Parameters
    ----------
    station
        Geometry, efficiencies, offsets, rate; station 0 with the default geometry when not given.
    defect_share
        Share of rows with a defect of ``defects``.
    """
    station = station or StationConfig(station_id=0)
    rng = np.random.default_rng([seed, station.station_id])
    offsets = make_offsets(station.offsets, rng)
    begin = float(np.datetime64(start, "s").astype(np.int64))
    times = begin + rng.uniform(0, 8) + np.cumsum(rng.exponential(1.0 / station.rate_hz, n_events))
    return compose_file(
        rng,
        station,
        offsets,
        times,
        name=base_name(station.station_id, start),
        layout=layout,
        defect_share=defect_share,
        defects=defects,
    )


def write_file(file: DetectorFile, folder: Path, container: Container = "plain") -> Path:
    """Write the text into a folder, without a sidecar; returns the path."""
    path = folder / f"{file.base_name}.dat{SUFFIX[container]}"
    last = utc(float(file.block.time_s[-1])) if len(file.block) else datetime(2025, 1, 1)
    with replacing(path) as temporary:
        temporary.write_bytes(pack(file.content, f"{file.base_name}.dat", container, last))
    return path
