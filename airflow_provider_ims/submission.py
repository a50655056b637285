"""
Submitting a job for a task run, once.

With ``durable`` the id of a submitted job is noted in Airflow's task state store (3.3 and later), so that a retry
joins the job of the try before it. A clear means "run it again" and submits anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.jobs.job import Job, JobState

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.kinds import JobKind

log = logging.getLogger(__name__)

#: The key in the task state store.
STORE_KEY = "ims_job"


@dataclass(frozen=True, slots=True)
class Submission:
    """
    The job of a task run.

    :param job: The job as it was accepted, or as a retry found it.
    :param submitted_at: When it was submitted, in epoch seconds.
    """

    job: Job
    submitted_at: float


def submit_or_join(
    kind: JobKind,
    hook: AlibabaCloudMediaHook,
    parameters: Mapping[str, str],
    context: Context,
    *,
    durable: bool,
) -> Submission:
    """
    Return the job of this task run: the one that an earlier try submitted, or a new one.

    :param kind: The kind of job.
    :param hook: The hook of its product.
    :param parameters: The API's parameters.
    :param context: The task's context.
    :param durable: Whether to note and to look for the job of an earlier try.
    :raises ImsError: as the hook's ``call``.
    """
    store: Any = context.get("task_state_store") if durable else None
    if store is None:
        return _submit(kind, hook, parameters)
    generation = _clear_generation(context)
    if joined := _join(kind, hook, store.get(STORE_KEY), generation):
        return joined
    submission = _submit(kind, hook, parameters)
    store.set(
        STORE_KEY,
        {
            "action": kind.submit_action,
            "job_id": submission.job.id,
            "generation": generation,
            "submitted_at": submission.submitted_at,
        },
    )
    return submission


def _clear_generation(context: Context) -> int:
    """Count how often the task was cleared: a clear raises ``max_tries``, a retry does not."""
    ti: Any = context["ti"]
    return int(ti.max_tries) - int(ti.task.retries or 0)


def _join(kind: JobKind, hook: AlibabaCloudMediaHook, note: Any, generation: int) -> Submission | None:
    match note:
        case {"action": kind.submit_action, "job_id": str() as job_id, "generation": int() as noted}:
            pass
        case _:
            return None
    if noted != generation:
        log.info("The task was cleared: a new job is submitted. Job %s of the run before is left as it is", job_id)
        return None
    job = kind.family.query(hook, [job_id]).get(job_id)
    if job is None:
        log.warning("Job %s of the try before is unknown to the service; a new one is submitted", job_id)
        return None
    if job.state is JobState.FAILED:
        log.info("Job %s of the try before failed; a new one is submitted", job_id)
        return None
    log.info("Joined job %s that the try before submitted; it is %s", job_id, job.status)
    return Submission(job, float(note.get("submitted_at") or time.time()))


def _submit(kind: JobKind, hook: AlibabaCloudMediaHook, parameters: Mapping[str, str]) -> Submission:
    submitted_at = time.time()
    body = hook.call(kind.submit_action, parameters)
    request_id = str(body.get("RequestId") or "") or None
    job_id = body.get("JobId")
    if not isinstance(job_id, str) or not job_id:
        raise ImsUnavailableError(
            f"The {kind.title} job may have been accepted, but the answer has no JobId; look for it in the console",
            action=kind.submit_action,
            request_id=request_id,
        )
    log.info("Submitted %s job %s (request id %s)", kind.title, job_id, request_id)
    status = str(body.get("State") or kind.family.first_status)
    return Submission(Job(job_id, JobState.RUNNING, status, request_id=request_id), submitted_at)
