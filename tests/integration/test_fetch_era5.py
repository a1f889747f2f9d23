"""Fetching ERA5 from a service on loopback: every answer it may give."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.integration.era5_home import PATIENCE, SETTINGS, Home, opened, outcomes
from tests.servers.cds import KEY, LICENCE, NO_ACCESS, NO_DATA, TOO_LARGE, FakeCds, Refusal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with opened(tmp_path, monkeypatch) as home:
        yield home


def test_the_sidecar_tells_the_origin_and_no_secret(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    home.service.refusals.append(Refusal(400, "no", f"your key {KEY} is fine"))
    home.service.file = "html"
    home.fetch()
    home.service.file = "ok"
    summary = home.fetch()
    (path,) = [item.path for item in summary.items if item.path is not None][:1]
    sidecar = json.loads(path.with_name(path.name + ".meta.json").read_text())
    assert sidecar["source"] == "era5_cds"
    assert sidecar["host"] == "127.0.0.1"
    assert sidecar["remote_path"].endswith("/answer.nc")
    assert sidecar["request"]["dataset"] == "reanalysis-era5-single-levels"
    assert sidecar["request"]["area"] == [40.6668, -3.9538, 40.1668, -3.4538]
    assert (sidecar["http_status"], sidecar["fetched_at"]) == (200, "2025-02-10T09:00:00Z")
    assert path.stat().st_mode & 0o777 == 0o440
    written = [p for p in home.landing.rglob("*") if p.is_file()]
    assert len(written) > 4
    assert not [p for p in written if KEY.encode() in p.read_bytes()]
    assert KEY not in caplog.text
    assert "*** is fine" in caplog.text


@pytest.mark.parametrize(
    ("refusal", "outcome", "text"),
    [
        (Refusal(400, "invalid request", "no such variable"), "failed", "no such variable"),
        (Refusal(404, "not found"), "failed", "404 not found"),
        (NO_DATA, "no_data", "available yet"),
        ("html", "failed", ""),
        ("list", "failed", ""),
        ("no link", "failed", ""),
    ],
)
def test_a_refused_request_does_not_stop_the_others(home: Home, refusal: Any, outcome: str, text: str) -> None:
    home.service.refusals.append(refusal)
    summary = home.fetch()
    assert sorted(outcomes(summary)) == sorted([outcome, "fetched"])
    assert text in next(item.detail for item in summary.items if item.outcome == outcome)
    assert summary.n_requests == 2
    assert summary.stopped == ""


def test_no_data_yet_is_a_warning_for_old_days_only(home: Home) -> None:
    home.service.refusals.extend([NO_DATA, NO_DATA])
    summary = home.fetch()
    assert (outcomes(summary), summary.n_failed) == (["no_data", "no_data"], 0)
    assert len(summary.warnings) == 1
    assert "single_20250130_20250131" in summary.warnings[0]


def test_a_job_may_say_that_there_are_no_data(home: Home) -> None:
    home.service.states = ("running", "failed")
    home.service.failure = NO_DATA
    summary = home.fetch()
    assert (outcomes(summary), summary.n_failed, len(summary.warnings)) == (["no_data", "no_data"], 0, 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_client_tries_again(home: Home, status: int) -> None:
    home.service.refusals.extend([Refusal(status)] * 2)
    summary = home.fetch()
    assert (outcomes(summary), summary.problem) == (["fetched", "fetched"], "")
    assert home.service.posts() == 4


def test_refused_credentials_stop_the_run(home: Home) -> None:
    home.service.refusals.extend([NO_ACCESS])
    summary = home.fetch()
    assert home.service.posts() == 1
    assert (summary.items, summary.n_failed, summary.n_waiting) == ([], 1, 2)
    assert summary.problem.startswith("credentials refused")
    assert KEY not in summary.problem


def test_a_missing_licence_stops_its_dataset(home: Home) -> None:
    home.service.refused_dataset = ("reanalysis-era5-pressure-levels", LICENCE)
    summary = home.fetch(SETTINGS.model_copy(update={"products": ["single", "pl100", "profile"]}))
    assert sorted(outcomes(summary)) == ["failed", "fetched", "fetched"]
    assert summary.n_waiting == 3
    assert "reanalysis-era5-pressure-levels" in summary.problem
    assert "accept" in summary.problem


def test_what_is_too_large_is_halved(home: Home) -> None:
    home.service.max_days = 1
    summary = home.fetch()
    assert outcomes(summary) == ["fetched"] * 6
    assert [len(body["day"]) for _, body in home.service.submitted] == [4, 2, 1, 1, 1, 1, 1, 1]
    assert sorted(day for _, body in home.service.submitted if len(body["day"]) == 1 for day in body["day"]) == [
        "01", "02", "03", "04", "30", "31",
    ]  # fmt: skip


def test_one_day_that_is_too_large_fails(home: Home) -> None:
    home.service.max_days = 0
    summary = home.fetch()
    assert outcomes(summary) == ["failed"] * 6
    assert "cost limits" in summary.problem


@pytest.mark.parametrize(
    ("file", "reason"),
    [("html", "not_data"), ("json", "not_data"), ("empty", "not_data"), ("elsewhere", "wrong_area")],
)
def test_an_answer_without_data_is_kept_apart(home: Home, file: str, reason: str) -> None:
    home.service.file = file
    summary = home.fetch()
    assert outcomes(summary) == ["rejected", "rejected"]
    assert [name.split("/")[:2] for name in home.files()] == [["_rejected", reason]] * 2
    assert all(item.path and item.path.with_name(item.path.name + ".meta.json").exists() for item in summary.items)
    home.service.file = "ok"
    assert outcomes(home.fetch()) == ["fetched", "fetched"]  # it did not count as acquired


def test_a_truncated_file_is_kept_apart(home: Home) -> None:
    home.service.file = "truncated"
    assert outcomes(home.fetch()) == ["rejected", "rejected"]
    assert all(name.startswith("_rejected/not_readable/") for name in home.files())


@pytest.mark.parametrize("file", ["short", "wrong size", "gone"])
def test_an_incomplete_download_leaves_nothing_and_is_taken_up(home: Home, file: str) -> None:
    home.service.file = file
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert all("/pending/" in name for name in home.files())
    for job in home.service.jobs.values():
        job.file = "ok"
    assert outcomes(home.fetch()) == ["fetched", "fetched"]
    assert home.service.posts() == 2
    assert home.files("station=1/pending/*") == []


@pytest.mark.parametrize(("file", "text"), [("huge", "more than 200"), ("plain http", "not https")])
def test_an_answer_that_must_not_be_downloaded_is_left(home: Home, file: str, text: str) -> None:
    home.service.file = file
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert text in summary.problem
    assert not [path for _, path in home.service.log if path.startswith("/cache")]
    assert home.files() == []


def test_a_download_that_is_cut_is_tried_again(home: Home) -> None:
    home.service.file = "short once"
    assert outcomes(home.fetch()) == ["fetched", "fetched"]


def test_a_job_that_is_too_large_is_halved(home: Home) -> None:
    home.service.states = ("rejected",)
    home.service.failure = TOO_LARGE
    summary = home.fetch()
    assert outcomes(summary) == ["failed"] * 6
    assert home.service.posts() == 1 + 2 + 4 + 2 - 1  # 4 days, twice 2 days with the 2 of January, six times one


def test_a_silent_service_ends_the_run_soon(home: Home) -> None:
    settings = SETTINGS.model_copy(update={"start_date": date(2024, 9, 1)})
    home.patience = replace(PATIENCE, timeout_s=0.7)
    home.service.refusals.extend(["stall"] * 9)
    summary = home.fetch(settings)
    assert outcomes(summary) == ["failed"] * 3
    assert summary.stopped.startswith("the service is not available")
    assert summary.n_waiting == 3
    assert home.files() == []


def test_no_service_at_all(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeCds() as gone:
        address = gone.url
    monkeypatch.setenv("CDSAPI_URL", f"{address}/api")
    summary = home.fetch()
    assert outcomes(summary) == ["failed", "failed"]
    assert summary.n_done == 0
    assert home.files() == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("CDSAPI_KEY", None, "set CDSAPI_URL and CDSAPI_KEY"),
        ("CDSAPI_KEY", f"17:{KEY}", "without a colon"),
        ("CDSAPI_URL", "http://cds.example.org/api", "https://"),
    ],
)
def test_credentials_that_cannot_be_used_are_one_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, text: str
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    summary = home.fetch()
    assert text in summary.problem
    assert KEY not in summary.problem
    assert (summary.n_failed, summary.n_waiting, home.service.log) == (1, 2, [])
