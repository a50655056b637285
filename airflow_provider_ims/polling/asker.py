"""The blocking side of a poller: paced calls with a hook that is made anew when its connection changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError, ImsThrottledError
from airflow_provider_ims.jobs.job import JobState
from airflow_provider_ims.jobs.service import Service
from airflow_provider_ims.polling.limiter import Limiter

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.family import JobFamily

log = logging.getLogger(__name__)

#: Seconds after which the connection is looked up again.
CONNECTION_LIFETIME = 60.0
#: Seconds for which one request is sent again and again when it is throttled.
PATIENCE = 60.0


class SweepTooLongError(Exception):
    """What runs fills more pages than asking job by job would take calls."""


@dataclass
class Asker(Service):
    """
    Calls the service from a poller's threads.

    :param family: The family of the jobs that are asked for.
    :param make_hook: Makes the hook.
    :param limiter: Paces the requests.
    :param now: A clock in seconds that does not jump.
    """

    family: JobFamily
    make_hook: Callable[[], AlibabaCloudMediaHook]
    limiter: Limiter = field(default_factory=Limiter)
    now: Callable[[], float] = time.monotonic
    requests: int = 0
    _hook: AlibabaCloudMediaHook | None = None
    _looked_up: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(
        self, action: str, params: Mapping[str, Any], *, attempts: int = 1, patience: float = PATIENCE
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
            self.limiter.wait()
            self.requests += 1
            try:
                body = self._current_hook().call(action, params, attempts=1, patience=0.0)
            except ImsThrottledError as error:
                self.limiter.throttled(error.retry_after)
                if self.now() - began >= PATIENCE:
                    raise
            except (ImsCredentialsError, ImsPermissionError):
                # Somebody may mend the connection while the jobs run: look it up again for the next call.
                self._hook = None
                raise
            else:
                self.limiter.passed()
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

    def _current_hook(self) -> AlibabaCloudMediaHook:
        with self._lock:
            if self._hook is not None and self.now() - self._looked_up < CONNECTION_LIFETIME:
                return self._hook
            hook = self.make_hook()
            # The same connection keeps its hook, whose credentials may be temporary and still good.
            if self._hook is None or hook.settings != self._hook.settings:
                self._hook = hook
            self._looked_up = self.now()
            return self._hook
