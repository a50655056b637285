"""One job that a trigger waits for, between the poller that sees it and the trigger that hears of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from airflow_provider_ims.jobs.job import Job
from airflow_provider_ims.waiting.monitor import JobMonitor, WaitMessage


class FinalPollDone:
    """Told when the last look at a job is done."""


WaitEvent: TypeAlias = "Job | WaitMessage | Exception | FinalPollDone"


@dataclass(eq=False, slots=True)
class Subscription:
    """
    One job that somebody in this process waits for.

    :param watch: Judges what is seen of the job.
    :param poll_interval: Seconds between two looks.
    :param due: When the next look by id is due, on the poller's clock; ``None`` when none is planned.
    :param asked: Whether a look by id is under way.
    :param swept: Whether sweeps look for the job.
    :param missed: Sweeps in a row that did not show the job although it ran.
    :param last: Whether the next look is the last.
    """

    monitor: JobMonitor
    poll_interval: float
    due: float | None = None
    asked: bool = False
    swept: bool = False
    missed: int = 0
    last: bool = False
    _told: tuple[WaitEvent, ...] = ()
    _listener: asyncio.Future[None] | None = None

    def emit(self, what: WaitEvent) -> None:
        """Pass something on to whoever waits."""
        self._told += (what,)
        if self._listener is not None and not self._listener.done():
            self._listener.set_result(None)

    def event(self) -> tuple[WaitEvent, ...]:
        """Return what was told since the last time."""
        event, self._told = self._told, ()
        return event

    def listen(self) -> asyncio.Future[None]:
        """Return what is done when something is told."""
        self._listener = asyncio.get_running_loop().create_future()
        return self._listener
