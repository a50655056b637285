"""Submits many jobs for one task run, each at most once, and records them in the ledger (Airflow 3.3 and later)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._jobs.bulk_query import query_jobs
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._jobs.search import find_jobs
from airflow_provider_ims._submission.ledger import Item, Ledger, new_items
from airflow_provider_ims._submission.record import SubmissionRecord, SubmissionState, new_record
from airflow_provider_ims._submission.recovery import Recovery, recovery_of
from airflow_provider_ims._submission.submitter import MAX_SUBMITS, OnClear, OnUncertain, pauses
from airflow_provider_ims.exceptions import ImsError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

#: The number of requests whose intents are recorded together, before the first of them is sent.
WINDOW = 50
THREADS = 8
#: Seconds for which a throttled request is retried.
THROTTLE_TIMEOUT = 600.0


@dataclass(slots=True)
class BulkSubmitter:
    """
    Submits the jobs of one task run, or joins the existing ones.

    :param requests: The encoded parameters of each job.
    :param on_uncertain: What to do if a lost job is not found and a submit may create a second one.
    :param on_clear: What to do with the jobs of a task that was cleared.
    :param failed: Returns a true value if an ended job counts as failed for the task.
    :param max_rate: The highest rate of requests to the service, per second.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    requests: Sequence[Mapping[str, str]]
    on_uncertain: OnUncertain = "submit"
    on_clear: OnClear = "auto"
    failed: Callable[[Job], object] = Job.failure
    max_rate: float = 50.0
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    items: list[Item] = field(init=False, default_factory=list)
    _ledger: Ledger | None = field(init=False, default=None)
    _limiter: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        self._limiter = RateLimiter(max_rate=self.max_rate)

    def resume(self, context: Context) -> None:
        """
        Load the records of earlier tries, and reset those of failed jobs, so that only these are submitted again.

        :raises ImsError: as raised by the hook's ``call``.
        """
        store: Any = context.get("task_state_store")
        base = new_record(self.kind.submit_action, context, self.now(), recorded=store is not None)
        if store is None:
            self.items = new_items(base, self.requests)
            return
        self._ledger = ledger = Ledger(store)
        head = ledger.head
        if head is None or head.action != base.action or (head.max_tries != base.max_tries and self._restarts(ledger)):
            self.items = new_items(base, self.requests)
            ledger.start(base, self.items)
            return
        self.items = new_items(replace(base, run=head.run), self.requests)
        orphans = [entry["job_id"] for entry in ledger.load(self.items, base) if entry.get("job_id")]
        if orphans:
            log.warning(
                "The requests have changed since an earlier try. %d jobs belong to no request and are billed: %s",
                len(orphans),
                ", ".join(orphans[:10]),
            )
        self._join()

    def restore(self, context: Context, job_ids: Sequence[str | None] | None) -> None:
        """
        Restore the jobs that this try had submitted before it was deferred.

        :param job_ids: The job of each request; ``None`` for a request without a job. Without this list, the jobs are
            read from the ledger.
        :raises ImsError: If there is neither a list nor a ledger.
        """
        store: Any = context.get("task_state_store")
        base = new_record(self.kind.submit_action, context, self.now(), recorded=store is not None)
        self._ledger = Ledger(store) if store is not None else None
        if self._ledger is not None and self._ledger.head is not None:
            self.items = new_items(replace(base, run=self._ledger.head.run), self.requests)
            self._ledger.load(self.items, base)
        else:
            self.items = new_items(base, self.requests)
            if job_ids is None or len(job_ids) != len(self.items):
                raise ImsError(
                    "Airflow did not return the jobs of this deferred task. Before Airflow 3.3, dag.test() supports "
                    "tasks with many jobs only with deferrable=False, or for up to 1,000 jobs without max_active_jobs"
                )
        if job_ids is not None and len(job_ids) == len(self.items):
            for item, job_id in zip(self.items, job_ids, strict=True):
                item.record = replace(item.record, job_id=job_id)

    def _restarts(self, ledger: Ledger) -> bool:
        """Return whether a cleared task submits all jobs again."""
        assert ledger.head is not None
        if self.on_clear == "new" or (self.on_clear == "auto" and ledger.head.collected):
            reason = "on_clear is 'new'" if self.on_clear == "new" else "the result was already collected"
            log.info("The task was cleared: submitting all jobs again, because %s", reason)
            return True
        return False

    def _join(self) -> None:
        known = {item.record.job_id: item for item in self.items if item.record.job_id is not None}
        if not known:
            return
        failed = []
        for job_id, job in query_jobs(self.kind.family, self.hook, list(known), self._limiter):
            if job is None or not job.ended:
                # An unknown job is joined, and its wait fails: one response must not lead to a second billed job.
                continue
            item = known[job_id]
            if self.failed(job):
                failed.append(item)
                item.record = replace(item.record.next(), parameters_digest=item.record.parameters_digest)
            else:
                item.ended = True
        log.info(
            "Joined %d jobs of earlier tries, %d of which have ended; %d jobs failed and are submitted again",
            len(known) - len(failed),
            sum(item.ended for item in self.items),
            len(failed),
        )

    @property
    def active(self) -> list[Item]:
        """The items whose jobs are not known to have ended."""
        return [item for item in self.items if item.active]

    @property
    def pending(self) -> list[Item]:
        """The items without a job, except those that the service refused."""
        return [item for item in self.items if item.record.job_id is None and item.error is None]

    def submit(self, max_active: int | None = None) -> None:
        """
        Submit the pending items, until a maximum number of jobs is active.

        A request that the service refuses, or whose job is lost and may not be submitted again, does not stop the
        others. Any other error does, after the responses to the requests that were already sent.

        :raises ImsError: as raised by the hook's ``call``.
        """
        searched: set[int] = set()
        while pending := self.pending:
            room = len(pending) if max_active is None else max_active - len(self.active)
            if room <= 0:
                return
            ready = [item for item in pending if item.index in searched or self._can_be_sent(item)]
            if ready:
                window = ready[: min(room, WINDOW)]
                searched -= {item.index for item in window}
                self._send(window)
            else:
                self._search(pending)
                searched = {item.index for item in self.pending}

    def _recovery(self, record: SubmissionRecord, parameters: Mapping[str, str]) -> Recovery:
        return recovery_of(self.kind, parameters, record, recorded=self._ledger is not None)

    def _can_be_sent(self, item: Item) -> bool:
        """Return whether an item can be sent without a search for the job of an earlier submit."""
        if item.record.state is SubmissionState.UNANSWERED and item.submits < MAX_SUBMITS:
            return self._recovery(item.record, item.parameters).policy.resubmit == "returns job"
        return item.record.state is SubmissionState.NEW

    def _search(self, items: Sequence[Item]) -> None:
        """Search for the jobs of lost submits in one pass for all, and raise unless the others may be sent again."""
        recoveries = {item.record.run: self._recovery(item.record, item.parameters) for item in items}
        missing = {item.record.run: item for item in items if recoveries[item.record.run].search is not None}
        search_time = max((recoveries[run].search_time for run in missing), default=0.0)
        found = 0
        for pause in (*pauses(search_time), None):
            for run, job_id in self._search_once(missing):
                item = missing.pop(run)
                item.record = replace(item.record, job_id=job_id)
                found += 1
            if not missing:
                break
            if pause is not None:
                log.info("%d lost jobs are not listed yet; searching again in %.0f s", len(missing), pause)
                self.sleep(pause)
        if found:
            log.info("Found %d lost jobs by their markers", found)
            self._write(items)
        lost = [item for item in items if item.record.job_id is None]
        for item in lost:
            item.error = self._uncertainty(item, recoveries[item.record.run])
        if again := sum(item.error is None for item in lost):
            log.warning("%d requests got no response and their jobs were not found: submitting them again", again)

    def _search_once(self, missing: Mapping[str, Item]) -> list[tuple[str, str]]:
        search = self.kind.family.search
        if search is None or not missing:
            return []
        groups: dict[str | None, list[Item]] = {}
        for item in missing.values():
            groups.setdefault(item.parameters.get(search.parameter or ""), []).append(item)
        found = []
        for group in groups.values():
            runs = {item.record.run: item.record.number for item in group}
            since = min(item.record.submitted_at for item in group)
            for run, (key, job_id) in find_jobs(search, self.hook, group[0].parameters, runs, since).items():
                if key.number >= runs[run]:
                    found.append((run, job_id))
        return found

    def _uncertainty(self, item: Item, recovery: Recovery) -> ImsError | None:
        """Return the error of an item whose job was not found, unless it may be submitted again."""
        if item.record.state is SubmissionState.ACCEPTED:
            return recovery.uncertain("the service accepted a submit")
        if recovery.policy.resubmit == "creates job" and self.on_uncertain == "fail":
            return recovery.uncertain("on_uncertain is 'fail'")
        if item.submits >= MAX_SUBMITS:
            return recovery.uncertain(f"{item.record.unanswered_submits} submits got no response")
        return None

    def _send(self, items: Sequence[Item]) -> None:
        """Record the intents of a window, send its requests and record the job ids."""
        window = [_Send(item, self._recovery(item.record, item.parameters), item.record) for item in items]
        for one in window:
            one.item.record = replace(
                one.before,
                submitted_at=self.now(),
                unanswered_submits=one.before.unanswered_submits + 1,
                token=one.recovery.token,
            )
        # Without these records, a crash could lose jobs. If they cannot be written, nothing is submitted.
        self._write(items, required=True)
        stop = threading.Event()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="ims-submit")
        try:
            wait([pool.submit(self._send_one, one, stop) for one in window])
        finally:
            # Also when the task is interrupted: requests that were sent get their response, the others are not sent.
            stop.set()
            pool.shutdown(cancel_futures=True)
            for one in window:
                if not one.sent:
                    one.item.record = one.before
            self._write(items)
        if fatal := next((one.fatal for one in window if one.fatal is not None), None):
            raise fatal

    def _send_one(self, one: _Send, stop: threading.Event) -> None:
        if stop.is_set():
            return
        one.sent = True
        item, action = one.item, self.kind.submit_action
        item.submits += 1
        try:
            body = self._limiter.call(
                self.hook, action, one.recovery.request, throttle_timeout=THROTTLE_TIMEOUT, attempts=MAX_SUBMITS
            )
            job_id = self.kind.job_id_in(body)
            if job_id is None:
                raise ImsUnavailableError("The response has no job id", accepted=True, action=action)
            item.record = replace(item.record, job_id=job_id)
        except ImsError as error:
            accepted = one.recovery.was_accepted(error)
            if accepted is False:
                item.record = one.before
                if one.recovery.is_duplicate(error):
                    one.fatal = one.recovery.uncertain(f"the service rejected a second submit: {error}")
                elif isinstance(error, ImsRequestError):
                    item.error = error
                    log.warning("Request %d was refused: %s", item.index, error)
                else:
                    one.fatal = error
            elif accepted:
                item.record = replace(item.record, accepted_without_id=True)
            else:
                log.info("Request %d got no response: %s", item.index, error)
        except Exception as error:  # noqa: BLE001 - raised in the main thread
            one.fatal = error
        if one.fatal is not None:
            stop.set()

    def _write(self, changed: Sequence[Item], *, required: bool = False) -> None:
        if self._ledger is None:
            return
        try:
            self._ledger.write(self.items, changed)
        except Exception as error:
            # After the submits, the jobs may exist, so an error of the store must not fail the task.
            if required:
                raise
            log.warning("Writing the records of %d jobs failed; a retry searches for them: %s", len(changed), error)

    def is_owner(self, try_number: int) -> bool:
        """Return whether no later try has joined the jobs."""
        head = None if self._ledger is None else Ledger(self._ledger.store).head
        return head is None or head.try_number == try_number

    def record_collected(self) -> None:
        """Record that the task has returned its result."""
        if self._ledger is not None:
            self._ledger.write_collected()


@dataclass(slots=True)
class _Send:
    """
    One request of a window.

    :param before: The record before the request.
    :param sent: Whether the request may have been sent.
    :param fatal: The error that ends the submission of all items.
    """

    item: Item
    recovery: Recovery
    before: SubmissionRecord
    sent: bool = False
    fatal: BaseException | None = None
