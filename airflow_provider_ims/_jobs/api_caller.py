"""The interface through which other modules of this package call the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook


class ApiCaller(Protocol):
    """Calls the API of one product. Hooks and wrappers of hooks implement this interface."""

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call an API action and return the body of the response."""


@dataclass(frozen=True, slots=True)
class LimitedRetries:
    """
    Calls the API through a hook, with fewer retries than the default of the hook.

    :param hook: The hook.
    :param attempts: The maximum number of requests per call, not counting throttled requests. Default: 1.
    :param throttle_timeout: The maximum total time, in seconds, of the pauses between the retries of a throttled
        request. Default: 0, so throttled requests are not retried.
    """

    hook: AlibabaCloudMediaHook
    attempts: int = 1
    throttle_timeout: float = 0.0

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call an API action and return the body of the response."""
        return self.hook.call(action, params, attempts=self.attempts, throttle_timeout=self.throttle_timeout)
