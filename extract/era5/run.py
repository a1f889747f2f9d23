"""One run through the service's queue: submit, look, download, and what each error means for the rest."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from extract.era5.answer import land_answer, part_path
from extract.era5.client import Service
from extract.era5.pending import Pending, drop_note, write_note
from extract.era5.refusal import CdsError, meaning_of
from extract.era5.request import Request
from extract.transfer.clock import Clock
from extract.transfer.fetched import Fetched, FetchOutcome, FetchSummary, Progress
from warehouse.settings import Era5

logger = logging.getLogger(__name__)

IN_QUEUE = 4
FIRST_POLL_S, LAST_POLL_S, POLL_GROWTH = 30.0, 120.0, 1.5
MAX_UNAVAILABLE_IN_A_ROW = 3


@dataclass
class Job:
    """A request in the service's queue, when to look next (monotonic seconds), and the pause after that."""

    pending: Pending
    next_look_s: float
    pause_s: float = FIRST_POLL_S

    @property
    def request(self) -> Request:
        """What was asked for."""
        return self.pending.request


class Run:
    """State of a run: requests to send, requests in the service's queue, and what became of the others."""

    def __init__(
        self,
        landing: Path,
        settings: Era5,
        service: Service,
        clock: Clock,
        summary: FetchSummary,
        on_progress: Progress | None,
    ) -> None:
        self.landing = landing
        self.settings = settings
        self.service = service
        self.clock = clock
        self.summary = summary
        self.on_progress = on_progress
        self.queue: list[Request] = []
        self.jobs: list[Job] = []
        self.deadline_s = clock.monotonic() + settings.job_deadline_s
        self.n_unavailable = 0

    def take_up(self, notes: Iterable[Pending]) -> None:
        """Go on with requests of an earlier run; those the service has forgotten are dropped, to be sent again."""
        for note in notes:
            if self.summary.stopped:
                self.summary.n_waiting += 1
                continue
            job = Job(note, self.clock.monotonic())
            self.jobs.append(job)
            self._look(job, is_new=False)

    def work_off(self, requests: Iterable[Request]) -> None:
        """Send the requests and wait for their answers, until all are there or the time is over."""
        self.queue = [] if self.summary.stopped else list(requests)
        while not self.summary.stopped and self.clock.monotonic() < self.deadline_s:
            while self._may_submit():
                self._submit(self.queue.pop(0))
            if not self.jobs:
                break
            self._wait()
            for job in [job for job in self.jobs if job.next_look_s <= self.clock.monotonic()]:
                if not self.summary.stopped:
                    self._look(job)
        self.summary.n_waiting += len(self.queue)
        for job in self.jobs:
            self._add(job.request, "pending", "still in the service's queue; the next run asks for the same answer")

    def _may_submit(self) -> bool:
        return (
            bool(self.queue)
            and not self.summary.stopped
            and len(self.jobs) < IN_QUEUE
            and self.summary.n_requests < self.settings.max_requests_per_run
        )

    def _wait(self) -> None:
        """Wait until a request is due, but not beyond the deadline."""
        now_s = self.clock.monotonic()
        next_s = min(min(job.next_look_s for job in self.jobs), self.deadline_s)
        if next_s > now_s:
            self._tell(f"{len(self.jobs)} in the service's queue")
            self.clock.sleep(next_s - now_s)

    def _submit(self, request: Request) -> None:
        self.summary.n_requests += 1
        try:
            request_id = self.service.submit(request.dataset, request.body)
        except CdsError as error:
            self._fail(request, error)
            return
        self.n_unavailable = 0
        pending = Pending(request, request_id, self.clock.now())
        write_note(self.landing, pending)
        self.jobs.append(Job(pending, self.clock.monotonic()))
        logger.info("%s: sent, %d fields, %s", request.label, request.n_fields, request_id)

    def _look(self, job: Job, *, is_new: bool = True) -> None:
        """Ask how a request stands, and bring its answer in when it is ready."""
        try:
            state, text = self.service.look(job.pending.request_id)
        except CdsError as error:
            if error.meaning == "unavailable":
                self._count_unavailable(error)
                self._put_off(job)
            else:
                self._end(job)
                self._fail(job.request, error)
            return
        self.n_unavailable = 0
        if state == "waiting":
            self._put_off(job)
        elif state == "ready":
            self._bring(job)
        else:
            self._end(job)
            if is_new or state == "failed":
                self._fail(job.request, CdsError(meaning_of(None, text), f"{state}: {text}"))

    def _bring(self, job: Job) -> None:
        part = part_path(self.landing, job.request)
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            delivery = self.service.download(job.pending.request_id, part)
            item = land_answer(self.landing, job.request, delivery, self.clock)
        except CdsError as error:
            if error.meaning == "unavailable":  # the answer is still there: the note stays for the next run
                self.jobs.remove(job)
                self._add(job.request, "failed", error.detail)
                self._count_unavailable(error)
            else:
                self._end(job)
                self._fail(job.request, error)
            return
        finally:
            part.unlink(missing_ok=True)
        self._end(job)
        self.summary.items.append(item)
        self._tell(item.name)
        logger.info("%s: %s, %d bytes", item.name, item.outcome, delivery.size_bytes)

    def _put_off(self, job: Job) -> None:
        job.next_look_s = self.clock.monotonic() + job.pause_s
        job.pause_s = min(job.pause_s * POLL_GROWTH, LAST_POLL_S)

    def _end(self, job: Job) -> None:
        self.jobs.remove(job)
        drop_note(self.landing, job.request)

    def _fail(self, request: Request, error: CdsError) -> None:
        """What an error means for this request and for the others."""
        match error.meaning:
            case "too_large" if len(request.days) > 1:
                self._halve(request)
            case "no_data":
                self._add(request, "no_data", error.detail)
                if not self._is_recent(request):
                    self.summary.warnings.append(f"{request.label}: {error.detail}")
            case "credentials":
                self.summary.stopped = explain(error)
                self.summary.n_waiting += 1
            case "licence":
                self._add(request, "failed", explain(error, request.dataset))
                kept = [other for other in self.queue if other.dataset != request.dataset]
                self.summary.n_waiting += len(self.queue) - len(kept)
                self.queue = kept
            case _:
                self._add(request, "failed", error.detail)
                logger.error("%s: %s; request %s", request.label, error.detail, json.dumps(request.body))
                if error.meaning == "unavailable":
                    self._count_unavailable(error)

    def _halve(self, refused: Request) -> None:
        """Send the request in two, and so all others of its product that are as large."""
        logger.info("%s: too large for the service, sent in halves", refused.label)
        queue: list[Request] = []
        for request in (refused, *self.queue):
            is_as_large = request.product == refused.product and len(request.days) >= len(refused.days)
            queue += request.halves() if is_as_large else (request,)
        self.queue = queue

    def _count_unavailable(self, error: CdsError) -> None:
        self.n_unavailable += 1
        if self.n_unavailable >= MAX_UNAVAILABLE_IN_A_ROW:
            self.summary.stopped = explain(error)

    def _is_recent(self, request: Request) -> bool:
        """Whether a request reaches the newest day wanted, which the service may have a little later than usual."""
        newest = (self.clock.now() - timedelta(days=self.settings.latency_days)).date() - timedelta(days=1)
        return request.days[-1] >= newest

    def _add(self, request: Request, outcome: FetchOutcome, detail: str) -> None:
        self.summary.items.append(Fetched(request.label, outcome, detail))
        self._tell(request.label)

    def _tell(self, name: str) -> None:
        if self.on_progress is not None:
            n_done = len(self.summary.items)
            self.on_progress(n_done, n_done + len(self.queue) + len(self.jobs), name)


def explain(error: CdsError, dataset: str = "") -> str:
    """An error with what to do about it, where there is something."""
    advice = {
        "credentials": f"credentials refused, check CDSAPI_URL and CDSAPI_KEY ({error.detail})",
        "licence": f"accept the licence of {dataset} on the dataset's page ({error.detail})",
        "unavailable": f"the service is not available, the next run asks again ({error.detail})",
    }
    return advice.get(error.meaning, error.detail)
