"""Waits for many jobs with one poller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from airflow_provider_ims._jobs.family import chunks
from airflow_provider_ims._jobs.job import JobState
from airflow_provider_ims._waiting import monitor
from airflow_provider_ims._waiting.monitor import WaitMessage
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.progress import Progress
from airflow_provider_ims._waiting.subscription import Inbox, Subscription
from airflow_provider_ims.exceptions import ImsJobError, ImsJobTimeoutError

#: The number of jobs to subscribe to before yielding to the event loop.
SUBSCRIBE_BATCH = 100


async def wait_for_jobs(
    poller: Poller,
    job_ids: Sequence[str],
    *,
    unfinished: int = 0,
    poll_interval: float,
    wait_started_at: float,
    deadline: float,
    progress: Progress,
) -> list[str]:
    """
    Wait until at most ``unfinished`` jobs have not ended, and return the ids of these jobs.

    A job that the service does not know counts as ended and failed. None of the jobs has its own asyncio task.

    :param deadline: When the wait ends with a last poll, in epoch seconds.
    :param progress: Records the jobs that end.
    :raises ImsJobTimeoutError: when more than ``unfinished`` jobs have not ended at the deadline.
    :raises ImsError: the error that ended the wait for a job, unless it concerns only this job.
    """
    inbox = Inbox()
    waiting: dict[str, Subscription] = {}
    late: set[str] = set()
    try:
        for batch in chunks(list(dict.fromkeys(job_ids)), SUBSCRIBE_BATCH):
            for job_id in batch:
                waiting[job_id] = poller.subscribe(job_id, poll_interval, wait_started_at, deadline, inbox)
            await asyncio.sleep(0)
        while True:
            _process_events(inbox, waiting, late, progress)
            progress.report()
            if len(waiting) <= unfinished:
                return list(waiting)
            if len(waiting) == len(late):
                seen = {job_id: one.last_seen for job_id, one in waiting.items()}
                raise monitor.timed_out_jobs(seen, progress.total, time.time() - wait_started_at)
            with suppress(TimeoutError):
                async with asyncio.timeout(progress.interval):
                    await inbox.next_event()
    finally:
        for subscription in waiting.values():
            poller.unsubscribe(subscription)


def _process_events(inbox: Inbox, waiting: dict[str, Subscription], late: set[str], progress: Progress) -> None:
    """Remove the jobs that have ended from ``waiting``, and add those whose deadline has passed to ``late``."""
    for job_id, event in inbox.take():
        if isinstance(event, ImsJobTimeoutError):
            late.add(job_id)
        elif isinstance(event, Exception) and not isinstance(event, ImsJobError):
            raise event
        elif isinstance(event, WaitMessage):
            progress.had_problem(event.text)
        elif isinstance(event, Exception) or event.ended:
            waiting.pop(job_id, None)
            progress.ended(failed=isinstance(event, Exception) or event.state is JobState.FAILED)
