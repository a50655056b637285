"""
Hints: the ids of a poller's jobs in messages from a queue. The poller queries a job when a message about it arrives.

A message does not prove that the job has ended; only the result of the query does. The scheduled polls continue, so a
wait ends even if the message about its job is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import TypeAlias

from airflow_provider_ims._waiting.queue_reader import QueueReader
from airflow_provider_ims._waiting.subscription import Subscription

#: The maximum number of ended jobs that a poller remembers, so that further messages about them are deleted.
ENDED_JOBS = 10_000

#: The subscriptions to one job. A single subscription, the usual case, is stored without a tuple, so that ten
#: thousand subscriptions do not need ten thousand tuples.
_Subscriptions: TypeAlias = "Subscription | tuple[Subscription, ...]"


class Hints:
    """
    Matches messages from a queue with the subscriptions of one poller.

    :param new_reader: A function that returns the reader of the connection's queue. If the argument is ``None``, the
        poller uses no messages.
    :param poll: A function that polls the jobs of subscriptions immediately.
    """

    def __init__(
        self, new_reader: Callable[[], QueueReader] | None, poll: Callable[[Iterable[Subscription]], None]
    ) -> None:
        self._new_reader = new_reader
        self._poll = poll
        self._reader: QueueReader | None = None
        self._waiting: dict[str, _Subscriptions] = {}
        self._ended: dict[str, None] = {}

    def follow(self, queue: str | None, subscriptions: Iterable[Subscription]) -> None:
        """Start using messages if the connection has a queue; otherwise, stop using them."""
        if self._new_reader is None or (queue is None) == (self._reader is None):
            return
        if queue is None:
            self.stop()
            return
        self._reader = self._new_reader()
        self._reader.join(self)
        for subscription in subscriptions:
            self.add(subscription)

    def stop(self) -> None:
        """Stop using messages."""
        if self._reader is not None:
            self._reader.leave(self)
            self._reader = None
        self._waiting.clear()

    def add(self, subscription: Subscription) -> None:
        """Add a subscription to a job."""
        if self._reader is None:
            return
        job_id = subscription.job_id
        self._waiting[job_id] = (
            (*_all(self._waiting[job_id]), subscription) if job_id in self._waiting else subscription
        )

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription to a job."""
        if self._reader is None:
            return
        left = tuple(one for one in _all(self._waiting.pop(subscription.job_id, ())) if one is not subscription)
        if left:
            self._waiting[subscription.job_id] = left

    def record_end(self, job_id: str) -> None:
        """Record that a job has ended, so that the reader deletes later messages about it."""
        if self._reader is None:
            return
        self._ended.pop(job_id, None)
        self._ended[job_id] = None
        if len(self._ended) > ENDED_JOBS:
            del self._ended[next(iter(self._ended))]

    def claim(self, job_ids: Set[str]) -> set[str]:
        """
        Claim the ids that belong to jobs of this poller, and poll these jobs unless they have ended.

        :return: The claimed ids, including those of jobs recorded as ended.
        """
        # Set intersections are fast even if the messages contain the ids of many other jobs.
        waiting = self._waiting.keys() & job_ids
        hinted = [subscription for job_id in waiting for subscription in _all(self._waiting[job_id])]
        for subscription in hinted:
            subscription.hinted = True
        self._poll(hinted)
        return waiting | (self._ended.keys() & job_ids)


def _all(subscriptions: _Subscriptions) -> tuple[Subscription, ...]:
    return subscriptions if isinstance(subscriptions, tuple) else (subscriptions,)
