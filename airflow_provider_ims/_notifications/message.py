"""
Reads the messages that IMS and VOD send about events, such as the end of a job.

IMS sends ``{"EventType", "UserId", "EventTime", "MessageBody": {...}}``, and VOD one flat object. The names of the
events of smart jobs are not documented, so this module does not depend on them. No function raises an error for a
malformed message.
"""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: The maximum depth at which objects and lists in a message are read, including those in strings that contain JSON.
MAX_DEPTH = 32
#: The maximum number of values that are read from a message.
MAX_VALUES = 10_000
#: The maximum length of a string that is read as JSON. It exceeds the maximum size of a message in SMQ, 64 KB.
MAX_LENGTH = 1_000_000

#: The names of fields with job ids, such as ``JobId``, ``SubJobIds`` and ``TaskId``, in lower case without underscores.
_ID_FIELD = re.compile(r".*(jobids?|taskids?)")
_ID = re.compile(r"[\x21-\x7e]{1,128}")
#: The names of the fields with the user's own data, whose contents are not fields of the event.
_USER_DATA = ("userdata", "extend")
_STATUS = ("status", "jobstatus", "state")
#: A status in lower case -> the normalized status.
_NORMAL = {
    **dict.fromkeys(("success", "succeeded", "successful", "finished", "complete", "completed"), "success"),
    **dict.fromkeys(("fail", "failed", "failure", "error"), "fail"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """
    The event that a message describes.

    :param event_type: The type of the event, such as ``ProduceMediaComplete``; ``None`` if the message contains none.
    :param status: The status as sent, such as ``Success``; ``None`` if the message contains none.
    :param outcome: The normalized status: ``success``, ``fail``, or any other status in lower case; ``None`` if the
        message contains none.
    :param user_data: ``UserData`` of IMS or ``Extend`` of VOD; parsed if it is a JSON object or list; ``None`` if the
        message contains none.
    """

    event_type: str | None
    status: str | None
    outcome: str | None
    user_data: Any


def parse_message(body: str) -> dict[str, Any] | None:
    """Return the JSON object in the body of a message, or ``None`` if there is none."""
    value = _decoded(body)
    return value if isinstance(value, dict) else None


def job_ids_in(message: Any) -> set[str]:
    """Return the values of all fields with job ids, including those inside objects, lists and strings with JSON."""
    return {found for name, value in _fields(message) if _ID_FIELD.fullmatch(name) for found in _ids(value)}


def event_of(message: Any) -> Event:
    """Return the event that a message describes. If several fields have the same name, the outermost one is used."""
    found: dict[str, Any] = {}
    for name, value in _fields(message, inside_user_data=False):
        found.setdefault(name, value)
    event_type = _first_text(found, "eventtype")
    status = _first_text(found, *_STATUS)
    outcome = None if status is None else _NORMAL.get(status.lower(), status.lower())
    user_data = next((found[name] for name in _USER_DATA if name in found), None)
    parsed = _decoded(user_data) if isinstance(user_data, str) else None
    return Event(event_type, status, outcome, user_data if parsed is None else parsed)


def _fields(message: Any, *, inside_user_data: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield the name, in lower case without underscores, and the value of each field, outermost first."""
    waiting = deque([(message, 0)])
    left = MAX_VALUES
    while waiting and left > 0:
        value, depth = waiting.popleft()
        left -= 1
        if isinstance(value, str):
            value = _decoded(value)
        if depth > MAX_DEPTH or not isinstance(value, (dict, list)):
            continue
        fields = value.items() if isinstance(value, dict) else (("", item) for item in value)
        for name, inner in fields:
            name = str(name).replace("_", "").lower()
            if name:
                yield name, inner
            if isinstance(inner, (dict, list, str)) and (inside_user_data or name not in _USER_DATA):
                waiting.append((inner, depth + 1))


def _ids(value: Any) -> Iterator[str]:
    for one in value[:MAX_VALUES] if isinstance(value, list) else [value]:
        text = str(one).strip() if isinstance(one, (str, int)) and not isinstance(one, bool) else ""
        if _ID.fullmatch(text):
            yield text


def _first_text(found: dict[str, Any], *names: str) -> str | None:
    return next((found[name].strip() for name in names if isinstance(found.get(name), str)), None)


def _decoded(text: str) -> Any:
    """Return the object or the list in a string with JSON or base64-encoded JSON; ``None`` if there is none."""
    if len(text) > MAX_LENGTH:
        return None
    for _ in range(3):
        try:
            if not text.lstrip().startswith(("{", "[", '"')):
                text = base64.b64decode("".join(text.split()), validate=True).decode()
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, str):
            return value if isinstance(value, (dict, list)) else None
        text = value
    return None
