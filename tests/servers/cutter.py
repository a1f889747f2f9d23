"""A line between a client and a server on loopback that breaks after a given number of bytes."""

import contextlib
import socket
from collections import deque
from collections.abc import Sequence
from threading import Lock, Thread
from typing import Self

HOST = "127.0.0.1"
PIECE_BYTES = 4_096


class Cutter:
    """A TCP proxy as a context: ``port`` leads to ``target_port``.

    Each connection takes one of ``cuts``: the bytes from the server after which the line breaks both ways, None for a
    line that holds; when none is left, lines hold. ``n_cut`` counts the lines that broke.
    """

    def __init__(self, target_port: int, cuts: Sequence[int | None] = ()) -> None:
        self.target_port = target_port
        self.cuts = deque(cuts)
        self.n_cut = 0
        self._guard = Lock()
        self._open: list[socket.socket] = []
        self._threads: list[Thread] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for connections
        self._acceptor.join()
        self._listener.close()
        _break(self._open)
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((HOST, self.target_port), timeout=20)
            server.settimeout(None)
            left = self.cuts.popleft() if self.cuts else None
            self._open += [client, server]
            for source, sink, limit in ((client, server, None), (server, client, left)):
                thread = Thread(target=self._carry, args=(source, sink, limit), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _carry(self, source: socket.socket, sink: socket.socket, left: int | None) -> None:
        """Pass bytes on until one side ends or the line has carried what it may."""
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES if left is None else min(PIECE_BYTES, left)):
                sink.sendall(piece)
                if left is not None:
                    left -= len(piece)
                    if left == 0:
                        with self._guard:
                            self.n_cut += 1
                        break
        _break([source, sink])


def _break(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
