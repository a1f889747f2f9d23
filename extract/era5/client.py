"""The Climate Data Store as four verbs, through the service's own client with bounded patience.

The credentials come from where the client looks for them (``CDSAPI_URL`` and ``CDSAPI_KEY``, or its rc file). They
never appear in a message: every text of the service is searched for the key before it is passed on.
"""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import cdsapi
import requests
from cdsapi.api import get_url_key_verify
from ecmwf.datastores.processing import DownloadError, LinkError, ProcessingFailedError

from extract.era5.refusal import BAD_REQUEST, NOT_FOUND, CdsError, meaning_of
from warehouse.address import host_of, is_safe, without_query
from warehouse.masking import add_secrets

logger = logging.getLogger(__name__)
# its lines hold signed addresses and whole error pages; what happened is said by the errors below
logging.getLogger("multiurl").setLevel(logging.CRITICAL)

MAX_ANSWER_BYTES = 200_000_000
MAX_DETAIL_CHARACTERS = 500

JobState = Literal["waiting", "ready", "failed", "unknown"]
_WAITING = ("accepted", "queued", "running")
# the last ones are how the client meets answers of another shape than it expects
_FAULTS = (
    requests.RequestException,
    DownloadError,
    LinkError,
    ProcessingFailedError,
    OSError,
    *(AssertionError, AttributeError, KeyError, TypeError, ValueError),
)

T = TypeVar("T")


@dataclass(frozen=True)
class ClientPatience:
    """How long and how often the client tries: seconds without an answer, tries, seconds between them."""

    timeout_s: float = 60.0
    tries: int = 5
    wait_s: float = 30.0


@dataclass(frozen=True)
class Delivery:
    """A downloaded answer: host and address it came from (without signature), and the size that was announced."""

    host: str
    address: str
    size_bytes: int


class Service(Protocol):
    """What a fetch needs of the service."""

    def submit(self, dataset: str, body: dict[str, Any]) -> str:
        """Send a request; the service's name for it."""

    def look(self, request_id: str) -> tuple[JobState, str]:
        """How a request stands, with the service's text where it failed."""

    def download(self, request_id: str, target: Path) -> Delivery:
        """Write the answer of a finished request to a file, of exactly the announced size."""

    def close(self) -> None:
        """Give up the connections."""


class CdsService:
    """The real service. Each method raises `CdsError`."""

    def __init__(self, patience: ClientPatience | None = None) -> None:
        patience = patience or ClientPatience()
        url, self._key = read_credentials()
        self._remotes: dict[str, Any] = {}
        options: dict[str, Any] = {
            "timeout": patience.timeout_s,
            "retry_max": patience.tries,
            "sleep_max": patience.wait_s,
            "progress": False,
            "quiet": True,
            "wait_until_complete": False,
            "debug_callback": _silent,
            "info_callback": _silent,
            "warning_callback": self._tell,
            "error_callback": self._tell,
        }
        with warnings.catch_warnings():
            # an unreachable catalogue of messages is no obstacle; the first request will tell
            warnings.simplefilter("ignore", UserWarning)
            self._client: Any = cdsapi.Client(url=url, key=self._key, verify=True, **options)

    def submit(self, dataset: str, body: dict[str, Any]) -> str:
        """Send a request; the service's name for it."""
        remote = self._guarded(lambda: self._client.retrieve(dataset, body))
        self._remotes[remote.request_id] = remote
        return str(remote.request_id)

    def look(self, request_id: str) -> tuple[JobState, str]:
        """How a request stands, with the service's text where it failed; ``unknown`` where the service forgot it."""
        try:
            remote = self._remote(request_id)
            status = self._guarded(lambda: remote.status)
        except CdsError as error:
            if getattr(error.__cause__, "response", None) is not None and _status(error.__cause__) == NOT_FOUND:
                return "unknown", error.detail
            raise
        if status == "successful":
            return "ready", ""
        return ("waiting", "") if status in _WAITING else ("failed", self._reason(remote) or status)

    def download(self, request_id: str, target: Path) -> Delivery:
        """Write the answer of a finished request to ``target``, which has the announced size then."""
        remote = self._remote(request_id)
        results = self._guarded(remote.get_results)
        size, address = self._guarded(lambda: (results.content_length, results.location))
        if not is_safe(address):
            raise CdsError("refused", f"the answer lies at an address that is not https: {without_query(address)}")
        if size > MAX_ANSWER_BYTES:
            raise CdsError("refused", f"the answer has {size / 1e6:.0f} MB, more than {MAX_ANSWER_BYTES / 1e6:.0f}")
        self._guarded(lambda: results.download(str(target)))
        if target.stat().st_size != size:
            raise CdsError("unavailable", f"incomplete download: {target.stat().st_size} of {size} bytes")
        return Delivery(host_of(address), without_query(address), size)

    def close(self) -> None:
        """Give up the connections."""
        self._client.session.close()

    def _remote(self, request_id: str) -> Any:  # noqa: ANN401 - the client's types are not checked
        if request_id not in self._remotes:
            self._remotes[request_id] = self._guarded(lambda: self._client.client.get_remote(request_id))
        return self._remotes[request_id]

    def _reason(self, remote: Any) -> str:  # noqa: ANN401
        """The text of a failed request, which the service gives as an error of its results."""
        try:
            return "" if remote.results_ready else "it runs again"
        except _FAULTS as error:
            return self._clean(_text(error))

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except _FAULTS as error:
            status, text = _status(error), self._clean(_text(error))
            # without a status there was no answer, or none that can be read: the next run asks again
            meaning = "unavailable" if status is None or status < BAD_REQUEST else meaning_of(status, text)
            raise CdsError(meaning, f"{status} {text}" if status else text) from error

    def _clean(self, text: str) -> str:
        return " ".join(text.replace(self._key, "***").split())[:MAX_DETAIL_CHARACTERS]

    def _tell(self, *words: object) -> None:
        logger.warning("the service says: %s", self._clean(str(words[0]) if words else ""))


def _silent(*words: object) -> None:
    """The client's debug lines hold the key, and its other lines do not say which request they are about."""


def read_credentials() -> tuple[str, str]:
    """Address and key, where the client looks for them.

    Raises
    ------
    CdsError
        When there are none, or such that must not be used.
    """
    try:
        url, key, _ = get_url_key_verify(None, None, True)
    except Exception as error:  # the client raises the base class
        raise CdsError("credentials", "no credentials: set CDSAPI_URL and CDSAPI_KEY, or write ~/.cdsapirc") from error
    if not is_safe(url):
        raise CdsError("credentials", "CDSAPI_URL must begin with https:// (plain http only on this machine)")
    if ":" in key or not key:
        raise CdsError("credentials", "CDSAPI_KEY is not a personal access token (one word without a colon)")
    add_secrets([key])
    return url.rstrip("/"), key


def _status(error: BaseException | None) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def _text(error: Exception) -> str:
    """What the service says, without the address it was asked at; else what the library says."""
    response = getattr(error, "response", None)
    if response is None:
        return without_addresses(str(error)) or type(error).__name__
    try:
        content = response.json()
        words = [str(content[key]) for key in ("title", "traceback", "detail") if content.get(key)]
    except (ValueError, TypeError, AttributeError):
        words = []
    return ": ".join(words) or str(response.reason or "") or "no text"


def without_addresses(text: str) -> str:
    """A text in which addresses have lost their query, where signatures stand."""
    return " ".join(word.partition("?")[0] if "://" in word or word.startswith("/") else word for word in text.split())
