"""Encodes values as the strings that the services accept."""

from __future__ import annotations

import json
from typing import Any


def encode_value(value: Any) -> str:
    """
    Return a dict or a list as compact JSON, a bool as ``true`` or ``false``, and any other value as a string.

    :raises TypeError: for content that JSON cannot represent.
    :raises ValueError: for NaN and infinity, which JSON cannot represent either.
    """
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def flatten(name: str, value: Any) -> dict[str, str]:
    """
    Return the parameters for a list or a dict that the API does not accept as JSON, such as ``Ids.1`` or ``Tag.1.Key``.

    Any other value keeps its name, and ``None`` is omitted.
    """
    if value is None:
        return {}
    if not isinstance(value, (dict, list)):
        return {name: encode_value(value)}
    items = value.items() if isinstance(value, dict) else enumerate(value, 1)
    return {part: text for key, item in items for part, text in flatten(f"{name}.{key}", item).items()}
