"""A poller's figures, for Airflow's metrics and the triggerer's log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ims.waiting.rate_limited_client import RateLimitedClient

log = logging.getLogger(__name__)

#: Seconds from one report to the next.
REPORT_EVERY = 10.0
#: Seconds by which the event loop may be late before the process counts as suspended or blocked.
SUSPENDED = 5.0


@dataclass(slots=True)
class PollerMetrics:
    """
    What a poller did since its last report.

    :param family: The family of its jobs.
    :param ims_conn_id: Its connection.
    :param due: When the next report is due, on the poller's clock.
    :param asked_jobs: Jobs that were asked for by id.
    :param behind: How much later than due the latest look was, in seconds.
    :param suspended: For how many of them this process did not run at all.
    """

    family: str
    ims_conn_id: str
    due: float
    polled_jobs: int = 0
    behind: float = 0.0
    suspended: float = 0.0
    _told_of_stretching: bool = False

    def woke_up(self, late: float) -> None:
        """
        Record that the event loop resumed the poller.

        :param late: Seconds after the time that the poller had asked for.
        """
        if late >= SUSPENDED:
            self.suspended += late
            log.warning(
                "This triggerer did not run for %.0f s: it was suspended, or a trigger blocked its event loop. "
                "Polling of %s jobs continues",
                late,
                self.family,
            )

    def report(self, client: RateLimitedClient, waiting: int, longest_interval: float, now: float) -> None:
        """
        Report, and begin to count anew.

        :param asker: What made the requests.
        :param waiting: How many jobs are waited for.
        :param longest_interval: The longest ``poll_interval`` among them, in seconds.
        :param now: The poller's clock.
        """
        # Late: it costs a tenth of a second, and only a triggerer needs it.
        from airflow.providers.common.compat.sdk import Stats

        figures = {
            "waiting": waiting,
            "requests": client.requests,
            "jobs_per_request": self.polled_jobs / client.requests if client.requests else 0.0,
            "throttled": client.rate_limiter.throttles,
            "seconds_behind": self.behind,
        }
        for name, value in figures.items():
            Stats.gauge(f"ims.poller.{name}", value, tags={"family": self.family, "conn_id": self.ims_conn_id})
        log.debug("Poller of %s jobs: %s, in the last %.0f s", self.family, figures, REPORT_EVERY)
        if self.behind - self.suspended > longest_interval and not self._told_of_stretching:
            self._told_of_stretching = True
            log.warning(
                "Polling of %d %s jobs is %.0f s behind schedule: the rate limit of %.1f requests a second allows "
                "no more",
                waiting,
                self.family,
                self.behind - self.suspended,
                client.rate_limiter.rate,
            )
        client.requests = self.polled_jobs = client.rate_limiter.throttles = 0
        self.behind = self.suspended = 0.0
        self.due = now + REPORT_EVERY
