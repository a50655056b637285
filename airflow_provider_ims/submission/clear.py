"""What a cleared task does with the job that was submitted before the clear: join it, or submit a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.submission.cancel import cancel_job

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.jobs.job import Job
    from airflow_provider_ims.submission.record import SubmissionRecord, WaitOutcome

log = logging.getLogger(__name__)

#: ``auto`` joins a job whose result was never collected, if the parameters are the same; ``new`` never joins;
#: ``rejoin`` joins any job that has not failed.
OnClear: TypeAlias = Literal["auto", "new", "rejoin"]


def joins_after_clear(
    family: JobFamily,
    hook: AlibabaCloudMediaHook,
    record: SubmissionRecord,
    *,
    on_clear: OnClear,
    same_parameters: bool,
    wait: WaitOutcome | None,
    failed: Callable[[Job], bool],
    cancel_on_kill: bool,
) -> bool:
    """
    Return whether to join the job of a submission before the clear; log the decision and its reason.

    If not, a job for which the task was waiting is cancelled, if the service supports it and ``cancel_on_kill`` is on.

    :param wait: How the wait for the job ended; ``None`` if it did not end.
    """
    job, job_id = None, record.job_id or ""
    known, auto = True, on_clear == "auto"
    try:
        job = family.query(hook, [job_id]).get(job_id)
        known = job is not None
    except ImsError as error:
        log.warning("The state of job %s, submitted before the clear, is unknown: %s", job_id, error)
    running = job if job is not None and not job.ended else None
    cancels = running is not None and wait is None and cancel_on_kill and family.can_cancel(running.status)
    reason = None
    if on_clear == "new":
        reason = "on_clear is 'new'"
    elif auto and wait == "collected":
        reason = f"the result of job {job_id} was already collected"
    elif auto and not same_parameters:
        reason = f"job {job_id} was submitted with other parameters"
    elif not known:
        reason = f"the service does not know job {job_id}"
    elif job is not None and job.ended and failed(job):
        reason = f"job {job_id} failed"
    elif auto and cancels:
        reason = f"the task was waiting for job {job_id} at the clear, and the job can be cancelled"
    if reason is None:
        log.info("The task was cleared: joining job %s, whose result was not collected", job_id)
        return True
    log.info("The task was cleared: submitting a new job, because %s", reason)
    if cancels:
        cancel_job(family, hook, job_id)
    elif running is not None:
        log.warning("Job %s from before the clear is still %s, and is billed", job_id, running.status)
    return False
