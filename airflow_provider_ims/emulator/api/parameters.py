"""
The rules for the parameters of an action.

Sources: the API pages and the docstrings of the product SDKs. Limits for which the documentation is contradictory,
such as the text length of an audio job, are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.errors import invalid, missing
from airflow_provider_ims.emulator.api.messages import load
from airflow_provider_ims.emulator.state.clock import from_iso

Parameters: TypeAlias = "Mapping[str, str]"
Check: TypeAlias = "Callable[[Any, str, Parameters], None]"
"""
A function that checks the value of a parameter, and raises an ApiError if the value is invalid.

The arguments are the value (parsed if it is a JSON object or array), the name, and all parameters of the request.
"""

MAX_JOB_IDS = 10
MAX_INTEGER = 2**63 - 1
MAX_NUMBER = 10**15


@dataclass(frozen=True)
class ParameterRule:
    """
    The rule for one parameter.

    :param required: Whether a request without this parameter, or with an empty value, is rejected.
    :param max_bytes: The maximum length of the value in bytes of UTF-8.
    :param type: ``text``, ``object`` or ``array`` (both as JSON), ``integer`` (0 or more), or ``boolean``.
    :param check: An additional check of the value.
    """

    required: bool = False
    max_bytes: int | None = None
    type: str = "text"
    check: Check | None = None

    def validate(self, name: str, parameters: Parameters) -> None:
        """
        Check the value of a parameter.

        :raises ApiError: If the value violates the rule, or a required parameter is missing.
        """
        text = parameters.get(name, "")
        if not text:
            if self.required:
                raise missing(name)
            return
        if self.max_bytes is not None and (size := len(text.encode())) > self.max_bytes:
            raise invalid(name, f"Its length is {size} bytes of UTF-8; the limit is {self.max_bytes}.")
        value: Any = text
        if self.type == "object":
            value = parse_object(text, name)
        elif self.type == "array":
            value = _parse_array(text, name, required=self.required)
        elif self.type == "integer":
            _WHOLE_NUMBER(text, name, parameters)
        elif self.type == "boolean":
            _BOOLEAN(text, name, parameters)
        if self.check is not None:
            self.check(value, name, parameters)


_TYPES = {"{}": "object", "[]": "array", "#": "integer", "?": "boolean"}


def declare(declaration: str, **checks: Check) -> dict[str, ParameterRule]:
    """
    Return the rules for the parameters of an action, by parameter name.

    :param declaration: The names of the parameters, separated by spaces, with these suffixes: ``*`` for a required
        parameter, ``{}`` for a JSON object, ``[]`` for a JSON array, ``#`` for an integer, ``?`` for a boolean, and
        ``<n`` for a maximum of ``n`` bytes, as in ``UserData{}<512``.
    :param checks: Additional checks, by parameter name.
    """
    rules = {}
    for declared in declaration.split():
        text, _, limit = declared.partition("<")
        name = text.rstrip("*{}[]#?")
        value_type = next((value_type for mark, value_type in _TYPES.items() if text.endswith(mark)), "text")
        rules[name] = ParameterRule("*" in text, int(limit) if limit else None, value_type, checks.pop(name, None))
    assert not checks, checks
    return rules


def check_parameters(rules: Mapping[str, ParameterRule], parameters: Parameters) -> dict[str, str]:
    """
    Check the parameters of a request, and return those that the action accepts.

    Like the services, the emulator ignores all other parameters. It omits parameters with an empty value.

    :raises ApiError: For the first parameter that violates its rule.
    """
    for name, rule in rules.items():
        rule.validate(name, parameters)
    return {name: parameters[name] for name in rules if parameters.get(name)}


def one_of(*words: str) -> Check:
    """Return a check that accepts only the given values."""

    def check(value: str, name: str, _: Parameters) -> None:
        if value not in words:
            raise invalid(name, f"Valid values: {', '.join(words)}.")

    return check


def whole_number(low: int, high: int = MAX_INTEGER) -> Check:
    """Return a check that accepts integers from ``low`` to ``high``."""

    def check(value: str, name: str, _: Parameters) -> None:
        number = _digits(value)
        if number is None or not low <= number <= high:
            raise invalid(name, f"It must be an integer from {low} to {high}.")

    return check


def integer(value: str, name: str, _: Parameters) -> None:
    """Check that a value is a 64-bit integer."""
    number = _digits(value.removeprefix("-"))
    if number is None or number > MAX_INTEGER + value.startswith("-"):
        raise invalid(name, "It must be a 64-bit integer.")


def _digits(text: str) -> int | None:
    """Return the integer in a string of up to 19 digits; None for any other string."""
    # Without the limit, ``int`` would raise a ValueError for a string of more than 4,300 digits.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_INTEGER)) else None


_WHOLE_NUMBER = whole_number(0)
_BOOLEAN = one_of("true", "false", "True", "False")


def time(value: str, name: str, _: Parameters) -> None:
    """Check that a value is a time in the format of the services."""
    try:
        from_iso(value)
    except ValueError:
        raise invalid(name, "The format is yyyy-MM-ddTHH:mm:ssZ, in UTC.") from None


def job_ids(value: str, name: str, _: Parameters) -> None:
    """Check that a comma-separated list contains at most ten job ids or URLs."""
    if len(value.split(",")) > MAX_JOB_IDS:
        raise invalid(name, f"It can contain at most {MAX_JOB_IDS} values.")


def strings(value: Any, name: str, limit: int | None = None) -> None:
    """
    Check that a JSON value is an array of strings.

    :param name: The name of the parameter or field, for the error message.
    :param limit: The maximum number of strings; None for no limit.
    :raises ApiError: If the value is not an array of strings, or the array is too long.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid(name, "It must be an array of strings.")
    if limit is not None and len(value) > limit:
        raise invalid(name, f"It has {len(value)} entries; the limit is {limit}.")


def string_field(config: Mapping[str, Any], field: str, name: str, *, required: bool = False) -> str | None:
    """
    Return the string in a field of a JSON object; None if the field is missing or empty.

    :param name: The name of the parameter that contains the object, for the error message.
    :raises ApiError: If the field is not a string, or is required but missing or empty.
    """
    value = config.get(field)
    if value is None or value == "":
        if required:
            raise missing(f"{name}.{field}")
        return None
    if not isinstance(value, str):
        raise invalid(f"{name}.{field}", "It must be a string.")
    return value


def integer_field(
    config: Mapping[str, Any], field: str, name: str, low: int, high: int = MAX_INTEGER, *, required: bool = False
) -> int | None:
    """
    Return the integer in a field of a JSON object; None if the field is missing.

    Strings that contain an integer, and numbers without a fractional part, such as 5.0, are also accepted.

    :param name: The name of the parameter that contains the object, for the error message.
    :raises ApiError: If the field is not an integer in the range, or is required but missing.
    """
    value = config.get(field)
    if value is None:
        if required:
            raise missing(f"{name}.{field}")
        return None
    number = _whole(value)
    if number is None or not low <= number <= high:
        raise invalid(f"{name}.{field}", f"It must be an integer from {low} to {high}.")
    return number


def _whole(value: Any) -> int | None:
    """Return the integer that a JSON value contains; None if the value is not an integer."""
    if isinstance(value, str) and (number := _digits(value)) is not None:
        return number
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(float(value)) if is_number(value) and float(value).is_integer() else None


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number, or a string with a number, whose absolute value is below 10^15."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        return abs(float(value)) < MAX_NUMBER
    except (OverflowError, ValueError):
        return False


def parse_object(text: str, name: str) -> dict[str, Any]:
    """
    Parse a JSON object.

    :param name: The name of the parameter, for the error message.
    :raises ApiError: If ``text`` is not a JSON object.
    """
    value = _parse(text, name)
    if not isinstance(value, dict):
        raise invalid(name, "It must be a JSON object.")
    return value


def parse_objects(text: str, name: str) -> list[dict[str, Any]]:
    """
    Parse a JSON array of objects.

    :param name: The name of the parameter, for the error message.
    :raises ApiError: If ``text`` is not a JSON array of objects.
    """
    value = _parse_array(text, name, required=False)
    if not all(isinstance(item, dict) for item in value):
        raise invalid(name, "It must be an array of JSON objects.")
    return value


def _parse_array(text: str, name: str, *, required: bool) -> list[Any]:
    value = _parse(text, name)
    if not isinstance(value, list) or (required and not value):
        raise invalid(name, "It must be a non-empty JSON array." if required else "It must be a JSON array.")
    return value


def _parse(text: str, name: str) -> Any:
    try:
        return load(text)
    except ValueError:
        raise invalid(name, "It is not valid JSON.") from None
