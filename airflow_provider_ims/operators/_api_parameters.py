"""Checks parameters with API names as keys, and encodes the parameters of any action."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks._actions import Action

_LIST: Mapping[str, Any] = {"is_json": True, "schema": {"type": "array"}}
#: Type of a parameter -> the options of :class:`Parameter`.
_OPTIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "integer": {"is_number": True},
        "boolean": {"is_flag": True},
        "object": {"is_json": True, "schema": {"type": "object"}},
        "array": _LIST,
        "repeated": _LIST,
    }
)


def as_parameters(given: Any) -> Mapping[str, Any]:
    """
    Return the ``parameters`` of a task; an empty dict if there are none.

    :raises ImsRequestError: If they are not a dict with strings as keys.
    """
    parameters = given or {}
    if not isinstance(parameters, Mapping) or not all(isinstance(name, str) for name in parameters):
        raise ImsRequestError("parameters: must be a dict with parameter names as keys", field="parameters")
    return parameters


def unknown_parameter(action: str, name: str, known: Collection[str]) -> ImsRequestError:
    """Return the error for a parameter that an action does not have. The message suggests known parameters."""
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"Did you mean {', '.join(near)}?" if near else f"Known parameters: {', '.join(known) or 'none'}"
    return ImsRequestError(f"parameters: unknown parameter {name!r} of {action}. {hint}", field=f"parameters.{name}")


def encode_parameters(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the parameters of an action as the hook sends them.

    :raises ImsRequestError: If a parameter is unknown, a required one is missing, or a value has the wrong type.
    """
    for name in given:
        if name not in action.parameters:
            raise unknown_parameter(action.name, name, action.parameters)
    encoded: dict[str, Any] = {}
    for name, type_name in action.parameters.items():
        value = given.get(name)
        text = _parameter(action, name, type_name, value).encode(
            str(value).lower() if value in (True, False) else value
        )
        if text is not None:
            encoded[name] = json.loads(text) if type_name == "repeated" else text
    return encoded


def _parameter(action: Action, name: str, type_name: str, value: Any) -> Parameter:
    # Some parameters that the SDK declares as strings contain JSON.
    options = _OPTIONS.get(type_name) or {"is_json": isinstance(value, (dict, list))}
    # The name of the argument appears in error messages.
    return Parameter(name, required=name in action.required, argument=f"parameters.{name}", **options)
