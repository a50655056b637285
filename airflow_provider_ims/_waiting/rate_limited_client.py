"""
Calls the API within a rate limit, from the poller's threads.

The service's limit is not documented, so the rate falls when a request is throttled, and recovers slowly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError, ImsThrottledError

#: The highest and the lowest rate, in requests per second. VOD allows about a hundred queries per second.
MAX_RATE = 100.0
MIN_RATE = 0.5
#: The increase of the rate for each second without throttling, in requests per second.
RECOVERY = 1.0
#: Seconds without requests after throttling if the service sends no ``Retry-After``, and the longest accepted value.
DEFAULT_RETRY_AFTER = 1.0
MAX_RETRY_AFTER = 60.0
#: Seconds for which a throttled request is retried.
THROTTLE_TIMEOUT = 60.0


@dataclass
class RateLimiter:
    """Limits the request rate of several threads, and counts the throttled requests."""

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
        """Reduce the rate after a throttled request; the service may specify after how many seconds to retry."""
        with self._lock:
            now = self.now()
            self.throttles += 1
            # Requests that are throttled at the same time reduce the rate only once.
            if now - self._slowed_at >= DEFAULT_RETRY_AFTER:
                self.rate = max(MIN_RATE, self.rate / 2)
                self._slowed_at = self._recovered_at = now
            self._next = max(self._next, now + min(retry_after or DEFAULT_RETRY_AFTER, MAX_RETRY_AFTER))

    def succeeded(self) -> None:
        """Increase the rate again after a successful request."""
        with self._lock:
            now = self.now()
            if self.rate < MAX_RATE:
                self.rate = min(MAX_RATE, self.rate + RECOVERY * (now - self._recovered_at))
                self._recovered_at = now


@dataclass
class RateLimitedClient:
    """Calls the API with the current hook of a resolver, and counts the requests."""

    resolver: HookResolver
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    requests: int = 0

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a read-only API action. A throttled request is retried for a minute."""
        started_at = time.monotonic()
        while True:
            self.rate_limiter.wait()
            self.requests += 1
            try:
                body = self.resolver.hook.call(action, params, attempts=1, throttle_timeout=0.0)
            except ImsThrottledError as error:
                self.rate_limiter.throttled(error.retry_after)
                if time.monotonic() - started_at >= THROTTLE_TIMEOUT:
                    raise
            except (ImsCredentialsError, ImsPermissionError):
                # The connection may be corrected while the jobs run.
                self.resolver.expire()
                raise
            else:
                self.rate_limiter.succeeded()
                return body
