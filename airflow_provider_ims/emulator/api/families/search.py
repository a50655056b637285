"""
The search for media assets with an expression such as ``Status in ('Normal') and Title = 'cake'``.

Syntax: https://help.aliyun.com/document_detail/86991.html. The emulator supports the operators ``=``, ``!=`` and
``in``, and conditions that are joined by ``and``. The value of a condition on a time must be a range, as in
``CreationTime = ('2024-01-01T00:00:00Z','2024-02-01T00:00:00Z')``.
"""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.listing import page_of
from airflow_provider_ims.emulator.api.families.responses import Lookup, Moment
from airflow_provider_ims.emulator.api.families.shapes import Shape
from airflow_provider_ims.emulator.api.model import Fields
from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.state.clock import from_iso
from airflow_provider_ims.emulator.state.resources import Resource

_VALUE = r"\\?(?:'[^']*'|\"[^\"]*\"|[\w.:-]+)"
_CONDITION = re.compile(
    rf"\s*([\w.]+)\s*(=|!=|\bin\b)\s*({_VALUE}|[(\[]\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*[)\]])\s*", re.I
)
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


def _parse(text: str) -> list[tuple[str, str, str]]:
    conditions: list[tuple[str, str, str]] = []
    place = 0
    while text[place:].strip():
        if conditions:
            joined = _AND.match(text, place)
            place = joined.end() if joined else -1
        condition = _CONDITION.match(text, place) if place >= 0 else None
        if condition is None:
            raise invalid("Match", "The emulator supports conditions with =, != and in, joined by and.")
        conditions.append((condition[1], condition[2].lower(), condition[3]))
        place = condition.end()
    return conditions


def _selected(lookup: Lookup, conditions: list[tuple[str, str, str]]) -> bool:
    return all(_holds(lookup(_NAMES.get(name.lower(), name)), name, *rest) for name, *rest in conditions)


def _holds(value: Any, name: str, operator: str, wanted: str) -> bool:
    values = [part.strip("\\'\"") for part in re.findall(_VALUE, wanted)]
    if isinstance(value, Moment):
        return len(values) == 2 and _seconds(values[0]) <= value < _seconds(values[1]) + 1
    text = str(value or "")
    if operator == "=" and name.lower() in _TEXTS:
        return any(part in text for part in values)
    parts = {text, *text.split(",")}
    return (not parts.isdisjoint(values)) == (operator != "!=")


def _seconds(text: str) -> float:
    """Parse a time, which is either in the format of the services or in milliseconds since the epoch."""
    try:
        return float(text) / 1000 if text.isdigit() else from_iso(text)
    except ValueError:
        detail = "A time must have the format yyyy-MM-ddTHH:mm:ssZ, in UTC, or be in milliseconds."
        raise invalid("Match", detail) from None
