"""Records how an operator's wait for its job ended, and cancels the job on a timeout or when the task is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ims._submission.cancel import cancel_job, ended_by_user
from airflow_provider_ims._submission.record import STORE_KEY, SubmissionRecord, WaitOutcome, write_wait_outcome
from airflow_provider_ims.exceptions import ImsError, ImsJobTimeoutError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims._jobs.kind import JobKind
    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook


@dataclass
class AwaitedJob:
    """
    The job that a try of a task waits for.

    :param durable: The operator's ``durable``. If false, no later try joins the job.
    :param cancel_on_kill: The operator's ``cancel_on_kill``. If false, the job is never cancelled.
    :param job_id: The job id; ``None`` if only the submission record contains it.
    """

    kind: JobKind
    new_hook: Callable[[], AlibabaCloudMediaHook]
    context: Context
    log: Any
    durable: bool
    cancel_on_kill: bool
    job_id: str | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """
        If the wait fails, record the failure. If a user then clears the task, the task can join the job.

        On a timeout, if ``cancel_on_kill`` is true, cancel the job unless a later try can join it.
        """
        try:
            yield
        except (ImsError, AirflowTaskTimeout) as error:
            job_id = self.job_id or getattr(error, "job_id", None) or self._recorded_job_id()
            if job_id:
                self.record_outcome(job_id, "failed")
            if job_id and self.cancel_on_kill and isinstance(error, (ImsJobTimeoutError, AirflowTaskTimeout)):
                self._cancel_in_last_try(job_id)
            raise

    def record_outcome(self, job_id: str, outcome: WaitOutcome) -> None:
        """Record how the wait for a job ended."""
        if self.durable:
            write_wait_outcome(self.context.get("task_state_store"), job_id, outcome)

    def on_kill(self) -> None:
        """
        Cancel the job if a user has marked the task as failed or successful, or if no later try can join the job.

        If ``cancel_on_kill`` is false, the job is never cancelled. The decision is logged.
        """
        job_id = self.job_id or ""
        if not self.cancel_on_kill:
            self.log.warning("Job %s continues and is billed: cancel_on_kill is false", job_id)
        elif not self._can_be_joined() or self._is_ended_by_user(job_id):
            cancel_job(self.kind.family, self.new_hook(), job_id, self.log)

    def _cancel_in_last_try(self, job_id: str) -> None:
        if self._can_be_joined() and has_next_try(self.context):
            self.log.info("Job %s is left running for the next try of this task, which can wait for it", job_id)
        else:
            cancel_job(self.kind.family, self.new_hook(), job_id, self.log)

    def _can_be_joined(self) -> bool:
        """Return whether a later try can join the job."""
        return self.durable and can_be_joined(self.kind, self.context)

    def _is_ended_by_user(self, job_id: str) -> bool:
        """Return whether a user has marked the task as failed or successful, and no other try has joined the job."""
        ti: Any = self.context.get("ti")

        def is_owner() -> bool:
            record = self._record()
            return record is None or record.try_number == int(ti.try_number)

        return ended_by_user(ti, is_owner, f"Job {job_id} is", self.log)

    def _record(self) -> SubmissionRecord | None:
        store: Any = self.context.get("task_state_store")
        return SubmissionRecord.read(store.get(STORE_KEY)) if store is not None and self.durable else None

    def _recorded_job_id(self) -> str | None:
        try:
            record = self._record()
        except Exception as error:  # noqa: BLE001 - a second error must not hide the wait's error
            self.log.warning("The submission record could not be read: %s", error)
            return None
        return None if record is None else record.job_id


def can_be_joined(kind: JobKind, context: Context) -> bool:
    """Return whether a later try can find and join a job by its record, its ClientToken or the marker in UserData."""
    recorded = context.get("task_state_store") is not None
    return context.get("ti") is not None and (recorded or kind.takes_client_token or kind.takes_marker)


def has_next_try(context: Context) -> bool:
    """Return whether Airflow runs the task again if this try fails."""
    ti: Any = context["ti"]
    return int(ti.try_number) <= int(ti.max_tries)
