"""The messages of a queue over time, with a clock that the tests set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_ims.emulator.api.queues import DEFAULTS
from airflow_provider_ims.emulator.state.queues import Counts, Queue, QueueTable, ReceiptHandleError
from airflow_provider_ims.emulator.state.store import Store

DAY = 24 * 3600.0


@pytest.fixture
def table() -> Iterator[QueueTable]:
    store = Store()
    yield store.queues
    store.close()


@pytest.fixture
def queue(table: QueueTable) -> Queue:
    return table.add_queue("cn-shanghai", "ice-callback-demo", dict(DEFAULTS), now=0.0)


def test_a_received_message_is_invisible_until_its_visibility_timeout_expires(table: QueueTable, queue: Queue) -> None:
    table.put(queue, "one", priority=8, now=1.0)
    (first,) = table.receive(queue, 16, 2.0)
    assert (first.received, first.first_received, first.visible) == (1, 2.0, 32.0)
    assert table.receive(queue, 16, 31.9) == []
    assert table.next_visible(queue, 31.9) == 32.0
    (second,) = table.receive(queue, 16, 32.0)
    assert (second.received, second.first_received, second.message_id) == (2, 2.0, first.message_id)


def test_a_receipt_handle_is_valid_until_the_message_is_visible_or_has_another_handle(
    table: QueueTable, queue: Queue
) -> None:
    table.put(queue, "one", priority=8, now=0.0)
    (first,) = table.receive(queue, 1, 0.0)
    handle = first.receipt_handle
    assert table.of_receipt(queue, handle, 29.9) == first
    assert table.of_receipt(queue, handle, 30.0) is None
    table.hide(first, 30.0)
    assert table.of_receipt(queue, handle, 1.0) is None
    assert table.of_receipt(queue, first.receipt_handle, 1.0) == first
    (second,) = table.receive(queue, 1, 30.0)
    assert [table.of_receipt(queue, one.receipt_handle, 31.0) for one in (first, second)] == [None, second]


@pytest.mark.parametrize(
    "handle", ["", "8-", "8-MQ==", "x", "8-MS0yLTM*", "8-MS0yLTMtNA==", "8-LTEtMi0z", "é-é", "8-/w=="]
)
def test_a_text_that_is_not_a_receipt_handle_is_an_error(table: QueueTable, queue: Queue, handle: str) -> None:
    with pytest.raises(ReceiptHandleError):
        table.of_receipt(queue, handle, 0.0)


def test_messages_are_ordered_by_priority_and_then_by_the_time_at_which_they_became_visible(
    table: QueueTable, queue: Queue
) -> None:
    for number, (priority, delay) in enumerate([(8, 0.0), (8, 0.0), (1, 5.0), (16, 0.0), (8, 3.0)]):
        table.put(queue, str(number), priority=priority, now=float(number), delay=delay)
    (first,) = table.receive(queue, 1, 5.0)
    assert first.body == "0"
    table.hide(first, 6.0)
    assert [message.body for message in table.peek(queue, 16, 10.0)] == ["2", "1", "0", "4", "3"]


def test_messages_are_deleted_after_the_retention_period(table: QueueTable, queue: Queue) -> None:
    table.put(queue, "old", priority=8, now=0.0)
    (old,) = table.receive(queue, 1, 0.0)
    table.hide(old, 10 * DAY)
    table.put(queue, "new", priority=8, now=1.0)
    assert table.counts(queue, 4 * DAY - 1) == Counts(active=1, inactive=1, delayed=0)
    assert [message.body for message in table.messages(queue, 4 * DAY)] == ["new"]
    assert table.of_receipt(queue, old.receipt_handle, 4 * DAY) is None
    assert table.counts(queue, 4 * DAY + 1) == Counts(active=0, inactive=0, delayed=0)


def test_the_counts_distinguish_received_and_delayed_messages(table: QueueTable, queue: Queue) -> None:
    table.put(queue, "received", priority=8, now=0.0)
    table.receive(queue, 1, 0.0)
    table.put(queue, "delayed", priority=8, now=0.0, delay=60.0)
    table.put(queue, "visible", priority=8, now=0.0)
    assert table.counts(queue, 1.0) == Counts(active=1, inactive=1, delayed=1)
    table.show_all(queue, 1.0)
    assert table.counts(queue, 1.0) == Counts(active=3, inactive=0, delayed=0)


def test_a_repeated_message_has_the_same_id_and_its_own_receipt_handle(table: QueueTable, queue: Queue) -> None:
    table.put(queue, "one", priority=8, now=0.0)
    (first,) = table.receive(queue, 1, 0.0)
    table.repeat(first, 0.0)
    (second,) = table.receive(queue, 16, 0.0)
    assert (second.message_id, second.received) == (first.message_id, 2)
    table.delete(first)
    assert table.of_receipt(queue, second.receipt_handle, 1.0) == second


def test_waiting_receivers_are_woken_when_messages_become_visible_earlier(table: QueueTable, queue: Queue) -> None:
    for change in (
        lambda: table.put(queue, "one", priority=8, now=0.0),
        lambda: table.receive(queue, 1, 0.0),
        lambda: table.show_all(queue, 0.0),
        lambda: table.reset(),
    ):
        event = table.change(queue)
        assert not event.is_set()
        change()
        assert event.is_set()


def test_queues_and_messages_are_stored_in_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "emulator.db")
    store = Store(path)
    queue = store.queues.add_queue("cn-shanghai", "q", {**DEFAULTS, "VisibilityTimeout": 5}, now=0.0)
    store.queues.put(queue, "one", priority=8, now=0.0)
    (message,) = store.queues.receive(queue, 1, 1.0)
    store.commit()
    store.close()
    later = Store(path)
    assert later.queues.queue("cn-shanghai", "q") == queue
    assert later.queues.queue("cn-beijing", "q") is None
    assert later.queues.of_receipt(queue, message.receipt_handle, 2.0) == message
    later.close()
