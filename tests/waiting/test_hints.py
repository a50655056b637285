from __future__ import annotations

from collections.abc import Iterable

import pytest
from support.notified import QUEUE, ReaderOfMessages

from airflow_provider_ims._waiting.hints import ENDED_JOBS, Hints
from airflow_provider_ims._waiting.subscription import Inbox, Subscription


class Waits:
    """The waits of one poller, and the polls that hints cause."""

    def __init__(self) -> None:
        self.reader = ReaderOfMessages()
        self.polled: list[str] = []
        self.hints = Hints(lambda: self.reader, self._poll)  # type: ignore[arg-type, return-value]
        self.hints.follow(QUEUE, [])

    def _poll(self, subscriptions: Iterable[Subscription]) -> None:
        self.polled += [one.job_id for one in subscriptions]

    def add(self, job_id: str) -> Subscription:
        subscription = Subscription(job_id, 0, poll_interval=1, wait_started_at=0, inbox=Inbox())
        self.hints.add(subscription)
        return subscription

    def end(self, subscription: Subscription) -> None:
        self.hints.record_end(subscription.job_id)
        self.hints.remove(subscription)


@pytest.fixture
def waits() -> Waits:
    return Waits()


def test_messages_about_jobs_without_a_wait_are_not_claimed(waits: Waits) -> None:
    waits.add("a")
    waits.end(waits.add("ended"))
    assert waits.hints.claim({"b", "a", "c", "ended"}) == {"a", "ended"}
    assert waits.polled == ["a"]


def test_a_message_about_an_ended_job_is_claimed_again_and_again(waits: Waits) -> None:
    waits.end(waits.add("a"))
    assert [waits.hints.claim({"a"}) for _ in range(3)] == [{"a"}] * 3
    assert not waits.polled


def test_a_reader_is_left_when_the_connection_has_no_queue_any_more(waits: Waits) -> None:
    waits.add("a")
    waits.hints.follow(None, [])
    assert waits.reader.receivers == []
    assert waits.hints.claim({"a"}) == set()


def test_only_the_latest_ended_jobs_are_remembered(waits: Waits) -> None:
    for number in range(ENDED_JOBS + 1):
        waits.end(waits.add(str(number)))
    assert waits.hints.claim({"0", "1", str(ENDED_JOBS)}) == {"1", str(ENDED_JOBS)}


def test_all_waits_for_a_job_are_hinted_until_they_are_removed(waits: Waits) -> None:
    first, second, third = (waits.add("a") for _ in range(3))
    waits.hints.remove(second)
    waits.hints.claim({"a"})
    assert waits.polled == ["a", "a"]
    assert (first.hinted, second.hinted, third.hinted) == (True, False, True)
    waits.hints.remove(first)
    waits.hints.remove(third)
    assert waits.hints.claim({"a"}) == set()


def test_waits_from_before_the_queue_was_known_are_hinted() -> None:
    waits = Waits()
    waits.hints.follow(None, [])
    early = waits.add("a")
    assert waits.hints.claim({"a"}) == set()
    waits.hints.follow(QUEUE, [early])
    assert waits.hints.claim({"a"}) == {"a"}
