"""A blocking wait for a job, for use on a worker."""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow_provider_ims._jobs.api_caller import LimitedRetries
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._waiting.monitor import JobMonitor, WaitMessage, first_pause, next_pause, poll_once, timed_out
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook


def wait_for_job(
    family: JobFamily,
    hook: AlibabaCloudMediaHook,
    job_id: str,
    *,
    poll_interval: float,
    timeout: float,
    emit: Callable[[Job | WaitMessage], None],
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """
    Block until a job ends.

    :param poll_interval: Seconds between two polls.
    :param timeout: Seconds after which the wait ends with a last poll.
    :param emit: A function that is called with the job at each change of its status, including its end, and with log
        messages.
    :raises ImsJobTimeoutError: when the job has not ended at the timeout.
    :raises ImsError: as raised by :meth:`~airflow_provider_ims._waiting.monitor.JobMonitor.update`.
    """
    started_at = now()
    deadline = started_at + timeout
    monitor = JobMonitor(job_id)
    # The loop polls again, so the hook does not have to retry.
    caller = LimitedRetries(hook)
    pause = first_pause(poll_interval)
    while True:
        sleep(max(0.0, min(pause, deadline - now())))
        is_last_poll = now() >= deadline
        event = monitor.update(poll_once(family, caller, [job_id])[job_id], now())
        if event is not None:
            emit(event)
        if isinstance(event, Job) and event.ended:
            return event
        if is_last_poll:
            raise timed_out(monitor, now() - started_at)
        pause = next_pause(poll_interval)
