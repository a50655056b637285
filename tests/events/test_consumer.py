from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from support.smq_events import QUEUE, body, until
from support.waiting import CEILING

from airflow_provider_ims._events import consumer
from airflow_provider_ims._events.consumer import Delivery, QueueConsumer
from airflow_provider_ims.exceptions import ImsUnavailableError

EXTEND, RECEIVE = "smq:ChangeMessageVisibility", "smq:BatchReceiveMessage"


@asynccontextmanager
async def receiving(received: list[Delivery]):
    """Run a consumer that appends its deliveries to a list."""
    queue_consumer = QueueConsumer(QUEUE, "ims_default", None)

    async def receive() -> None:
        async for delivery in queue_consumer.deliveries():
            received.append(delivery)

    task = asyncio.get_running_loop().create_task(receive())
    try:
        async with asyncio.timeout(CEILING):
            yield queue_consumer
    finally:
        task.cancel()
        await queue_consumer.aclose()


def test_messages_are_read_outside_of_the_event_loop(queue_emulator, monkeypatch) -> None:
    threads: list[int] = []
    read_payload = consumer.read_payload
    monkeypatch.setattr(
        consumer, "read_payload", lambda *message: threads.append(threading.get_ident()) or read_payload(*message)
    )

    async def test() -> None:
        received: list[Delivery] = []
        async with receiving(received):
            queue_emulator.put_messages(QUEUE, [body("j1")])
            await until(lambda: received)

    asyncio.run(test())
    assert threads
    assert threading.get_ident() not in threads


def test_no_further_requests_are_sent_after_a_failed_request(queue_emulator, monkeypatch) -> None:
    monkeypatch.setattr(consumer, "TICK", CEILING)
    monkeypatch.setattr(consumer, "FIRST_EXTENSION", 0.0)

    async def test() -> None:
        received: list[Delivery] = []
        async with receiving(received) as queue_consumer:
            queue_emulator.put_messages(QUEUE, [body(f"j{number}") for number in range(10)])
            await until(lambda: len(received) == 10)
            queue_emulator.fault(EXTEND, "unavailable", count=None)
            with pytest.raises(ImsUnavailableError):
                await queue_consumer._settle()
            assert len(queue_emulator.requests(EXTEND)) == 1
            queue_emulator.clear_faults()
            await queue_consumer._settle()
            assert len(queue_emulator.requests(EXTEND)) == 11

    asyncio.run(test())


def test_a_message_that_cannot_be_hidden_does_not_prevent_the_extension_of_others(queue_emulator, monkeypatch) -> None:
    monkeypatch.setattr(consumer, "TICK", CEILING)
    monkeypatch.setattr(consumer, "FIRST_EXTENSION", 0.0)

    async def test() -> None:
        received: list[Delivery] = []
        async with receiving(received) as queue_consumer:
            queue_emulator.put_messages(QUEUE, [body("j1"), body("j2")])
            await until(lambda: len(received) == 2)
            for _ in range(2):
                queue_emulator.fault(EXTEND, "unavailable", count=1)
                with pytest.raises(ImsUnavailableError):
                    await queue_consumer._settle()
            handles = {str(one["parameters"]) for one in queue_emulator.requests(EXTEND)}
            assert len(handles) == 2

    asyncio.run(test())


def test_the_number_of_pending_messages_is_limited(queue_emulator, monkeypatch) -> None:
    monkeypatch.setattr(consumer, "MAX_PENDING", 1)

    async def test() -> None:
        received: list[Delivery] = []
        async with receiving(received) as queue_consumer:
            queue_emulator.put_messages(QUEUE, [body(f"j{number}") for number in range(20)])
            # One request returns up to 16 messages.
            await until(lambda: len(received) == 16)
            requests = len(queue_emulator.requests(RECEIVE))
            for delivery in received[:15]:
                queue_consumer.accept(delivery)
            await until(lambda: len(queue_emulator.messages(QUEUE)) == 5)
            assert len(queue_emulator.requests(RECEIVE)) == requests
            queue_consumer.accept(received[15])
            await until(lambda: len(received) == 20)

    asyncio.run(test())


def test_a_closed_consumer_releases_the_messages_of_its_last_request(queue_emulator, monkeypatch) -> None:
    monkeypatch.setattr(consumer, "LONG_POLL", 30)

    async def test() -> None:
        received: list[Delivery] = []
        async with receiving(received):
            await until(lambda: queue_emulator.queues())
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(lambda: queue_emulator.requests(EXTEND))
        assert received == []

    asyncio.run(test())
