"""Calls the API within a rate limit, from the poller's threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError, ImsThrottledError
from airflow_provider_ims.waiting.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from airflow_provider_ims.waiting.hook_resolver import HookResolver

#: Seconds for which a throttled request is retried.
THROTTLE_TIMEOUT = 60.0


@dataclass
class RateLimitedClient:
    """
    Calls the API with the current hook of a resolver.

    :param resolver: Provides the hook.
    :param rate_limiter: Limits the rate of the requests.
    :param now: A monotonic clock, in seconds.
    :param requests: The number of requests so far.
    """

    resolver: HookResolver
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    now: Callable[[], float] = time.monotonic
    requests: int = 0

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """
        Call an API action that only reads. A throttled request is retried for a minute.

        :param action: The API action.
        :param params: Its parameters.
        :return: The body of the response.
        :raises ImsError: as the hook's ``call``.
        """
        started_at = self.now()
        while True:
            self.rate_limiter.wait()
            self.requests += 1
            try:
                body = self.resolver.hook.call(action, params, attempts=1, throttle_timeout=0.0)
            except ImsThrottledError as error:
                self.rate_limiter.throttled(error.retry_after)
                if self.now() - started_at >= THROTTLE_TIMEOUT:
                    raise
            except (ImsCredentialsError, ImsPermissionError):
                # The connection may be corrected while the jobs run.
                self.resolver.expire()
                raise
            else:
                self.rate_limiter.succeeded()
                return body
