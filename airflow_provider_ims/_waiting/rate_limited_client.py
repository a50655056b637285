"""Calls the API within a rate limit, from the poller's threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

#: The maximum number of seconds for which a throttled request is retried.
THROTTLE_TIMEOUT = 60.0


@dataclass
class RateLimitedClient:
    """Calls the API with the current hook of a resolver."""

    resolver: HookResolver[AlibabaCloudMediaHook]
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a read-only API action. A throttled request is retried for up to a minute."""
        try:
            return self.rate_limiter.call(self.resolver.hook, action, params, throttle_timeout=THROTTLE_TIMEOUT)
        except (ImsCredentialsError, ImsPermissionError):
            # The connection is resolved again, because a user may correct it while the jobs run.
            self.resolver.expire()
            raise
