"""The reader of a queue, with the real SDK and the emulator over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Set
from typing import Any

import pytest
from support.notified import QUEUE, text_reader, until, with_queue

from airflow_provider_ims._waiting.queue_reader import LONGEST_RELEASE, MAX_RECEIVES, QUICK_RECEIVES, release_seconds
from airflow_provider_ims._waiting.reader_metrics import ReaderMetrics
from airflow_provider_ims.emulator import ImsEmulator

__all__ = ["with_queue"]


class Receiver:
    """Claims the jobs with given ids."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.seen: list[str] = []

    def claim(self, job_ids: Set[str]) -> set[str]:
        self.seen += sorted(job_ids)
        return self.known & job_ids


def message(job_id: str) -> str:
    return json.dumps({"EventType": "Any", "MessageBody": {"JobId": job_id}})


def test_a_message_reaches_all_receivers_and_is_deleted_if_one_claims_it(with_queue: ImsEmulator) -> None:
    with_queue.put_messages(QUEUE, [message("a")])

    async def main() -> None:
        first, second = Receiver(), Receiver("a")
        for one in (first, second):
            text_reader().join(one)
        await until(lambda: bool(second.seen) and not with_queue.messages(QUEUE))
        assert first.seen == second.seen == ["a"]

    asyncio.run(main())


def test_a_message_that_is_not_claimed_is_released_and_can_be_claimed_later(with_queue: ImsEmulator) -> None:
    with_queue.put_messages(QUEUE, [message("a")])

    async def main() -> None:
        receiver = Receiver()
        text_reader().join(receiver)
        await until(lambda: any(one["action"] == "smq:ChangeMessageVisibility" for one in with_queue.requests()))
        (left,) = with_queue.messages(QUEUE)
        assert left["received"] >= 1
        receiver.known.add("a")
        await until(lambda: not with_queue.messages(QUEUE))

    asyncio.run(main())


@pytest.mark.parametrize("limit", ["MAX_RECEIVES", "MAX_AGE"])
def test_a_message_that_is_not_claimed_is_deleted_at_a_limit(
    limit: str, with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"airflow_provider_ims._waiting.queue_reader.{limit}", 1)
    with_queue.put_messages(QUEUE, [message("a")])

    async def main() -> None:
        text_reader().join(Receiver())
        await until(lambda: not with_queue.messages(QUEUE))

    asyncio.run(main())


def test_job_ids_are_found_in_a_message_that_is_a_list(with_queue: ImsEmulator) -> None:
    with_queue.put_messages(QUEUE, [f"[{message('a')}]"])

    async def main() -> None:
        text_reader().join(receiver := Receiver("a"))
        await until(lambda: not with_queue.messages(QUEUE))
        assert receiver.seen == ["a"]

    asyncio.run(main())


def test_the_number_of_pending_deletions_is_limited(with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit, the receipt handles could become invalid before the messages are deleted."""
    monkeypatch.setattr("airflow_provider_ims._waiting.discard.MAX_DELETIONS", 20)
    with_queue.fault("smq:BatchDeleteMessage", "hang", seconds=None)
    with_queue.put_messages(QUEUE, ["garbage"] * 200 + [message("a")])

    async def main() -> None:
        receiver = Receiver("a")
        text_reader().join(receiver)
        await until(lambda: "a" in receiver.seen)
        with_queue.clear_faults()
        await until(lambda: len(with_queue.messages(QUEUE)) <= 181)
        # Only the first request and the pending deletions are sent; the other messages become visible again.
        assert len(with_queue.messages(QUEUE)) >= 165

    asyncio.run(main())


def test_deletions_share_requests(with_queue: ImsEmulator) -> None:
    with_queue.put_messages(QUEUE, [message(str(number)) for number in range(40)])

    async def main() -> None:
        text_reader().join(Receiver(*map(str, range(40))))
        await until(lambda: not with_queue.messages(QUEUE))

    asyncio.run(main())
    assert len(with_queue.requests("smq:BatchDeleteMessage")) == 3


def test_many_releases_do_not_delay_the_next_messages(with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.discard.MAX_RELEASES", 5)
    with_queue.fault("smq:ChangeMessageVisibility", "hang", seconds=None)
    with_queue.put_messages(QUEUE, [message(f"other{number}") for number in range(100)] + [message("a")])

    async def main() -> None:
        receiver = Receiver("a")
        text_reader().join(receiver)
        await until(lambda: "a" in receiver.seen)
        with_queue.clear_faults()
        # Only released messages can be received again before the visibility timeout of the queue ends.
        await until(lambda: len(with_queue.requests("smq:ChangeMessageVisibility")) >= 6)

    asyncio.run(main())


def test_released_messages_are_visible_after_a_second_at_first_and_then_after_longer_times() -> None:
    seconds = [release_seconds(count) for count in range(1, MAX_RECEIVES + 1)]
    assert seconds[:QUICK_RECEIVES] == [1] * QUICK_RECEIVES
    assert seconds == sorted(seconds)
    # As documented in docs/howto/notifications.md.
    assert sum(seconds[: MAX_RECEIVES - 1]) >= 80
    assert release_seconds(10**9) == LONGEST_RELEASE


def test_the_metrics_are_emitted_and_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.providers.common.compat.sdk import Stats

    sent: list[tuple[str, float, Any]] = []
    monkeypatch.setattr(Stats, "gauge", lambda name, value, *, tags, **_: sent.append((name, value, tags)))
    metrics = ReaderMetrics("ims_default", messages=3, used=2, unused=1)
    for _ in range(2):
        metrics.report(4.5)
    names = [f"ims.smq.{name}" for name in ("seconds_since_receive", "messages", "hints_used", "hints_unused")]
    assert [name for name, _, _ in sent] == 2 * names
    assert [value for _, value, _ in sent[1:4]] == [3, 2, 1]
    assert [value for _, value, _ in sent[5:]] == [0, 0, 0]
    assert sent[0][1] == 4.5
    assert all(tags == {"conn_id": "ims_default"} for _, _, tags in sent)
