"""Independent detector files with truth: every row is an event, every topology the true one."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from extract.daq.parser import parse_dat


@pytest.mark.parametrize(("stem", "n_rows"), [("mi0025060000000", 5_000), ("mi0025161000000", 50_000)])
def test_every_row_is_an_event(shared_data: Path, stem: str, n_rows: int) -> None:
    result = parse_dat(shared_data / "detector" / f"{stem}.dat.gz", 0)
    counters = result.counters
    assert result.status == "ok"
    assert result.facts
    assert result.facts.content_size_bytes == 78 + 662 * n_rows
    assert counters.n_lines == counters.n_events + counters.n_rejects + counters.n_comments
    assert (counters.n_events, counters.n_rejects, counters.n_comments) == (n_rows, 0, 1)
    truth = pq.ParquetFile(shared_data / "detector" / f"truth_{stem}.parquet").read()
    assert np.array_equal(result.events["event_number"], truth["dat_line"])
    assert result.events["raw_tt"].cast("string").equals(truth["tt_trigger"].cast("string"))
