"""The subscriptions to jobs, and the inboxes in which triggers receive the poller's events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._waiting.monitor import JobMonitor, WaitMessage

#: A job that changed, a message for the log, or the error that ends the wait.
WaitEvent: TypeAlias = "Job | WaitMessage | Exception"


@dataclass(eq=False, slots=True)
class Inbox:
    """The events for one trigger, which may wait for several jobs."""

    _events: tuple[tuple[str, WaitEvent], ...] | list[tuple[str, WaitEvent]] = ()
    _waiter: asyncio.Future[None] | None = None

    def put(self, job_id: str, event: WaitEvent) -> None:
        """Add an event."""
        # A list is created only when an event arrives, because there may be ten thousand inboxes, most of them empty.
        if isinstance(self._events, tuple):
            self._events = []
        self._events.append((job_id, event))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> Sequence[tuple[str, WaitEvent]]:
        """Return the events since the last call, each with its job id."""
        events, self._events = self._events, ()
        return events

    def next_event(self) -> asyncio.Future[None]:
        """Return a future that completes at the next event."""
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter


@dataclass(eq=False, slots=True, kw_only=True)
class Subscription(JobMonitor):
    """
    A trigger's subscription to the events of one job.

    It is also the job's monitor, so that the garbage collector visits one object fewer per job.

    :param poll_interval: Seconds between two polls.
    :param wait_started_at: When the task started to wait, in epoch seconds.
    :param inbox: The inbox that receives the events.
    :param polling: Whether a query of the job by its id is in progress.
    :param final: Whether the deadline has passed, so that the current or the next poll is the last one.
    :param missed: The number of consecutive sweeps (listings of all unfinished jobs) that did not contain the job.
    :param hinted: Whether a message about the job has arrived since the last poll of the job completed.
    :param poll_at: When the next scheduled poll is due, on the poller's clock. Messages do not change this time.
    """

    poll_interval: float
    wait_started_at: float
    inbox: Inbox
    polling: bool = False
    final: bool = False
    missed: int = 0
    hinted: bool = False
    poll_at: float = 0.0

    def emit(self, event: WaitEvent) -> None:
        """Put an event into the inbox."""
        self.inbox.put(self.job_id, event)
