"""
Hints: messages about the jobs of a poller. The poller queries a job when a message about it arrives.

A message is only a hint: the query decides. Most polls of a job are skipped while its message is expected, that is,
while the reader of the queue is healthy and messages about the poller's jobs arrive.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Set
from typing import TypeAlias

from airflow_provider_ims._waiting.queue_reader import QueueReader
from airflow_provider_ims._waiting.subscription import Subscription

log = logging.getLogger(__name__)

#: While a message is expected, one in this number of polls is made, and the others are skipped.
POLLS_PER_QUERY = 6
#: The first poll of a job is skipped only if its message has been expected for less than this number of seconds.
#: Otherwise, the message may have been deleted before the wait started, for example before a restart of the triggerer.
FRESH = 30.0
#: Seconds after a poll has found the end of a job, within which its message must arrive; otherwise, it is lost.
LATE = 30.0
#: Seconds for which no poll is skipped after a message was lost.
DISTRUST = 600.0
#: The maximum number of ended jobs whose further messages are recognised.
ENDED_JOBS = 10_000

#: The subscriptions to one job. A single one, the usual case, is stored without a tuple, so that ten thousand waits do
#: not need ten thousand tuples.
_Subscriptions: TypeAlias = "Subscription | tuple[Subscription, ...]"


class Hints:
    """
    The messages about the jobs of one poller.

    :param family: The name of the job family.
    :param new_reader: Returns the reader of the connection's queue; ``None`` if the poller uses no messages.
    :param poll: Polls the jobs of subscriptions at once.
    """

    def __init__(
        self, family: str, new_reader: Callable[[], QueueReader] | None, poll: Callable[[Iterable[Subscription]], None]
    ) -> None:
        self._family = family
        self._new_reader = new_reader
        self._poll = poll
        self._reader: QueueReader | None = None
        self._waiting: dict[str, _Subscriptions] = {}
        self._ended: dict[str, None] = {}
        #: Ended jobs without a message, and the times on the poller's clock at which their messages count as lost.
        self._missing: dict[str, float] = {}
        self._has_arrived = False
        self._distrusted_until = float("-inf")

    def follow(self, queue: str | None, subscriptions: Iterable[Subscription]) -> None:
        """Start using messages if the connection has a queue; otherwise, stop using them."""
        if self._new_reader is None or (queue is None) == (self._reader is None):
            return
        if queue is None:
            self.stop()
            return
        self._reader = self._new_reader()
        self._reader.join(self)
        # No message was read since the last stop.
        self._missing = dict.fromkeys(self._missing, time.monotonic() + LATE)
        for subscription in subscriptions:
            self.add(subscription)

    def stop(self) -> None:
        """Stop using messages."""
        if self._reader is not None:
            self._reader.leave(self)
            self._reader = None
        self._waiting.clear()

    def add(self, subscription: Subscription) -> None:
        """Add the wait for a job."""
        if self._reader is None:
            return
        job_id = subscription.job_id
        self._waiting[job_id] = (
            (*_all(self._waiting[job_id]), subscription) if job_id in self._waiting else subscription
        )

    def remove(self, subscription: Subscription) -> None:
        """Remove the wait for a job."""
        if self._reader is None:
            return
        left = tuple(one for one in _all(self._waiting.pop(subscription.job_id, ())) if one is not subscription)
        if left:
            self._waiting[subscription.job_id] = left

    def ended(self, subscription: Subscription, now: float) -> None:
        """Record that a poll has found the end of a job."""
        if self._reader is None:
            return
        if subscription.notified and self._reader.is_healthy():
            self._missing[subscription.job_id] = now + LATE
        else:
            self._add_ended(subscription.job_id)

    def replace_poll(self, subscription: Subscription, now: float) -> bool:
        """Return whether to skip a poll that is due, because a message is expected."""
        if not subscription.notified or subscription.final or not self._is_trusted(now):
            subscription.skipped = 0
            return False
        subscription.skipped = (subscription.skipped + 1) % POLLS_PER_QUERY
        return subscription.skipped != 0

    def claim(self, job_ids: Set[str]) -> set[str]:
        """Poll those of the jobs that this poller waits for, and return the ids of all jobs that it knows."""
        # Intersections, because messages may contain many more ids than there are waits.
        waiting, missing = self._waiting.keys() & job_ids, self._missing.keys() & job_ids
        claimed = waiting | missing | (self._ended.keys() & job_ids)
        for job_id in missing:
            del self._missing[job_id]
            self._add_ended(job_id)
        self._has_arrived |= bool(claimed)
        hinted = [one for job_id in waiting for one in _all(self._waiting[job_id])]
        for subscription in hinted:
            subscription.notified, subscription.hinted = False, True
        self._poll(hinted)
        return claimed

    def check(self, now: float) -> None:
        """Stop skipping polls for some time if messages were lost."""
        if self._reader is None or not self._missing:
            return
        if not self._reader.is_healthy():
            self._ignore_missing()
            return
        lost = []
        for job_id, late_from in self._missing.items():
            if late_from > now:
                break
            lost.append(job_id)
        for job_id in lost:
            del self._missing[job_id]
            self._add_ended(job_id)
        if lost:
            if self._is_trusted(now):
                message = "No message arrived about %d ended %s jobs, such as %s: for %.0f s, no poll is skipped"
                log.warning(message, len(lost), self._family, lost[0], DISTRUST)
            self._distrusted_until = now + DISTRUST

    def _is_trusted(self, now: float) -> bool:
        # Before the first message, it is unknown whether the service sends messages about jobs of this family.
        has_arrived = self._has_arrived and now >= self._distrusted_until
        return has_arrived and self._reader is not None and self._reader.is_healthy()

    def _ignore_missing(self) -> None:
        """Stop expecting messages about ended jobs, because the reader is not healthy."""
        for job_id in self._missing:
            self._add_ended(job_id)
        self._missing.clear()

    def _add_ended(self, job_id: str) -> None:
        self._ended.pop(job_id, None)
        self._ended[job_id] = None
        if len(self._ended) > ENDED_JOBS:
            del self._ended[next(iter(self._ended))]


def first_skipped(notified_since: float | None) -> int:
    """Return the initial number of skipped polls: the first poll is skipped only if no message can have been missed."""
    is_fresh = notified_since is not None and time.time() - notified_since < FRESH
    return 0 if is_fresh else POLLS_PER_QUERY - 1


def _all(subscriptions: _Subscriptions) -> tuple[Subscription, ...]:
    return subscriptions if isinstance(subscriptions, tuple) else (subscriptions,)
