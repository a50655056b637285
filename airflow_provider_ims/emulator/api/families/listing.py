"""Filters, sorts and paginates listings of resources."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import ResourceKind
from airflow_provider_ims.emulator.api.families.responses import Lookup, list_path
from airflow_provider_ims.emulator.api.families.shapes import Shape, documented
from airflow_provider_ims.emulator.api.model import Fields
from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.state.clock import from_iso
from airflow_provider_ims.emulator.state.resources import Resource

DEFAULT_SIZE = 10
SIZES = ("PageSize", "MaxResults", "Limit")
NUMBERS = ("PageNo", "PageNumber", "PageNum")
TOKENS = ("NextToken", "NextPageToken", "ScrollToken")
ORDERS = ("SortBy", "OrderBy", "SortOrder", "SortType", "SortByModifiedTime")
TIMES = (("StartTime", "EndTime"), ("StartOfCreateTime", "EndOfCreateTime"), ("GmtStart", "GmtEnd"))
KEYWORDS = ("keyword", "searchkeyword", "keytext")
TOTALS = ("TotalCount", "Total", "TotalNum", "TotalNumber", "SubTotal")


def listed(resources: Collection, shape: Shape, parameters: Parameters) -> tuple[list[Resource], Fields]:
    """Return one page of the resources that match the filters of a request, and the fields that describe the page."""
    names = _filters(resources.kind, shape)
    selected = [
        resource
        for resource in resources.all()
        if _in_time(resource, parameters) and _matches(resources.view(resource), resource, names, parameters)
    ]
    if not any(parameters.get(name, "").lower().endswith("asc") for name in ORDERS):
        selected.reverse()
    return page_of(selected, shape, parameters)


def page_of(selected: list[Any], shape: Shape, parameters: Parameters) -> tuple[list[Any], Fields]:
    """
    Return one page of a listing, and the fields that describe the page.

    :param selected: All items of the listing, in the order of the response.
    :param shape: The documented parameters and response of the action.
    :raises ApiError: If the size, the number or the token of the page is invalid.
    """
    sizes = [name for name in SIZES if name in shape.names]
    numbers = [name for name in NUMBERS if name in shape.names]
    tokens = [name for name in TOKENS if name in shape.names]
    size = next((_positive(parameters, name) for name in sizes if parameters.get(name)), DEFAULT_SIZE)
    number = next((_positive(parameters, name) for name in numbers if parameters.get(name)), 1)
    start = (number - 1) * size
    for name in tokens:
        if parameters.get(name):
            start = _start(parameters[name], name)
    end = start + size if sizes else len(selected)
    token = base64.b64encode(f"start:{end}".encode()).decode() if end < len(selected) else ""
    page = {name: len(selected) for name in TOTALS}
    return selected[start:end], {
        **page,
        **dict.fromkeys(NUMBERS, number),
        **dict.fromkeys(SIZES, size),
        **dict.fromkeys(TOKENS, token),
    }


def _filters(kind: ResourceKind, shape: Shape) -> list[str]:
    """Return the names of the parameters of a listing that filter the resources by the value of a field."""
    known = set(kind.id_fields) | set(_leaves(shape.response))
    for action in (*kind.create.split(), *kind.put.split()):
        known.update(documented(kind.product, action).names)
    return [
        name
        for name in shape.names
        if kind.field_of(name) in known and name not in (*SIZES, *NUMBERS, *TOKENS, *ORDERS)
    ]


def _leaves(shape: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the fields of the listed objects, including the fields of nested objects."""
    inner: Any = shape
    for name in list_path(shape):
        inner = inner[name]
    pending = [inner[0]] if isinstance(inner, list) else []
    while pending:
        for name, value in pending.pop().items():
            if isinstance(value, Mapping):
                pending.append(value)
            elif isinstance(value, str):
                yield name


def _matches(lookup: Lookup, resource: Resource, names: list[str], parameters: Parameters) -> bool:
    for name in names:
        if (wanted := parameters.get(name)) and not _equals(lookup(name), wanted):
            return False
    keywords = [value for name, value in parameters.items() if name.lower() in KEYWORDS]
    texts = [resource.id, *(value for value in resource.fields.values() if isinstance(value, str))]
    return all(any(keyword in text for text in texts) for keyword in keywords)


def _equals(value: Any, wanted: str) -> bool:
    """Return whether a value is equal to one of the wanted values, which are separated by commas. Case is ignored."""
    return str(value).lower() in {part.strip().lower() for part in (wanted, *wanted.split(","))}


def _in_time(resource: Resource, parameters: Parameters) -> bool:
    for first, last in TIMES:
        since, until = _time(parameters, first), _time(parameters, last)
        # The times in a request have a resolution of one second, so the filter includes the whole last second.
        if (since is not None and resource.created < since) or (until is not None and resource.created >= until + 1):
            return False
    return True


def _time(parameters: Parameters, name: str) -> float | None:
    if not (text := parameters.get(name)):
        return None
    try:
        return from_iso(text)
    except ValueError:
        raise invalid(name, "The format is yyyy-MM-ddTHH:mm:ssZ, in UTC.") from None


def _positive(parameters: Parameters, name: str) -> int:
    text = parameters[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise invalid(name, "It must be an integer from 1 to 999999999.")
    return int(text)


def _start(token: str, name: str) -> int:
    try:
        prefix, _, start = base64.b64decode(token, validate=True).decode().partition(":")
        if prefix == "start" and start.isascii() and start.isdigit() and len(start) < 10:
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise invalid(name, "It is not a page token from an earlier response.")
