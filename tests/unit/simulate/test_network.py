"""The landing folder of a network: complete, readable, the same for the same seed."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray

from extract.daq.parser import parse_dat
from simulate.environment import make_weather, unix_start
from simulate.era5 import blocks
from simulate.lab import LOG_KINDS
from simulate.landing import pack
from simulate.network import simulate_network
from simulate.nmdb import BASE_RATE_HZ
from tests.unit.simulate.conftest import SmallNetwork, small_config


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.rglob(pattern) if not path.name.endswith(".meta.json"))


def test_every_file_has_a_true_sidecar(network: SmallNetwork) -> None:
    landed = files(network.landing, "*.*")
    assert len(landed) == network.summary.n_files + network.summary.n_logs + 6 + 3 + 2
    for path in landed:
        sidecar = json.loads(path.with_name(path.name + ".meta.json").read_text())
        content = path.read_bytes()
        assert sidecar["size"] == len(content)
        assert sidecar["file_sha256"] == hashlib.sha256(content).hexdigest()
        assert sidecar["fetched_at"].endswith("Z")
        assert sidecar["source"] in {"dat", "lab_log", "era5_cds", "nmdb_nest", "logbook"}
    assert not list(network.landing.rglob("*.part"))


def test_detector_files_read_as_the_truth_says(network: SmallNetwork) -> None:
    rows = network.truth("file").to_pylist()
    paths = {path.stem: path for path in files(network.landing / "dat", "*.dat")}
    assert sorted(paths) == sorted(row["base_name"] for row in rows)
    assert sum(row["n_events"] for row in rows) == network.summary.n_events
    for row in rows:
        path = paths[row["base_name"]]
        assert path.parent == network.landing / "dat" / f"station={row['station_id']}" / f"{row['start_time']:%Y-%m}"
        result = parse_dat(path, row["station_id"])
        assert (result.events.num_rows, result.counters.n_rejects) == (row["n_events"], row["n_rejects"])
        truth = pq.read_table(
            network.folder / "truth" / "event" / f"station={row['station_id']}" / f"{path.stem}.parquet"
        )
        assert truth.num_rows == row["n_lines"]
        accepted = truth.filter(pa.compute.is_null(truth.column("expected_reason")))
        assert result.events.column("raw_tt").to_pylist() == accepted.column("tt_trigger").to_pylist()
        first_s = (truth.column("event_time").drop_null()[0].as_py() - row["start_time"]).total_seconds()
        assert -60 <= first_s <= 8
        assert pa.compute.max(accepted.column("event_time")).as_py().date() == row["start_time"].date()


def test_the_outage_is_one(network: SmallNetwork) -> None:
    begin = unix_start(network.config)
    times = np.concatenate(
        [
            parse_dat(path).events.column("event_time").to_numpy().astype("datetime64[s]").astype(np.int64)
            for path in files(network.landing / "dat" / "station=1", "*.dat")
        ]
    )
    assert not np.any((times > begin + 30 * 3600) & (times < begin + 34.4 * 3600))
    hours = network.truth("hour").to_pandas().query("station_id == 1").reset_index()
    assert hours["live_share"].sum() == pytest.approx(48 - 4.5)
    assert hours["live_share"][34] == pytest.approx(0.5)


def content_hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_whatever_the_workers(network: SmallNetwork, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    summary = simulate_network(
        small_config(),
        tmp_path / "landing",
        tmp_path / "truth",
        workers=2,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert summary == network.summary
    assert content_hashes(tmp_path) == content_hashes(network.folder)
    assert seen == [(k + 1, len(seen)) for k in range(len(seen))]
    assert len(seen) == summary.n_files + 2


def test_another_seed_gives_other_events(network: SmallNetwork, tmp_path: Path) -> None:
    config = small_config()
    other = replace(config, seed=config.seed + 1, stations=config.stations[1:], days=1, event_truth=False)
    simulate_network(other, tmp_path / "landing", tmp_path / "truth")
    ours = {path.name: path.read_bytes() for path in files(network.landing / "dat" / "station=3", "*.dat")}
    theirs = files(tmp_path / "landing" / "dat", "*.dat")
    assert theirs
    assert all(ours.get(path.name) != path.read_bytes() for path in theirs)
    assert not (tmp_path / "truth" / "event").exists()


@pytest.mark.parametrize("container", ["gz", "tar_gz"])
def test_containers_hold_the_same_text(network: SmallNetwork, tmp_path: Path, container: str) -> None:
    config = replace(small_config(), container=container, stations=small_config().stations[:1], event_truth=False)
    simulate_network(config, tmp_path / "landing", tmp_path / "truth")
    plain = {path.stem: path for path in files(network.landing / "dat" / "station=1", "*.dat")}
    packed = files(tmp_path / "landing" / "dat", "*.gz")
    assert len(packed) == len(plain)
    for path in packed:
        result, expected = parse_dat(path), parse_dat(plain[path.name.split(".")[0]])
        assert result.facts is not None
        assert expected.facts is not None
        assert result.facts.content_sha256 == expected.facts.content_sha256


def test_packing_is_repeatable(network: SmallNetwork) -> None:
    moment = network.config.start
    assert pack(b"text", "a.dat", "tar_gz", moment) == pack(b"text", "a.dat", "tar_gz", moment)


def test_station_truth(network: SmallNetwork) -> None:
    rows = network.truth("station").to_pylist()
    for row, station in zip(rows, network.config.stations, strict=True):
        assert [row[f"eff_{k}"] for k in range(1, 5)] == list(station.efficiency)
        for k in range(1, 5):
            sigma = (row[f"eff_{k}"] * (1 - row[f"eff_{k}"]) / 5_000) ** 0.5
            assert 0 < abs(row[f"eff_realised_{k}"] - row[f"eff_{k}"]) < 4 * sigma
        assert row["beta_pct_per_hpa"] == station.beta_pct_per_hpa
        assert 0.5 * station.rate_hz < row["rate_through_hz"] < 0.8 * station.rate_hz
    assert network.truth("calibration").num_rows == 32


def test_logs_show_the_weather(network: SmallNetwork) -> None:
    log_truth = {(row["station_id"], row["name"]): row for row in network.truth("log").to_pylist()}
    assert len(log_truth) == 2 * 2 * len(LOG_KINDS)
    assert sum(row["n_rejects"] for row in log_truth.values()) > 0
    exact = {"sensors_bus0": 9, "sensors_bus1": 9, "hv0": 25, "rates": 13, "Flow0": 6, "Odroid": 5, "weight": 3}
    for path in files(network.landing / "lab_log", "*.log"):
        station_id = int(path.parent.parent.parent.name.removeprefix("station="))
        lines = path.read_text().splitlines()
        row = log_truth[station_id, path.name]
        assert len(lines) == row["n_lines"]
        n_tokens = [len(line.replace("T", " ", 1).replace(";", " ").split()) for line in lines]
        expected = exact[path.name.rsplit("_", 1)[0]]
        assert sum(n != expected for n in n_tokens) == row["n_rejects"]
        assert max(n_tokens) == expected
        if path.name.startswith("sensors_bus0"):
            weather = make_weather(network.config, network.config.stations[[1, 3].index(station_id)])
            whole = [line.split() for line, n in zip(lines, n_tokens, strict=True) if n == expected]
            stamps = np.array([line[0].rstrip(";") for line in whole], dtype="datetime64[s]").astype(np.int64)
            true_hpa = np.interp(stamps, weather.time_s, weather.pressure_hpa)
            assert np.abs(np.array([float(line[7]) for line in whole]) - true_hpa).max() < 0.4


def test_reanalysis_is_the_true_weather(network: SmallNetwork) -> None:
    for station in network.config.stations:
        weather = make_weather(network.config, station)
        for product, n_hours in (("single", 48), ("pl100", 48), ("profile", 16)):
            (path,) = files(network.landing / "era5" / f"station={station.station_id}" / product, "*.nc")
            with xarray.open_dataset(path, engine="h5netcdf") as answer:
                assert answer.sizes["valid_time"] == n_hours
                assert (answer.sizes["latitude"], answer.sizes["longitude"]) == (3, 3)
                assert set(answer["expver"].values.tolist()) == {"0001"}
                assert float(answer["latitude"].mean()) == pytest.approx(station.latitude_deg)
                seconds = answer["valid_time"].values.astype("datetime64[s]").astype(np.int64)
                mean = answer.mean(("latitude", "longitude"))
                if product == "single":
                    true_k = np.interp(seconds, weather.time_s, weather.temp_ground_k)
                    assert mean["t2m"].values == pytest.approx(true_k, abs=1e-3)
                    assert answer["sp"].attrs["units"] == "Pa"
                elif product == "profile":
                    ordered = mean["t"].sortby("pressure_level")
                    assert ordered.values == pytest.approx(weather.profile_k, abs=1e-3)
                    assert ordered.sizes["pressure_level"] == 37
                else:
                    assert answer["pressure_level"].values.tolist() == [100.0]
                    assert 15_000 < float(mean["z"].mean()) / 9.80665 < 17_500


def test_blocks_start_at_the_month_and_after_each_length() -> None:
    start = small_config().start.replace(day=27)
    found = [(first.strftime("%m-%d"), n_days) for first, n_days in blocks(start, 30, 16)]
    assert found == [("03-27", 5), ("04-01", 16), ("04-17", 9)]


def test_monitors_follow_the_primary_variation(network: SmallNetwork) -> None:
    (path,) = files(network.landing / "nmdb" / "rate", "*.txt")
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    codes = lines[0].split()
    assert codes == list(network.config.monitors)
    data = [line.split(";") for line in lines[1:]]
    assert len(data) == 288
    assert data[1][0] == "2025-03-03 00:10:00"
    values = np.array([[np.nan if cell.strip() == "null" else float(cell) for cell in row[1:]] for row in data])
    assert 0 < np.isnan(values).sum() < 20
    weather = make_weather(network.config, network.config.stations[0])
    for column, code in enumerate(codes):
        percent = 100 * (np.nanmean(values[:, column]) / BASE_RATE_HZ[code] - 1)
        assert abs(percent) < 0.6 + np.abs(weather.primary_pct).max()
    baro = {path.name.split("_2025")[0] for path in files(network.landing / "nmdb" / "baro", "*.txt")}
    assert baro == {"uncorrected", "pressure_mbar"}


def test_logbook_covers_the_span(network: SmallNetwork) -> None:
    (path,) = files(network.landing / "logbook" / "station=1", "*.csv")
    _, names, row = path.read_text().splitlines()
    assert names.startswith("station,conf,start,end,over_P1")
    assert row == '1,21,2025-02-21,,0,0,0,0,0,65,130,195,123,234,134,124,"12,5",Madrid,simulated'
