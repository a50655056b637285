"""One job as the service last described it, whatever its family."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_ims.exceptions import ImsJobFailedError


class JobState(StrEnum):
    """The three things that a waiting task wants to know."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """
    One job.

    :param id: The job id.
    :param state: Whether it runs, succeeded or failed.
    :param status: The service's own word for that, such as ``Executing``.
    :param result: What came out, in snake_case; empty until the job ended.
    :param error_code: The service's code, once it failed.
    :param error_message: The service's words, once it failed.
    :param request_id: The id of the request that told this.
    """

    id: str
    state: JobState
    status: str
    result: dict[str, Any] = field(default_factory=dict)
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.state is not JobState.RUNNING

    def outcome(self) -> dict[str, Any]:
        """
        Return what a task that waited for the job hands on.

        :return: ``{"job_id", "state", **result}``.
        :raises ImsJobFailedError: when the job failed.
        """
        if self.state is JobState.FAILED:
            raise ImsJobFailedError(
                f"Job {self.id} failed: {self.error_message or 'the service gave no reason'}",
                job_id=self.id,
                error_message=self.error_message,
                code=self.error_code,
                request_id=self.request_id,
            )
        return {"job_id": self.id, "state": self.status, **self.result}

    def as_dict(self) -> dict[str, Any]:
        """Return the job as plain JSON data, for a trigger's event."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Job:
        """
        Rebuild a job from :meth:`as_dict`.

        :raises TypeError, ValueError, KeyError: when ``data`` is something else.
        """
        return cls(**{**data, "state": JobState(data["state"])})
