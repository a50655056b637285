"""Encodes values as the text that the services accept."""

from __future__ import annotations

import json
from typing import Any


def encode_value(value: Any) -> str:
    """
    Return a dict or a list as compact JSON, a bool as ``true`` or ``false``, and any other value as text.

    :raises TypeError: for content that JSON cannot represent.
    :raises ValueError: for NaN and infinity, which JSON cannot represent either.
    """
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return str(value).lower() if isinstance(value, bool) else str(value)
