"""Airflow metrics of jobs, each tagged with its ``kind``: the submit action."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal


def job_begun(kind: str, how: Literal["submitted", "joined"]) -> None:
    """
    Count ``ims.job.submitted`` or ``ims.job.joined``.

    :param kind: The submit action.
    :param how: Whether the task submitted the job or joined that of an earlier try.
    """
    _stats().incr(f"ims.job.{how}", tags={"kind": kind})


def job_ended(
    kind: str, how: Literal["finished", "failed"], waited: float | None, usage: Mapping[str, int] | None
) -> None:
    """
    Count ``ims.job.finished`` or ``ims.job.failed``, time ``ims.job.waited``, and count ``ims.job.tokens``.

    :param kind: The submit action.
    :param how: What became of the job.
    :param waited: Seconds since it was submitted, as far as that is known.
    :param usage: What the service says that it used: ``{"total_tokens": int}``.
    """
    stats, tags = _stats(), {"kind": kind}
    stats.incr(f"ims.job.{how}", tags=tags)
    if waited is not None:
        stats.timing("ims.job.waited", timedelta(seconds=waited), tags=tags)
    if usage is not None:
        stats.incr("ims.job.tokens", usage["total_tokens"], tags=tags)


def _stats() -> Any:
    # Late: it costs a tenth of a second, which no DAG file needs to pay.
    from airflow.providers.common.compat.sdk import Stats

    return Stats
