"""The submission record, which stores the data about a submission for later tries of the task."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from airflow_provider_ims._jobs.marker import SubmissionKey

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

#: The key of the record in the task state store.
STORE_KEY = "ims_submission"
#: The key under which the task state store holds the outcome of the wait. The value is ``{"job_id", "outcome"}``.
WAIT_KEY = "ims_wait"

#: How a wait ended: the task returned the result of the job (``collected``), or the wait failed, for example on a
#: timeout.
WaitOutcome: TypeAlias = Literal["collected", "failed"]


class SubmissionState(Enum):
    """The state of a submission."""

    NEW = "no request was sent, or the service rejected each request"
    UNANSWERED = "a request received no response, so there may be a job"
    ACCEPTED = "the service accepted a request, but the id of the job is unknown"
    KNOWN = "the id of the job is known"


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """
    The submission record in the task state store.

    :param action: The submit action.
    :param max_tries: ``max_tries`` of the task instance. Clearing the task increases it; a retry does not.
    :param run: A hash that identifies the task run.
    :param number: The number of the submission within the task run, from 0. It increases with each further job.
    :param submitted_at: The time of the latest submit request, in epoch seconds.
    :param unanswered_submits: The number of submit requests without a known response.
    :param accepted_without_id: Whether the service accepted a request without returning the job's id.
    :param parameters_digest: A digest of the parameters, to detect changed parameters.
    :param token: The token that was sent, as the ClientToken or as the kind's ``dedup_parameter``.
    :param job_id: The job id; ``None`` while it is unknown.
    :param queue: The queue to which the service should send a message when the job ends; ``None`` if there is none.
    :param try_number: The number of the latest try that submitted or joined the job. Only this try may cancel the job.
    """

    action: str
    max_tries: int
    run: str
    number: int
    submitted_at: float
    unanswered_submits: int = 0
    accepted_without_id: bool = False
    parameters_digest: str = ""
    token: str | None = None
    job_id: str | None = None
    queue: str | None = None
    try_number: int = 0

    @property
    def key(self) -> SubmissionKey:
        """The key in the UserData of the job, with which a search finds the job."""
        return SubmissionKey(self.run, self.number)

    @property
    def state(self) -> SubmissionState:
        """The state of the submission."""
        if self.job_id is not None:
            return SubmissionState.KNOWN
        if self.accepted_without_id:
            return SubmissionState.ACCEPTED
        return SubmissionState.UNANSWERED if self.unanswered_submits else SubmissionState.NEW

    @classmethod
    def read(cls, stored: Any) -> SubmissionRecord | None:
        """Return the record for a stored value, or ``None`` for any value that is not a record."""
        try:
            return cls(**stored)
        except TypeError:
            return None

    def next(self) -> SubmissionRecord:
        """Return the record of the next submission, after a job has failed or could not be found."""
        return SubmissionRecord(
            self.action, self.max_tries, self.run, self.number + 1, self.submitted_at, try_number=self.try_number
        )


def digest(parameters: Mapping[str, str]) -> str:
    """Return a digest of the parameters of a request."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]


def tries_before_clear(ti: Any) -> int:
    """
    Return the number of tries before the latest clear.

    The number is wrong if the task's ``retries`` changed after the clear.
    """
    return int(ti.max_tries) - int(ti.task.retries or 0)


def new_record(action: str, context: Context, now: float, *, recorded: bool) -> SubmissionRecord:
    """
    Return the first record of a task run that has no stored record.

    Without a task state store (``recorded`` is false), it is unknown whether an earlier try submitted a job. The record
    of a retry therefore contains one request without a response, so that the job is searched for.
    """
    ti: Any = context["ti"]
    before_clear = tries_before_clear(ti)
    # Two Airflow deployments may run the same DAG with the same run ids. A random salt distinguishes them.
    salt = uuid.uuid4().hex if recorded else ""
    identity = [ti.dag_id, ti.run_id, ti.task_id, ti.map_index, before_clear, salt]
    run = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
    record = SubmissionRecord(action, int(ti.max_tries), run, 0, now, try_number=int(ti.try_number))
    if recorded or record.try_number <= before_clear + 1:
        return record
    run_started = getattr(context.get("dag_run"), "start_date", None)
    since = run_started.timestamp() if run_started else now - 24 * 3600
    return replace(record, submitted_at=since, unanswered_submits=1)


def write_wait_outcome(store: Any, job_id: str, outcome: WaitOutcome) -> None:
    """Store how the wait for a job ended, if there is a task state store."""
    if store is None:
        return
    try:
        store.set(WAIT_KEY, {"job_id": job_id, "outcome": outcome})
    except Exception as error:  # noqa: BLE001 - depends on the store's backend; the wait has already ended
        log.warning("Storing the outcome of the wait for job %s failed: %s", job_id, error)


def read_wait_outcome(store: Any, job_id: str | None) -> WaitOutcome | None:
    """Return how the wait for a job ended, or ``None`` if it has not ended or its outcome is unknown."""
    stored = store.get(WAIT_KEY)
    outcome = stored.get("outcome") if isinstance(stored, dict) and stored.get("job_id") == job_id else None
    return outcome if outcome in get_args(WaitOutcome) else None
