"""What a cleared task does with the job that was submitted before the clear: join it, or submit a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.submission.cancel import cancel_job

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.jobs.job import Job
    from airflow_provider_ims.submission.record import SubmissionRecord, WaitOutcome

log = logging.getLogger(__name__)

OnClear: TypeAlias = Literal["auto", "new", "rejoin"]


@dataclass(frozen=True, slots=True)
class ClearPolicy:
    """
    Decides whether a cleared task joins its earlier job.

    :param family: The family of the job.
    :param hook: The hook of its product.
    :param failed: Tells whether an ended job counts as failed for the task.
    :param on_clear: ``auto`` joins a job whose result was never collected, where the parameters are the same; ``new``
        never joins; ``rejoin`` joins any job that has not failed.
    :param cancel_on_kill: Whether a running job is cancelled when its task was cleared during the wait.
    """

    family: JobFamily
    hook: AlibabaCloudMediaHook
    failed: Callable[[Job], bool]
    on_clear: OnClear = "auto"
    cancel_on_kill: bool = True

    def rejoins(self, record: SubmissionRecord, parameters: str, wait: WaitOutcome | None) -> bool:
        """
        Tell whether to join the job, and log the decision and its reason.

        :param note: The record of the submission before the clear; it has a job id.
        :param parameters: The digest of the task's parameters now.
        :param wait: How the wait for the job ended; ``None`` when it did not.
        """
        reason = self._reason_before_the_query(record, parameters, wait)
        job, known = self._query(record)
        if reason is None and known:
            reason = self._reason_in_the_job(record, job, wait)
        if reason is None:
            log.info("The task was cleared: joining job %s, whose result was not collected", record.job_id)
            return True
        log.info("The task was cleared: submitting a new job, because %s", reason)
        if job is not None and not job.ended:
            if wait is None and self._cancels(job):
                cancel_job(self.family, self.hook, job.id)
            else:
                log.warning("Job %s from before the clear is still %s, and is billed", job.id, job.status)
        return False

    def _query(self, record: SubmissionRecord) -> tuple[Job | None, bool]:
        """Return the job, and whether the service said anything about it."""
        job_id = record.job_id or ""
        try:
            return self.family.query(self.hook, [job_id]).get(job_id), True
        except ImsError as error:
            log.warning("The state of job %s, submitted before the clear, is unknown: %s", job_id, error)
            return None, False

    def _reason_before_the_query(
        self, record: SubmissionRecord, parameters: str, wait: WaitOutcome | None
    ) -> str | None:
        if self.on_clear == "new":
            return "on_clear is 'new'"
        if self.on_clear == "rejoin":
            return None
        if wait == "collected":
            return f"the result of job {record.job_id} was already collected"
        if record.parameters != parameters:
            return f"job {record.job_id} was submitted with other parameters"
        return None

    def _reason_in_the_job(self, record: SubmissionRecord, job: Job | None, wait: WaitOutcome | None) -> str | None:
        if job is None:
            return f"the service does not know job {record.job_id}"
        if job.ended:
            return f"job {job.id} failed" if self.failed(job) else None
        if self.on_clear == "auto" and wait is None and self._cancels(job):
            return f"job {job.id} was still awaited at the clear, and can be cancelled"
        return None

    def _cancels(self, job: Job) -> bool:
        return self.cancel_on_kill and self.family.can_cancel(job.status)
