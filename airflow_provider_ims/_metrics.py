"""Airflow metrics for jobs. The tag ``kind`` of each metric contains the submit action."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, TypeAlias

#: How a task obtained a job: this try of the task, an earlier try or an earlier run submitted the job.
Beginning: TypeAlias = Literal["submitted", "joined", "reused"]
#: How the job ended for the task.
Ending: TypeAlias = Literal["finished", "failed"]


def job_begun(kind: str, how: Beginning, count: int = 1) -> None:
    """
    Increment ``ims.job.submitted``, ``ims.job.joined`` or ``ims.job.reused``.

    :param how: Whether this try, an earlier try or an earlier run of the task submitted the jobs.
    """
    if count:
        _stats().incr(f"ims.job.{how}", count, tags={"kind": kind})


def job_ended(kind: str, how: Ending, waited: float | None, usage: Mapping[str, int] | None) -> None:
    """
    Increment ``ims.job.finished`` or ``ims.job.failed``, and emit ``ims.job.waited`` and ``ims.job.tokens``.

    :param how: Whether the job counts as successful or failed for the task.
    :param waited: Seconds since the submission, if known.
    :param usage: The usage that the service reports: ``{"total_tokens": int}``.
    """
    stats, tags = _stats(), {"kind": kind}
    stats.incr(f"ims.job.{how}", tags=tags)
    if waited is not None:
        stats.timing("ims.job.waited", timedelta(seconds=waited), tags=tags)
    if usage is not None:
        stats.incr("ims.job.tokens", usage["total_tokens"], tags=tags)


def _stats() -> Any:
    # Imported lazily: importing it takes 0.1 s, which would slow down DAG parsing.
    from airflow.providers.common.compat.sdk import Stats

    return Stats
