"""
Submits the job of a task run, or joins the job of an earlier try, so that the task waits for this job.

From Airflow 3.3, the task state store records the submission. A lost job is a job whose submit response was lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.search import find_jobs
from airflow_provider_ims._submission.cancel import cancel_job
from airflow_provider_ims._submission.record import (
    STORE_KEY,
    SubmissionRecord,
    SubmissionState,
    digest,
    new_record,
    read_wait_outcome,
    tries_before_clear,
)
from airflow_provider_ims._submission.recovery import OnUncertain, Recovery, recovery_of
from airflow_provider_ims._submission.reuse import EarlierJobs
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

#: What a cleared task does with the job that it submitted before it was cleared. ``auto`` joins the job if the job has
#: the same parameters and has not failed, and its result was not collected. With ``reuse="inputs"``, ``auto`` also
#: joins a recent job whose result was collected. In one case, ``auto`` cancels the job and submits a new one instead:
#: if the task was waiting for the job, ``cancel_on_kill`` is true, and the service can cancel the job. ``new`` always
#: submits a new job. ``rejoin`` joins any job that the service still returns and that has not failed.
OnClear: TypeAlias = Literal["auto", "new", "rejoin"]

#: The maximum number of unanswered submit requests, across all tries, if a repeated request could create a second job.
MAX_UNSAFE_SUBMITS = 2


@dataclass(frozen=True, slots=True)
class Submission:
    """
    The job of a task run.

    :param submitted_at: The submission time, in epoch seconds.
    :param joined: Whether an earlier try submitted the job.
    :param reused: Whether an earlier run submitted the job.
    """

    job: Job
    submitted_at: float
    joined: bool = False
    reused: bool = False


@dataclass(slots=True)
class Submitter:
    """
    Submits the job of one task run, or joins the job of an earlier try.

    :param on_uncertain: What to do if a lost job is not found, and a repeated request could create a second job.
    :param failed: A function that returns a true value if an ended job counts as failed for the task.
    :param on_clear: What to do with the job of a task that was cleared; see :data:`OnClear`.
    :param cancel_on_kill: Whether to cancel the job that the cleared task was waiting for, if the service supports it.
    :param earlier: The jobs of earlier runs, if the task may reuse them.
    :param queue: The queue to which the service should send a message when the job ends.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    parameters: Mapping[str, str]
    on_uncertain: OnUncertain = "submit"
    failed: Callable[[Job], object] = Job.failure
    on_clear: OnClear = "auto"
    cancel_on_kill: bool = True
    earlier: EarlierJobs | None = None
    queue: str | None = None
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _store: Any = field(default=None, init=False)

    def submit(self) -> Submission:
        """
        Submit a job. The submission is not recorded, and the job is not searched for if the response is lost.

        :raises ImsError: as raised by the hook's ``call``. After an ``ImsUnavailableError``, the job may exist.
        """
        submitted_at, request = self.now(), self.parameters
        if "ClientToken" not in request:
            request = self.kind.add_notify_address(request, self.queue)
        return Submission(self._call(request), submitted_at)

    def submit_or_join(self, context: Context) -> Submission:
        """
        Return the job of this task run: the job of an earlier try, a reused job of an earlier run, or a new job.

        :raises ImsUncertainSubmitError: if a lost job is not found and no further submit request is allowed, or if the
            service rejected a further submit request, possibly as a duplicate.
        :raises ImsError: as raised by the hook's ``call``.
        """
        self._store = context.get("task_state_store")
        record = self._resume(context)
        if reused := self._reuse(context, record):
            return reused
        submits = 0
        while True:
            if record.state is SubmissionState.KNOWN:
                self._write(record)
                if submission := self._join(record):
                    return replace(submission, joined=submits == 0)
                record = record.next()
            elif record.state is not SubmissionState.NEW:
                if found := self._search(record):
                    record = found
                    continue
                self._check_resubmit(record, submits)
            record, job = self._send(record)
            if job is not None:
                self._store_for_reuse(record)
                return Submission(job, record.submitted_at)
            submits += 1

    def _reuse(self, context: Context, record: SubmissionRecord) -> Submission | None:
        """Return a job of an earlier run with the same inputs, if this run has no job and ``on_clear`` permits it."""
        if self.earlier is None or (self.on_clear == "new" and tries_before_clear(context["ti"]) > 0):
            return None
        # Only a record from the task state store shows whether this run has submitted a job.
        may_have_job = self._store is not None and record.state is not SubmissionState.NEW
        if may_have_job or (found := self.earlier.find()) is None:
            return None
        stored, job = found
        self._write(
            replace(
                record,
                job_id=job.id,
                submitted_at=stored.submitted_at,
                parameters_digest=digest(self.parameters),
                unanswered_submits=0,
            )
        )
        self.earlier.store(job.id, stored.submitted_at, stored.run_id)
        return Submission(job, stored.submitted_at, reused=True)

    def _store_for_reuse(self, record: SubmissionRecord) -> None:
        """Store the job for later runs, if it certainly has the current parameters."""
        same = record.parameters_digest == digest(self.parameters) and record.unanswered_submits <= 1
        if self.earlier is not None and record.job_id is not None and same:
            self.earlier.store(record.job_id, record.submitted_at)

    def _resume(self, context: Context) -> SubmissionRecord:
        """Return the record of an earlier try, or a new record."""
        new = new_record(self.kind.submit_action, context, self.now(), recorded=self._store is not None)
        stored = self._store.get(STORE_KEY) if self._store is not None else None
        old = SubmissionRecord.read(stored)
        if old is None and stored is not None:
            log.warning("Ignoring the submission record of an earlier try, because its format is unknown: %s", stored)
        if old is None or old.action != new.action:
            return new
        if old.max_tries != new.max_tries and (old := self._after_clear(old)) is None:
            return new
        return replace(old, max_tries=new.max_tries, try_number=new.try_number)

    def _after_clear(self, record: SubmissionRecord) -> SubmissionRecord | None:
        """Return the record from before a clear if the task continues the earlier submission, otherwise ``None``."""
        same_parameters = record.parameters_digest == digest(self.parameters)
        if record.state is SubmissionState.KNOWN:
            return record if self._joins_after_clear(record, same_parameters) else None
        if record.state is SubmissionState.NEW:
            return None
        if self.on_clear == "rejoin" or (self.on_clear == "auto" and same_parameters):
            resubmit = self._recovery(record).policy.resubmit
            if resubmit == "returns job" and record.state is SubmissionState.UNANSWERED:
                return record
            if found := self._search(record):
                return found
        log.warning("Submitting a new job after a clear. An earlier job may exist, perhaps with marker %s", record.key)
        return None

    def _joins_after_clear(self, record: SubmissionRecord, same_parameters: bool) -> bool:
        """
        Return whether to join the job that was submitted before the clear; log the decision and its reason.

        If the job is not joined, and the task was waiting for it when the task was cleared, also cancel the job if
        ``cancel_on_kill`` is true and the service can cancel the job.
        """
        family, job, job_id = self.kind.family, None, record.job_id or ""
        wait = read_wait_outcome(self._store, job_id)
        known, auto = True, self.on_clear == "auto"
        try:
            job = family.query(self.hook, [job_id]).get(job_id)
            known = job is not None
        except ImsError as error:
            log.warning("The state of job %s, submitted before the clear, is unknown: %s", job_id, error)
        running = job if job is not None and not job.ended else None
        cancels = running is not None and wait is None and self.cancel_on_kill and family.can_cancel(running.status)
        reuses = self.earlier is not None and same_parameters and self.earlier.is_recent(record.submitted_at)
        reason = None
        if self.on_clear == "new":
            reason = "on_clear is 'new'"
        elif auto and wait == "collected" and not reuses:
            reason = f"the result of job {job_id} was already collected"
        elif auto and not same_parameters:
            reason = f"job {job_id} was submitted with different parameters"
        elif not known:
            reason = f"the service does not know job {job_id}"
        elif job is not None and job.ended and self.failed(job):
            reason = f"job {job_id} failed"
        elif auto and cancels:
            reason = f"job {job_id}, for which the task was waiting, is being cancelled"
        if reason is None:
            why = "its result was not collected" if auto else "on_clear is 'rejoin'"
            why = "it has the same inputs" if reuses else why
            log.info("The task was cleared: joining job %s, because %s", job_id, why)
            return True
        log.info("The task was cleared: submitting a new job, because %s", reason)
        self._warn_of_repeated_token(record)
        if cancels:
            cancel_job(family, self.hook, job_id)
        elif running is not None:
            log.warning("Job %s, submitted before the clear, is still %s and is billed", job_id, running.status)
        return False

    def _warn_of_repeated_token(self, record: SubmissionRecord) -> None:
        """Warn if the user's token is the same as for the earlier job, because the service will create no new job."""
        token = self.kind.token_parameter
        if record.token is not None and self.parameters.get(token or "") == record.token:
            advice = "return that job again or reject the request. Omit the token, or add {{ ti.try_number }} to it"
            log.warning("%s is the same as for job %s, so the service will %s", token, record.job_id, advice)

    def _recovery(self, record: SubmissionRecord) -> Recovery:
        return recovery_of(self.kind, self.parameters, record, recorded=self._store is not None, queue=self.queue)

    def _join(self, record: SubmissionRecord) -> Submission | None:
        """Return the recorded job, or ``None`` if it failed."""
        job_id = record.job_id or ""
        job = self.kind.family.query(self.hook, [job_id]).get(job_id)
        if job is None:
            # A single response without the job must not cause a second billed job, so the job is joined.
            log.warning("The service does not know job %s of an earlier try. Clear the task to submit again", job_id)
            job = Job(job_id, JobState.RUNNING, self.kind.family.first_status)
        if job.ended and self.failed(job):
            log.info("Job %s of an earlier try failed: submitting a new job", job_id)
            self._warn_of_repeated_token(record)
            return None
        log.info("Joined job %s (%s), submitted %.0f s ago", job_id, job.status, self.now() - record.submitted_at)
        if record.parameters_digest not in ("", digest(self.parameters)):
            log.warning("The parameters have changed since job %s was submitted. Clear the task to apply them", job_id)
        self._store_for_reuse(record)
        return Submission(job, record.submitted_at, joined=True)

    def _search(self, record: SubmissionRecord) -> SubmissionRecord | None:
        """Search for a lost job until it is found or the search time has passed; return ``None`` if it is not found."""
        recovery = self._recovery(record)
        if recovery.search is None:
            return None
        for pause in (*pauses(recovery.search_time), None):
            found = find_jobs(recovery.search, self.hook, self.parameters, [record.run], record.submitted_at)
            if record.run in found and found[record.run][0].number >= record.number:
                key, job_id = found[record.run]
                log.info("Found job %s by its marker %s", job_id, key)
                return replace(record, number=key.number, job_id=job_id)
            if pause is not None:
                log.info("No job has the marker %s yet; searching again in %.0f s", record.key, pause)
                self.sleep(pause)
        return None

    def _check_resubmit(self, record: SubmissionRecord, submits: int) -> None:
        """Raise an ``ImsUncertainSubmitError`` unless another submit request is allowed for a job that is not found."""
        recovery = self._recovery(record)
        if objection := recovery.objection(self.on_uncertain, submits, MAX_UNSAFE_SUBMITS):
            raise objection
        log.log(logging.INFO if recovery.is_safe else logging.WARNING, recovery.format(recovery.policy.resubmit_log))

    def _send(self, before: SubmissionRecord) -> tuple[SubmissionRecord, Job | None]:
        """Submit a job. Return the new record and the job; the job is ``None`` if its id is unknown."""
        recovery = self._recovery(before)
        if self.kind.takes_marker and recovery.search is None and "ClientToken" not in self.parameters:
            log.info("UserData would be too long or malformed with the marker, so a search cannot find the job")
        if (
            self.queue is not None
            and self.kind.takes_notify_address
            and not self.kind.notifies(recovery.request, self.queue)
        ):
            log.info("UserData does not contain the queue %s, so the service may send no message", self.queue)
        record = replace(
            before,
            submitted_at=self.now(),
            unanswered_submits=before.unanswered_submits + 1,
            parameters_digest=digest(self.parameters),
            token=recovery.token,
            queue=recovery.queue,
        )
        # Without this record, a crash could lose the job. If the record cannot be written, nothing is submitted.
        self._write(record, required=True)
        try:
            job = self._call(recovery.request)
        except ImsError as error:
            accepted = recovery.was_accepted(error)
            if accepted is False:
                self._write(before)
                if recovery.is_duplicate(error):
                    raise recovery.uncertain(f"the service rejected a second submit request: {error}") from error
                # An earlier request may have been accepted, and a retry may find its job.
                error.transient |= before.state is not SubmissionState.NEW
                raise
            log.warning("%s. The service may have accepted the job", error)
            if accepted:
                record = replace(record, accepted_without_id=True)
                self._write(record)
            return record, None
        record = replace(record, job_id=job.id)
        self._write(record)
        return record, job

    def _call(self, parameters: Mapping[str, str]) -> Job:
        body = self.hook.call(self.kind.submit_action, parameters)
        request_id = str(body.get("RequestId") or "") or None
        job_id = self.kind.accepted_job_id(body)
        log.info("Submitted %s job %s (request id %s)", self.kind.title, job_id, request_id)
        status = str(body.get("State") or self.kind.family.first_status)
        return Job(job_id, JobState.RUNNING, status, self.kind.result_in(body), request_id=request_id)

    def _write(self, record: SubmissionRecord, *, required: bool = False) -> None:
        try:
            if self._store is not None:
                self._store.set(STORE_KEY, asdict(record))
        except Exception as error:
            # After the request was sent, the job may exist, so an error of the store must not fail the task.
            if required:
                raise
            job = f"job {record.job_id}" if record.job_id else "a submit request"
            log.warning("Writing the record of %s failed; a retry may have to search for the job: %s", job, error)


def pauses(seconds: float) -> Iterator[float]:
    """Yield pauses of 1, 2, 4, ... seconds whose sum is ``seconds``."""
    pause = 1.0
    while seconds > 0:
        yield min(pause, seconds)
        seconds -= pause
        pause *= 2
