"""
The stream of a queue's messages that several watchers share, for Airflow 3.3 and later.

The watchers in a triggerer share one stream if they have the same queue, connection and region. A message that caused
events is deleted only after Airflow has stored the events.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterator, Sequence

from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from airflow_provider_ims._events.consumer import Delivery, QueueConsumer

#: Seconds from the start of the stream to its first request. A triggerer starts its watchers one after the other, and a
#: watcher does not receive the messages that the stream received before the watcher started.
JOIN_SECONDS = 5.0


class SmqStreamProducer(SharedStreamProducer):
    """
    The messages of a queue, for all its watchers in a triggerer.

    :param consumer: The consumer of the queue.
    """

    def __init__(self, consumer: QueueConsumer) -> None:
        self._consumer = consumer

    async def open_stream(self) -> AsyncIterator[tuple[Delivery, Delivery]]:
        """Yield each message as a pair: the first item is for the watchers, the second item is for :meth:`advance`."""
        await sleep(JOIN_SECONDS)
        async for delivery in self._consumer.deliveries():
            yield delivery, delivery

    def get_advance_lane(self, broker_payload: Delivery) -> str:
        """Return the id of the message, so that each message is settled without waiting for others."""
        return broker_payload.message.id

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """
        Delete the messages whose events are stored, and reject those that no watcher accepts.

        If a watcher did not process a message, or if Airflow did not fetch or store one of its events, the message is
        released, so that it is received again.
        """
        for delivery, outcome in batch:
            if not outcome.is_clean or delivery.unqueued:
                self._consumer.release(delivery)
            elif delivery.wanted:
                for recent in delivery.recipients:
                    recent.add(delivery.message.id)
                self._consumer.accept(delivery)
            else:
                self._consumer.reject(delivery)

    async def aclose(self) -> None:
        """Close the consumer."""
        await self._consumer.aclose()
