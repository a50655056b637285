"""The events that a trigger sends to the resumed task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims.exceptions import ImsError, error_as_dict, error_from_dict

#: The maximum size of an event, in bytes. Events are stored in the metadata database. If the jobs are too large for
#: an event, the resumed task queries them.
MAX_EVENT_SIZE = 16 * 1024


class EndedJobs(NamedTuple):
    """
    The content of an event about ended jobs.

    :param job_ids: The ids of the jobs.
    :param jobs: The jobs; ``None`` if they were too large for the event and must be queried.
    :param submitted_at: The time at which the jobs were submitted, in epoch seconds; ``None`` if it is unknown.
    """

    job_ids: list[str]
    jobs: list[Job] | None
    submitted_at: float | None


def ended_event(jobs: Sequence[Job], submitted_at: float | None) -> dict[str, Any]:
    """Return the event for ended jobs; its ``jobs`` field is ``None`` if the jobs are too large for an event."""
    event: dict[str, Any] = {
        "status": "ended",
        "job_ids": [job.id for job in jobs],
        "jobs": [job.as_dict() for job in jobs],
        "submitted_at": submitted_at,
    }
    return event if len(json.dumps(event)) <= MAX_EVENT_SIZE else {**event, "jobs": None}


def unfinished_event(job_ids: list[str], failed: int, waited_for: list[str] | None) -> dict[str, Any]:
    """
    Return the event that ends a wait for many jobs.

    :param job_ids: The ids of the jobs that have not ended.
    :param failed: The number of failed jobs.
    :param waited_for: The ids of all jobs of the wait; ``None`` if there are too many for an event.
    """
    return {"status": "unfinished", "job_ids": job_ids, "failed": failed, "waited_for": waited_for}


def error_event(error: BaseException) -> dict[str, Any]:
    """Return the event for an error that ended the wait."""
    return {"status": "error", "error": error_as_dict(error)}


def read_unfinished(event: Any) -> tuple[list[str], int]:
    """
    Return the ids of the unfinished jobs and the number of failed jobs, from the event of a wait for many jobs.

    :raises ImsError: the error in the event, or another error if the format of the event is unexpected.
    """
    match event:
        case {"status": "unfinished", "job_ids": list() as job_ids, "failed": int() as failed}:
            return job_ids, failed
    read_event(event)
    raise ImsError(f"Unexpected trigger event: {str(event)[:200]}")


def read_event(event: Any) -> EndedJobs:
    """
    Read an event about ended jobs.

    :raises ImsError: the error in the event, or another error if the format of the event is unexpected.
    """
    match event:
        case {"status": "error", "error": dict() as error}:
            raise error_from_dict(error)
        case {"status": "ended", "job_ids": list() as job_ids, "jobs": list() | None as jobs}:
            try:
                restored = None if jobs is None else [Job.from_dict(job) for job in jobs]
                return EndedJobs(job_ids, restored, event.get("submitted_at"))
            except (TypeError, ValueError, KeyError):
                pass
    raise ImsError(f"Unexpected trigger event: {str(event)[:200]}")
