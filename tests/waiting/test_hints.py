from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from airflow_provider_ims._waiting import hints
from airflow_provider_ims._waiting.hints import DISTRUST, ENDED_JOBS, LATE, POLLS_PER_QUERY, Hints, first_skipped
from airflow_provider_ims._waiting.queue_reader import HintReceiver
from airflow_provider_ims._waiting.subscription import Inbox, Subscription

QUEUE = "ice-callback-airflow"


class Reader:
    """A reader without a queue, whose health a test sets."""

    def __init__(self) -> None:
        self.healthy = True
        self.receivers: list[HintReceiver] = []

    def join(self, receiver: HintReceiver) -> None:
        self.receivers.append(receiver)

    def leave(self, receiver: HintReceiver) -> None:
        self.receivers.remove(receiver)

    def is_healthy(self) -> bool:
        return self.healthy


class Waits:
    """The waits of one poller, and the polls that hints cause."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.polled: list[str] = []
        self.hints = Hints("smart", lambda: self.reader, self._poll)  # type: ignore[arg-type, return-value]
        self.hints.follow(QUEUE, [])

    def _poll(self, subscriptions: Iterable[Subscription]) -> None:
        self.polled += [one.job_id for one in subscriptions]

    def add(self, job_id: str, *, notified: bool = True) -> Subscription:
        subscription = Subscription(job_id, 0, poll_interval=1, wait_started_at=0, inbox=Inbox(), notified=notified)
        self.hints.add(subscription)
        return subscription

    def polls(self, subscription: Subscription, count: int, now: float = 0) -> list[bool]:
        return [not self.hints.replace_poll(subscription, now) for _ in range(count)]

    def end(self, subscription: Subscription, now: float = 0) -> None:
        self.hints.ended(subscription, now)
        self.hints.remove(subscription)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def trusting(waits: Waits) -> Waits:
    waits.end(first := waits.add("first"))
    assert waits.hints.claim({first.job_id}) == {"first"}
    return waits


ALL = [True] * (2 * POLLS_PER_QUERY)
FEW = [False] * (POLLS_PER_QUERY - 1) + [True]


def test_no_poll_is_skipped_before_a_message_has_arrived(waits: Waits) -> None:
    assert waits.polls(waits.add("a"), len(ALL)) == ALL


def test_one_of_six_polls_is_made_while_messages_arrive(trusting: Waits) -> None:
    assert trusting.polls(trusting.add("a"), 3 * POLLS_PER_QUERY) == 3 * FEW


def test_no_poll_is_skipped_without_an_expected_message(trusting: Waits) -> None:
    assert trusting.polls(trusting.add("a", notified=False), len(ALL)) == ALL


def test_no_last_poll_is_skipped(trusting: Waits) -> None:
    subscription = trusting.add("a")
    subscription.final = True
    assert trusting.polls(subscription, 1) == [True]


def test_no_poll_is_skipped_while_the_reader_is_not_healthy(trusting: Waits) -> None:
    subscription = trusting.add("a")
    assert trusting.polls(subscription, 3) == [False] * 3
    trusting.reader.healthy = False
    assert trusting.polls(subscription, len(ALL)) == ALL
    trusting.reader.healthy = True
    assert trusting.polls(subscription, POLLS_PER_QUERY) == FEW


def test_no_poll_is_skipped_after_the_message_of_the_job(trusting: Waits) -> None:
    subscription = trusting.add("a")
    assert trusting.hints.claim({"a"}) == {"a"}
    assert trusting.polled == ["a"]
    assert trusting.polls(subscription, len(ALL)) == ALL


def test_no_poll_is_skipped_for_ten_minutes_after_a_lost_message(
    trusting: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    subscription = trusting.add("a")
    for number in range(3):
        trusting.end(trusting.add(f"lost{number}"), now=number)
    trusting.hints.check(LATE - 1)
    assert trusting.polls(subscription, 1, LATE - 1) == [False]
    trusting.hints.check(LATE + 1)
    assert "No message arrived about 2 ended smart jobs, such as lost0" in caplog.text
    assert trusting.polls(subscription, len(ALL), LATE + DISTRUST) == ALL
    trusting.hints.check(LATE + 2)
    assert len(caplog.records) == 1
    assert trusting.polls(subscription, POLLS_PER_QUERY, LATE + 2 + DISTRUST) == FEW


def test_a_message_soon_after_the_end_is_not_lost(trusting: Waits, caplog: pytest.LogCaptureFixture) -> None:
    trusting.end(trusting.add("a"))
    assert trusting.hints.claim({"a"}) == {"a"}
    trusting.hints.check(LATE + 1)
    assert not caplog.records


def test_messages_are_not_lost_while_the_reader_is_not_healthy(
    trusting: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    trusting.end(trusting.add("before"))
    trusting.reader.healthy = False
    trusting.end(trusting.add("during"))
    trusting.hints.check(LATE + 1)
    trusting.reader.healthy = True
    trusting.hints.check(LATE + 2)
    assert not caplog.records
    assert trusting.hints.claim({"before", "during"}) == {"before", "during"}


def test_a_message_is_not_lost_if_another_wait_for_its_job_has_started(
    trusting: Waits, caplog: pytest.LogCaptureFixture
) -> None:
    trusting.end(trusting.add("a"))
    trusting.add("a")
    assert trusting.hints.claim({"a"}) == {"a"}
    assert trusting.polled == ["a"]
    trusting.hints.check(LATE + 1)
    assert not caplog.records


def test_messages_are_not_lost_while_no_job_waits(trusting: Waits, caplog: pytest.LogCaptureFixture) -> None:
    trusting.end(trusting.add("a"))
    trusting.hints.stop()
    assert trusting.reader.receivers == []
    trusting.hints.check(LATE + 1)
    trusting.hints.follow(QUEUE, [])
    trusting.hints.check(time.monotonic() + LATE - 1)
    assert not caplog.records
    trusting.hints.check(time.monotonic() + LATE + 1)
    assert len(caplog.records) == 1


def test_messages_about_other_jobs_are_not_claimed(trusting: Waits) -> None:
    trusting.add("a")
    assert trusting.hints.claim({"b", "a", "c", "first"}) == {"a", "first"}
    assert trusting.polled == ["a"]


def test_only_the_latest_ended_jobs_are_remembered(waits: Waits) -> None:
    for number in range(ENDED_JOBS + 1):
        waits.end(waits.add(str(number), notified=False))
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


@pytest.mark.parametrize(
    ("age", "skipped"), [(None, POLLS_PER_QUERY - 1), (0.0, 0), (hints.FRESH + 1, POLLS_PER_QUERY - 1)]
)
def test_the_first_poll_is_skipped_only_soon_after_the_submit(age: float | None, skipped: int) -> None:
    assert first_skipped(None if age is None else time.time() - age) == skipped
