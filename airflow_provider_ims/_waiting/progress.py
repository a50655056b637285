"""Logs the progress of a wait for many jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: The longest time between two messages, in seconds.
INTERVAL = 30.0


@dataclass
class Progress:
    """
    Logs the progress of a wait for many jobs: after each tenth of the jobs, and at least once per ``interval``.

    :param log: The log of the task.
    :param total: The number of jobs, including those that ended before this wait.
    :param done: The number of jobs that ended before this wait.
    :param failures: The number of jobs that failed before this wait.
    :param interval: The longest time between two messages, in seconds.
    :param now: A function that returns the time in seconds, on a monotonic clock.
    """

    log: Any
    total: int
    done: int = 0
    failures: int = 0
    interval: float = INTERVAL
    now: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._started_at = self._reported_at = self.now()
        self._first = self._reported = self.done
        self._problems = 0
        self._problem = ""

    def ended(self, *, failed: bool) -> None:
        """Record a job that ended."""
        self.done += 1
        self.failures += failed

    def had_problem(self, text: str) -> None:
        """Record a problem of a poll. The next message contains only the latest problem."""
        self._problems += 1
        self._problem = text

    def report(self) -> None:
        """Log the progress if a further tenth of the jobs or the last job has ended, or the interval has passed."""
        now = self.now()
        new = self.done - self._reported
        complete = new > 0 and self.done == self.total
        if not complete and new * 10 < self.total and now - self._reported_at < self.interval:
            return
        self._reported, self._reported_at = self.done, now
        failed = f", {self.failures:,} failed" if self.failures else ""
        self.log.info("%s of %s jobs ended%s%s", f"{self.done:,}", f"{self.total:,}", failed, self._time_left(now))
        if self._problems:
            self.log.warning("%d polls had problems. The latest problem: %s", self._problems, self._problem)
            self._problems = 0

    def _time_left(self, now: float) -> str:
        left, new = self.total - self.done, self.done - self._first
        if not left or not new:
            return ""
        seconds = left * (now - self._started_at) / new
        return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
