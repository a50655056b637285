"""
The acknowledged shared stream of a queue, for Airflow 3.3 and later.

All watchers of a queue in a triggerer share one stream. A message is deleted only after Airflow has stored its events.
"""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterator, Sequence

from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from airflow_provider_ims._events.consumer import Delivery, QueueConsumer

#: Seconds until the first message is received. Watchers that join later do not see it, and when a triggerer starts, it
#: starts its watchers one after the other.
JOIN_SECONDS = 5.0


class SmqStreamProducer(SharedStreamProducer):
    """
    The messages of a queue, for all its watchers in a triggerer.

    :param consumer: The consumer of the queue.
    """

    def __init__(self, consumer: QueueConsumer) -> None:
        self._consumer = consumer

    async def open_stream(self) -> AsyncIterator[tuple[Delivery, Delivery]]:
        """Yield each message, for the watchers and for :meth:`advance`."""
        await sleep(JOIN_SECONDS)
        async for delivery in self._consumer.deliveries():
            yield delivery, delivery

    def get_advance_lane(self, broker_payload: Delivery) -> str:
        """Settle each message without waiting for others."""
        return broker_payload.message.id

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Delete the messages whose events are stored, and release the others."""
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
        """Release the messages that are not settled."""
        await self._consumer.aclose()
