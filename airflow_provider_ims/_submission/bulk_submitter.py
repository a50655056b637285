"""
Submits the jobs of a task with many jobs, or joins the jobs of earlier tries, so that the task waits for these jobs.

The jobs are recorded in the ledger; see :mod:`~airflow_provider_ims._submission.ledger`. A lost job is a job whose id
is unknown, because the response to its submit request was lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._config import MAX_REQUESTS_PER_SECOND
from airflow_provider_ims._jobs.job import Job, format_ids
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._submission import window
from airflow_provider_ims._submission.cancel import cancel_jobs
from airflow_provider_ims._submission.joining import join_jobs
from airflow_provider_ims._submission.ledger import Item, Ledger, Outcome, digest_of_all, new_items
from airflow_provider_ims._submission.lost_jobs import LostJobs
from airflow_provider_ims._submission.record import SubmissionRecord, SubmissionState, new_record
from airflow_provider_ims._submission.recovery import MAX_SUBMITS, OnUncertain, Recovery, policy_of, recovery_of
from airflow_provider_ims._submission.submitter import OnClear
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

#: The maximum number of submit requests without a response for one item, across all tries. It applies only if a
#: repeated request could create a second job.
MAX_UNSAFE_SUBMITS = 2 * MAX_SUBMITS


@dataclass(slots=True)
class BulkSubmitter:
    """
    Submits the jobs of one task run, or joins the jobs of earlier tries.

    :param requests: The encoded parameters of each job.
    :param on_uncertain: What to do if a lost job is not found, and a repeated request could create a second job.
    :param on_clear: What to do with the jobs of a task that was cleared; see
        :data:`~airflow_provider_ims._submission.submitter.OnClear`.
    :param cancel_on_kill: Whether to cancel the unfinished jobs that were submitted before the task was cleared, if all
        jobs are submitted again.
    :param failed: A function that returns a true value if an ended job counts as failed for the task.
    :param max_rate: The maximum number of submit requests per second. ``[ims] max_requests_per_second`` limits it too.
    :param queue: The queue to which the service should send a message when a job ends.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    requests: Sequence[Mapping[str, str]]
    on_uncertain: OnUncertain = "submit"
    on_clear: OnClear = "auto"
    cancel_on_kill: bool = True
    failed: Callable[[Job], object] = Job.failure
    max_rate: float = 50.0
    queue: str | None = None
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    items: list[Item] = field(init=False, default_factory=list)
    _ledger: Ledger | None = field(init=False, default=None)
    _limiter: RateLimiter = field(init=False)
    _searched: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._limiter = RateLimiter(max_rate=min(self.max_rate, MAX_REQUESTS_PER_SECOND.get()))

    def resume(self, context: Context) -> None:
        """
        Join the jobs of earlier tries. Failed jobs are not joined; :meth:`submit` submits them again.

        After a clear, ``on_clear`` determines whether the earlier jobs are joined.

        :raises ImsError: as raised by the hook's ``call``, or if a later try has claimed the jobs.
        """
        base = self._open(context)
        ledger = self._ledger
        if ledger is None:
            self.items = new_items(base, self.requests)
            self._find_unrecorded()
            return
        ledger.claim(base.try_number)
        head = ledger.head
        cleared = head is not None and head.max_tries != base.max_tries
        if head is None or self._starts_again(ledger, base, cleared=cleared):
            if ledger.unreadable:
                log.warning("Ignoring the records of an earlier try, because their format is unknown")
            self.items = new_items(base, self.requests)
            ledger.start(base, self.items)
            return
        self.items = new_items(replace(base, run=head.run), self.requests)
        ledger.resume(self.items, base)
        self._warn_of_removed(ledger)
        self._join(cleared=cleared)
        if cleared:
            self._reset_lost()

    def restore(self, context: Context, dumped: Mapping[str, Any] | None) -> None:
        """
        Restore the state of this try after a deferral.

        :param dumped: The state from :meth:`dump`; ``None`` to restore all data from the ledger.
        :raises ImsError: if no jobs are recorded, and ``dumped`` is missing or its number of jobs differs from the
            number of requests; if another try has taken over the jobs; or if the requests changed before all jobs were
            submitted.
        """
        base = self._open(context)
        ledger = self._ledger
        head = None if ledger is None else ledger.head
        self.items = new_items(base if head is None else replace(base, run=head.run), self.requests)
        jobs = None if dumped is None else dumped["jobs"]
        changed = dumped is not None and dumped.get("digest") not in (None, digest_of_all(self.items))
        if ledger is not None and head is not None:
            if not ledger.is_owner(base.try_number):
                raise ImsError("Another try of this task has taken over its jobs")
            ledger.read(self.items)
            changed = changed or (jobs is None and bool(ledger.removed))
        elif jobs is None or len(jobs) != len(self.items):
            raise ImsError(
                "The jobs of this deferred task are missing, or their number differs from the number of requests. "
                "Before Airflow 3.3, dag.test() supports a task with many jobs only if the task sets deferrable=False, "
                "or has at most 1,000 jobs and does not set max_active_jobs"
            )
        if changed:
            if jobs is None or len(jobs) != len(self.items) or not all(isinstance(one, str) for one in jobs):
                raise ImsError(
                    "The requests changed while the task was deferred, so no further job was submitted. A retry joins "
                    "the jobs of the unchanged requests. A template must always render the same requests"
                )
            log.warning("The requests changed while the task was deferred; using the jobs of the old requests")
        for item, one in zip(self.items, jobs or (), strict=jobs is not None):
            item.restore(one)
        for index in (dumped or {}).get("counted", ()):
            self.items[index].counted = True
        if ledger is not None and head is None:
            ledger.claim(base.try_number)
            ledger.start(base, self.items)
            self._write(self.items)

    def dump(self) -> dict[str, Any]:
        """Return the state that :meth:`restore` needs after a deferral, as JSON data."""
        return {
            "digest": digest_of_all(self.items),
            "jobs": [item.dump() for item in self.items],
            "counted": [item.index for item in self.items if item.counted],
        }

    def _open(self, context: Context) -> SubmissionRecord:
        store: Any = context.get("task_state_store")
        self._ledger = None if store is None else Ledger(store)
        return new_record(self.kind.submit_action, context, self.now(), recorded=store is not None)

    def _find_unrecorded(self) -> None:
        """Find the jobs of earlier tries by their markers, and join them. Used only if there is no ledger."""
        if not (lost := [item for item in self.items if item.lost]):
            return
        self._search(lost)
        self._join(cleared=False)
        for item in lost:
            if item.record.job_id is None and item.error is None:
                item.record = replace(item.record, unanswered_submits=0)

    def _starts_again(self, ledger: Ledger, base: SubmissionRecord, *, cleared: bool) -> bool:
        """
        Return whether to submit all jobs again, because the task was cleared or the job kind has changed.

        If all jobs are submitted again and ``cancel_on_kill`` is true, also cancel the earlier jobs that may still be
        running, provided that they are of the same kind and that the service has an action that cancels such jobs.
        """
        head = ledger.head
        assert head is not None
        if head.action != base.action:
            reason = f"the earlier jobs were submitted with {head.action}"
        elif cleared and self.on_clear == "new":
            reason = "the task was cleared, and on_clear is 'new'"
        elif cleared and self.on_clear == "auto" and head.outcome == "collected":
            reason = "the task was cleared, and its result was already collected"
        else:
            return False
        log.info("Submitting all jobs again, because %s", reason)
        if head.outcome is None:
            jobs = [entry["job_id"] for entry in ledger.entries() if entry.get("job_id")]
            if self.cancel_on_kill and head.action == base.action and self.kind.family.cancel_action is not None:
                cancel_jobs(self.kind.family, self.hook, jobs, log)
            elif jobs:
                log.warning("%d earlier jobs may still be running and are billed: %s", len(jobs), format_ids(jobs))
        return True

    def _warn_of_removed(self, ledger: Ledger) -> None:
        if not ledger.removed:
            return
        jobs = [entry["job_id"] for entry in ledger.removed if entry.get("job_id")]
        log.warning(
            "The requests have changed: %d earlier requests are no longer in the list, but their jobs are billed: %s",
            len(ledger.removed),
            format_ids(jobs),
        )

    def _join(self, *, cleared: bool) -> None:
        head = None if self._ledger is None else self._ledger.head
        counted = head is not None and head.outcome is not None
        join_jobs(self.kind, self.hook, self.items, self.failed, cleared=cleared, counted=counted)

    def _reset_lost(self) -> None:
        """
        After a clear, search for the lost jobs, and prepare a new submission for each job that is not found.

        A job is not searched for if the service would return it in response to a second submit request.
        """
        lost = [
            item
            for item in self.items
            if item.lost and not (item.record.state is SubmissionState.UNANSWERED and self._resubmit_returns_job)
        ]
        self._write(self._lost_jobs().find(lost))
        for item in lost:
            if item.record.job_id is None:
                log.warning(
                    "Submitting requests[%d] again. An earlier job may exist, perhaps with marker %s",
                    item.index,
                    item.record.key,
                )
                item.start_next()

    @property
    def active(self) -> list[Item]:
        """The items with a job that is not known to have ended."""
        return [item for item in self.items if item.active]

    @property
    def ended(self) -> int:
        """The number of items whose jobs have ended, or that have an error."""
        return len(self.items) - len(self.active) - len(self.pending)

    @property
    def pending(self) -> list[Item]:
        """The items without a known job, except those with an error."""
        return [item for item in self.items if item.record.job_id is None and item.error is None]

    def submit(self, max_active: int | None = None, deadline: float = float("inf")) -> bool:
        """
        Submit pending items until none is left or the maximum number of jobs is active.

        If the service rejects a request, or a lost job is not found and must not be submitted again, the other requests
        are still sent. Any other error is raised after all requests that are already in progress have completed.

        :param max_active: The maximum number of jobs that have not ended; ``None`` for no limit.
        :param deadline: The time, in epoch seconds, after which no further group of up to 50 requests is started.
        :return: ``False`` if the deadline passed while requests remained to be sent, otherwise ``True``.
        :raises ImsError: as raised by the hook's ``call``.
        """
        while pending := self.pending:
            lost = [item for item in pending if item.index not in self._searched and self._needs_search(item)]
            unsent = {item.index for item in lost}
            new = [item for item in pending if item.index not in unsent]
            # A lost job may be running, so it counts as active.
            room = len(new) if max_active is None else max_active - len(self.active) - len(lost)
            if room <= 0 and not lost:
                return True
            if self.now() >= deadline:
                return False
            if new and room > 0:
                self._send(new[: min(room, window.SIZE)])
            else:
                self._search(lost)
        return True

    @property
    def _resubmit_returns_job(self) -> bool:
        # This property depends only on the job kind, so the recovery of each request need not be computed.
        return policy_of(self.kind).resubmit == "returns job"

    def _recovery(self, item: Item) -> Recovery:
        return recovery_of(self.kind, item.parameters, item.record, recorded=self._ledger is not None, queue=self.queue)

    def _lost_jobs(self) -> LostJobs:
        return LostJobs(self.kind, self.hook, self._recovery, self.sleep)

    def _needs_search(self, item: Item) -> bool:
        """Return whether the item's job must be searched for before its request is sent again."""
        if item.record.state is SubmissionState.UNANSWERED and item.submits < MAX_SUBMITS:
            return not self._resubmit_returns_job
        return item.lost

    def _search(self, lost: Sequence[Item]) -> None:
        """Search for lost jobs. Set an error for each job that is not found and must not be submitted again."""
        if found := self._lost_jobs().find(lost):
            self._write(found)
        missing = [item for item in lost if item.record.job_id is None]
        for item in missing:
            item.error = self._recovery(item).objection(self.on_uncertain, item.submits, MAX_UNSAFE_SUBMITS)
        self._searched |= {item.index for item in missing}
        if again := sum(item.error is None for item in missing):
            log.warning("%d requests received no response, and their jobs were not found: sending them again", again)

    def _send(self, items: Sequence[Item]) -> None:
        """Record that the requests are about to be sent, send them in parallel, and record the job ids."""
        submits = [window.PendingSubmit(item, self._recovery(item), item.record) for item in items]
        for one in submits:
            one.record_intent(self.now())
        # Without these records, a crash could lose jobs. If they cannot be written, nothing is submitted.
        self._write(items, required=True)
        if self._ledger is not None:
            # Checked after the write: a try that claims the jobs after this check reads these records.
            self._ledger.check_owner()
        self._searched -= {item.index for item in items}
        try:
            window.Window(self.kind, self.hook, self._limiter, submits, self.now).send()
        finally:
            self._write(items)
        if fatal := next((one.fatal for one in submits if one.fatal is not None), None):
            raise fatal

    def _write(self, changed: Sequence[Item], *, required: bool = False) -> None:
        if self._ledger is None or not changed:
            return
        try:
            self._ledger.write(self.items, changed)
        except Exception as error:
            # After the requests were sent, jobs may exist, so an error of the store must not fail the task.
            if required:
                raise
            log.warning(
                "Writing the records of %d jobs failed; a retry may have to search for these jobs: %s",
                len(changed),
                error,
            )

    def is_owner(self, try_number: int) -> bool:
        """Return whether a try still owns the jobs; false if a later try has claimed them."""
        return self._ledger is None or Ledger(self._ledger.store).is_owner(try_number)

    def record_outcome(self, outcome: Outcome) -> None:
        """Record that all jobs have ended, and whether the task returns their results."""
        try:
            if self._ledger is not None:
                self._ledger.write_outcome(outcome)
        except Exception as error:  # noqa: BLE001 - depends on the store's backend; the jobs have already ended
            log.warning("Storing the outcome of the task failed: %s", error)
