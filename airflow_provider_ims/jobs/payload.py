"""Reading the JSON strings and the loosely typed values that answers hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

#: How deep a result may be nested. Airflow's own limits are a few times that; what is deeper stays a string.
MAX_DEPTH = 50
#: Integers below it fit into MessagePack, which Airflow's processes speak among themselves.
_TOO_LARGE = 2**63
#: Where a name's next word begins: before a capital after small letters, and before the last of several capitals.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return a name of the API in snake_case, such as ``ai_template_id`` for ``AITemplateId``."""
    return _WORD.sub("_", name).lower()


def walk_path(value: Any, path: str) -> Iterator[Any]:
    """
    Yield what lies at the end of a path, such as ``Data.JobId``, ``JobList[].JobId`` or ``Extend.ErrorCode``.

    :param value: An answer, or a part of one. JSON inside a string is walked into like anything else.
    :param path: Names of fields; ``[]`` goes through each item of a list. An empty one stays where it is.
    """
    if not path:
        yield value
        return
    name, _, rest = path.partition(".")
    if isinstance(value, str):
        value = parsed(value)
    inner = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    several = inner if isinstance(inner, list) else ()
    for item in several if name.endswith("[]") else (inner,):
        yield from walk_path(item, rest)


def first(value: Any, path: str) -> str | None:
    """Return the first text at the end of a path, ``None`` where there is none."""
    return next((found for item in walk_path(value, path) if (found := text(item))), None) if path else None


def normalize(value: Any) -> Any:
    """
    Return a part of an answer as data for users: the API's names in snake_case.

    A string that holds a JSON object or list becomes what it holds. Whose names those are nobody knows, so they stay.
    """
    if isinstance(value, dict):
        return {snake_case(_storable(name)): normalize(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [normalize(item) for item in value]
    if isinstance(value, str):
        return parsed(value) if value[:1] in ("{", "[") else text(value)
    return _carried(value)


def parsed(value: Any) -> Any:
    """
    Return what a JSON string holds, or the value itself where it is no JSON string, as data that Airflow can carry.

    A finished job is paid for: a payload that cannot be read is handed on raw, it does not fail the task.
    """
    if not isinstance(value, str):
        return _carried(value)
    try:
        return _carried(json.loads(value))
    except (ValueError, RecursionError):
        return text(value)


def _carried(value: Any, depth: int = 0) -> Any:
    """Replace what Python reads as JSON but neither JSON nor MessagePack can hold."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, dict):
        return {_storable(name): _carried(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_carried(inner, depth + 1) for inner in value]
    return number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def written(value: Any) -> str:
    """Return a text as it is, and any other value as the JSON that it came as."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _storable(value: str) -> str:
    """Replace lone surrogates, which JSON can name but UTF-8 cannot write."""
    return value.encode(errors="replace").decode()


def text(value: Any) -> str | None:
    """Return a value as text, ``None`` for nothing."""
    return None if value is None or value == "" else _storable(str(value))


def number(value: Any) -> float | int | None:
    """Return a number, also where the service wrote it as a string; ``None`` where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) and abs(value) < _TOO_LARGE:
        return value
    try:
        as_float = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(as_float):
        return None
    whole = isinstance(value, str) and as_float.is_integer() and abs(as_float) < _TOO_LARGE
    return int(as_float) if whole else as_float


def objects(value: Any) -> list[dict[str, Any]] | None:
    """Return a list of JSON objects, ``None`` where the value is anything else."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    return None


def usage(value: Any) -> dict[str, int] | None:
    """Return ``{"total_tokens": int}`` from the service's usage string, ``None`` without a count."""
    counted = parsed(value)
    tokens = number(counted.get("total_tokens")) if isinstance(counted, dict) else None
    return None if tokens is None or abs(tokens) >= _TOO_LARGE else {"total_tokens": int(tokens)}
