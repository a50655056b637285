"""How a trigger waits for a job: by the poller that it shares with all others of the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.job import Job
from airflow_provider_ims.waiting.monitor import WaitMessage, timed_out
from airflow_provider_ims.waiting.poller import Poller
from airflow_provider_ims.waiting.subscription import FinalPollDone

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook

_PollerKey: TypeAlias = "tuple[str, str, str | None]"
_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_PollerKey, Poller]] = WeakKeyDictionary()


def poller_for(
    family: JobFamily, hook_class: type[AlibabaCloudMediaHook], ims_conn_id: str, region_id: str | None
) -> Poller:
    """
    Return the running event loop's poller of a connection, a region and a family.

    :param family: The jobs' family.
    :param hook_class: The hook of the family's product.
    :param ims_conn_id: The connection.
    :param region_id: A region that goes over the connection's.
    """
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    key = (family.name, ims_conn_id, region_id)
    if key not in pollers:
        pollers[key] = Poller(
            family, lambda: hook_class(ims_conn_id=ims_conn_id, region_id=region_id), ims_conn_id=ims_conn_id
        )
    return pollers[key]


async def watch_job(
    poller: Poller,
    job_id: str,
    *,
    poll_interval: float,
    started: float,
    deadline: float,
    emit: Callable[[Job | WaitMessage], None],
) -> Job:
    """
    Wait for a job's end.

    Ten thousand of these wait at once, so each is little: no task, no timer and no generator of its own.

    :param poller: The poller to ask through.
    :param job_id: The job.
    :param poll_interval: Seconds between two looks.
    :param started: When the job was submitted, in epoch seconds.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param tell: Called with the job at each change of its state, its end included, and with what else is worth a line
        in the log.
    :return: The ended job.
    :raises ImsJobTimeoutError: at the deadline.
    :raises ImsError: as :meth:`~airflow_provider_ims.waiting.monitor.JobMonitor.judge`.
    """
    now = time.time()
    wait = poller.join(job_id, poll_interval, now, max(0.0, deadline - now))
    try:
        while True:
            for event in wait.event():
                if isinstance(event, Exception):
                    raise event
                if isinstance(event, FinalPollDone):
                    raise timed_out(job_id, time.time() - started)
                emit(event)
                if isinstance(event, Job) and event.ended:
                    return event
            await wait.listen()
    finally:
        poller.leave(wait)
