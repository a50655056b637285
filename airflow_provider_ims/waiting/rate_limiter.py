"""Keeps requests below a rate limit that is not documented: slows down when throttled, and recovers slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: The highest and the lowest rate, in requests per second. VOD allows about a hundred queries per second.
MAX_RATE = 100.0
MIN_RATE = 0.5
#: The increase of the rate for each second without throttling, in requests per second.
RECOVERY = 1.0
#: Seconds without requests after throttling, if the service sends no ``Retry-After``, and the longest accepted one.
DEFAULT_RETRY_AFTER = 1.0
MAX_RETRY_AFTER = 60.0


@dataclass
class RateLimiter:
    """
    Limits the rate of the requests of several threads.

    :param now: A monotonic clock, in seconds.
    :param sleep: Sleeps for some seconds.
    :param rate: The current rate, in requests per second.
    :param throttles: The number of throttled requests so far.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    rate: float = MAX_RATE
    throttles: int = 0
    _next: float = 0.0
    _slowed_at: float = float("-inf")
    _recovered_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Wait until the next request may be sent."""
        with self._lock:
            now = self.now()
            turn = max(now, self._next)
            self._next = turn + 1 / self.rate
        if turn > now:
            self.sleep(turn - now)

    def throttled(self, retry_after: float | None = None) -> None:
        """
        Slow down, because the service throttled a request.

        :param retry_after: Seconds after which the service accepts requests again, if it says so.
        """
        with self._lock:
            now = self.now()
            self.throttles += 1
            # Concurrent requests are throttled together and slow the poller down only once.
            if now - self._slowed_at >= DEFAULT_RETRY_AFTER:
                self.rate = max(MIN_RATE, self.rate / 2)
                self._slowed_at = self._recovered_at = now
            self._next = max(self._next, now + min(retry_after or DEFAULT_RETRY_AFTER, MAX_RETRY_AFTER))

    def succeeded(self) -> None:
        """Recover, because a request succeeded."""
        with self._lock:
            now = self.now()
            if self.rate < MAX_RATE:
                self.rate = min(MAX_RATE, self.rate + RECOVERY * (now - self._recovered_at))
                self._recovered_at = now
