"""One GET over HTTPS: bounded in time, size and tries, certificates always verified."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from extract.transfer.clock import Clock
from extract.transfer.sidecar import software_version
from warehouse.address import host_of, is_safe

logger = logging.getLogger(__name__)
# its lines hold whole addresses, and those of a logbook are not for everybody
logging.getLogger("httpx").setLevel(logging.WARNING)

_TOO_MANY = 429
_SERVER_ERROR = 500
OK = 200


@dataclass(frozen=True)
class Patience:
    """Limits of one GET, seconds and bytes; ``waits_s`` are the pauses between tries, so one try more than waits."""

    connect_s: float
    read_s: float
    total_s: float
    max_bytes: int
    waits_s: tuple[float, ...]


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer, and whose it is."""

    status: int
    content: bytes
    host: str


class UnavailableError(Exception):
    """No answer after all tries: the service is down or not reachable; the next run asks again."""


class TooLargeError(Exception):
    """An answer larger than the limit; the rest was not read."""


def get(
    address: str,
    parameters: Sequence[tuple[str, str]] | None,
    patience: Patience,
    clock: Clock,
    contact: str = "",
) -> Answer:
    """Ask once, and again after lost connections, 429 and 5xx; any other status is the caller's to judge.

    ``contact`` is the address of whoever asks, for the header that names the project.

    Raises
    ------
    UnavailableError
        After the last try.
    TooLargeError
        For a body beyond the limit.
    """
    problem = ""
    for wait_s in (*patience.waits_s, None):
        try:
            answer = _ask(address, parameters, patience, clock, contact)
            if answer.status != _TOO_MANY and answer.status < _SERVER_ERROR:
                return answer
            problem = f"status {answer.status}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = str(error) or type(error).__name__
        if wait_s is not None:
            logger.info("%s: %s; again in %g s", host_of(address), problem, wait_s)
            clock.sleep(wait_s)
    raise UnavailableError(f"{host_of(address)} gives no answer, {problem}, {len(patience.waits_s) + 1} times")


def _ask(
    address: str, parameters: Sequence[tuple[str, str]] | None, patience: Patience, clock: Clock, contact: str
) -> Answer:
    timeout = httpx.Timeout(patience.read_s, connect=patience.connect_s)
    started = clock.monotonic()
    content = bytearray()
    with (
        httpx.Client(
            timeout=timeout,
            headers={"user-agent": user_agent(contact)},
            follow_redirects=True,
            event_hooks={"request": [_check_address]},
        ) as client,
        client.stream("GET", address, params=httpx.QueryParams(list(parameters)) if parameters else None) as response,
    ):
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > patience.max_bytes:
                raise TooLargeError(f"{response.url.host} answers with more than {patience.max_bytes / 1e6:g} MB")
            if clock.monotonic() - started > patience.total_s:
                raise httpx.ReadTimeout(f"not complete after {patience.total_s:g} s")
        return Answer(response.status_code, bytes(content), response.url.host)


def user_agent(contact: str) -> str:
    """Header that names the project, its version and the address of whoever asks."""
    return f"mingo/{software_version()} (miniTRASGO network{'; ' if contact else ''}{contact})"


def _check_address(request: httpx.Request) -> None:
    """Every hop, redirects included, is https or on loopback."""
    if not is_safe(str(request.url)):
        raise httpx.UnsupportedProtocol(f"{request.url.host}: plain http is refused")
