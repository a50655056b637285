"""The Airflow metrics of a poller."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow_provider_ims._waiting.rate_limited_client import RateLimitedClient

log = logging.getLogger(__name__)

#: Seconds between two reports.
REPORT_EVERY = 10.0
#: If the event loop is delayed by at least this number of seconds, the process counts as suspended or blocked.
SUSPENDED = 5.0


@dataclass(slots=True)
class PollerMetrics:
    """
    The metrics of a poller since its last report.

    :param family: The name of the job family.
    :param ims_conn_id: The connection id.
    :param due: The time at which the next report is due, on the poller's clock.
    :param polled_jobs: The number of jobs that were queried by id.
    :param behind: The longest delay of a poll, in seconds.
    :param suspended: The number of seconds for which the process was suspended, or its event loop was blocked.
    """

    family: str
    ims_conn_id: str
    due: float
    polled_jobs: int = 0
    behind: float = 0.0
    suspended: float = 0.0
    _has_warned: bool = False

    def woke_up(self, late: float) -> None:
        """Record how many seconds late the event loop resumed the poller; delays below 5 s are ignored."""
        if late >= SUSPENDED:
            self.suspended += late
            log.warning(
                "The event loop did not run for %.0f s: the process was suspended, or a trigger blocked the loop. "
                "Polling of %s jobs continues",
                late,
                self.family,
            )

    def report(self, client: RateLimitedClient, waiting: int, longest_interval: float, now: float) -> None:
        """
        Emit the metrics and reset them.

        The first time that polling is behind schedule by more than the longest poll interval, also log a warning.

        :param client: The client of the poller.
        :param waiting: The number of subscriptions.
        :param longest_interval: The longest poll interval of all subscriptions, in seconds.
        :param now: The time on the poller's clock.
        """
        # Imported lazily: importing it takes 0.1 s, and only processes with a poller need it.
        from airflow.providers.common.compat.sdk import Stats

        limiter = client.rate_limiter
        values = {
            "waiting": waiting,
            "requests": limiter.requests,
            "jobs_per_request": self.polled_jobs / limiter.requests if limiter.requests else 0.0,
            "throttled": limiter.throttles,
            "seconds_behind": self.behind,
        }
        for name, value in values.items():
            Stats.gauge(f"ims.poller.{name}", value, tags={"family": self.family, "conn_id": self.ims_conn_id})
        log.debug("Poller of %s jobs in the last %.0f s: %s", self.family, REPORT_EVERY, values)
        behind = self.behind - self.suspended
        if behind > longest_interval and not self._has_warned:
            self._has_warned = True
            message = "Polling of %d %s jobs is %.0f s behind schedule: the rate limit is %.1f requests per second"
            log.warning(message, waiting, self.family, behind, limiter.rate)
        limiter.requests = self.polled_jobs = limiter.throttles = 0
        self.behind = self.suspended = 0.0
        self.due = now + REPORT_EVERY
