"""Reads JSON strings and loosely typed values in responses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

#: The maximum nesting depth of JSON in a string. More deeply nested JSON is not parsed. Airflow's own limits are
#: several times higher.
MAX_DEPTH = 50
#: Integers with at least this absolute value are converted to floats, because Airflow's processes exchange data as
#: MessagePack, whose integers have at most 64 bits.
_INTEGER_LIMIT = 2**63
#: The names of the numeric fields of results.
_NUMBERS = frozenset({"duration", "from", "height", "index", "score", "size", "to", "width"})
#: Word boundaries: between a lowercase letter or a digit and an uppercase letter, and before the last of several
#: uppercase letters if a lowercase letter follows, except in a plural such as ``URLs``.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])")


def snake_case(name: str) -> str:
    """Return an API name in snake_case, such as ``ai_template_id`` for ``AITemplateId``."""
    return _WORD.sub("_", name).lower()


def walk_path(value: Any, path: str) -> Iterator[Any]:
    """
    Yield the values at a path, such as ``Data.JobId``, ``JobList[].JobId`` or ``Extend.ErrorCode``.

    :param value: A response, or a part of one. JSON in a string is parsed.
    :param path: Field names, separated by dots; ``[]`` iterates over a list. An empty path yields ``value``.
    """
    if not path:
        yield value
        return
    name, _, rest = path.partition(".")
    if isinstance(value, str):
        value = parse_json(value)
    inner = value.get(name.removesuffix("[]")) if isinstance(value, dict) else None
    items = inner if isinstance(inner, list) else ()
    for item in items if name.endswith("[]") else (inner,):
        yield from walk_path(item, rest)


def first_text(value: Any, *paths: str) -> str | None:
    """Return the first non-empty value at the given paths as a string; ``None`` if there is none."""
    texts = (as_text(item) for path in paths if path for item in walk_path(value, path))
    return next((text for text in texts if text), None)


def read_fields(value: Any, *fields: str) -> dict[str, Any]:
    """
    Return fields of a response as strings or numbers, keyed by the last component of each path in snake_case.

    :param value: A response, or a part of one.
    :param fields: Paths such as ``Output.Media``, optionally with another key and with fallback paths, as in
        ``url=File.Url|Output.Url``.
    """
    result: dict[str, Any] = {}
    for field in fields:
        name, _, paths = field.rpartition("=")
        name = name or snake_case(paths.rpartition(".")[2])
        text = first_text(value, *paths.split("|"))
        result[name] = as_number(text) if name in _NUMBERS else text
    return result


def normalize(value: Any, *, parse: bool = True) -> Any:
    """
    Convert a part of a response to data that Airflow can store, with the API's field names in snake_case.

    :param parse: Whether to parse strings that contain a JSON object or list. The names inside such a string are not
        converted, because they may be data.
    """
    if isinstance(value, dict):
        return {snake_case(_replace_surrogates(name)): normalize(inner, parse=parse) for name, inner in value.items()}
    if isinstance(value, list):
        return [normalize(item, parse=parse) for item in value]
    if isinstance(value, str):
        if not parse:
            return _replace_surrogates(value)
        return parse_json(value) if value[:1] in ("{", "[") else as_text(value)
    return _serializable(value)


def parse_json(value: Any) -> Any:
    """
    Return a value as data that Airflow can serialize; a JSON string is parsed.

    A string that cannot be parsed is returned unparsed, because an unreadable result must not fail the task of a billed
    job.
    """
    if not isinstance(value, str):
        return _serializable(value)
    try:
        return _serializable(json.loads(value))
    except (ValueError, RecursionError):
        return as_text(value)


def _serializable(value: Any, depth: int = 0) -> Any:
    """Replace values that Python's JSON parser accepts but that JSON or MessagePack cannot represent."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        return _replace_surrogates(value)
    if isinstance(value, dict):
        return {_replace_surrogates(name): _serializable(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_serializable(inner, depth + 1) for inner in value]
    return as_number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _replace_surrogates(value: str) -> str:
    """Replace lone surrogates, which JSON can contain but UTF-8 cannot encode."""
    return value.encode(errors="replace").decode()


def as_text(value: Any) -> str | None:
    """Return a value as a string; ``None`` for ``None`` and the empty string."""
    return None if value is None or value == "" else _replace_surrogates(str(value))


def as_number(value: Any) -> float | int | None:
    """Return a finite number, or the finite number in a string; ``None`` for any other value."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) and abs(value) < _INTEGER_LIMIT:
        return value
    try:
        as_float = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(as_float):
        return None
    whole = isinstance(value, str) and as_float.is_integer() and abs(as_float) < _INTEGER_LIMIT
    return int(as_float) if whole else as_float


def as_objects(value: Any) -> list[dict[str, Any]] | None:
    """Return a list of JSON objects; ``None`` for any other value."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    return None


def require_objects(value: Any, field: str) -> list[dict[str, Any]]:
    """
    Return the list of JSON objects in a field; an empty list if the value is missing or empty.

    :raises TypeError: If the value is anything else.
    """
    found = as_objects(value or [])
    if found is None:
        raise TypeError(f"{field} is not a list of objects")
    return found


def token_usage(value: Any) -> dict[str, int] | None:
    """Return ``{"total_tokens": int}`` from the service's usage string; ``None`` if it contains no count."""
    usage = parse_json(value)
    tokens = as_number(usage.get("total_tokens")) if isinstance(usage, dict) else None
    return None if tokens is None or abs(tokens) >= _INTEGER_LIMIT else {"total_tokens": int(tokens)}
