"""The measurement of fetching counts what the server saw, and neither memory nor connections grow with the files."""

import pytest

from flows.acquire_bench import AcquireBenchError, AcquireCost, bench_acquire
from flows.commands.acquire_cost import acquire_outcome

N_FILES = 41
N_STATIONS = 2
MIB = 1 << 20
ROW_BYTES = 662


@pytest.fixture(scope="module")
def cost() -> AcquireCost:
    return bench_acquire(N_FILES, 3, N_STATIONS)


def test_each_client_fetched_every_file_once(cost: AcquireCost) -> None:
    assert [one.client for one in (cost.ours, *cost.others)] == ["mingo acquire", "sftp", "sftp -f", "scp"]
    for one in (cost.ours, *cost.others):
        assert (one.n_files, one.n_opened) == (N_FILES, N_FILES)
        assert one.n_bytes >= N_FILES * 3 * ROW_BYTES
        assert one.seconds > 0
    assert (cost.again.n_files, cost.again.n_opened, cost.again.n_stat) == (0, 0, 0)


def test_memory_and_connections_are_bounded(cost: AcquireCost) -> None:
    assert cost.ours.n_connections == cost.again.n_connections == N_STATIONS
    assert 1 <= cost.ours.max_open <= N_STATIONS
    # SFTP, and one question whether the host computes hashes
    assert cost.ours.n_sessions == 2 * N_STATIONS
    assert cost.ours.n_stat <= 2 * N_FILES
    assert 0 < cost.ours.peak_bytes < cost.again.peak_bytes + 64 * MIB
    assert 0 < cost.ours.server_peak_bytes < N_STATIONS * 64 * MIB


def test_outcome_says_the_ratios(cost: AcquireCost) -> None:
    outcome = acquire_outcome(cost)
    clients = outcome.detail["clients"]
    assert [one["client"] for one in clients] == ["mingo acquire", "mingo acquire again", "sftp", "sftp -f", "scp"]
    assert clients[0]["ratio"] == 1
    assert f"{cost.ratio(cost.others[0]):.1f} times as long as sftp" in outcome.sentence


def test_a_client_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.acquire_bench.sys.executable", "false")
    with pytest.raises(AcquireBenchError, match="false ended with 1"):
        bench_acquire(1, 1, 1)
