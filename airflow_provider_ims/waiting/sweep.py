"""
Whether to sweep, decided by counting requests.

To ask for N jobs by id takes N requests in each round, or a tenth where a call takes ten ids. To list what runs takes
a request for each hundred unfinished jobs of the account, ours or not, and at least one for each unfinished state.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ims.exceptions import ImsPermissionError
from airflow_provider_ims.jobs.listing import PAGE_SIZE

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.family import JobFamily

log = logging.getLogger(__name__)

#: A sweep must save so many times its requests to be begun, and to be gone on with.
TO_BEGIN = 3.0
TO_GO_ON = 1.5
#: Seconds without a sweep after one that failed or did not pay; doubled each time, up to the longest.
FIRST_REST = 60.0
LONGEST_REST = 960.0


@dataclass(slots=True)
class SweepPolicy:
    """
    Decides whether a poller sweeps.

    :param family: The family of the jobs.
    :param on: Whether it does.
    """

    family: JobFamily
    on: bool = False
    _cost: int | None = None
    _rest: float = FIRST_REST
    _not_before: float = float("-inf")

    def is_worthwhile(self, jobs: int, now: float) -> bool:
        """
        Tell whether to sweep for so many jobs.

        :param jobs: How many jobs a listing may show.
        :param now: The poller's clock.
        """
        if self.family.listing is None or now < self._not_before:
            return False
        # Before the first sweep, hope that the account's jobs are ours.
        cost = self._cost or len(self.family.unfinished) + jobs / PAGE_SIZE
        return jobs >= cost * (TO_GO_ON if self.on else TO_BEGIN)

    def record_success(self, requests: int) -> None:
        """Take note of a sweep and of how many requests it took."""
        self._cost = requests
        self._rest = FIRST_REST

    def failed(self, error: Exception, now: float) -> None:
        """Take note of a sweep that came to nothing, and rest: for good, when the listing is denied."""
        self.on = False
        self._cost = None
        if isinstance(error, ImsPermissionError):
            self._not_before = float("inf")
            log.warning("Jobs are asked for one by one, which takes many more requests: %s", error)
            return
        self._not_before = now + self._rest
        log.info("Jobs are asked for one by one for %.0f s: listing them failed: %s", self._rest, error)
        self._rest = min(2 * self._rest, LONGEST_REST)
