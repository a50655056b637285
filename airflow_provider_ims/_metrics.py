"""Airflow metrics of jobs, tagged with ``kind``, the submit action."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal


def job_begun(kind: str, how: Literal["submitted", "joined"]) -> None:
    """Count ``ims.job.submitted``, or ``ims.job.joined`` for the job of an earlier try."""
    _stats().incr(f"ims.job.{how}", tags={"kind": kind})


def job_ended(
    kind: str, how: Literal["finished", "failed"], waited: float | None, usage: Mapping[str, int] | None
) -> None:
    """
    Count ``ims.job.finished`` or ``ims.job.failed``, time ``ims.job.waited``, and count ``ims.job.tokens``.

    :param how: Whether the job succeeded for the task.
    :param waited: Seconds since the submit, if known.
    :param usage: The usage that the service reports: ``{"total_tokens": int}``.
    """
    stats, tags = _stats(), {"kind": kind}
    stats.incr(f"ims.job.{how}", tags=tags)
    if waited is not None:
        stats.timing("ims.job.waited", timedelta(seconds=waited), tags=tags)
    if usage is not None:
        stats.incr("ims.job.tokens", usage["total_tokens"], tags=tags)


def _stats() -> Any:
    # Imported late: it takes a tenth of a second, which parsing a Dag must not.
    from airflow.providers.common.compat.sdk import Stats

    return Stats
