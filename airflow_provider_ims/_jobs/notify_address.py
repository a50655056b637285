"""The address to which the service sends a message when an IMS job ends. It is a field of the job's UserData."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_ims.hooks._encoding import encode_value

#: The field of UserData that holds the address: a URL, or the name of a queue.
NOTIFY_ADDRESS = "NotifyAddress"


def add_notify_address(user_data: str | None, queue: str, *, max_bytes: int) -> str | None:
    """
    Return UserData with the name of a queue as the address.

    :param user_data: The UserData, or ``None``.
    :param queue: The name of the queue.
    :param max_bytes: The maximum length of the action's UserData, in bytes of UTF-8.
    :return: The merged JSON; ``None`` if it would be too long, or if UserData is not a JSON object, already has an
        address, or contains a value that cannot be encoded again, such as ``1e999`` (infinity).
    """
    content = _read(user_data or "{}")
    if content is None or NOTIFY_ADDRESS in content:
        return None
    try:
        merged = encode_value({**content, NOTIFY_ADDRESS: queue})
        return merged if len(merged.encode()) <= max_bytes else None
    except ValueError:
        return None


def notify_address_in(user_data: str | None) -> Any:
    """Return the address in UserData; ``None`` if there is none."""
    content = _read(user_data or "{}")
    return None if content is None else content.get(NOTIFY_ADDRESS)


def _read(user_data: str) -> dict[str, Any] | None:
    try:
        content = json.loads(user_data)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
