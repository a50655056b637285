"""
The parameters and the response fields of the actions, as documented in the product SDKs.

``tests/emulator/fixtures/generate.py`` generates ``shapes.json``. In this file, suffixes of the parameter names specify
the rules: ``*`` for a required parameter, ``{}`` for a JSON object, ``[]`` for a JSON array, ``#`` for an integer,
``?`` for a boolean, and ``<n`` for a page size of at most ``n``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from airflow_provider_ims.emulator.api.model import Product
from airflow_provider_ims.emulator.api.parameters import ParameterRule, integer, whole_number

SHAPES_FILE = Path(__file__).with_name("shapes.json")

_TYPES = {"{}": "object", "[]": "array", "?": "boolean"}


@dataclass(frozen=True)
class Shape:
    """
    The documented parameters and response of an action.

    :param parameters: The names of the parameters, with the suffixes that specify the rules.
    :param response: The fields of the response: name -> type. A type is the name of a scalar type, a dict with the
        types of the fields of an object, or a list with the type of the items of an array.
    """

    parameters: tuple[str, ...]
    response: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, without the suffixes."""
        return tuple(name.partition("<")[0].rstrip("*{}[]#?") for name in self.parameters)

    def rules(self) -> dict[str, ParameterRule]:
        """Return the rules for the parameters, by name."""
        return {name: _rule(text) for name, text in zip(self.names, self.parameters, strict=True)}


def _rule(declared: str) -> ParameterRule:
    text, _, maximum = declared.partition("<")
    value_type = next((value_type for mark, value_type in _TYPES.items() if text.endswith(mark)), "text")
    check = integer if text.endswith("#") else None
    return ParameterRule("*" in text, type=value_type, check=whole_number(1, int(maximum)) if maximum else check)


@cache
def _shapes() -> dict[tuple[str, str], Shape]:
    return {
        (version, action): Shape(tuple(parameters.split()), response)
        for version, actions in json.loads(SHAPES_FILE.read_bytes()).items()
        for action, (parameters, response) in actions.items()
    }


def documented(product: Product, action: str) -> Shape:
    """Return the documented parameters and response of an action."""
    return _shapes()[product.version, action]
