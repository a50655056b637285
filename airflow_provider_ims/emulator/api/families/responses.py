"""Builds responses in the documented format from the fields of resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeAlias

from airflow_provider_ims.emulator.api.families.kinds import ResourceKind
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import dump, load
from airflow_provider_ims.emulator.api.model import Fields
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.resources import Resource

Lookup: TypeAlias = "Callable[[str], Any]"
"""A function that returns the value of a field by its name; None if the field does not exist."""

#: The names of the fields that contain the creation time, in lowercase.
CREATED = frozenset(
    {"createtime", "creationtime", "gmtcreate", "gmtcreated", "createdtime", "createtimestamp", "submittime"}
)
#: The names of the fields that contain the modification time, in lowercase.
MODIFIED = frozenset(
    {"modifiedtime", "modifytime", "modificationtime", "gmtmodified", "lastmodified", "updatetime", "modifytimestamp"}
)


def view_of(kind: ResourceKind, jobs: Jobs, resource: Resource) -> Lookup:
    """
    Return a function that looks up the value of a field of a resource by its name.

    The function ignores case, and accepts all known names for the creation time and the modification time.
    """
    derived = kind.derived(jobs, resource) if kind.derived else {}
    fields = {name.lower(): value for name, value in {**resource.fields, **derived}.items()}

    def lookup(name: str) -> Any:
        value = fields.get(kind.field_of(name).lower())
        if value is None and name.lower() in CREATED:
            return Moment(resource.created)
        if value is None and name.lower() in MODIFIED:
            return Moment(resource.modified)
        return value

    return lookup


class Moment(float):
    """
    A time in seconds since the epoch.

    Responses contain a time as an ISO 8601 string or as a number of milliseconds, depending on the documented type of
    the field.
    """


class Numbered(str):
    """
    A string, such as a status, for which some actions return a number.

    :param word: The string.
    :param number: The number that replaces the string in fields of the type ``integer``.
    """

    def __new__(cls, word: str, number: int) -> Self:
        """Create the string and attach the number."""
        numbered = super().__new__(cls, word)
        numbered.number = number
        return numbered

    number: int


def fill(shape: Mapping[str, Any], lookup: Lookup) -> Fields:
    """
    Return those documented fields for which there is a value, converted to their documented types.

    :param shape: The documented fields: name -> type.
    :param lookup: A function that returns the value of a field by its name.
    """
    content = {name: convert(value, inner) for name, inner in shape.items() if (value := lookup(name)) is not None}
    return {name: value for name, value in content.items() if value is not None}


def flattened(shape: Mapping[str, Any], lookup: Lookup, hidden: frozenset[str]) -> Fields:
    """
    Return the documented fields of a resource, as :func:`fill` does, and also fill the nested objects.

    In many responses, the fields of one resource are distributed over nested objects. A nested object is filled with
    these fields unless the resource has a field with the name of the object.

    :param hidden: The names of nested objects that are not filled.
    """
    content = fill(shape, lookup)
    for name, inner in shape.items():
        if name not in content and isinstance(inner, Mapping) and name not in hidden:
            nested = flattened(inner, lookup, hidden)
            content |= {name: nested} if nested else {}
    return content


def convert(value: Any, shape: Any) -> Any:
    """Convert a value to its documented type. Return None if it cannot be converted."""
    if isinstance(shape, str):
        return _SCALARS[shape](value)
    value = _parsed(value)
    if isinstance(shape, Sequence):
        return [item for part in value if (item := convert(part, shape[0])) is not None] if _is_list(value) else None
    if _is_list(value) and len(shape) == 1 and isinstance(next(iter(shape.values())), list):
        # In the response, the array is the only field of an object, as in {"Snapshots": {"Snapshot": []}}.
        ((name, inner),) = shape.items()
        return {name: convert(value, inner)}
    if not isinstance(value, dict):
        return None
    fields = {name.lower(): field for name, field in value.items()}
    return fill(shape, lambda name: fields.get(name.lower())) if shape else value


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return load(value)
    except ValueError:
        return value


def _text(value: Any) -> str:
    if isinstance(value, Moment):
        return iso(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return dump(value) if isinstance(value, dict | list) else str(value)


def _integer(value: Any) -> int | None:
    if isinstance(value, Moment):
        return int(value * 1000)
    if isinstance(value, Numbered):
        return value.number
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _boolean(value: Any) -> bool:
    return str(value).lower() in ("true", "1")


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def list_path(shape: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the fields that lead to the first list of objects in a response; empty if there is none."""
    for name, inner in shape.items():
        if isinstance(inner, list) and isinstance(inner[0], Mapping):
            return (name,)
        if isinstance(inner, Mapping) and (rest := list_path(inner)):
            return (name, *rest)
    return ()
