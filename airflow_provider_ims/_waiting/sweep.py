"""
Sweeps: listing the unfinished jobs of the account instead of querying each job by its id.

Querying N jobs by id requires N requests per poll interval, or N/10 if a request accepts ten ids. A sweep requires one
request for each hundred unfinished jobs of the account, and at least one for each status of unfinished jobs.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import TypeAlias

from airflow_provider_ims._config import MAX_JOBS_PER_SWEEP
from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import JobState
from airflow_provider_ims._jobs.listing import PAGE_SIZE
from airflow_provider_ims._waiting.monitor import JITTER
from airflow_provider_ims._waiting.subscription import Subscription
from airflow_provider_ims.exceptions import ImsPermissionError

log = logging.getLogger(__name__)

#: Sweeps start if there are at least ``START_RATIO`` subscriptions per request of a sweep, and continue while there are
#: at least ``CONTINUE_RATIO``.
START_RATIO = 3.0
CONTINUE_RATIO = 1.5
#: Seconds without sweeps after a failed sweep; doubled with each failure, up to the maximum.
FIRST_REST = 60.0
LONGEST_REST = 960.0
#: A new subscription needs no first poll by id if the next sweep is due within this number of seconds.
SOON = 15.0
#: The number of subscriptions to process before yielding to the event loop.
BATCH = 100
#: Sweeps no longer cover a running job that this number of consecutive sweeps did not list.
MISSES = 2

#: Statuses by job id, and the number of requests.
Listed: TypeAlias = "tuple[dict[str, str], int]"
#: The subscriptions whose jobs a sweep does not list, and (subscription, status) pairs of jobs with a new status.
Compared: TypeAlias = "tuple[list[Subscription], list[tuple[Subscription, str]]]"


def list_unfinished(family: JobFamily, caller: ApiCaller, max_requests: int) -> Listed:
    """
    List the running jobs of the account.

    Statuses are listed in the order in which a job passes through them, so that a job whose status changes during the
    listing is found at least once.

    :raises RuntimeError: when the listing requires more requests than ``max_requests``, or contains more jobs than
        ``[ims] max_jobs_per_sweep``.
    """
    assert family.listing is not None
    max_jobs = MAX_JOBS_PER_SWEEP.get()
    statuses: dict[str, str] = {}
    requests = 0
    for unfinished in family.listing.unfinished:
        for page in family.listing.in_state(caller, unfinished):
            requests += 1
            if requests > max_requests:
                raise RuntimeError(f"the listing requires more than {max_requests} requests")
            statuses.update(page)
            if len(statuses) > max_jobs:
                raise RuntimeError(f"the account has more than {max_jobs:,} unfinished jobs")
    running = {job_id: status for job_id, status in statuses.items() if family.state_of(status) is JobState.RUNNING}
    return running, requests


class Sweeper:
    """
    Decides when to sweep, runs the sweeps of a poller, and tracks which subscriptions they cover.

    A listing does not prove that a job has ended. If a sweep does not list a job, the poller queries it by its id.
    """

    def __init__(self, family: JobFamily) -> None:
        #: Whether sweeps are active.
        self.active = False
        self._family = family
        self._max_jobs = MAX_JOBS_PER_SWEEP.get()
        self._covered: dict[Subscription, None] = {}
        self._new: set[Subscription] = set()
        self._unlisted: set[Subscription] = set()
        self._due = 0.0
        self._running = False
        self._cost: int | None = None
        self._rest = FIRST_REST
        self._not_before = float("-inf")

    def __contains__(self, subscription: Subscription) -> bool:
        """Return whether sweeps cover a subscription."""
        return subscription in self._covered

    def is_worthwhile(self, jobs: int, now: float) -> bool:
        """Return whether sweeps require considerably fewer requests than polling this number of jobs by id."""
        if self._family.listing is None or now < self._not_before or jobs > self._max_jobs:
            return False
        # Before the first sweep, assume that the account has no other jobs.
        cost = self._cost or len(self._family.listing.unfinished) + jobs / PAGE_SIZE
        return jobs >= cost * (CONTINUE_RATIO if self.active else START_RATIO)

    def record_success(self, requests: int) -> None:
        """Record a sweep and the number of its requests."""
        self._cost = requests
        self._rest = FIRST_REST

    def record_failure(self, error: Exception, now: float) -> None:
        """Record a failed sweep. Pause sweeps for 1 to 16 minutes; if the listing is denied, until the poller stops."""
        self.active = False
        self._cost = None
        if isinstance(error, ImsPermissionError):
            self._not_before = float("inf")
            log.warning("Listing jobs is denied. Polling each job by its id takes many more requests: %s", error)
            return
        self._not_before = now + self._rest
        log.info("Listing jobs failed; polling each job by its id for %.0f s: %s", self._rest, error)
        self._rest = min(2 * self._rest, LONGEST_REST)

    @property
    def next_time(self) -> float:
        """The time at which the next sweep is due, on the poller's clock; infinity if none is due."""
        return self._due if self.active and not self._running else float("inf")

    def start(
        self, subscriptions: Collection[Subscription], due: Collection[Subscription], now: float
    ) -> list[Subscription]:
        """
        Start sweeps, or sweep early, if this is worthwhile, and return the subscriptions that need no poll.

        :param subscriptions: All subscriptions.
        :param due: The subscriptions that are due to be polled.
        """
        if self.active:
            return self._sweep_early(due, now)
        if not due or not self.is_worthwhile(len(subscriptions) - len(self._unlisted), now):
            return []
        self.active, self._due = True, now
        self._covered = {one: None for one in subscriptions if not one.final and one not in self._unlisted}
        return list(self._covered)

    def _sweep_early(self, due: Collection[Subscription], now: float) -> list[Subscription]:
        """Sweep now if this is worthwhile for the new subscriptions alone, and return those that need no first poll."""
        first_polls = self._new.intersection(due)
        if not first_polls or self._running or not self.is_worthwhile(len(self._new), now):
            self._new -= first_polls
            return []
        self._due = now
        replaced, self._new = list(self._new), set()
        return replaced

    def take_turn(self, now: float) -> bool:
        """Return whether to run a sweep now. If so, no other sweep is due until this one has finished."""
        is_due = now >= self.next_time
        self._running |= is_due
        return is_due

    def add(self, subscription: Subscription, now: float) -> bool:
        """Cover a new subscription if sweeps are active, and return whether the next sweep replaces its first poll."""
        if not self.active:
            return False
        self._covered[subscription] = None
        if self._due <= now + SOON:
            return True
        self._new.add(subscription)
        return False

    def remove(self, subscription: Subscription) -> None:
        """Stop covering a subscription."""
        self._covered.pop(subscription, None)
        self._new.discard(subscription)
        self._unlisted.discard(subscription)

    def drop_unlisted(self, subscription: Subscription) -> None:
        """Stop covering a running job that ``MISSES`` consecutive sweeps did not list. Some jobs are never listed."""
        if subscription.missed >= MISSES:
            self._covered.pop(subscription, None)
            self._unlisted.add(subscription)

    def release(self) -> list[Subscription]:
        """Return the subscriptions that are no longer covered, because sweeps have stopped."""
        if self.active:
            return []
        # The first polls of the new subscriptions are already scheduled.
        released = [one for one in self._covered if one not in self._new]
        self._covered, self._new = {}, set()
        return released

    async def run(self, list_jobs: Callable[[int], Awaitable[Listed]]) -> AsyncIterator[Compared]:
        """
        Run a sweep, and yield its results in batches.

        :param list_jobs: A function that lists the unfinished jobs. Its argument is the maximum number of requests.
        """
        swept = [one for one in self._covered if not one.polling]
        self.active = self.is_worthwhile(len(self._covered), time.monotonic())
        statuses = await self._list(list_jobs, swept) if self.active else None
        self._running = False
        if statuses is None:
            # The last sweep was an interval ago, so the jobs are due to be polled.
            yield [one for one in swept if one in self._covered and not one.polling], []
            return
        for batch in chunks(swept, BATCH):
            yield self._compare(batch, statuses)
            await asyncio.sleep(0)
        self.active = self.is_worthwhile(len(self._covered), time.monotonic())

    async def _list(
        self, list_jobs: Callable[[int], Awaitable[Listed]], swept: Sequence[Subscription]
    ) -> dict[str, str] | None:
        """Return the statuses of the running jobs by their ids, or ``None`` if the listing fails."""
        interval = min((one.poll_interval for one in swept), default=0.0)
        # A job that ends just after its page was read is detected only in the next sweep, so the jitter is small. The
        # jitter never shortens the interval, because a sweep is a burst of requests.
        self._due = time.monotonic() + interval * random.uniform(1, 1 + JITTER / 2)
        try:
            statuses, requests = await list_jobs(len(swept))
        except Exception as error:  # noqa: BLE001 - after any error, polling by id continues
            self.record_failure(error, time.monotonic())
            return None
        self.record_success(requests)
        return statuses

    def _compare(self, batch: Sequence[Subscription], statuses: dict[str, str]) -> Compared:
        missing, changed = [], []
        for subscription in batch:
            if subscription not in self._covered or subscription.polling:
                continue
            status = statuses.get(subscription.job_id)
            if status is None:
                subscription.missed += 1
                missing.append(subscription)
                continue
            subscription.missed = 0
            if status == subscription.status:
                subscription.confirm_running()
            else:
                changed.append((subscription, status))
        return missing, changed
