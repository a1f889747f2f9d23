"""Attempts: what a machine fault left of work on a file, and when it may be tried again.

A record is written before a file is begun and removed when it is done, whatever the data are like: a fault of the data
is a result and never an attempt. A record that outlives its process says that the process was killed in the middle.
Losing the records loses no data: files that were given up are only tried again.
"""

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

MAX_ATTEMPTS = 3
WAITS = (timedelta(minutes=5), timedelta(minutes=20))
"""How long a file rests after its first and its second failed attempt."""

MAX_MESSAGE = 500
BAD = ".bad"
_SUFFIX = ".json"
_UNSAFE = re.compile(r"[^0-9A-Za-z._=+~-]")

Verdict = Literal["free", "suspect", "waiting", "quarantined"]
"""Never failed; failed, and to be tried apart from the others; not to be tried yet; not to be tried any more."""


def now_utc() -> datetime:
    """The present time, naive UTC, to the second."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True)
class Subject:
    """What is worked on. ``contents`` says what each of its files holds: a SHA-256, or size and time where it lacks."""

    station_id: int
    name: str
    contents: Mapping[str, str]


@dataclass(frozen=True)
class Attempt:
    """One attempt, times in ISO 8601, UTC. Without ``ended_at`` it is under way, or its process is dead."""

    started_at: str
    host: str
    ended_at: str | None = None
    error_class: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Record:
    """The attempts at one subject with one version of the code."""

    stage: str
    station_id: int
    base_name: str
    code_version: str
    contents: dict[str, str] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_quarantined(self) -> bool:
        """Whether it is not tried any more."""
        return len(self.attempts) >= MAX_ATTEMPTS

    @property
    def retry_at(self) -> datetime | None:
        """When it may be tried again, naive UTC; None: never, or at once because its process died with all the run."""
        if self.is_quarantined or not self.attempts or self.attempts[-1].ended_at is None:
            return None
        return _from_iso(self.attempts[-1].ended_at) + WAITS[len(self.attempts) - 1]

    @property
    def reason(self) -> str:
        """What went wrong last, one line."""
        last = self.attempts[-1]
        if last.error_class is None:
            return f"the run of {last.started_at} was killed in the middle of it"
        return f"{last.error_class}: {last.message}"

    def is_about(self, subject: Subject, code_version: str) -> bool:
        """Whether it is about this content and code; else it has no meaning any more."""
        return self.code_version == code_version and self.contents == dict(subject.contents)


@dataclass(frozen=True)
class Attempts:
    """The records of one stage, in ``<folder>/<stage>/station=<n>/<name>.json``.

    Only the holder of the stage's lock writes them. They are not made durable: what a failure of the power takes away
    is one attempt.
    """

    folder: Path
    stage: str
    code_version: str
    now: Callable[[], datetime] = now_utc

    def verdict(self, subject: Subject) -> Verdict:
        """Whether and how a subject is to be tried now."""
        record = self.find(subject)
        if record is None:
            return "free"
        if record.is_quarantined:
            return "quarantined"
        retry_at = record.retry_at
        ended_at = None if retry_at is None else retry_at - WAITS[len(record.attempts) - 1]
        is_resting = retry_at is not None and ended_at is not None and ended_at <= self.now() < retry_at
        return "waiting" if is_resting else "suspect"

    def find(self, subject: Subject) -> Record | None:
        """The record about a subject as it is, with the code as it is."""
        record = read_record(self._path(subject))
        return (
            record if record is not None and record.attempts and record.is_about(subject, self.code_version) else None
        )

    def is_open(self, subject: Subject) -> bool:
        """Whether an attempt has begun and not ended."""
        record = self.find(subject)
        return record is not None and record.attempts[-1].ended_at is None

    def begin(self, subject: Subject) -> None:
        """Note that work begins; before any of it is done."""
        started = Attempt(_to_iso(self.now()), socket.gethostname())
        self._write(subject, (*self._closed(subject), started))

    def fail(self, subject: Subject, error_class: str, message: str) -> None:
        """Note that the attempt under way failed by a fault of the machine."""
        record = self.find(subject)
        last = record.attempts[-1] if record and record.attempts[-1].ended_at is None else None
        now = _to_iso(self.now())
        ended = Attempt(last.started_at if last else now, socket.gethostname(), now, error_class, message[:MAX_MESSAGE])
        earlier = record.attempts[: -1 if last else None] if record else ()
        self._write(subject, (*earlier, ended))

    def withdraw(self, subject: Subject) -> None:
        """Forget the attempt under way: it was stopped for no fault of its own."""
        record = self.find(subject)
        if record and record.attempts[-1].ended_at is None:
            if earlier := record.attempts[:-1]:
                self._write(subject, earlier)
            else:
                self.succeed(subject)

    def succeed(self, subject: Subject) -> None:
        """Forget all attempts: the subject is done."""
        self._path(subject).unlink(missing_ok=True)

    def _closed(self, subject: Subject) -> tuple[Attempt, ...]:
        record = self.find(subject)
        return record.attempts if record else ()

    def _path(self, subject: Subject) -> Path:
        return self.folder / self.stage / f"station={subject.station_id}" / record_name(subject.name)

    def _write(self, subject: Subject, attempts: tuple[Attempt, ...]) -> None:
        record = Record(
            self.stage, subject.station_id, subject.name, self.code_version, dict(subject.contents), attempts
        )
        path = self._path(subject)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        content = json.dumps(asdict(record), indent=1)
        try:
            temporary.write_text(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(content)
        temporary.replace(path)


def record_name(name: str) -> str:
    """File name of a record: the name itself where it is harmless and short, else with a hash of it at its end."""
    if not _UNSAFE.search(name) and len(name) <= 200 and not name.startswith("."):
        return name + _SUFFIX
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"x{_UNSAFE.sub('_', name)[:180]}-{digest}{_SUFFIX}"


def read_record(path: Path) -> Record | None:
    """A record; None where there is none. One that cannot be read is put aside as ``<name>.bad``."""
    try:
        content = json.loads(path.read_bytes())
        attempts = tuple(_attempt(one) for one in content["attempts"])
        contents = {str(file): str(what) for file, what in content["contents"].items()}
        words = (str(content[word]) for word in ("stage", "base_name", "code_version"))
        stage, base_name, code_version = words
        return Record(stage, int(content["station_id"]), base_name, code_version, contents, attempts)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        with suppress(OSError):
            path.replace(path.with_name(path.name + BAD))
        return None


def _attempt(content: Mapping[str, str | None]) -> Attempt:
    known = {key: None if value is None else str(value) for key, value in content.items()}
    attempt = Attempt(**known)  # type: ignore[arg-type]
    for moment in (attempt.started_at, attempt.ended_at):
        if moment is not None:
            _from_iso(moment)
    return attempt


def list_records(folder: Path) -> Iterator[tuple[Path, Record]]:
    """All records below ``<data>/attempts`` that can be read, by path."""
    for path in sorted(folder.glob(f"*/station=*/*{_SUFFIX}")):
        if not path.name.startswith(".") and (record := read_record(path)):
            yield path, record


def list_bad(folder: Path) -> list[Path]:
    """Records that could not be read."""
    return sorted(folder.glob(f"*/station=*/*{BAD}"))


def code_version(package: Path) -> str:
    """Version of a package: first 12 hex digits of a hash of its Python files."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _to_iso(moment: datetime) -> str:
    return moment.isoformat() + "Z"


def _from_iso(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
