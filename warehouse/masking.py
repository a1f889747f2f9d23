"""Secrets never reach a log, a terminal or a record: what is known to be one is replaced before it is written.

Nothing here is a reason to print a secret. It is the net under whatever a library may put into a message.
"""

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

MASK = "********"
MIN_LENGTH = 6
"""Shorter values are no secrets, and as parts of other words they would make messages unreadable."""

_NAME = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASS|PASSWORD|PASSPHRASE|PASSWD)(_|$)|^MINGO_LOGBOOK__URL__", re.IGNORECASE)
_PATH = re.compile(r"^(~|\.{1,2})?(/[\w.@%+-]+)+$")
_LOGIN = re.compile(r"[^\s/:@'\"]+:[^\s/@]+@(?=[\w\[])")
_known: set[str] = set()


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name may hold a secret."""
    return _NAME.search(name) is not None


def add_secrets(values: Iterable[str]) -> None:
    """Have these values replaced from now on; of an address also its login, path and query alone."""
    for value in values:
        parts = [value]
        if "://" in value:
            with suppress(ValueError):  # no address after all
                address = urlsplit(value)
                parts += [address.path, address.query, address.password or "", value.split("://", 1)[1]]
        _known.update(part for part in parts if len(part.strip("/")) >= MIN_LENGTH)


def add_environment(environment: Mapping[str, str]) -> None:
    """Have the values of variables that may hold a secret replaced; the path of a key file is none."""
    add_secrets(value for name, value in environment.items() if is_secret_name(name) and not _PATH.match(value))


def masked(text: str) -> str:
    """The text without any known secret, and without any `user:password@`."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _LOGIN.sub(f"{MASK}@", text)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that needs no secret."""
    return {name: value for name, value in environment.items() if not is_secret_name(name) or _PATH.match(value)}


def _masked_record(record: logging.LogRecord) -> logging.LogRecord:
    if isinstance(record.args, tuple):
        record.args = tuple(masked(part) if isinstance(part, str) else part for part in record.args)
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # logging itself reports a message that does not fit its arguments
        return record
    if (clean := masked(message)) != message:
        record.msg, record.args = clean, None
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = masked("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
    return record


def install() -> None:
    """Mask every log record of this process, whoever writes it, and the traceback of an error nobody caught."""
    add_environment(os.environ)
    make = logging.getLogRecordFactory()
    if not getattr(make, "masks", False):

        def factory(*words: object, **named: object) -> logging.LogRecord:
            return _masked_record(make(*words, **named))

        factory.masks = True  # type: ignore[attr-defined]
        logging.setLogRecordFactory(factory)
    sys.excepthook = _print_masked


def _print_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(masked("".join(traceback.format_exception(kind, error, trace))))
