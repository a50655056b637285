"""Staying under a rate limit that nobody publishes: slow down when throttled, recover slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Requests a second, at the most and at the least. About a hundred queries a second are what VOD allows.
MAX_RATE = 100.0
MIN_RATE = 0.5
#: What a second without throttling adds to the rate, in requests a second.
RECOVERY = 1.0
#: Seconds of silence after a throttling that does not say how long to wait, and the longest that is listened to.
SILENCE = 1.0
LONGEST_SILENCE = 60.0


@dataclass
class RateLimiter:
    """
    Paces the requests of several threads.

    :param now: A clock in seconds that does not jump.
    :param sleep: How to pass the time.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    rate: float = MAX_RATE
    throttles: int = 0
    _next: float = 0.0
    _slowed: float = float("-inf")
    _recovered: float = 0.0
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
        Slow down: the service refused a request because too many came.

        :param retry_after: Seconds after which it wants to be asked again, where it said so.
        """
        with self._lock:
            now = self.now()
            self.throttles += 1
            # The requests that were under way are refused together: they count as one.
            if now - self._slowed >= SILENCE:
                self.rate = max(MIN_RATE, self.rate / 2)
                self._slowed = self._recovered = now
            self._next = max(self._next, now + min(retry_after or SILENCE, LONGEST_SILENCE))

    def passed(self) -> None:
        """Take note of a request that was answered, and become a little faster."""
        with self._lock:
            now = self.now()
            if self.rate < MAX_RATE:
                self.rate = min(MAX_RATE, self.rate + RECOVERY * (now - self._recovered))
                self._recovered = now
