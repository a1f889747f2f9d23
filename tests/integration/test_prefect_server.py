"""Flows on a real Prefect server: states, schedules, the run page of a transform, and stopping in order."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from flows.outcome import EXIT_CODES, Outcome
from flows.prefect_environment import prefect_environment
from flows.serve import living_flow_runs
from warehouse.lock import held
from warehouse.paths import PROJECT_ROOT
from warehouse.settings import load_settings

START_S = 180.0
SCHEDULED_RUN_S = 200.0
TRANSFORM_S = 400.0
STOP_S = 60.0
BUSY_S = 60.0
SERVE = """
import sys
from flows.serve import serve
from warehouse.settings import load_settings
outcome = serve(load_settings())
print(outcome.line)
sys.exit(outcome.exit_code)
"""
# Only `extract` is due within the test: it is cheap, and its schedule is the shortest that cron knows.
N_FLOWS = 10
CONFIG = """
[prefect]
port = {port}
[acquire]
sources = ["nmdb"]
[schedule.acquire_nmdb]
cron = "0 0 1 1 *"
[schedule.extract]
cron = "* * * * *"
[schedule.transform]
cron = "0 0 1 1 *"
[schedule.publish]
cron = "0 0 1 1 *"
[schedule.report]
cron = "0 0 1 1 *"
is_enabled = false
"""


@dataclass(frozen=True)
class Served:
    """A running `mingo serve`: its API, its data folder, its process."""

    api: str
    data_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The server's answer. While its database is locked it says 503; as its own client does, ask again then."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.api + path, data=data, headers={"content-type": "application/json"})
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                with urlopen(request, timeout=BUSY_S) as answer:
                    return json.load(answer)
            except HTTPError as error:
                if error.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                    raise
            time.sleep(1.0)

    def wait_for(self, question: Callable[[], Any], limit_s: float) -> Any:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"serve ended: {self.log()}"
            found = question()
            if found:
                return found
            time.sleep(0.5)
        raise AssertionError(f"nothing after {limit_s} s; log of serve: {self.log()}")

    def log(self) -> str:
        return (self.data_dir / "serve.log").read_text()[-4000:]

    def has_deployments(self) -> bool:
        try:
            return len(self.ask("/deployments/filter", {})) == N_FLOWS
        except OSError:
            return False

    def finished_runs(self, flow: str, **more: Any) -> Any:
        flow_runs = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}} | more
        return self.ask("/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}, "flow_runs": flow_runs})


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def serving_environment(data_dir: Path) -> dict[str, str]:
    return os.environ | {"MINGO_DATA_DIR": str(data_dir), "MINGO_CONFIG": str(data_dir / "mingo.toml")}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("served")
    port = free_port()
    (data_dir / "mingo.toml").write_text(CONFIG.format(port=port))
    environment = serving_environment(data_dir) | {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}
    with (data_dir / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        server = Served(f"http://127.0.0.1:{port}/api", data_dir, environment, process)
        server.wait_for(server.has_deployments, START_S)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        finally:
            process.kill()


@pytest.mark.server
def test_transform_lists_each_dbt_node(served: Served) -> None:
    """The run page of a transform has a table of the dbt nodes with their outcome and seconds."""
    deployment = served.ask("/deployments/name/transform/mingo")
    run = served.ask(f"/deployments/{deployment['id']}/create_flow_run", {})
    of_run = {"id": {"any_": [run["id"]]}}
    (finished,) = served.wait_for(lambda: served.finished_runs("transform", **of_run), TRANSFORM_S)
    assert (finished["state_type"], finished["state_name"]) == ("COMPLETED", "Completed"), finished["state"]
    (artifact,) = served.ask("/artifacts/filter", {"flow_runs": of_run})
    assert (artifact["type"], artifact["key"]) == ("table", "dbt-nodes")
    rows = json.loads(artifact["data"])
    assert {"int_raw_file", "dim_file", "fct_file"} <= {row["node"] for row in rows}
    assert all(set(row) == {"node", "kind", "status", "seconds", "message"} for row in rows)
    assert all(row["status"] in {"success", "pass"} and row["seconds"] >= 0 for row in rows)


@pytest.mark.server
def test_scheduled_run_finishes(served: Served) -> None:
    """The schedule starts an extract of an empty landing folder, which ends as nothing to do."""
    scheduled = served.wait_for(
        lambda: [run for run in served.finished_runs("extract") if run["auto_scheduled"]], SCHEDULED_RUN_S
    )
    assert (scheduled[0]["state_type"], scheduled[0]["state_name"]) == ("COMPLETED", "NothingToDo")
    assert "nothing to do" in scheduled[0]["state"]["message"]


@pytest.mark.server
def test_deployments_are_as_configured(served: Served) -> None:
    """Each flow has its cron line in UTC, or none, and never runs twice at once."""
    found = {d["entrypoint"].removeprefix("flows.prefect_flows."): d for d in served.ask("/deployments/filter", {})}
    crons = {name: [s["schedule"]["cron"] for s in d["schedules"]] for name, d in found.items()}
    yearly = ["0 0 1 1 *"]
    assert crons == {
        "acquire_events_flow": [],
        "acquire_logs_flow": [],
        "acquire_era5_flow": [],
        "acquire_nmdb_flow": yearly,
        "acquire_logbook_flow": [],
        "extract_flow": ["* * * * *"],
        "transform_flow": yearly,
        "publish_flow": yearly,
        "report_flow": [],
        "run_flow": [],
    }
    for deployment in found.values():
        assert all(s["schedule"]["timezone"] == "UTC" for s in deployment["schedules"])
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"


@pytest.mark.server
def test_runs_without_process_are_ended(served: Served) -> None:
    """A run the server believes to be running, but has no process, becomes Crashed; living ones stay."""
    (flow,) = served.ask("/flows/filter", {"flows": {"name": {"any_": ["report"]}}})
    ghost = served.ask("/flow_runs/", {"flow_id": flow["id"], "state": {"type": "RUNNING", "name": "Running"}})
    code = (
        "from warehouse.settings import load_settings; from flows.prefect_environment import enter;"
        "enter(load_settings()); from flows.serve import living_flow_runs;"
        "from flows.prefect_cleanup import end_dead_runs; end_dead_runs(living_flow_runs())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, env=served.environment, check=True, timeout=60)
    state = served.ask(f"/flow_runs/{ghost['id']}")["state"]
    assert (state["type"], state["name"]) == ("CRASHED", "Crashed")
    assert "process was gone" in state["message"]
    assert served.finished_runs("extract", state={"type": {"any_": ["CRASHED"]}}) == []


@pytest.mark.server
def test_stop_leaves_nothing_behind(served: Served) -> None:
    """SIGTERM ends serve and its server soon, with exit code 0, and the schedules stay active for the next start."""
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(STOP_S) == EXIT_CODES["Completed"], served.log()
    assert served.log().splitlines()[-1].startswith("serve: stopped")
    with pytest.raises(OSError):
        served.ask("/health")
    connection = sqlite3.connect(served.data_dir / "prefect" / "prefect.db")
    try:
        active = connection.execute("select count(*) from deployment_schedule where active").fetchone()
        paused = connection.execute("select count(*) from deployment where paused").fetchone()
    finally:
        connection.close()
    assert (active, paused) == ((4,), (0,))


def test_one_process_serves_a_data_folder(tmp_path: Path) -> None:
    """A second `serve` on the same folder says who serves it, and starts nothing."""
    with held(load_settings(data_dir=tmp_path).paths.locks / "serve.lock", "serve"):
        second = run_serve(tmp_path)
    assert second.returncode == EXIT_CODES["Skipped"]
    assert f"pid {os.getpid()}" in second.stdout
    assert not (tmp_path / "prefect" / "prefect.db").exists()


class OtherServer(BaseHTTPRequestHandler):
    """A healthy Prefect server of another folder."""

    def do_GET(self) -> None:
        answer: Any = {"/api/health": True, "/api/admin/settings": {"home": "/somewhere/else"}}[self.path]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *words: Any) -> None:
        pass


def test_server_of_another_folder_is_left_alone(tmp_path: Path) -> None:
    """Registering there would replace the schedules of somebody else."""
    with HTTPServer(("127.0.0.1", 0), OtherServer) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        refused = run_serve(tmp_path, MINGO_PREFECT__PORT=str(other.server_port))
        other.shutdown()
    assert refused.returncode == EXIT_CODES["Failed"]
    assert "/somewhere/else" in refused.stdout
    assert "prefect.port" in refused.stdout


def run_serve(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SERVE],
        cwd=PROJECT_ROOT,
        env=serving_environment(data_dir) | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def prefect_flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module under test, imported with a home of its own."""
    for name, value in prefect_environment(load_settings(data_dir=tmp_path)).items():
        monkeypatch.setenv(name, value)
    from flows import prefect_flows

    return prefect_flows


@pytest.mark.parametrize(
    ("word", "state_type"),
    [
        ("Completed", "COMPLETED"),
        ("NothingToDo", "COMPLETED"),
        ("Skipped", "COMPLETED"),
        ("Partial", "FAILED"),
        ("Failed", "FAILED"),
    ],
)
def test_outcome_becomes_state_and_back(prefect_flows: Any, word: Any, state_type: str) -> None:
    outcome = Outcome("extract", word, "one sentence")
    state = prefect_flows.to_prefect_state(outcome)
    assert (state.type.value, state.name, state.message) == (state_type, word, "one sentence")
    assert prefect_flows.to_outcome("extract", state) == outcome


def test_crash_counts_as_failed(prefect_flows: Any) -> None:
    from prefect.states import Crashed

    outcome = prefect_flows.to_outcome("publish", Crashed(message="killed"))
    assert outcome == Outcome("publish", "Failed", "killed")


def test_living_flow_runs_reads_environments(tmp_path: Path) -> None:
    """The ids of flow runs are found in the environments of processes; other and ended processes do not matter."""
    for pid, environment in {"10": b"A=1\0PREFECT__FLOW_RUN_ID=abc\0", "11": b"HOME=/\0", "self": b"x"}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "environ").write_bytes(environment)
    (tmp_path / "12" / "environ").mkdir(parents=True)
    assert living_flow_runs(tmp_path) == {"abc"}


def test_commands_do_not_import_prefect() -> None:
    """What the command line imports for `serve` leaves Prefect out until it serves."""
    code = "import sys, flows.serve; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT).returncode == 0
