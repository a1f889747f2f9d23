"""Prefect's own API server as a child process on loopback, with its database below the data folder."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from flows.prefect_environment import api_url, prefect_environment
from warehouse.settings import Settings

LOGGER = logging.getLogger(__name__)

START_S = 180.0
STOP_S = 20.0
POLL_S = 0.5
ANSWER_S = 5.0


class ServerError(Exception):
    """The server does not answer, or is another one; the message is one line with what to do."""


def read_api(url: str) -> Any:  # noqa: ANN401 - JSON
    """What the API answers to a GET as JSON; None when nothing answers there."""
    try:
        with urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - http on our own host
            return json.loads(answer.read() or b"null")
    except (URLError, OSError, ValueError):
        return None


def is_healthy(settings: Settings) -> bool:
    """Whether a Prefect server answers at the configured address."""
    return read_api(f"{api_url(settings)}/health") is True


def check_home(settings: Settings) -> None:
    """Make sure that the server which answers keeps its records in this data folder.

    Raises
    ------
    ServerError
        When it is the server of another folder: registering there would replace the schedules of somebody else.
    """
    shown = read_api(f"{api_url(settings)}/admin/settings") or {}
    home = shown.get("home")
    if home is None or Path(home).resolve() != settings.paths.prefect.resolve():
        raise ServerError(
            f"the server at {api_url(settings)} belongs to another folder ({home}); set another prefect.port"
        )


@contextmanager
def running_server(settings: Settings) -> Iterator[None]:
    """A healthy server while the block runs: the one that answers already, else a child that is stopped at the end.

    Raises
    ------
    ServerError
        When it does not become healthy in time, ends by itself, or belongs to another data folder.
    """
    if is_healthy(settings):
        check_home(settings)
        LOGGER.info("using the Prefect server that runs at %s", api_url(settings))
        yield
        return
    process = _start(settings)
    try:
        _wait_until_healthy(settings, process)
        LOGGER.info("Prefect server started at %s (pid %d)", api_url(settings), process.pid)
        yield
    finally:
        _stop(process)


def log_file(settings: Settings) -> Path:
    """The log of the server process."""
    return settings.paths.prefect / "server.log"


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    where = ["--host", settings.prefect.host, "--port", str(settings.prefect.port)]
    settings.paths.prefect.mkdir(parents=True, exist_ok=True)
    # its own session: Ctrl-C on a terminal reaches this process only, which then stops the server in order
    with log_file(settings).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", *where],
            env=os.environ | prefect_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_healthy(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not is_healthy(settings):
        if process.poll() is not None:
            raise ServerError(f"the Prefect server ended with code {process.returncode}; see {log_file(settings)}")
        if time.monotonic() > deadline:
            raise ServerError(f"the Prefect server did not answer within {START_S:g} s; see {log_file(settings)}")
        time.sleep(POLL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
