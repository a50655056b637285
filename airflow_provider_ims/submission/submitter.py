"""Submits at most one billed job for each task run, and records it in the task state store (Airflow 3.3 and later)."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from airflow_provider_ims.exceptions import ImsError, ImsUnavailableError
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.search import find_job
from airflow_provider_ims.submission.clear import ClearPolicy, OnClear
from airflow_provider_ims.submission.record import STORE_KEY, SubmissionRecord, SubmissionState, read_wait_outcome
from airflow_provider_ims.submission.recovery import Recovery, recovery_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.jobs.api_caller import ApiCaller
    from airflow_provider_ims.jobs.kind import JobKind

log = logging.getLogger(__name__)

OnUncertain: TypeAlias = Literal["submit", "fail"]

#: The maximum number of submits in one try.
MAX_SUBMITS = 5
#: The maximum number of unanswered submits, over all tries, after which an unsafe submit may follow.
MAX_UNSAFE_RESUBMITS = 1
#: Seconds between the first two searches for a lost job. Each pause is twice as long as the one before.
FIRST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Submission:
    """
    The job of a task run.

    :param job: The job as the service accepted it, or as a retry found it.
    :param submitted_at: The time of the submit, in epoch seconds.
    :param joined: Whether an earlier try submitted the job.
    """

    job: Job
    submitted_at: float
    joined: bool = False


@dataclass(slots=True)
class Submitter:
    """
    Submits a job for one task run, or joins the existing one.

    :param kind: The job kind.
    :param hook: The hook of its product.
    :param parameters: The API's parameters.
    :param on_uncertain: What to do if a submit got no response, its job is not found, and a second submit may create
        a second job: ``submit`` or ``fail``.
    :param failed: Returns whether an ended job counts as failed for the task.
    :param on_clear: What to do with the job of a task that was cleared; see :class:`ClearPolicy`.
    :param cancel_on_kill: Whether a clear during the wait cancels the job, if the service supports it.
    :param now: The clock, in epoch seconds.
    :param sleep: Sleeps for a number of seconds.
    """

    kind: JobKind
    hook: ApiCaller
    parameters: Mapping[str, str]
    on_uncertain: OnUncertain = "submit"
    failed: Callable[[Job], bool] = field(default=lambda job: job.state is JobState.FAILED)
    on_clear: OnClear = "auto"
    cancel_on_kill: bool = True
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _store: Any = field(default=None, init=False)

    def submit(self) -> Submission:
        """
        Submit a job, without a record and without recovery.

        :raises ImsError: as the hook's ``call``. After an :class:`~airflow_provider_ims.exceptions.\
ImsUnavailableError`, the service may have accepted the job.
        """
        submitted_at = self.now()
        return Submission(self._call(self.parameters), submitted_at)

    def submit_or_join(self, context: Context) -> Submission:
        """
        Return the job of this task run: the one that an earlier try submitted, or a new one.

        :param context: The task's context.
        :raises ImsUncertainSubmitError: if a submit got no response, its job is not found, and no further submit is
            allowed.
        :raises ImsError: as the hook's ``call``.
        """
        self._store = context.get("task_state_store")
        record = self._resume(context)
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
                return Submission(job, record.submitted_at)
            submits += 1

    def _resume(self, context: Context) -> SubmissionRecord:
        """Return the record of an earlier try, or a new one."""
        ti: Any = context["ti"]
        max_tries = int(ti.max_tries)
        record = SubmissionRecord.read(self._store.get(STORE_KEY)) if self._store is not None else None
        if record is None or record.action != self.kind.submit_action:
            return self._new_record(context)
        if record.max_tries != max_tries and (record := self._after_clear(record)) is None:
            return self._new_record(context)
        return replace(record, max_tries=max_tries, try_number=int(ti.try_number))

    def _new_record(self, context: Context) -> SubmissionRecord:
        ti: Any = context["ti"]
        # The number of tries before the last clear, if nobody has changed the task's retries since.
        tries_before_clear = int(ti.max_tries) - int(ti.task.retries or 0)
        identity = (ti.dag_id, ti.run_id, ti.task_id, ti.map_index, tries_before_clear)
        # Two Airflows may run the same DAG with the same run ids. A random salt tells them apart.
        salt = uuid.uuid4().hex if self._store is not None else ""
        run = hashlib.sha256(json.dumps([*identity, salt]).encode()).hexdigest()[:32]
        now, try_number = self.now(), int(ti.try_number)
        record = SubmissionRecord(self.kind.submit_action, int(ti.max_tries), run, 0, now, try_number=try_number)
        if self._store is not None or try_number <= tries_before_clear + 1:
            return record
        # In a retry before Airflow 3.3, only the service knows what the earlier tries submitted.
        run_started = getattr(context.get("dag_run"), "start_date", None)
        since = run_started.timestamp() if run_started else now - 24 * 3600
        return replace(record, submitted_at=since, unanswered_submits=1)

    def _after_clear(self, record: SubmissionRecord) -> SubmissionRecord | None:
        """Return the record from before a clear if the task continues with it."""
        if record.state is SubmissionState.KNOWN:
            policy = ClearPolicy(self.kind.family, self.hook, self.failed, self.on_clear, self.cancel_on_kill)
            wait = read_wait_outcome(self._store, record.job_id)
            return record if policy.joins(record, _digest(self.parameters), wait) else None
        if record.state is SubmissionState.NEW:
            return None
        changed = record.parameters_digest != _digest(self.parameters)
        if self.on_clear == "rejoin" or (self.on_clear == "auto" and not changed):
            resubmit = self._recovery(record).policy.resubmit
            if resubmit == "returns job" and record.state is SubmissionState.UNANSWERED:
                return record
            if found := self._search(record):
                return found
        log.warning(
            "The task was cleared: submitting a new job. A submit before the clear got no response. If the service "
            "accepted it, there is a second job, with the key %s",
            record.key,
        )
        return None

    def _recovery(self, record: SubmissionRecord) -> Recovery:
        return recovery_of(self.kind, self.parameters, record, recorded=self._store is not None)

    def _join(self, record: SubmissionRecord) -> Submission | None:
        """
        Return the recorded job, or ``None`` if it failed.

        A job that the service does not know is joined too: the wait tolerates it for two minutes, then fails. A single
        unusual response must not lead to a second paid job.
        """
        job_id = record.job_id or ""
        job = self.kind.family.query(self.hook, [job_id]).get(job_id)
        if job is None:
            log.warning("The service does not know job %s of an earlier try. Clear the task to submit again", job_id)
            job = Job(job_id, JobState.RUNNING, self.kind.family.first_status)
        if job.ended and self.failed(job):
            log.info("Job %s of an earlier try failed: submitting a new one", job_id)
            return None
        log.info("Joined job %s (%s), submitted %.0f s ago", job_id, job.status, self.now() - record.submitted_at)
        if record.parameters_digest not in ("", _digest(self.parameters)):
            log.warning("Job %s has other parameters than the task has now. Clear the task to submit again", job_id)
        return Submission(job, record.submitted_at, joined=True)

    def _search(self, record: SubmissionRecord) -> SubmissionRecord | None:
        """Search for the job of a lost submit, for as long as it may be missing from the listing."""
        recovery = self._recovery(record)
        if recovery.search is None:
            return None
        for pause in (*_pauses(recovery.search_time), None):
            found = find_job(recovery.search, self.hook, self.parameters, record.run, record.submitted_at)
            if found is not None and found[0].number >= record.number:
                key, job_id = found
                log.info("Found job %s by its marker %s", job_id, key)
                return replace(record, number=key.number, job_id=job_id)
            if pause is not None:
                log.info("No job has the marker %s yet; searching again in %.0f s", record.key, pause)
                self.sleep(pause)
        return None

    def _check_resubmit(self, record: SubmissionRecord, submits: int) -> None:
        """Raise unless another submit is allowed although the job of the earlier one was not found."""
        recovery = self._recovery(record)
        safe = recovery.policy.resubmit_is_safe
        if record.state is SubmissionState.ACCEPTED:
            raise recovery.uncertain("the service accepted a submit")
        if submits >= MAX_SUBMITS:
            raise recovery.uncertain(f"{submits} submits got no response")
        if not safe and self.on_uncertain == "fail":
            raise recovery.uncertain("on_uncertain is 'fail'")
        if not safe and record.unanswered_submits > MAX_UNSAFE_RESUBMITS:
            raise recovery.uncertain(f"{record.unanswered_submits} submits got no response")
        log.log(logging.INFO if safe else logging.WARNING, recovery.format(recovery.policy.resubmit_log))

    def _send(self, before: SubmissionRecord) -> tuple[SubmissionRecord, Job | None]:
        """Submit a job; return the new record, and the job unless its id is unknown."""
        recovery = self._recovery(before)
        if self.kind.takes_marker and recovery.search is None and "ClientToken" not in self.parameters:
            log.info("UserData is not a JSON object or has no room for the marker: a lost job cannot be found")
        record = replace(
            before,
            submitted_at=self.now(),
            unanswered_submits=before.unanswered_submits + 1,
            parameters_digest=_digest(self.parameters),
            token=recovery.token,
        )
        if self._store is not None:
            # Without this record, a crash could lose the job. If it cannot be written, nothing is submitted.
            self._store.set(STORE_KEY, asdict(record))
        try:
            job = self._call(recovery.request)
        except ImsError as error:
            accepted = recovery.was_accepted(error)
            if accepted is False:
                self._write(before)
                if recovery.is_duplicate(error):
                    raise recovery.uncertain(f"the service rejected a second submit: {error}") from error
                raise
            log.warning("%s. The service may have accepted the job: searching for it", error)
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
        job_id = self.kind.job_id_in(body)
        if job_id is None:
            raise ImsUnavailableError(
                "The response has no job id", accepted=True, action=self.kind.submit_action, request_id=request_id
            )
        log.info("Submitted %s job %s (request id %s)", self.kind.title, job_id, request_id)
        status = str(body.get("State") or self.kind.family.first_status)
        return Job(job_id, JobState.RUNNING, status, request_id=request_id)

    def _write(self, record: SubmissionRecord) -> None:
        """Write the record after a submit. The job exists by then, so an error of the store must not end the task."""
        if self._store is None:
            return
        try:
            self._store.set(STORE_KEY, asdict(record))
        except Exception as error:  # noqa: BLE001 - depends on the store's backend
            log.warning("Recording job %s failed; a retry searches for it instead: %s", record.job_id, error)


def _pauses(seconds: float) -> Iterator[float]:
    """Yield growing pauses whose sum is ``seconds``."""
    pause = FIRST_PAUSE
    while seconds > 0:
        pause = min(pause, seconds)
        yield pause
        seconds -= pause
        pause *= 2


def _digest(parameters: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]
