"""Cancels jobs, and reads the state of a task instance, which determines whether its jobs are cancelled."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from airflow_provider_ims._jobs.api_caller import LimitedRetries
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.payload import walk_path
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds for which a killed task waits for Airflow's response. Its supervisor sends SIGKILL 5 s after SIGTERM.
ON_KILL_TIMEOUT = 2.0
#: The maximum number of jobs that are cancelled at the same time.
THREADS = 8
#: The states in which Airflow does not retry a killed task instance. Usually, a user has marked it as failed or
#: successful. It is ``skipped`` if its DAG run timed out, and ``removed`` if it no longer exists.
ENDED_STATES = frozenset({"success", "failed", "skipped", "removed"})


def cancel_job(family: JobFamily, hook: AlibabaCloudMediaHook, job_id: str, logger: Any = log) -> None:
    """Cancel a job if the service can cancel it in its current status. Log the outcome; raise no ``ImsError``."""
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
            body = caller.call(family.cancel_action, {family.cancel_parameter: job_id})
            if family.cancelled and job_id not in walk_path(body, family.cancelled):
                logger.warning("Job %s continues and is billed: the service did not cancel it", job_id)
            else:
                logger.info("Cancelled job %s", job_id)
    except ImsError as error:
        # The error is only logged, because it must not replace the error that caused the cancellation.
        logger.warning("Cancelling job %s failed, so it may continue: %s", job_id, error)


def cancel_jobs(family: JobFamily, hook: AlibabaCloudMediaHook, job_ids: Sequence[str], logger: Any = log) -> None:
    """Cancel jobs in parallel; see :func:`cancel_job`."""
    if family.cancel_action is None and len(job_ids) > 1:
        message = "%d jobs continue and are billed, unless they have ended: the service has no cancel action for them"
        logger.warning(message, len(job_ids))
        return
    hook.connect()

    def start(job_id: str) -> Future[None]:
        # The context variables of a trigger determine in which log its messages appear.
        return pool.submit(contextvars.copy_context().run, cancel_job, family, hook, job_id, logger)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="ims-cancel") as pool:
        wait([start(job_id) for job_id in job_ids])


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


def ended_by_user(ti: Any, is_owner: Callable[[], bool], jobs: str, logger: Any) -> bool:
    """
    Return true if Airflow will not retry the killed task and no other try has joined its jobs.

    Usually, a user marked such a task as failed or successful; see :data:`ENDED_STATES`. If the function returns false,
    it logs why the jobs are left running.

    :param ti: The task instance.
    :param is_owner: A function that returns true unless another try of the task has joined the jobs.
    :param jobs: The beginning of the log messages, such as ``Job 5 is``.
    """

    def query() -> tuple[str | None, bool]:
        return task_state(ti.dag_id, ti.run_id, ti.task_id, ti.map_index), is_owner()

    try:
        state, owned = call_with_timeout(ON_KILL_TIMEOUT, query)
    except Exception as error:  # noqa: BLE001 - after any error of Airflow, the jobs are left running
        logger.warning("%s left running, because the state of the task could not be read: %s", jobs, error)
        return False
    if not owned:
        logger.info("%s left running, because another try of this task has taken over", jobs)
    elif state not in ENDED_STATES:
        logger.info(
            "%s left running for the next try of this task to join, because the task was not marked as failed or "
            "successful (state: %s)",
            jobs,
            state,
        )
    return owned and state in ENDED_STATES


def call_with_timeout(seconds: float, function: Callable[[], T]) -> T:
    """
    Call a function in a thread and return its result.

    Use this function in signal handlers. A signal may interrupt the task in the middle of a request to its supervisor.
    If the handler itself sent a second request, it would wait for the first request, which cannot continue until the
    handler has returned.

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
