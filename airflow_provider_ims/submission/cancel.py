"""Cancelling a job, and the questions that come before it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.jobs.api_caller import LimitedRetries

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.family import JobFamily

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds that a killed task may spend on a question to Airflow. Its supervisor sends SIGKILL 5 s after SIGTERM.
QUESTION_TIMEOUT = 2.0
#: The states of a task instance that a user has ended: no try follows that could join its job.
ENDED_STATES = frozenset({"success", "failed", "skipped", "removed"})
#: Stands for a task instance that Airflow does not know any more, because its DAG run was deleted.
GONE = "removed"


def cancel_job(family: JobFamily, hook: AlibabaCloudMediaHook, job_id: str, logger: Any = log) -> None:
    """
    Cancel a job whose result nobody wants any more, where the service can; log what becomes of it.

    :param family: The job's family.
    :param hook: The hook of its product.
    :param job_id: The job.
    :param logger: The logger of the task.
    """
    caller = LimitedRetries(hook, attempts=2, throttle_timeout=1.0)
    try:
        job = family.query(caller, [job_id]).get(job_id)
        if job is not None and job.ended:
            logger.info("Job %s has already ended: %s", job_id, job.status)
            return
        if family.cancel_action is None:
            logger.warning("Job %s continues and is billed: the service has no cancel for it", job_id)
            return
        caller.call(family.cancel_action, {"JobId": job_id})
    except ImsError as error:
        # What led here is what the task fails by.
        logger.warning("Job %s could not be cancelled, and may continue: %s", job_id, error)
    else:
        logger.info("Cancelled job %s", job_id)


def task_state(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """
    Ask Airflow for the state of a task instance; blocking.

    :param dag_id: The DAG.
    :param run_id: The DAG run.
    :param task_id: The task.
    :param map_index: The index of a mapped task instance, else -1.
    :return: The state; ``None`` for one that is not scheduled yet, ``removed`` for one that does not exist any more.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states: Mapping[str, Mapping[str, str | None]] = RuntimeTaskInstance.get_task_states(
        dag_id=dag_id, task_ids=[task_id], run_ids=[run_id], map_index=map_index if map_index >= 0 else None
    )
    of_run = states.get(run_id) or {}
    return next(iter(of_run.values()), GONE)


def within(seconds: float, ask: Callable[[], T]) -> T:
    """
    Return an answer within a time limit.

    A signal handler may interrupt the task in the middle of a request to its supervisor. A second request has to wait
    for the first then, which cannot go on before the handler has returned.

    :param seconds: The time limit.
    :param ask: Gets the answer; may block.
    :raises TimeoutError: when there is no answer in time.
    """
    answers: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # noqa: BLE001 - it is raised again in the thread that asks
            errors.append(error)

    thread = threading.Thread(target=run, name="ims-on-kill", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"Airflow did not answer within {seconds:g} s")
    return answers[0]
