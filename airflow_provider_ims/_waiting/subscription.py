"""The wait of one trigger for one job, between the poller and the trigger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._waiting.monitor import JobMonitor, WaitMessage

#: A job that changed, a message for the log, or the error that ends the wait.
WaitEvent: TypeAlias = "Job | WaitMessage | Exception"


@dataclass(eq=False, slots=True)
class Subscription:
    """
    The wait of one trigger for one job.

    :param poll_interval: Seconds between two polls.
    :param wait_started_at: When the task started to wait, in epoch seconds.
    :param polling: Whether a query of the job by its id is in progress.
    :param final: Whether the deadline has passed, so that the next poll is the last.
    :param missed: The number of consecutive sweeps that did not list the job although it was running.
    """

    monitor: JobMonitor
    poll_interval: float
    wait_started_at: float
    polling: bool = False
    final: bool = False
    missed: int = 0
    _events: tuple[WaitEvent, ...] = ()
    _waiter: asyncio.Future[None] | None = None

    def emit(self, event: WaitEvent) -> None:
        """Send an event to the trigger."""
        self._events += (event,)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take_events(self) -> tuple[WaitEvent, ...]:
        """Return the events since the last call."""
        events, self._events = self._events, ()
        return events

    def next_event(self) -> asyncio.Future[None]:
        """Return a future that completes at the next event."""
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter
