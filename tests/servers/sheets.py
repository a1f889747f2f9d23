"""Logbook sheets on loopback, with everything a sheet's address may answer."""

from collections import deque

from tests.servers.loopback import Exchange, Loopback

HEAD = """\
Station,,Dates,,Plane z [mm],,,
station,conf,start,end,P1,P2,P3,P4
"""
SHEET = HEAD + "1,14,2024-11-01,2025-02-17,0,145,290,435\n1,15,2025-02-17,,0,150,300,450\n"


class FakeSheets(Loopback):
    """Serves ``sheet`` at any address; ``script`` holds what the next requests meet instead."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet = SHEET
        self.script: deque[str | int] = deque()

    def respond(self, exchange: Exchange) -> None:
        mode = self.script.popleft() if self.script else "ok"
        if isinstance(mode, int):
            exchange.send(b"error", mode)
        elif mode == "stall":
            exchange.stall()
        elif mode == "cut":
            exchange.cut(self.sheet.encode())
        elif mode == "moved":
            exchange.send(b"", 307, location=f"{self.url}/elsewhere")
        elif mode == "moved to http":
            exchange.send(b"", 307, location="http://sheets.example.org/export")
        else:
            exchange.send(self.sheet.encode() if mode == "ok" else mode.encode())
