"""
Submitting a job for a task run: at most one that is billed, whatever crashes.

Before a submit an intent is noted in Airflow's task state store (3.3 and later), after it the job's id. A retry joins
the noted job; with an intent but no id, the job is looked for by the marker in its UserData. What a clear does is
decided in :mod:`airflow_provider_ims.submission.clear`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from airflow_provider_ims.exceptions import ImsError, ImsRequestError, ImsUnavailableError, ImsUncertainSubmitError
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.marker import SubmissionKey
from airflow_provider_ims.jobs.search import find
from airflow_provider_ims.submission.clear import ClearPolicy, OnClear
from airflow_provider_ims.submission.record import STORE_KEY, SubmissionRecord, read_wait_outcome

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.kinds import JobKind

log = logging.getLogger(__name__)

OnUncertain: TypeAlias = Literal["submit", "fail"]

#: How often one try submits at most, when answers are lost and no job is found.
MAX_SUBMITS = 5
#: How many of them may go out without an answer where a search proves nothing: the first, and one more.
MAX_UNPROVEN_RESUBMITS = 1
#: Seconds from one look for a lost job to the next; each is twice the one before.
FIRST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Submission:
    """
    The job of a task run.

    :param job: The job as it was accepted, or as a retry found it.
    :param submitted_at: When it was submitted, in epoch seconds.
    :param joined: Whether an earlier try submitted it.
    """

    job: Job
    submitted_at: float
    joined: bool = False


@dataclass(slots=True)
class Submitter:
    """
    Submits a job for one task run, or joins the one that is there.

    :param kind: The kind of job.
    :param hook: The hook of its product.
    :param parameters: The API's parameters.
    :param on_uncertain: What to do when a submit got no answer and its job is not found: ``submit`` again, or
        ``fail``.
    :param failed: Tells whether an ended job counts as failed for the task.
    :param on_clear: What to do with the job of a task that was cleared; see :class:`ClearPolicy`.
    :param cancel_on_kill: Whether a clear during the wait cancels the job, where the service can.
    :param now: The clock, in epoch seconds.
    :param sleep: How to pass the time.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    parameters: Mapping[str, str]
    on_uncertain: OnUncertain = "submit"
    failed: Callable[[Job], bool] = field(default=lambda job: job.state is JobState.FAILED)
    on_clear: OnClear = "auto"
    cancel_on_kill: bool = True
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def submit(self) -> Submission:
        """
        Submit without noting or looking for anything.

        :raises ImsError: as the hook's ``call``; after an :class:`~airflow_provider_ims.exceptions.\
ImsUnavailableError` the job may have been accepted all the same.
        """
        submitted_at = self.now()
        return Submission(self._accepted(self.parameters), submitted_at)

    def submit_or_join(self, context: Context) -> Submission:
        """
        Return the job of this task run: the one that an earlier try submitted, or a new one.

        :param context: The task's context.
        :raises ImsUncertainSubmitError: when a submit got no answer, its job is not found, and ``on_uncertain`` is
            ``fail``, or it happened too often.
        :raises ImsError: as the hook's ``call``.
        """
        store: Any = context.get("task_state_store")
        record = self._begin(context, store)
        if record.job_id is not None:
            if joined := self._join(record):
                self._write(store, record)
                return joined
            record = record.next()
        submits = 0
        while True:
            if record.unanswered:
                found = self._look_for(record)
                if found is None:
                    self._decide(record, submits)
                else:
                    record = replace(record, number=found[0].number, job_id=found[1])
                    self._write(store, record)
                    if joined := self._join(record):
                        return replace(joined, joined=submits == 0)
                    record = record.next()
            submits += 1
            keyed = self._keyed(record, noted=store is not None)
            before = record
            record = replace(
                record,
                submitted_at=self.now(),
                unanswered=record.unanswered + 1,
                parameters=_digest(self.parameters),
                client_token=keyed.get(self.kind.token or ""),
            )
            # Without this intent a crash could lose the job: when it cannot be noted, nothing is submitted.
            if store is not None:
                store.set(STORE_KEY, asdict(record))
            try:
                job = self._accepted(keyed)
            except ImsError as error:
                if self._refused(error):
                    # Which code tells that the first was accepted is not documented; a denial surely does not.
                    if (
                        self.kind.dedup_parameter
                        and before.unanswered
                        and before.client_token
                        and type(error) is ImsRequestError
                    ):
                        self._write(store, before)
                        raise self._uncertain(before, f"to submit it again was refused: {error}") from error
                    # What the submits before this one came to is as unknown as it was.
                    self._write(store, replace(before, parameters=record.parameters, client_token=record.client_token))
                    raise
                log.warning("%s. The job may have been accepted all the same: looking for it", error)
                if not isinstance(error, ImsUnavailableError) or error.accepted:
                    record = replace(record, accepted=True)
                    self._write(store, record)
                continue
            self._write(store, replace(record, job_id=job.id))
            return Submission(job, record.submitted_at)

    def _begin(self, context: Context, store: Any) -> SubmissionRecord:
        """Return the note to go on from: an earlier try's, or a new one."""
        ti: Any = context["ti"]
        max_tries = int(ti.max_tries)
        record = SubmissionRecord.read(store.get(STORE_KEY)) if store is not None else None
        if record is not None and record.action == self.kind.submit_action:
            if record.max_tries == max_tries:
                return replace(record, try_number=int(ti.try_number))
            if self._goes_on_after_clear(record, store):
                return replace(record, max_tries=max_tries, try_number=int(ti.try_number))
        # How often the task was cleared, as long as its retries are what they were.
        generation = max_tries - int(ti.task.retries or 0)
        identity = (ti.dag_id, ti.run_id, ti.task_id, ti.map_index, generation)
        # Two Airflows may have the same DAG and the same run ids. Where the key is noted, chance tells them apart.
        salt = uuid.uuid4().hex if store is not None else ""
        run = hashlib.sha256(json.dumps([*identity, salt]).encode()).hexdigest()[:32]
        new = SubmissionRecord(self.kind.submit_action, max_tries, run, 0, self.now(), try_number=int(ti.try_number))
        if store is not None or int(ti.try_number) <= generation + 1:
            return new
        # A retry in an Airflow that has no store: what an earlier try did, only the service can tell.
        dag_run: Any = context.get("dag_run")
        began = getattr(dag_run, "start_date", None)
        return replace(new, submitted_at=began.timestamp() if began else self.now() - 24 * 3600, unanswered=1)

    def _goes_on_after_clear(self, record: SubmissionRecord, store: Any) -> bool:
        """Tell whether a cleared task goes on with the submission from before the clear."""
        if record.job_id is not None:
            policy = ClearPolicy(self.kind.family, self.hook, self.failed, self.on_clear, self.cancel_on_kill)
            return policy.rejoins(record, _digest(self.parameters), read_wait_outcome(store, record.job_id))
        if not record.unanswered:
            return False
        same = record.parameters == _digest(self.parameters)
        if self.on_clear != "new" and (same or self.on_clear == "rejoin"):
            if self.kind.takes_client_token:
                return True
            if self._look_for(record) is not None:
                return True
        log.warning(
            "The task was cleared: submitting a new job. A submit from before the clear got no answer; if it was "
            "accepted, there is a second job, with the key %s",
            record.key,
        )
        return False

    def _join(self, record: SubmissionRecord) -> Submission | None:
        """
        Return an earlier job, unless it failed.

        One that the service does not know is joined as well: the wait gives it its time of grace, and then fails. A
        single odd answer must not be what pays for a second job.
        """
        job_id = record.job_id or ""
        job = self.kind.family.query(self.hook, [job_id]).get(job_id)
        if job is None:
            log.warning(
                "The service does not know job %s of an earlier try; to submit a new one, clear the task", job_id
            )
            job = Job(job_id, JobState.RUNNING, self.kind.family.first_status)
        if job.ended and self.failed(job):
            log.info("Job %s of an earlier try failed: submitting a new one", job_id)
            return None
        log.info("Joined job %s, submitted %.0f s ago; it is %s", job_id, self.now() - record.submitted_at, job.status)
        if record.parameters and record.parameters != _digest(self.parameters):
            log.warning(
                "Job %s was submitted with other parameters than the task has now; clear the task to submit these",
                job_id,
            )
        return Submission(job, record.submitted_at, joined=True)

    def _look_for(self, record: SubmissionRecord) -> tuple[SubmissionKey, str] | None:
        """Look for a job that may have been submitted, for as long as a search may lag."""
        family = self.kind.family
        if family.search is None or self._user_data(record.key) is None:
            return None
        # With a ClientToken one look will do, for to submit again cannot make a second job.
        one_look = self.kind.takes_client_token and not record.accepted
        for pause in (*(() if one_look else _pauses(family.search_lag)), None):
            found = find(family.search, self.hook, self.parameters, record.run, record.submitted_at)
            if found is not None and found[0].number >= record.number:
                log.info("Found the lost job %s by its marker %s", found[1], found[0])
                return found
            if pause is not None:
                log.info("No job is marked %s so far; looking again in %.0f s", record.key, pause)
                self.sleep(pause)
        return None

    def _decide(self, record: SubmissionRecord, submits: int) -> None:
        """Return when it is right to submit again although a job may be there that was not found."""
        if record.accepted:
            raise self._uncertain(record, "the service accepted it")
        if submits >= MAX_SUBMITS:
            raise self._uncertain(record, f"{submits} submits got no answer")
        if self.kind.takes_client_token:
            log.info("No job was found; submitting again with the same ClientToken, which cannot make a second one")
            return
        if self.kind.dedup_parameter and record.client_token:
            log.info("Submitting again with the same %s, which is refused if there is a job", self.kind.dedup_parameter)
            return
        if self.kind.search_proves and self._user_data(record.key) is not None:
            log.info("No job marked %s is listed, so none was accepted: submitting again", record.key)
            return
        if self.on_uncertain == "fail":
            raise self._uncertain(record, "on_uncertain is 'fail'")
        if record.unanswered > MAX_UNPROVEN_RESUBMITS:
            raise self._uncertain(record, f"{record.unanswered} submits got no answer")
        log.warning(
            "%s: submitting again, once. If the first submit was accepted all the same, there are two jobs now",
            "Whether there is a job cannot be found out"
            if self._user_data(record.key) is None
            else f"No job marked {record.key} was found in {self.kind.family.search_lag:.0f} s",
        )

    def _uncertain(self, record: SubmissionRecord, why: str) -> ImsUncertainSubmitError:
        if self._user_data(record.key) is not None:
            now_what = f"look for UserData with {record.key} in the console. A retry looks for it again"
        elif self.kind.takes_client_token:
            now_what = "a retry submits it again with the same ClientToken, which cannot make a second one"
        elif self.kind.dedup_parameter and record.client_token:
            now_what = (
                f"a retry sends the same {self.kind.dedup_parameter}, so it makes no second one; after a clear there "
                "may be two"
            )
        else:
            began = datetime.fromtimestamp(record.submitted_at, UTC).isoformat(timespec="seconds")
            now_what = f"it cannot be looked for. See in the console what began {began}; clear the task to submit anew"
        return ImsUncertainSubmitError(
            f"The {self.kind.title} job may have been submitted, but was not found ({why}); {now_what}",
            key=str(record.key),
            action=self.kind.submit_action,
        )

    def _user_data(self, key: SubmissionKey) -> str | None:
        if "ClientToken" in self.parameters:
            # The user's own token makes all submits with it one, as long as their parameters are the same.
            return None
        return self.kind.marked(self.parameters.get("UserData"), key)

    def _keyed(self, record: SubmissionRecord, *, noted: bool) -> dict[str, str]:
        """Return the parameters with the submission's key in them."""
        token = self.kind.token
        if token is not None and token in self.parameters:
            # A token that renders anew in each try makes none of them the same; the first one stays.
            return {**self.parameters, token: record.client_token or self.parameters[token]}
        # What is not noted stays the same after a failed job, and in a run that was made again: they would be refused.
        keyed = {token: str(record.key)} if token and (noted or self.kind.takes_client_token) else {}
        user_data = self._user_data(record.key)
        if user_data is not None:
            keyed["UserData"] = user_data
        elif self.kind.takes_marker:
            log.info(
                "UserData has no room for the marker %s, or is no JSON object: a job that is lost cannot be found",
                record.key,
            )
        return {**self.parameters, **keyed}

    def _refused(self, error: ImsError) -> bool:
        """Tell whether it is certain that neither this submit nor one like it was accepted."""
        if isinstance(error, ImsUnavailableError):
            return error.accepted is False
        # A token of ours that is known with other parameters: the job of a submit before is there.
        return error.code != "IdempotentParameterMismatch" or "ClientToken" in self.parameters

    def _accepted(self, parameters: Mapping[str, str]) -> Job:
        body = self.hook.call(self.kind.submit_action, parameters)
        request_id = str(body.get("RequestId") or "") or None
        job_id = self.kind.job_id_in(body)
        if job_id is None:
            raise ImsUnavailableError(
                "The answer has no JobId", accepted=True, action=self.kind.submit_action, request_id=request_id
            )
        log.info("Submitted %s job %s (request id %s)", self.kind.title, job_id, request_id)
        status = str(body.get("State") or self.kind.family.first_status)
        return Job(job_id, JobState.RUNNING, status, request_id=request_id)

    def _write(self, store: Any, record: SubmissionRecord) -> None:
        """Note what became of a submit. It is done by now, so a store that fails must not end the task."""
        if store is None:
            return
        try:
            store.set(STORE_KEY, asdict(record))
        except Exception as error:  # noqa: BLE001 - whatever the store's backend raises
            log.warning("Job %s could not be noted; a retry will look for it instead: %s", record.job_id, error)


def _pauses(lag: float) -> Iterator[float]:
    """Yield growing pauses that add up to ``lag`` seconds."""
    pause = FIRST_PAUSE
    while lag > 0:
        pause = min(pause, lag)
        yield pause
        lag -= pause
        pause *= 2


def _digest(parameters: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]
