"""Evaluates the polls of one job."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job, format_ids
from airflow_provider_ims.exceptions import (
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsThrottledError,
    ImsUnavailableError,
)

#: The time, in seconds, for which a job may be unknown to the service before the wait ends. This time starts with the
#: first response that does not contain the job. If it started with the last response that contained the job, a single
#: response could end a wait whose poll interval is longer than this time. If no response has contained the job and
#: ``started_at`` is set, this time starts at ``started_at``.
UNKNOWN_GRACE = 120.0
#: The number of consecutive permanent errors, such as denied queries, that ends a wait. Transient errors never
#: end a wait.
TOLERATED_ERRORS = 5
#: The largest fraction of the poll interval by which a poll is randomly shifted, so that jobs that were submitted
#: together are not always polled together.
JITTER = 0.1
#: The maximum number of seconds from the start of a wait to its first poll; less if the poll interval is shorter.
FIRST_POLL_DELAY = 2.0

TRANSIENT_ERRORS = (ImsThrottledError, ImsUnavailableError)

#: The result of polling a job: the job, ``None`` if the service does not know it, or the error.
Observation: TypeAlias = "Job | Exception | None"


@dataclass(frozen=True, slots=True)
class WaitMessage:
    """A message for the task's log."""

    text: str
    level: int = logging.INFO


def log_progress(
    log: Any, event: Job | WaitMessage, *, wait_started_at: float, submitted_at: float | None = None
) -> None:
    """Log an event of a wait: a job whose status has changed, or a message. Times are in epoch seconds."""
    if isinstance(event, WaitMessage):
        log.log(event.level, event.text)
        return
    now = time.time()
    age = "" if submitted_at is None else f", {now - submitted_at:.0f} s after it was submitted"
    log.info("Job %s is %s after a wait of %.0f s%s", event.id, event.status, now - wait_started_at, age)


@dataclass(eq=False, slots=True)
class JobMonitor:
    """
    Evaluates the polls of one job: reports changes, tolerates transient errors, and raises permanent errors that
    persist.

    :param job_id: The id of the job.
    :param started_at: The time at which the wait started, in epoch seconds. Set it only if another process may
        already have polled the job. Default: infinity, which has no effect.
    :param tolerated_errors: The number of consecutive permanent errors that ends the wait. Default: 5.
    """

    job_id: str
    started_at: float = math.inf
    tolerated_errors: int = TOLERATED_ERRORS
    _unknown_since: float | None = None
    _last: tuple[object, ...] = ()
    _errors: int = 0
    _last_error: str | None = None

    def update(self, observation: Observation, now: float) -> Job | WaitMessage | None:
        """
        Evaluate the result of a poll.

        :param now: The time of the poll, in epoch seconds.
        :return: The job if its status has changed, a message for the log, or ``None``.
        :raises ImsJobNotFoundError: when the job has been unknown to the service for more than ``UNKNOWN_GRACE`` s.
        :raises Exception: the observed error, when it is the last of ``tolerated_errors`` consecutive permanent errors.
        """
        self._last_error = str(observation) if isinstance(observation, Exception) else None
        if isinstance(observation, TRANSIENT_ERRORS):
            return WaitMessage(f"Polling job {self.job_id} failed, retrying: {observation}")
        if isinstance(observation, Exception):
            self._errors += 1
            if self._errors >= self.tolerated_errors:
                raise observation
            attempt = f"attempt {self._errors} of {self.tolerated_errors}"
            text = f"Polling job {self.job_id} failed ({attempt}), retrying: {observation}"
            return WaitMessage(text, logging.WARNING)
        self._errors = 0
        if observation is None:
            if self._unknown_since is None:
                self._unknown_since = now if self._last else min(self.started_at, now)
            if now - self._unknown_since > UNKNOWN_GRACE:
                raise ImsJobNotFoundError(
                    f"The service does not know job {self.job_id}; check the id, the region and the account",
                    job_id=self.job_id,
                )
            return WaitMessage(f"The service does not know job {self.job_id}, retrying")
        self._unknown_since = None
        last, self._last = self._last, (observation.state, observation.status)
        return observation if self._last != last else None

    def confirm_running(self) -> None:
        """Record that a listing contains the job with an unchanged status; cheaper than :meth:`update`."""
        self._errors = 0
        self._unknown_since = self._last_error = None

    @property
    def status(self) -> str | None:
        """The last known status; ``None`` if there is none."""
        return str(self._last[1]) if self._last else None

    @property
    def last_seen(self) -> str:
        """The last known status, and the error of the last poll if it failed, for an error message."""
        status = self.status or "status unknown"
        if self._unknown_since is not None:
            status = "unknown to the service"
        return status if self._last_error is None else f"{status}; the last poll failed: {self._last_error}"


def timed_out(monitor: JobMonitor, waited: float) -> ImsJobTimeoutError:
    """Return the error for a job that did not end within a wait of ``waited`` seconds."""
    message = f"Job {monitor.job_id} did not end within {waited:.0f} s; it may continue to run ({monitor.last_seen})"
    return ImsJobTimeoutError(message, job_id=monitor.job_id, last_seen=monitor.last_seen)


def timed_out_jobs(unfinished: Mapping[str, str], total: int, waited: float) -> ImsJobTimeoutError:
    """
    Return the error for the jobs that did not end within a wait of ``waited`` seconds.

    :param unfinished: Job id -> the last known status of the job.
    :param total: The total number of jobs of the wait.
    """
    return ImsJobTimeoutError(
        f"{len(unfinished)} of {total} jobs did not end within {waited:.0f} s; they may continue to run: "
        f"{describe_jobs(unfinished)}",
        job_id=next(iter(unfinished)),
    )


def describe_jobs(unfinished: Mapping[str, str]) -> str:
    """Return a text that lists the first ten unfinished jobs, each with its last known status."""
    return format_ids([f"{job_id} ({seen})" for job_id, seen in unfinished.items()])


def poll_once(family: JobFamily, caller: ApiCaller, job_ids: Sequence[str]) -> dict[str, Observation]:
    """Poll jobs with one request. If it fails, the error is returned for each job, so that each wait receives it."""
    try:
        jobs = family.query(caller, job_ids)
    except Exception as error:  # noqa: BLE001
        return dict.fromkeys(job_ids, error)
    return {job_id: jobs.get(job_id) for job_id in job_ids}


def first_pause(poll_interval: float) -> float:
    """Return the number of seconds from the start of a wait to its first poll."""
    return min(FIRST_POLL_DELAY, poll_interval) * random.uniform(0.5, 1)


def next_pause(poll_interval: float) -> float:
    """Return the number of seconds from a poll to the next poll."""
    return poll_interval * random.uniform(1 - JITTER, 1 + JITTER)
