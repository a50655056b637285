"""Cancels a job, and requests the state of its task instance, which decides whether to cancel it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from airflow_provider_ims._jobs.api_caller import LimitedRetries
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds that a killed task may wait for Airflow's response. Its supervisor sends SIGKILL 5 s after SIGTERM.
ON_KILL_TIMEOUT = 2.0
#: The states of a task instance that a user has ended: no later try can join its job.
ENDED_STATES = frozenset({"success", "failed", "skipped", "removed"})


def cancel_job(family: JobFamily, hook: AlibabaCloudMediaHook, job_id: str, logger: Any = log) -> None:
    """Cancel a job if the service supports it in the job's state, and log the result."""
    caller = LimitedRetries(hook, attempts=2, throttle_timeout=1.0)
    try:
        job = family.query(caller, [job_id]).get(job_id)
        if job is not None and job.ended:
            logger.info("Job %s has already ended: %s", job_id, job.status)
        elif family.cancel_action is None:
            logger.warning("Job %s continues and is billed: the service has no cancel action for it", job_id)
        elif job is not None and not family.can_cancel(job.status):
            message = "Job %s continues and is billed: the service cannot cancel a job that is %s"
            logger.warning(message, job_id, job.status)
        else:
            caller.call(family.cancel_action, {"JobId": job_id})
            logger.info("Cancelled job %s", job_id)
    except ImsError as error:
        # The task fails with the error that caused the cancellation.
        logger.warning("Cancelling job %s failed, it may continue: %s", job_id, error)


def task_state(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """
    Request the state of a task instance from Airflow (blocking call).

    The state is ``None`` if the task instance is not scheduled yet, and ``removed`` if it no longer exists.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states: Mapping[str, Mapping[str, str | None]] = RuntimeTaskInstance.get_task_states(
        dag_id=dag_id, task_ids=[task_id], run_ids=[run_id], map_index=map_index if map_index >= 0 else None
    )
    return next(iter((states.get(run_id) or {}).values()), "removed")


def call_with_timeout(seconds: float, function: Callable[[], T]) -> T:
    """
    Call a function in a thread and return its result.

    A signal handler may interrupt the task in the middle of a request to its supervisor. A second request then has to
    wait for the first one, which cannot continue until the handler has returned.

    :raises TimeoutError: if the function does not return in time.
    """
    future = Future[T]()

    def run() -> None:
        try:
            future.set_result(function())
        except Exception as error:  # noqa: BLE001 - the calling thread raises it
            future.set_exception(error)

    threading.Thread(target=run, name="ims-on-kill", daemon=True).start()
    if not wait([future], seconds).done:
        raise TimeoutError(f"Airflow did not respond within {seconds:g} s")
    return future.result()
