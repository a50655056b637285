"""Joins the jobs of earlier tries, so that the task waits for them instead of submitting new jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from airflow_provider_ims._jobs.bulk_query import query_jobs
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._submission.ledger import Item
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

log = logging.getLogger(__name__)


def join_jobs(
    kind: JobKind,
    hook: AlibabaCloudMediaHook,
    items: Iterable[Item],
    failed: Callable[[Job], object],
    *,
    cleared: bool,
    counted: bool,
) -> None:
    """
    Query the jobs of earlier tries, and prepare a new submission for each job that failed.

    :param failed: A function that returns a true value if an ended job counts as failed for the task.
    :param cleared: Whether the task was cleared. If so, jobs that the service does not know are also submitted again.
        If not, such jobs are joined, because a single response that does not contain a job must not cause a second
        billed job. If the jobs stay unknown, they count as failed.
    :param counted: Whether an earlier try has emitted the metrics of the ended jobs.
    """
    known: dict[str, list[Item]] = {}
    for item in items:
        if item.record.job_id is not None:
            known.setdefault(item.record.job_id, []).append(item)
    if not known:
        return
    again = ended = 0
    for job_id, job in query_jobs(kind.family, hook, list(known), RateLimiter()):
        is_failed = cleared if job is None else job.ended and bool(failed(job))
        has_ended = not is_failed and job is not None and job.ended
        again += is_failed
        ended += has_ended
        for item in known[job_id]:
            item.ended = has_ended
            item.counted = has_ended and counted
            if is_failed:
                item.start_next()
    message = "Waiting for %d jobs of earlier tries, %d of which have ended; submitting %d failed or unknown jobs again"
    log.info(message, len(known) - again, ended, again)
