"""The text of an NMDB answer: unpacked, out of its page, each line with its number."""

import gzip
import html
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

MAX_TEXT_BYTES = 256 << 20

_GZIP = b"\x1f\x8b"
_PRE = re.compile(r"<pre\b[^>]*>(.*?)(?:</pre\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_CODE_TAG = re.compile(r"</?code\b[^>]*>", re.IGNORECASE)
_PAGE = re.compile(r"<html|<!doctype", re.IGNORECASE)


class AnswerError(Exception):
    """An answer without data; ``reason`` is `not_readable`, `html_page`, `empty_body`, `no_data` or `wrong_type`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Body:
    """Lines of an answer. Those outside the ``<pre>`` of a page are only counted."""

    lines: list[str]
    first_line_number: int
    n_lines: int

    @property
    def n_outside(self) -> int:
        """Physical lines that are not in ``lines``."""
        return self.n_lines - len(self.lines)

    def numbered(self) -> Iterator[tuple[int, str]]:
        """Physical line numbers, from 1, and lines."""
        return enumerate(self.lines, start=self.first_line_number)


def unpack(content: bytes) -> bytes:
    """The bytes of an answer, gunzipped where they are gzip.

    Raises
    ------
    AnswerError
        With reason `not_readable` for a damaged or oversized stream.
    """
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(BytesIO(content)) as stream:
            plain = stream.read(MAX_TEXT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise AnswerError("not_readable", str(error)) from error
    if len(plain) > MAX_TEXT_BYTES:
        raise AnswerError("not_readable", f"more than {MAX_TEXT_BYTES >> 20} MiB of text")
    return plain


def read_body(content: bytes) -> Body:
    """The lines of an answer, of the first ``<pre>`` where there is one, entities decoded.

    Raises
    ------
    AnswerError
        When the answer is a page without ``<pre>``, empty, or says that there are no data.
    """
    text = content.decode("utf-8", errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
    n_lines = text.count("\n") + (not text.endswith("\n")) if text else 0
    first = 1
    if match := _PRE.search(text):
        first = 1 + text.count("\n", 0, match.start(1))
        text = _CODE_TAG.sub("", match[1])
    elif _PAGE.search(text):
        raise AnswerError("html_page", text.strip()[:500])
    stripped = text.strip()
    if not stripped:
        raise AnswerError("empty_body")
    if stripped.startswith("Sorry"):
        raise AnswerError("no_data", stripped.splitlines()[0][:500])
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return Body([html.unescape(line) for line in lines] if match else lines, first, n_lines)
