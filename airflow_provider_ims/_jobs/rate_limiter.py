"""
A rate limit for API requests.

The service's limit is not documented, so the limiter halves the rate when a request is throttled. Afterwards, it
increases the rate again, by one request per second every second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._config import MAX_REQUESTS_PER_SECOND
from airflow_provider_ims.exceptions import ImsThrottledError

if TYPE_CHECKING:
    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

#: The lowest rate, in requests per second.
MIN_RATE = 0.5
#: The increase of the rate for each second without throttling, in requests per second.
RECOVERY = 1.0
#: Seconds without requests after throttling: the default if the service sends no ``Retry-After``, and the maximum.
DEFAULT_RETRY_AFTER = 1.0
MAX_RETRY_AFTER = 60.0


@dataclass
class RateLimiter:
    """
    Limits the total request rate of all threads that share the limiter, and counts the requests.

    :param max_rate: The maximum rate, in requests per second. Default: ``[ims] max_requests_per_second``.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    max_rate: float = field(default_factory=MAX_REQUESTS_PER_SECOND.get)
    throttles: int = 0
    requests: int = 0
    rate: float = field(init=False)
    _next: float = 0.0
    _slowed_at: float = float("-inf")
    _recovered_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.rate = self.max_rate

    def wait(self) -> None:
        """Wait until the next request may be sent."""
        with self._lock:
            now = self.now()
            self.requests += 1
            turn = max(now, self._next)
            self._next = turn + 1 / self.rate
        if turn > now:
            self.sleep(turn - now)

    def throttled(self, retry_after: float | None = None) -> None:
        """
        Reduce the rate after a throttled request.

        :param retry_after: The ``Retry-After`` of the response, in seconds; ``None`` if the response has none.
        """
        with self._lock:
            now = self.now()
            self.throttles += 1
            # Requests that are throttled within one second reduce the rate only once.
            if now - self._slowed_at >= DEFAULT_RETRY_AFTER:
                self.rate = max(min(MIN_RATE, self.max_rate), self.rate / 2)
                self._slowed_at = self._recovered_at = now
            self._next = max(self._next, now + min(retry_after or DEFAULT_RETRY_AFTER, MAX_RETRY_AFTER))

    def succeeded(self) -> None:
        """Increase a reduced rate after a successful request."""
        with self._lock:
            now = self.now()
            if self.rate < self.max_rate:
                self.rate = min(self.max_rate, self.rate + RECOVERY * (now - self._recovered_at))
                self._recovered_at = now

    def call(
        self,
        hook: AlibabaCloudMediaHook,
        action: str,
        params: Mapping[str, Any],
        *,
        throttle_timeout: float,
        attempts: int = 1,
    ) -> dict[str, Any]:
        """Call an API action at the limited rate; retry a throttled request for up to ``throttle_timeout`` seconds."""
        started_at = self.now()
        while True:
            self.wait()
            try:
                body = hook.call(action, params, attempts=attempts, throttle_timeout=0.0)
            except ImsThrottledError as error:
                self.throttled(error.retry_after)
                if self.now() - started_at >= throttle_timeout:
                    raise
            else:
                self.succeeded()
                return body
