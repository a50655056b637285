"""Computes the pauses after failed requests to a queue, and limits the log messages about these failures."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from airflow_provider_ims.exceptions import ImsError

log = logging.getLogger(__name__)

#: The longest pause, in seconds.
MAX_PAUSE = 60.0
#: Seconds after which the same failure is logged again.
LOG_EVERY = 600.0


class Outage:
    """
    The consecutive failures of the requests to one queue.

    :param queue_name: The name of the queue, for the log.
    :param now: A function that returns the time in seconds, on a monotonic clock.
    """

    def __init__(self, queue_name: str, now: Callable[[], float] = time.monotonic) -> None:
        self._queue_name = queue_name
        self._now = now
        self._failures = 0
        self._logged = ""
        self._log_again_at = 0.0

    def failed(self, error: Exception) -> float:
        """
        Log a failure, and return the seconds until the next attempt.

        A failure with the same message as the previous failure is logged at most once in ``LOG_EVERY`` seconds.
        """
        self._failures += 1
        pause = min(MAX_PAUSE, 2.0 ** min(self._failures - 1, 10))
        text = error.message if isinstance(error, ImsError) else f"{type(error).__name__}: {error}"
        if text != self._logged or self._now() >= self._log_again_at:
            log.warning("Queue %s: %s. Trying again, at least every %.0f seconds", self._queue_name, error, MAX_PAUSE)
            self._logged, self._log_again_at = text, self._now() + LOG_EVERY
        return pause * random.uniform(0.75, 1.0)

    def ended(self) -> None:
        """Record a success; if the last request failed, also log that the queue works again."""
        if self._failures:
            log.info("Queue %s works again; failed requests: %d", self._queue_name, self._failures)
            self._failures, self._logged = 0, ""
