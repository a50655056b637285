"""Creates the payload of an asset event from a queue message, and defines the filter of a watcher."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._notifications.message import event_of, job_ids_in, parse_message
from airflow_provider_ims.hooks.smq import SmqMessage

#: The maximum depth of a value in a payload. The payload itself has depth 0.
MAX_DEPTH = 32
#: Airflow can send integers whose absolute value is smaller than this number from a triggerer to its supervisor.
MAX_INTEGER = 2**63


def read_payload(queue_name: str, message: SmqMessage) -> dict[str, Any] | None:
    """
    Return the payload of a message's event.

    :return: The payload; ``None`` if the message is not a JSON object, or if Airflow cannot store the payload.
    """
    parsed = parse_message(message.body)
    if parsed is None:
        return None
    event = event_of(parsed)
    payload = {
        "queue_name": queue_name,
        "message_id": message.id,
        "event_type": event.event_type,
        "status": event.outcome,
        "job_ids": sorted(job_ids_in(parsed)),
        "user_data": event.user_data,
        "message": parsed,
    }
    return payload if is_storable(payload) else None


def is_storable(value: Any, depth: int = 0) -> bool:
    """
    Return whether Airflow can store a JSON value.

    An event that cannot be sent to the supervisor would stop the triggerer each time its message is received.

    :param depth: The depth of the value in the payload.
    """
    if depth > MAX_DEPTH:
        return False
    match value:
        case None | bool():
            return True
        case int():
            return abs(value) < MAX_INTEGER
        case float():
            return math.isfinite(value)
        case str():
            # PostgreSQL stores neither half a surrogate pair nor a null character.
            return not any("\ud800" <= character <= "\udfff" or character == "\0" for character in value)
        case list():
            return all(is_storable(item, depth + 1) for item in value)
        case dict():
            return all(is_storable(key) and is_storable(item, depth + 1) for key, item in value.items())
    return False


@dataclass(frozen=True)
class EventFilter:
    """
    The conditions of a watcher. An empty condition accepts every event.

    :param event_types: The accepted event types.
    :param statuses: The accepted values of :attr:`~airflow_provider_ims._notifications.message.Event.outcome`.
    :param user_data: Fields that the user data of the job must contain, with their values.
    """

    event_types: Collection[str]
    statuses: Collection[str]
    user_data: Mapping[str, Any]

    def accepts(self, payload: Mapping[str, Any]) -> bool:
        """Return whether an event meets all conditions."""
        return (
            (not self.event_types or payload["event_type"] in self.event_types)
            and (not self.statuses or payload["status"] in self.statuses)
            and (not self.user_data or contains(payload["user_data"], self.user_data))
        )


def contains(value: Any, expected: Any) -> bool:
    """Return whether a JSON value equals an expected value. Objects may have additional fields, except inside lists."""
    if isinstance(expected, Mapping):
        return isinstance(value, Mapping) and all(
            name in value and contains(value[name], inner) for name, inner in expected.items()
        )
    return isinstance(value, bool) == isinstance(expected, bool) and bool(value == expected)
