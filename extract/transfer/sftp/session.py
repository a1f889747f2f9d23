"""A connection that is opened when it is needed, and opened again after it broke."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Self

from extract.transfer.sftp.client import connect
from extract.transfer.sftp.endpoint import Endpoint
from extract.transfer.sftp.remote import Remote, StoppedError
from warehouse.settings import Acquire

Open = Callable[[Endpoint], AbstractContextManager[Remote]]
"""How a connection to an endpoint is made."""


def opener(acquire: Acquire) -> Open:
    """The real thing, with the configured waits."""
    return lambda endpoint: connect(
        endpoint, connect_timeout_s=acquire.connect_timeout_s, idle_timeout_s=acquire.idle_timeout_s
    )


class Session:
    """One connection at a time to one endpoint, as a context; not to be shared between threads."""

    def __init__(self, endpoint: Endpoint, open_remote: Open) -> None:
        self.endpoint = endpoint
        self._open = open_remote
        self._stack = ExitStack()
        self._remote: Remote | None = None
        self._is_halted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()

    @property
    def remote(self) -> Remote:
        """The open connection; may raise what `connect` raises, or `StoppedError`."""
        if self._is_halted:
            raise StoppedError("stopped; the next run goes on")
        if self._remote is None:
            self._remote = self._stack.enter_context(self._open(self.endpoint))
        return self._remote

    def drop(self) -> None:
        """Close the connection; the next use opens a new one."""
        self._remote = None
        self._stack.close()

    def halt(self) -> None:
        """End it from another thread: what is under way breaks off, and nothing is opened again."""
        self._is_halted = True
        self.drop()
