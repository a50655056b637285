"""
The search for media assets with an expression such as ``Status in ('Normal') and Title = 'cake'``.

Syntax: https://help.aliyun.com/document_detail/86991.html (VOD) and
https://help.aliyun.com/document_detail/2584256.html (IMS). The emulator supports the operators ``=``, ``==``, ``!=``
and ``in``, and conditions that are joined by ``and``. ``!=`` is not documented.

The only documented condition on a time is an interval. Brackets include the ends of the interval, and parentheses
exclude them. One of the ends can be omitted, as in ``CreationTime = ['2024-01-01T00:00:00Z',)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.listing import page_of
from airflow_provider_ims.emulator.api.families.responses import CREATED, MODIFIED, Lookup
from airflow_provider_ims.emulator.api.families.shapes import Shape
from airflow_provider_ims.emulator.api.model import Fields
from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.state.clock import from_iso
from airflow_provider_ims.emulator.state.resources import Resource

Condition = tuple[str, Callable[[Any], bool]]
"""The name of a field in responses, and a function that returns whether the condition holds for a value."""

_VALUE = r"\\?(?:'[^']*'|\"[^\"]*\"|[\w.:-]+)"
_ITEM = rf"\s*(?:{_VALUE}\s*)?"
_CONDITION = re.compile(
    rf"\s*(?P<name>[\w.]+)\s*(?P<operator>==|=|!=|\bin\b)\s*(?P<wanted>{_VALUE}|[(\[]{_ITEM}(?:,{_ITEM})*[)\]])\s*",
    re.I,
)
_INTERVAL = re.compile(rf"([(\[])\s*(?:({_VALUE})\s*)?,\s*(?:({_VALUE})\s*)?([)\]])")
_AND = re.compile(r"and\b", re.I)
#: The fields for which the operator ``=`` means that the field contains the value.
_TEXTS = ("title", "description")
#: The name of a field in expressions -> its name in responses.
_NAMES = {"utccreate": "CreationTime", "utcmodified": "ModificationTime", "tags": "MediaTags"}


def search(resources: Collection, shape: Shape, parameters: Parameters) -> tuple[list[Resource], Fields]:
    """
    Return one page of the resources that match the expression in ``Match``, and the fields that describe the page.

    :raises ApiError: If the emulator does not support the expression, or a parameter of the page is invalid.
    """
    conditions = _parse(parameters.get("Match", ""))
    found = [one for one in resources.all() if _selected(resources.view(one), conditions)]
    if "asc" not in parameters.get("SortBy", "").lower():
        found.reverse()
    return page_of(found, shape, parameters)


def _parse(text: str) -> list[Condition]:
    conditions: list[Condition] = []
    place = 0
    while text[place:].strip():
        if conditions:
            joined = _AND.match(text, place)
            place = joined.end() if joined else -1
        match = _CONDITION.match(text, place) if place >= 0 else None
        if match is None:
            raise invalid(
                "Match", "The emulator supports only conditions with '=', '==', '!=' or 'in', joined by 'and'."
            )
        conditions.append(_condition(match["name"], match["operator"].lower(), match["wanted"]))
        place = match.end()
    return conditions


def _condition(name: str, operator: str, wanted: str) -> Condition:
    field = _NAMES.get(name.lower(), name)
    if field.lower() in CREATED | MODIFIED:
        return field, _interval(name, operator, wanted)
    values = [_unquoted(value) for value in re.findall(_VALUE, wanted)]
    if operator == "=" and name.lower() in _TEXTS:
        return field, lambda value: any(part in str(value or "") for part in values)
    return field, lambda value: _equals(value, values) == (operator != "!=")


def _selected(lookup: Lookup, conditions: list[Condition]) -> bool:
    return all(holds(lookup(field)) for field, holds in conditions)


def _equals(value: Any, values: list[str]) -> bool:
    text = str(value or "")
    return not {text, *text.split(",")}.isdisjoint(values)


def _interval(name: str, operator: str, wanted: str) -> Callable[[float], bool]:
    match = _INTERVAL.fullmatch(wanted)
    if operator != "=" or match is None or not (match[2] or match[3]):
        example = f"{name} = ['2024-01-01T00:00:00Z','2024-02-01T00:00:00Z']"
        raise invalid("Match", f"The condition on {name} must be an interval, as in {example}.")
    opening, first, last, closing = match.groups()
    since = _difference(first) if first else None
    until = _difference(last) if last else None

    def holds(time: float) -> bool:
        after_start = since is None or since(time) > 0 or (opening == "[" and since(time) == 0)
        before_end = until is None or until(time) < 0 or (closing == "]" and until(time) == 0)
        return after_start and before_end

    return holds


def _difference(wanted: str) -> Callable[[float], float]:
    """
    Return a function that subtracts a time in an expression from another time.

    The result is in milliseconds if the time in the expression is in milliseconds; otherwise, it is in seconds.
    """
    text = _unquoted(wanted)
    try:
        units, bound = (1000, int(text)) if text.isdigit() else (1, from_iso(text))
    except ValueError:
        detail = "A time must have the format yyyy-MM-ddTHH:mm:ssZ, in UTC, or be a number of milliseconds."
        raise invalid("Match", detail) from None
    return lambda time: int(time * units) - bound


def _unquoted(value: str) -> str:
    return value.strip("\\'\"")
