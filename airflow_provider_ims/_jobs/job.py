"""A job of any family, as last reported by the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from airflow_provider_ims.exceptions import ImsJobFailedError


class JobState(StrEnum):
    """The state of a job, common to all families."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """
    One job.

    :param id: The job id.
    :param state: Whether the job is running, has succeeded or has failed.
    :param status: The status that the service reports, such as ``Executing``.
    :param result: The result for users, with keys in snake_case. While the job runs, the result is empty or contains
        fields of the response to the submit request. If the job failed, the result contains its input and its parts, if
        known.
    :param error_code: The service's error code, if the job failed.
    :param error_message: The service's error message, if the job failed.
    :param request_id: The id of the request that returned this data.
    :param failed_parts: The failed parts of a job with several parts, such as the videos of a batch.
    :param total_parts: The total number of parts, including failed ones; 0 if unknown.
    :param partial: Whether the job ended with failed parts.
    :param usage: The billed usage, as ``{"total_tokens": int}``, if the service reports it.
    """

    id: str
    state: JobState
    status: str
    result: dict[str, Any] = field(default_factory=dict)
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    failed_parts: list[dict[str, Any]] = field(default_factory=list)
    total_parts: int = 0
    partial: bool = False
    usage: dict[str, int] | None = None

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self.state is not JobState.RUNNING

    def with_parts(self, result: dict[str, Any], failed: list[dict[str, Any]], total: int = 0) -> Job:
        """Return the job with its parts in the result; ``total`` is 0 if the number of parts is unknown."""
        result = {**self.result, **result, "failed": failed}
        return replace(self, result=result, failed_parts=failed, total_parts=total, partial=bool(failed))

    def with_result(self, fields: Mapping[str, Any]) -> Job:
        """Return the job with additional fields in its result if it succeeded; otherwise, return it unchanged."""
        return replace(self, result={**fields, **self.result}) if self.state is JobState.SUCCEEDED else self

    def without_output(self, parts: str) -> Job:
        """
        Return the job in the state ``failed``, because none of its parts was produced.

        If the job has no error code or no error message, they are derived from the errors of its parts.
        """
        reasons = "; ".join(sorted({part.get("error_message") or "no reason given" for part in self.failed_parts}))
        message = f"none of the {self.total_parts} {parts} was produced: {reasons}"
        if not self.failed_parts:
            message = f"no {parts} were produced, and the service reported no error"
        code = self.error_code or next((part.get("error_code") for part in self.failed_parts), None)
        return replace(self, state=JobState.FAILED, error_code=code, error_message=self.error_message or message)

    def failure(self) -> ImsJobFailedError | None:
        """Return the error of a job that failed; ``None`` if the job did not fail."""
        if self.state is not JobState.FAILED:
            return None
        return ImsJobFailedError(
            f"Job {self.id} failed: {self.error_message or 'the service gave no reason'}",
            job_id=self.id,
            error_message=self.error_message,
            code=self.error_code,
            request_id=self.request_id,
        )

    def outcome(self) -> dict[str, Any]:
        """Return ``{"job_id", "state", **result}``, with ``error_code`` and ``error_message`` if the job failed."""
        failed = self.state is JobState.FAILED
        error = {"error_code": self.error_code, "error_message": self.error_message} if failed else {}
        return {"job_id": self.id, "state": self.status, **error, **self.result}

    def as_dict(self) -> dict[str, Any]:
        """Return the job as plain JSON data, for a trigger's event."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Job:
        """
        Return the job that :meth:`as_dict` has converted to ``data``.

        Any other data raises ``TypeError``, ``ValueError`` or ``KeyError``.
        """
        return cls(**{**data, "state": JobState(data["state"])})


def format_ids(job_ids: Sequence[str]) -> str:
    """Return the first ten job ids as a string, followed by an ellipsis if there are more."""
    return ", ".join(job_ids[:10]) + (", ..." if len(job_ids) > 10 else "")
