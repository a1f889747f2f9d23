"""The NEST page of NMDB on loopback: answers made from the query, and everything else the page may say."""

from collections import deque
from datetime import datetime, timedelta

from tests.servers.loopback import Exchange, Loopback

TYPES = {"corr_for_efficiency": "RCORR_E", "uncorrected": "RUNCORR", "pressure_mbar": "RPRESS"}
VALUES = {"corr_for_efficiency": 100.0, "uncorrected": 90.0, "pressure_mbar": 1000.0}


class FakeNest(Loopback):
    """The service. ``script`` holds what the next requests meet; when it is empty they get their data.

    ``raised_by`` is added to each value, ``last_row`` is where the data end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.script: deque[str | int] = deque()
        self.queries: list[list[tuple[str, str]]] = []
        self.agents: set[str | None] = set()
        self.raised_by = 0.0
        self.last_row = datetime(2100, 1, 1)

    def names(self) -> list[str]:
        """Quantity, first and last day of each request."""
        found = []
        for query in map(dict, self.queries):
            first, last = (
                f"{query[f'{end}_year']}{query[f'{end}_month']}{query[f'{end}_day']}" for end in ("start", "end")
            )
            found.append(f"{query['dtype']}_{first}_{last}")
        return found

    def respond(self, exchange: Exchange) -> None:
        self.queries.append(exchange.query)
        self.agents.add(exchange.headers.get("user-agent"))
        mode = self.script.popleft() if self.script else "ok"
        content = self.answer(exchange.query)
        texts = {
            "html": b"<!DOCTYPE html><html><body>NEST is under maintenance</body></html>",
            "sorry": b"Sorry, no data available for the selected period",
            "empty": b"",
            "words": b"nothing of use\n",
            "wrong type": content.replace(b"RCORR_E", b"RPRESS").replace(b"corr_for_efficiency", b"pressure_mbar"),
            "page": b"<html><pre><code>" + content + b"</code></pre>the end</html>",
            "big": b"x" * 70_000,
        }
        if isinstance(mode, int):
            exchange.send(b"<html>error</html>", mode)
        elif mode == "stall":
            exchange.stall()
        elif mode == "cut":
            exchange.cut(content)
        elif mode == "redirect":
            exchange.send(b"", 302, location="http://nmdb.example.org/")
        else:
            exchange.send(texts.get(mode, content))

    def answer(self, parameters: list[tuple[str, str]]) -> bytes:
        """What the page answers to its parameters."""
        stations = [word for name, word in parameters if name == "stations[]"]
        query = dict(parameters)
        step = timedelta(minutes=int(query["tresolution"]))
        parts = ("year", "month", "day", "hour", "min")
        first, last = (datetime(*(int(query[f"{end}_{part}"]) for part in parts)) for end in ("start", "end"))
        dtype = query["dtype"]
        lines = [
            f"#        STATION: {stations[0]}",
            "#     NMDB TABLE: revised original",
            f"#      DATA TYPE: {dtype}({TYPES[dtype]})",
            f"#      AVERAGING: Yes / {query['tresolution']} min",
            "#",
            f"  start_date_time   {TYPES[dtype]}" if len(stations) == 1 else " ".join(stations),
        ]
        start = first
        while start <= min(last, self.last_row):
            values = (f"{VALUES[dtype] + self.raised_by + start.hour / 100 + i:7.3f}" for i in range(len(stations)))
            lines.append(f"{start:%Y-%m-%d %H:%M:%S};{';'.join(values)}")
            start += step
        return ("\n".join(lines) + "\n").encode()
