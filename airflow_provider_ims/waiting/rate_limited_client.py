"""The blocking side of a poller: paced calls with the hook that the event loop has resolved."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError, ImsThrottledError
from airflow_provider_ims.jobs.api_caller import ApiCaller
from airflow_provider_ims.jobs.job import JobState
from airflow_provider_ims.waiting.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.waiting.hook_resolver import HookResolver

log = logging.getLogger(__name__)

#: Seconds for which one request is sent again and again when it is throttled.
THROTTLE_TIMEOUT = 60.0


class SweepTooLongError(Exception):
    """What runs fills more pages than asking job by job would take calls."""


@dataclass
class RateLimitedClient(ApiCaller):
    """
    Calls the service from a poller's threads.

    :param family: The family of the jobs that are asked for.
    :param resolver: Holds the hook.
    :param limiter: Paces the requests.
    :param now: A clock in seconds that does not jump.
    """

    family: JobFamily
    resolver: HookResolver
    rate_limiter: RateLimiter = field(default_factory=RateLimiter)
    now: Callable[[], float] = time.monotonic
    requests: int = 0

    def call(
        self, action: str, params: Mapping[str, Any], *, attempts: int = 1, throttle_timeout: float = THROTTLE_TIMEOUT
    ) -> dict[str, Any]:
        """
        Call an action when the limiter allows it; throttled, call it again for a minute.

        :param action: The API action, one that only reads.
        :param params: Its parameters.
        :param attempts: Taken for the sake of the hook's ``call`` and not used: a poller asks again anyway.
        :param patience: Likewise: throttling slows all calls of the poller down, so how long to wait it out is not
            one caller's to say.
        :raises ImsError: as the hook's ``call``.
        """
        began = self.now()
        while True:
            self.rate_limiter.wait()
            self.requests += 1
            try:
                body = self.resolver.hook.call(action, params, attempts=1, throttle_timeout=0.0)
            except ImsThrottledError as error:
                self.rate_limiter.throttled(error.retry_after)
                if self.now() - began >= THROTTLE_TIMEOUT:
                    raise
            except (ImsCredentialsError, ImsPermissionError):
                # The connection may be corrected while the jobs run.
                self.resolver.expire()
                raise
            else:
                self.rate_limiter.passed()
                return body

    def unfinished(self, most_requests: float) -> tuple[dict[str, str], int]:
        """
        List the jobs that run, the earlier state first: a job that moves on meanwhile is seen in one of the two.

        :param most_requests: How many requests it may take.
        :return: State word by job id, and the number of requests.
        :raises SweepTooLongError: when there are more.
        :raises ImsError: as the hook's ``call``.
        """
        listing = self.family.listing
        assert listing is not None
        running: dict[str, str] = {}
        pages = 0
        for status in self.family.unfinished:
            for page in listing.in_state(self, status):
                pages += 1
                if pages > most_requests:
                    raise SweepTooLongError(f"over {pages - 1} pages")
                running.update(page)
        state_of = self.family.state_of
        return {job_id: word for job_id, word in running.items() if state_of(word) is JobState.RUNNING}, pages
