"""The trigger that creates asset events from the messages of a queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Hashable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_ims._events.consumer import Delivery, QueueConsumer
from airflow_provider_ims._events.event import EventFilter
from airflow_provider_ims._events.recent import RecentMessages
from airflow_provider_ims._notifications.message import event_of

if TYPE_CHECKING:
    from airflow.triggers.shared_stream import SharedStreamProducer

#: Before Airflow 3.3, a message is deleted this number of seconds after its event, because earlier versions do not
#: report when the event has been stored. A triggerer sends its events to the supervisor about once a second.
DELETION_DELAY = 60.0


class SmqEventTrigger(BaseEventTrigger):
    """
    Watch a queue of SMQ (Simple Message Queue, formerly MNS) to which IMS or VOD sends events.

    Use this trigger in an ``AssetWatcher``. Each message that meets all conditions (``event_types``, ``statuses`` and
    ``user_data``) creates an asset event. The payload of the event is ``{"queue_name", "message_id", "event_type",
    "status", "job_ids", "user_data", "message"}``.

    :param queue_name: The name of the queue. IMS writes only to queues whose names begin with ``ice-callback-``.
    :param ims_conn_id: The connection id. The connection must have ``smq_endpoint``. Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``.
    :param event_types: The accepted event types, such as ``ProduceMediaComplete``: a string or a list. Default: all.
    :param statuses: The accepted statuses, such as ``success`` and ``fail``: a string or a list. The statuses of the
        service that mean success or failure, such as ``Finished`` and ``Failed``, are converted to these two. All other
        statuses are converted to lower case. Default: all.
    :param user_data: Values that the job's UserData must contain, such as ``{"project": "shop"}``, as a dict or a JSON
        string. The UserData may contain other values too. Default: no condition.
    :raises ValueError: if ``queue_name`` is empty, or if another argument contains an invalid value.
    """

    def __init__(
        self,
        queue_name: str,
        ims_conn_id: str | None = "ims_default",
        region_id: str | None = None,
        *,
        event_types: Iterable[str] | str | None = None,
        statuses: Iterable[str] | str | None = None,
        user_data: Mapping[str, Any] | str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not isinstance(queue_name, str) or not queue_name:
            raise ValueError(f"queue_name must be a non-empty string, not {queue_name!r}")
        self.queue_name = queue_name
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.event_types = _names("event_types", event_types)
        self.statuses = _names("statuses", statuses)
        self.user_data = None if user_data is None else _object(user_data)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments of the trigger."""
        arguments = {
            "queue_name": self.queue_name,
            "ims_conn_id": self.ims_conn_id,
            "region_id": self.region_id,
            "event_types": self.event_types,
            "statuses": self.statuses,
            # As a string, because Airflow 3.1 does not restore nested dicts. Sorted, because Airflow identifies the
            # trigger of a watcher by its arguments.
            "user_data": None if self.user_data is None else json.dumps(self.user_data, sort_keys=True),
        }
        return f"{__name__}.SmqEventTrigger", arguments

    def shared_stream_key(self) -> Hashable:
        """
        Return the key of the stream that watchers share. For Airflow 3.3 and later.

        Watchers with the same queue, connection and region have the same key.
        """
        return "smq", self.queue_name, self.ims_conn_id, self.region_id

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Return the producer of the stream that watchers share. For Airflow 3.3 and later."""
        from airflow_provider_ims._events.producer import SmqStreamProducer

        return SmqStreamProducer(cls(**kwargs)._consumer())

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Delivery]) -> AsyncIterator[TriggerEvent]:
        """Yield the events of a shared stream that meet the conditions. For Airflow 3.3 and later."""
        wants = self._filter()
        recent = await self._load_recent()
        # Nothing is awaited between the receipt of a message and its event. If the trigger were cancelled in between,
        # the stream would regard the message as acknowledged.
        async for delivery in shared_stream:
            if delivery.message.id in recent:
                delivery.wanted = True
            elif wants.accepts(delivery.payload):
                delivery.wanted = True
                delivery.recipients.append(recent)
                delivery.unqueued += 1
                yield TriggerEvent(delivery.payload)
                delivery.unqueued -= 1

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the events that meet the conditions. For Airflow versions before 3.3, which do not share streams."""
        wants = self._filter()
        recent = await self._load_recent()
        consumer = self._consumer()
        try:
            async for delivery in consumer.deliveries():
                if delivery.message.id in recent:
                    consumer.accept(delivery)
                elif wants.accepts(delivery.payload):
                    yield TriggerEvent(delivery.payload)
                    recent.add(delivery.message.id)
                    consumer.accept(delivery, after=DELETION_DELAY)
                else:
                    consumer.reject(delivery)
        finally:
            await consumer.aclose()

    def _consumer(self) -> QueueConsumer:
        return QueueConsumer(self.queue_name, self.ims_conn_id, self.region_id)

    def _filter(self) -> EventFilter:
        # A user may also specify a status as the service sends it, such as Success.
        statuses = {event_of({"Status": status}).outcome or status for status in self.statuses or ()}
        return EventFilter(self.event_types or (), statuses, self.user_data or {})

    async def _load_recent(self) -> RecentMessages:
        _, arguments = self.serialize()
        digest = sha256(json.dumps(arguments).encode()).hexdigest()[:12]
        # Airflow 3.3 and later set this attribute.
        store = getattr(self, "asset_state_store", None)
        recent = RecentMessages(store, f"smq-messages-{self.queue_name}-{digest}")
        await recent.load()
        return recent


def _names(argument: str, value: Iterable[str] | str | None) -> list[str] | None:
    if value is None:
        return None
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [value]
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{argument} must be a string or an iterable of strings, not {value!r}")
    return sorted(set(names))


def _object(value: Mapping[str, Any] | str) -> dict[str, Any]:
    expected = "user_data must be a dict of JSON values or a JSON string that contains an object"
    try:
        text = value if isinstance(value, str) else json.dumps(dict(value) if isinstance(value, Mapping) else value)
        found = json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{expected}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{expected}, not {value!r}")
    return found
