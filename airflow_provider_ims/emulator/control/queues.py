"""The commands of the control interface for queues."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.queues import Queues
from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.state.queues import Queue


def list_queues(service: EmulatedService, options: dict[str, Any]) -> Any:
    """Return all queues."""
    return [service.describe_queue(queue) for queue in service.store.queues.queues()]


def list_messages(service: EmulatedService, options: dict[str, Any]) -> Any:
    """Return the messages of a queue."""
    queues, queue = _find(service, options)
    messages = [vars(message) for message in queues.table.messages(queue, queues.now())]
    service.store.commit()
    names = ("message_id", "body", "priority", "enqueued", "visible", "received")
    return [{name: message[name] for name in names} for message in messages]


def put_messages(service: EmulatedService, options: dict[str, Any]) -> Any:
    """Add messages to a queue and return the message ids."""
    queues, queue = _find(service, options)
    try:
        message_ids = [queues.put(queue, body).message_id for body in options["bodies"]]
    except ApiError as error:
        raise ValueError(str(error)) from None
    service.store.commit()
    return message_ids


def show_messages(service: EmulatedService, options: dict[str, Any]) -> Any:
    """Make all messages of a queue visible."""
    queues, queue = _find(service, options)
    queues.table.show_all(queue, queues.now())
    service.store.commit()


def _find(service: EmulatedService, options: dict[str, Any]) -> tuple[Queues, Queue]:
    queues = service.queues.in_region(options.get("region") or service.settings.region_id)
    try:
        return queues, queues.find(options["queue"])
    except ApiError as error:
        raise ValueError(str(error)) from None
