"""A Climate Data Store on loopback: the processing API as the service's client speaks it, with every answer it gives.

Answers are made from the request: netCDF-4 with a 3 x 3 grid around the middle of the area, the surface temperature is
283.15 K at midnight and 0.01 K more each hour.
"""

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import netCDF4
import numpy as np

from tests.servers.loopback import Exchange, Loopback

KEY = "5ecretk3y-0f-the-tests"
NAMES = {"2m_temperature": "t2m", "surface_pressure": "sp", "temperature": "t", "geopotential": "z"}
UNITS = {"t2m": "K", "sp": "Pa", "t": "K", "z": "m**2 s**-2"}
_PROCESS = re.compile(r"/api/retrieve/v1/processes/([^/]+)(/execution)?")
_JOB = re.compile(r"/api/retrieve/v1/jobs/([^/]+)(/results)?")


@dataclass
class Refusal:
    """An error of the service: status, title and detail of its JSON."""

    status: int
    title: str = ""
    detail: str = ""

    @property
    def content(self) -> bytes:
        return json.dumps({"title": self.title, "detail": self.detail, "status": self.status}).encode()


TOO_LARGE = Refusal(403, "cost limits exceeded", "Your request is too large, please reduce your selection.")
LICENCE = Refusal(403, "required licences not accepted", "Not all the required licences have been accepted")
NO_ACCESS = Refusal(401, "operation not allowed", f"authentication with {KEY} failed")
NO_DATA = Refusal(400, "The job has failed", "MarsNoDataError: None of the data you have requested is available yet")


@dataclass
class RemoteJob:
    """A job of the service: its states one after the other (the last one stays), and how its file comes."""

    dataset: str
    request: dict[str, Any]
    states: deque[str]
    file: str
    failure: Refusal = field(default_factory=lambda: Refusal(400, "The job has failed", "a worker was lost"))

    @property
    def state(self) -> str:
        return self.states[0]

    def step(self) -> str:
        return self.states.popleft() if len(self.states) > 1 else self.states[0]


class FakeCds(Loopback):
    """The service. Tests set what the next requests meet: ``refusals`` (of submissions, one after the other),
    ``states`` and ``file`` (of new jobs), ``max_days`` (of one request), ``is_final`` (of a day)."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[str, dict[str, Any]]] = []
        self.jobs: dict[str, RemoteJob] = {}
        self.refusals: deque[Refusal | str] = deque()
        self.refused_dataset: tuple[str, Refusal] | None = None
        self.states: tuple[str, ...] = ("successful",)
        self.file = "ok"
        self.failure: Refusal | None = None
        self.max_days = 31
        self.is_final: Callable[[datetime], bool] = lambda hour: True
        self.keys_seen: set[str | None] = set()

    def posts(self) -> int:
        return sum(method == "POST" for method, _ in self.log)

    def respond(self, exchange: Exchange) -> None:
        if exchange.route == "/api/catalogue/v1/messages":
            exchange.send(b'{"messages": []}', kind="application/json")
        elif match := _PROCESS.fullmatch(exchange.route):
            self.keys_seen.add(exchange.headers.get("PRIVATE-TOKEN"))
            self._execute(exchange, match[1]) if match[2] else self._json(exchange, {"id": match[1]})
        elif match := _JOB.fullmatch(exchange.route):
            self.keys_seen.add(exchange.headers.get("PRIVATE-TOKEN"))
            self._job(exchange, match[1], is_results=bool(match[2]))
        elif exchange.route.startswith("/cache/"):
            self._file(exchange, exchange.route.split("/")[2])
        else:
            exchange.send(Refusal(404, "not found", exchange.route).content, 404, "application/json")

    def _json(self, exchange: Exchange, content: dict[str, Any], status: int = 200) -> None:
        exchange.send(json.dumps(content).encode(), status, "application/json")

    def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        exchange.send(refusal.content, refusal.status, "application/json")

    def _execute(self, exchange: Exchange, dataset: str) -> None:
        request = json.loads(exchange.body)["inputs"]
        self.submitted.append((dataset, request))
        refusal = self.refusals.popleft() if self.refusals else None
        if refusal is None and self.refused_dataset and self.refused_dataset[0] == dataset:
            refusal = self.refused_dataset[1]
        if refusal is None and len(request["day"]) > self.max_days:
            refusal = TOO_LARGE
        if refusal == "stall":
            exchange.stall()
        elif refusal == "html":
            exchange.send(b"<html><body>Maintenance</body></html>", kind="text/html")
        elif refusal == "list":
            exchange.send(b"[]", kind="application/json")
        elif refusal == "no link":
            exchange.send(b'{"links": [], "metadata": null}', 201, "application/json")
        elif isinstance(refusal, Refusal):
            self._refuse(exchange, refusal)
        else:
            name = f"job-{len(self.jobs) + 1}"
            job = RemoteJob(dataset, request, deque(self.states), self.file)
            if self.failure is not None:
                job.failure = self.failure
            self.jobs[name] = job
            self._json(exchange, self._status(name, "accepted", "monitor"), 201)

    def _status(self, name: str, state: str, rel: str) -> dict[str, Any]:
        address = f"{self.url}/api/retrieve/v1/jobs/{name}"
        links = [{"rel": rel, "href": address}, {"rel": "results", "href": f"{address}/results"}]
        return {"jobID": name, "status": state, "links": links, "metadata": {}}

    def _job(self, exchange: Exchange, name: str, *, is_results: bool) -> None:
        job = self.jobs.get(name)
        if job is None:
            self._refuse(exchange, Refusal(404, "job not found", f"job {name} not found"))
        elif not is_results:
            asks_status = any(key == "log" for key, _ in exchange.query)
            self._json(exchange, self._status(name, job.step() if asks_status else job.state, "self"))
        elif job.state != "successful":
            self._refuse(exchange, job.failure)
        else:
            size = len(self._content(job)) + {"wrong size": 7, "huge": 300_000_000}.get(job.file, 0)
            store = "http://store.example.org" if job.file == "plain http" else self.url
            href = f"{store}/cache/{name}/answer.nc?signature={KEY}"
            value = {"href": href, "file:size": size, "type": "application/netcdf"}
            self._json(exchange, {"asset": {"value": value}})

    def _content(self, job: RemoteJob) -> bytes:
        if job.file in ("html", "json", "empty"):
            return {"html": b"<html>sorry</html>", "json": b'{"error": "none"}', "empty": b""}[job.file]
        content = make_answer(job.request, self.is_final, shift_deg=3.0 if job.file == "elsewhere" else 0.0)
        return content[:1500] if job.file == "truncated" else content

    def _file(self, exchange: Exchange, name: str) -> None:
        job = self.jobs[name]
        content = self._content(job)
        if job.file in ("short", "short once"):
            exchange.cut(content)
            if job.file == "short once" and exchange.command == "GET":
                job.file = "ok"
        elif job.file == "stuck" and exchange.command == "GET":
            exchange.head(len(content), kind="application/netcdf")
            exchange.wfile.write(content[: len(content) // 2])
            exchange.stall()
        elif job.file == "gone":
            exchange.send(b"gone", 404)
        else:
            exchange.send(content, kind="application/netcdf")


def make_answer(request: dict[str, Any], is_final: Callable[[datetime], bool], shift_deg: float = 0.0) -> bytes:
    """netCDF-4 of the present service for a request."""
    hours = [
        datetime(int(request["year"]), int(request["month"]), int(day), int(time[:2]))
        for day in request["day"]
        for time in request["time"]
    ]
    north, west, south, east = request["area"]
    levels = [float(level) for level in request.get("pressure_level", ())]
    out = netCDF4.Dataset("answer.nc", "w", format="NETCDF4", memory=1 << 16)
    for name, middle in (("latitude", (north + south) / 2), ("longitude", (west + east) / 2)):
        out.createDimension(name, 3)
        out.createVariable(name, "f8", (name,))[:] = middle + shift_deg + np.array([0.25, 0.0, -0.25])
    out.createDimension("valid_time", len(hours))
    time = out.createVariable("valid_time", "i8", ("valid_time",))
    time.units = "seconds since 1970-01-01"
    time[:] = [int((hour - datetime(1970, 1, 1)).total_seconds()) for hour in hours]
    expver = out.createVariable("expver", "i4", ("valid_time",))
    expver[:] = [1 if is_final(hour) else 5 for hour in hours]
    dimensions = ["valid_time"]
    if levels:
        out.createDimension("pressure_level", len(levels))
        axis = out.createVariable("pressure_level", "f8", ("pressure_level",))
        axis.units, axis[:] = "hPa", levels
        dimensions.append("pressure_level")
    for word in request["variable"]:
        name = NAMES[word]
        variable = out.createVariable(name, "f4", (*dimensions, "latitude", "longitude"))
        variable.units = UNITS[name]
        base = {"t2m": 283.15, "sp": 94000.0, "t": 215.0, "z": 159000.0}[name]
        rise = np.array([0.01 * hour.hour for hour in hours]).reshape(-1, *[1] * (len(variable.shape) - 1))
        variable[:] = np.broadcast_to(base + rise, variable.shape)
    memory: Any = out.close()
    return bytes(memory)
