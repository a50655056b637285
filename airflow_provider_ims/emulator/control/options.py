"""The options of the control interface's commands and faults, and their checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ims.emulator.api.regions import REGIONS
from airflow_provider_ims.emulator.state.clock import MAX_SECONDS
from airflow_provider_ims.emulator.state.requests import PAGE_RECORDS

MAX_COPIES = 100
"""The maximum number of copies of a callback or of a message."""


@dataclass(frozen=True)
class Option:
    """
    An option with a JSON value.

    :param accepts: A function that returns whether a value is valid.
    :param expected: A description of the valid values, for error messages.
    """

    accepts: Callable[[Any], bool]
    expected: str
    required: bool = False

    def needed(self) -> Option:
        """Return a copy of this option that is required."""
        return replace(self, required=True)

    def or_null(self) -> Option:
        """Return a copy of this option that also accepts null."""
        return Option(lambda value: value is None or self.accepts(value), f"{self.expected}, or null", self.required)

    def check(self, name: str, value: Any) -> None:
        """
        Check a value.

        :raises ValueError: If the value is not valid for the option.
        """
        if not self.accepts(value):
            raise ValueError(f"{name} must be {self.expected}, not {_shorten(value)}")


def check_options(options: Any, declared: Mapping[str, Option]) -> dict[str, Any]:
    """
    Check the options of a command, and return those that are not null.

    :raises ValueError: If an option is missing, unknown or invalid.
    """
    if not isinstance(options, dict):
        raise ValueError(f"the options must be a JSON object, not {_shorten(options)}")
    if unknown := [name for name in options if name not in declared]:
        raise ValueError(f"unknown option {_shorten(unknown[0])}; options: {', '.join(declared) or 'none'}")
    given = {name: value for name, value in options.items() if value is not None}
    for name, option in declared.items():
        if name in given:
            option.check(name, given[name])
        elif option.required:
            raise ValueError(f"the option {name} is missing")
    return given


def _shorten(value: Any, limit: int = 60) -> str:
    try:
        text = ascii(value)
    except ValueError:
        return "an integer with thousands of digits"
    return text if len(text) <= limit else f"{text[:limit]}..."


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_seconds(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= MAX_SECONDS


def _is_header(value: Any) -> bool:
    return _is_text(value) and value.isascii() and value.isprintable()


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _has_body(value: Any) -> bool:
    return _is_integer(value) and 200 <= value <= 599 and value not in (204, 304)


TEXT = Option(_is_text, "a string without lone surrogates")
HEADER = Option(_is_header, "a string of printable ASCII characters")
INTEGER = Option(_is_integer, "a 64-bit integer")
COUNT = Option(lambda value: _is_integer(value) and value >= 0, "a 64-bit integer of 0 or more")
COPIES = Option(lambda value: _is_integer(value) and 0 <= value <= MAX_COPIES, f"an integer from 0 to {MAX_COPIES}")
COUNT_TEXT = Option(
    lambda value: value.isascii() and value.isdigit() and len(value) <= 18, "a number of up to 18 digits"
)
LIMIT_TEXT = Option(
    lambda value: COUNT_TEXT.accepts(value) and 0 < int(value) <= PAGE_RECORDS, f"a number from 1 to {PAGE_RECORDS}"
)
NUMBER = Option(_is_number, "a finite number")
RATE = Option(lambda value: _is_number(value) and value > 0, "a finite number above 0")
SECONDS = Option(_is_seconds, f"a number of seconds from 0 to {MAX_SECONDS:.0f}")
DURATIONS = Option(
    lambda value: isinstance(value, list) and all(map(_is_seconds, value)),
    f"a list of numbers of seconds, each from 0 to {MAX_SECONDS:.0f}",
)
BOOLEAN = Option(lambda value: isinstance(value, bool), "true or false")
STATUS = Option(_has_body, "an HTTP status from 200 to 599, except 204 and 304")
OBJECT = Option(lambda value: isinstance(value, dict), "a JSON object")
TEXTS = Option(_are_texts, "a list of strings")
PARAMETERS = Option(
    lambda value: isinstance(value, dict) and all(map(_is_text, (*value, *value.values()))),
    "a JSON object of strings",
)
REGION = Option(lambda value: _is_text(value) and value in REGIONS, f"one of {', '.join(sorted(REGIONS))}")
ANY = Option(lambda value: True, "any JSON value")
