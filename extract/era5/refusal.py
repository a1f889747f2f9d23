"""What an error of the Climate Data Store means for the run, from its status and its text.

The service uses one status for different things (403 for a missing licence and for a request that is too large), so the
text is read first.
"""

import re
from typing import Literal

Meaning = Literal["credentials", "licence", "too_large", "no_data", "unavailable", "refused"]

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404
_TRY_LATER = frozenset({408, 429, 500, 502, 503, 504})

_TOO_LARGE = re.compile(r"cost limits?|too large|too many (fields|items)|reduce (your|the) selection", re.IGNORECASE)
_LICENCE = re.compile(r"licen[cs]e|terms (of use|and conditions)|accept the terms", re.IGNORECASE)
_KEY = re.compile(r"\bkey\b|token|credential|authenti|authori[sz]", re.IGNORECASE)
_NO_DATA = re.compile(
    r"no (matching )?data\b|NoDataError|none of the data|not available yet|not yet available", re.IGNORECASE
)


class CdsError(Exception):
    """An error of the service; ``detail`` is one line for a person, without key or signature."""

    def __init__(self, meaning: Meaning, detail: str) -> None:
        super().__init__(detail)
        self.meaning: Meaning = meaning
        self.detail = detail


def meaning_of(status: int | None, text: str) -> Meaning:
    """What an answer with this status and text means; status None is a job that failed or was rejected."""
    if status == UNAUTHORIZED:
        return "credentials"
    if status in _TRY_LATER:
        return "unavailable"
    if _TOO_LARGE.search(text):
        return "too_large"
    if status in (FORBIDDEN, None) and _LICENCE.search(text):
        return "licence"
    if status == FORBIDDEN and _KEY.search(text):
        return "credentials"
    if status != FORBIDDEN and _NO_DATA.search(text):
        return "no_data"
    return "refused"
