"""
Waiting for one job: what is seen of it, look after look, and when the wait is over.

:func:`wait_for_job` blocks a worker; in a triggerer the looks come from :mod:`airflow_provider_ims.waiting`.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_ims.exceptions import (
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsThrottledError,
    ImsUnavailableError,
)
from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.job import Job

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.api_caller import ApiCaller

#: Seconds for which a job may be unknown to the service before the wait is given up.
UNKNOWN_GRACE = 120.0
#: Final errors in a row, such as a denied query, after which a wait is given up. Passing ones never end a wait.
TOLERATED_ERRORS = 5
#: How far from its due time, as a share of the interval, a poll may be moved, so that jobs submitted together are
#: not asked for together for ever.
JITTER = 0.1
#: The first look comes this soon after the wait began, in seconds, or sooner where the interval is shorter.
FIRST_POLL_DELAY = 2.0

TRANSIENT_ERRORS = (ImsThrottledError, ImsUnavailableError)

#: What one look at a job gave: the job, ``None`` when the service does not know it, or why there was no answer.
Observation: TypeAlias = "Job | Exception | None"


@dataclass(frozen=True, slots=True)
class WaitMessage:
    """
    Something about a wait that is worth a line in the task's log.

    :param text: The line.
    :param level: Its level.
    """

    text: str
    level: int = logging.INFO


def log_progress(log: Any, event: Job | WaitMessage, started: float) -> None:
    """
    Log what a wait tells.

    :param log: The task's or the trigger's logger.
    :param told: A job that changed, or a notice.
    :param started: When the job was submitted, in epoch seconds.
    """
    if isinstance(event, WaitMessage):
        log.log(event.level, event.text)
    else:
        log.info("Job %s is %s after %.0f s", event.id, event.status, time.time() - started)


@dataclass(slots=True)
class JobMonitor:
    """
    Judges what is seen of one job: tells changes, forgives passing trouble, gives up when there is no hope.

    :param job_id: The job.
    :param began: When the wait began, in epoch seconds.
    :param tolerated_errors: Final errors in a row that are forgiven.
    :param known_at: When the service last knew the job, in epoch seconds.
    """

    job_id: str
    began: float
    tolerated_errors: int = TOLERATED_ERRORS
    known_at: float | None = None
    _seen: tuple[object, ...] = ()
    _errors: int = 0

    def update(self, observation: Observation, now: float) -> Job | WaitMessage | None:
        """
        Take in what was seen.

        :param observation: The job, ``None`` for a job that the service does not know, or the error.
        :param now: When it was seen, in epoch seconds.
        :return: The job if it changed, a line for the log, or ``None``.
        :raises ImsJobNotFoundError: when the job has been unknown for too long.
        :raises Exception: the observed error, when it came too often in a row to pass.
        """
        if isinstance(observation, TRANSIENT_ERRORS):
            return WaitMessage(f"Job {self.job_id} could not be asked for, it will be again: {observation}")
        if isinstance(observation, Exception):
            self._errors += 1
            left = self.tolerated_errors - self._errors
            if left <= 0:
                raise observation
            return WaitMessage(
                f"Job {self.job_id} could not be asked for, {left} more such failures end the wait: {observation}",
                logging.WARNING,
            )
        self._errors = 0
        if observation is None:
            if now - (self.known_at or self.began) > UNKNOWN_GRACE:
                raise ImsJobNotFoundError(
                    f"The service does not know job {self.job_id}; check the id, the region and the account",
                    job_id=self.job_id,
                )
            return WaitMessage(f"The service does not know job {self.job_id} yet")
        self.known_at = now
        appearance = (observation.state, observation.status)
        changed = appearance != self._seen
        self._seen = appearance
        return observation if changed else None

    def still_runs(self, now: float) -> None:
        """Take in that the job was seen as it was last seen, without a judgement: the cheap way for many jobs."""
        self._errors = 0
        self.known_at = now

    @property
    def status(self) -> str | None:
        """The state word that was last seen."""
        return str(self._seen[1]) if self._seen else None


def timed_out(job_id: str, seconds: float) -> ImsJobTimeoutError:
    """
    Build the error for a job that did not end in time.

    :param job_id: The job.
    :param seconds: For how long it was waited for.
    """
    return ImsJobTimeoutError(
        f"Job {job_id} did not end within {seconds:.0f} s; it goes on running",
        job_id=job_id,
    )


def poll_once(family: JobFamily, hook: ApiCaller, job_ids: Sequence[str]) -> dict[str, Observation]:
    """
    Ask once for jobs, as many as one call takes, and return what was seen of each.

    :param family: The jobs' family.
    :param hook: The hook of the family's product.
    :param job_ids: At most ``family.ids_per_query`` ids.
    """
    try:
        jobs = family.query(hook, job_ids, attempts=1, throttle_timeout=0.0)
    except Exception as error:  # noqa: BLE001
        # Everything, the connection's look-up included: each waiting job must hear of it, or it waits for ever.
        return dict.fromkeys(job_ids, error)
    return {job_id: jobs.get(job_id) for job_id in job_ids}


def wait_for_job(
    family: JobFamily,
    hook: ApiCaller,
    job_id: str,
    *,
    poll_interval: float,
    started: float,
    timeout: float,
    emit: Callable[[Job | WaitMessage], None],
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """
    Block until a job ends.

    :param family: The job's family.
    :param hook: The hook of the family's product.
    :param job_id: The job.
    :param poll_interval: Seconds between two looks.
    :param started: When the wait began, in epoch seconds.
    :param timeout: Seconds after ``started`` at which the wait ends, after one last look.
    :param tell: Called with the job at each change of its state, its end included, and with what else is worth a line
        in the log.
    :param now: The clock.
    :param sleep: How to pass the time.
    :return: The ended job.
    :raises ImsJobTimeoutError: at the deadline.
    :raises ImsError: as :meth:`JobMonitor.judge`.
    """
    monitor = JobMonitor(job_id, began=now())
    deadline = started + timeout
    pause = first_pause(poll_interval)
    while True:
        sleep(max(0.0, min(pause, deadline - now())))
        last_look = now() >= deadline
        event = monitor.update(poll_once(family, hook, [job_id])[job_id], now())
        if event is not None:
            emit(event)
        if isinstance(event, Job) and event.ended:
            return event
        if last_look:
            raise timed_out(job_id, now() - started)
        pause = next_pause(poll_interval)


def first_pause(poll_interval: float) -> float:
    return min(FIRST_POLL_DELAY, poll_interval) * random.uniform(0.5, 1)


def next_pause(poll_interval: float) -> float:
    return poll_interval * random.uniform(1 - JITTER, 1 + JITTER)
