"""Encodes values as the strings that the services accept."""

from __future__ import annotations

import json
from typing import Any


def encode_value(value: Any) -> str:
    """
    Return a dict or a list as compact JSON, a bool as ``true`` or ``false``, and any other value as a string.

    :raises TypeError: if a dict or a list contains a value of a type that JSON does not support.
    :raises ValueError: if a dict or a list contains NaN or infinity, or contains itself.
    """
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def flatten(name: str, value: Any) -> dict[str, str]:
    """
    Return parameters, such as ``Ids.1`` or ``Tag.1.Key``, for a list or a dict that the API does not accept as JSON.

    Any other value keeps its name, and ``None`` is omitted.
    """
    if value is None:
        return {}
    if not isinstance(value, (dict, list)):
        return {name: encode_value(value)}
    items = value.items() if isinstance(value, dict) else enumerate(value, 1)
    return {part: text for key, item in items for part, text in flatten(f"{name}.{key}", item).items()}
