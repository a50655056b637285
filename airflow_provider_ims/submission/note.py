"""What is noted of a submission, for a retry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.jobs.marker import SubmissionKey

#: The key in the task state store.
STORE_KEY = "ims_submission"


@dataclass(frozen=True, slots=True)
class Note:
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

    @property
    def key(self) -> SubmissionKey:
        """What the job is marked with."""
        return SubmissionKey(self.run, self.number)

    @classmethod
    def read(cls, stored: Any) -> Note | None:
        """Return a note from the store; ``None`` for anything else."""
        try:
            return cls(**stored)
        except TypeError:
            return None

    def next(self) -> Note:
        """Return the note of the submission that follows a failed job."""
        return Note(self.action, self.max_tries, self.run, self.number + 1, self.submitted_at)
