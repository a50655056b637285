"""What is noted of a submission, for a retry."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from airflow_provider_ims.jobs.marker import SubmissionKey

log = logging.getLogger(__name__)

#: The key in the task state store.
STORE_KEY = "ims_submission"
#: The key of how the wait for a job ended: ``{"job_id", "outcome"}``.
WAIT_KEY = "ims_wait"

#: How a wait ended: the task took the job's result, or gave up without knowing the job's end.
WaitOutcome: TypeAlias = Literal["collected", "failed"]


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """
    What the task state store keeps of a submission.

    :param action: The submit action.
    :param max_tries: The task instance's, which a clear raises and a retry leaves.
    :param run: The name of the task run in the marker.
    :param number: The jobs of this run that ended in failure before.
    :param submitted_at: When the last submit began, in epoch seconds.
    :param unanswered: The submits under this number of which nobody knows whether they were accepted.
    :param accepted: Whether the service let slip that one of them was.
    :param parameters: A digest of the parameters, to tell when a retry has others.
    :param client_token: The token that was sent: the ClientToken, or what serves as one.
    :param job_id: The job, once its id is known.
    :param try_number: The try that submitted the job or joined it last, and may cancel it.
    """

    action: str
    max_tries: int
    run: str
    number: int
    submitted_at: float
    unanswered: int = 0
    accepted: bool = False
    parameters: str = ""
    client_token: str | None = None
    job_id: str | None = None
    try_number: int = 0

    @property
    def key(self) -> SubmissionKey:
        """What the job is marked with."""
        return SubmissionKey(self.run, self.number)

    @classmethod
    def read(cls, stored: Any) -> SubmissionRecord | None:
        """Return a note from the store; ``None`` for anything else."""
        try:
            return cls(**stored)
        except TypeError:
            return None

    def next(self) -> SubmissionRecord:
        """Return the note of the submission that follows a failed job."""
        return SubmissionRecord(
            self.action, self.max_tries, self.run, self.number + 1, self.submitted_at, try_number=self.try_number
        )


def write_wait_outcome(store: Any, job_id: str, outcome: WaitOutcome) -> None:
    """
    Store how the wait for a job ended.

    :param store: The task state store, or ``None``.
    :param job_id: The job.
    :param outcome: How the wait ended.
    """
    if store is None:
        return
    try:
        store.set(WAIT_KEY, {"job_id": job_id, "outcome": outcome})
    except Exception as error:  # noqa: BLE001 - whatever the store's backend raises; the job is done
        log.warning("The end of the wait for job %s could not be stored: %s", job_id, error)


def read_wait_outcome(store: Any, job_id: str | None) -> WaitOutcome | None:
    """
    Return how the wait for a job ended; ``None`` when it did not, or that is not known.

    :param store: The task state store.
    :param job_id: The job.
    """
    stored = store.get(WAIT_KEY)
    outcomes: tuple[WaitOutcome, ...] = get_args(WaitOutcome)
    if isinstance(stored, dict) and stored.get("job_id") == job_id:
        return next((outcome for outcome in outcomes if outcome == stored.get("outcome")), None)
    return None
