"""What `mingo bench acquire` prints."""

from dataclasses import asdict
from typing import Any

from flows.acquire_bench import AcquireCost, ClientCost
from flows.console import print_table
from flows.outcome import Outcome

COLUMNS = [
    "client",
    "seconds",
    "files/s",
    "MB/s",
    "CPU s",
    "MiB",
    "server MiB",
    "logins",
    "at once",
    "channels",
    "opened",
    "stat",
]
_MIB = 1 << 20


def show_acquire_cost(cost: AcquireCost) -> None:
    """Print a row for each client."""
    title = f"{cost.n_files:,} files, {cost.n_bytes / 1e6:.1f} MB, stations: {cost.n_stations}, OpenSSH on loopback"
    print_table(title, COLUMNS, [_row(one) for one in (cost.ours, cost.again, *cost.others)])


def _row(one: ClientCost) -> list[str]:
    return [
        one.client,
        f"{one.seconds:.2f}",
        f"{one.files_per_s:,.0f}",
        f"{one.mb_per_s:.1f}",
        f"{one.cpu_s:.2f}",
        f"{one.peak_bytes / _MIB:.0f}",
        f"{one.server_peak_bytes / _MIB:.0f}",
        f"{one.n_connections}",
        f"{one.max_open}",
        f"{one.n_sessions}",
        f"{one.n_opened:,}",
        f"{one.n_stat:,}",
    ]


def acquire_outcome(cost: AcquireCost) -> Outcome:
    """The measurement as one sentence, and as an object for scripts."""
    ours = cost.ours
    ratios = ", ".join(f"{cost.ratio(other):.1f} times as long as {other.client}" for other in cost.others)
    sentence = (
        f"{cost.n_files:,} files in {ours.seconds:.1f} s ({ours.files_per_s:,.0f} files/s, {ours.mb_per_s:.1f} MB/s,"
        f" {cost.again.seconds:.1f} s of it for a run without work), {ratios};"
        f" memory {ours.peak_bytes / _MIB:.0f} MiB ({cost.again.peak_bytes / _MIB:.0f} MiB without work),"
        f" the server's {ours.server_peak_bytes / _MIB:.0f} MiB; at most {ours.max_open} open at once"
    )
    detail: dict[str, Any] = {
        "n_files": cost.n_files,
        "n_bytes": cost.n_bytes,
        "n_stations": cost.n_stations,
        "clients": [
            asdict(one) | {"files_per_s": one.files_per_s, "mb_per_s": one.mb_per_s, "ratio": cost.ratio(one)}
            for one in (ours, cost.again, *cost.others)
        ],
    }
    return Outcome("bench", "Completed", sentence, detail)
