"""Reading the JSON strings and the loosely typed values that answers hold."""

from __future__ import annotations

import json
import math
from typing import Any


def parsed(value: Any) -> Any:
    """
    Return what a JSON string holds, or the value itself where it is no JSON string.

    A finished job is paid for: a payload that cannot be read is handed on raw, it does not fail the task.
    """
    if not isinstance(value, str):
        return value
    try:
        # NaN and Infinity are no JSON: they would break whatever stores the result.
        return json.loads(value, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return value


def text(value: Any) -> str | None:
    """Return a value as text, ``None`` for nothing."""
    return None if value is None or value == "" else str(value)


def number(value: Any) -> float | int | None:
    """Return a number, also where the service wrote it as a string; ``None`` where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    try:
        as_float = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(as_float):
        return None
    return int(as_float) if isinstance(value, str) and as_float.is_integer() else as_float


def objects(value: Any) -> list[dict[str, Any]] | None:
    """Return a list of JSON objects, ``None`` where the value is anything else."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    return None


def usage(value: Any) -> dict[str, int] | None:
    """Return ``{"total_tokens": int}`` from the service's usage string, ``None`` without a count."""
    counted = parsed(value)
    tokens = number(counted.get("total_tokens")) if isinstance(counted, dict) else None
    return None if tokens is None else {"total_tokens": int(tokens)}
