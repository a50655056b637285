"""From a task's arguments to the strings that an action takes, refusing what the documents rule out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks.encoding import as_text
from airflow_provider_ims.jobs.payload import number, snake_case

#: How deep a JSON parameter may be nested: far deeper than any that the documents show.
MAX_DEPTH = 100
#: Names that every task of Airflow has for something else -> what the argument is called instead.
TAKEN: Mapping[str, str] = MappingProxyType({"output": "output_file", "params": "job_params"})

Check = Callable[[Any], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One parameter of a submit action.

    :param name: The API's own name.
    :param argument: What a task calls it, and what errors speak of. Default: the name in snake_case, but for those
        that are :data:`TAKEN`.
    :param required: Whether the action needs it.
    :param max_bytes: The longest value in bytes of UTF-8.
    :param choices: The documented values.
    :param is_json: The action takes a JSON string: a dict or a list is written as one, a string must hold one.
    :param is_flag: The action takes ``true`` or ``false``.
    :param is_number: The action takes a whole number.
    :param schema: JSON Schema of what the documents say of a JSON parameter. Its numbers are also accepted as
        strings, which is all that Jinja can make.
    :param check: What a schema cannot say; yields (path inside the parameter, what is wrong).
    """

    name: str
    required: bool = False
    max_bytes: int | None = None
    choices: tuple[str, ...] = ()
    is_json: bool = False
    is_flag: bool = False
    is_number: bool = False
    schema: Mapping[str, Any] | None = None
    check: Check | None = None
    argument: str = ""

    def __post_init__(self) -> None:
        """Name the argument."""
        argument = snake_case(self.name)
        object.__setattr__(self, "argument", self.argument or TAKEN.get(argument, argument))

    def encode(self, value: Any) -> str | None:
        """
        Check a value and return it as the API takes it.

        :param value: The argument, after rendering.
        :return: The parameter's string; ``None`` when there is nothing to send.
        :raises ImsRequestError: naming the argument and the limit.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise ImsRequestError(f"{self.argument} is required", field=self.argument)
            return None
        if self.is_flag:
            text = self._flag(value)
        elif self.is_number:
            text = self._number(value)
        elif self.is_json:
            try:
                text = self._json(value)
            except RecursionError:
                raise self._refusal("", "is nested too deeply") from None
        elif isinstance(value, str):
            text = value
        else:
            raise self._refusal("", f"must be a string, not {type(value).__name__}")
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise self._refusal("", f"cannot be written in UTF-8: {error.reason}") from None
        if self.max_bytes is not None and size > self.max_bytes:
            raise self._refusal("", f"{size} bytes in UTF-8, the limit is {self.max_bytes}")
        if self.choices and text not in self.choices:
            raise self._refusal("", f"{text!r} is not one of {', '.join(self.choices)}")
        return text

    def _refusal(self, path: str, problem: str) -> ImsRequestError:
        field = f"{self.argument}.{path}" if path else self.argument
        return ImsRequestError(f"{field}: {problem}", field=field)

    def _flag(self, value: Any) -> str:
        text = str(value).strip().lower()
        if text not in ("true", "false"):
            raise self._refusal("", f"{value!r} is neither true nor false")
        return text

    def _number(self, value: Any) -> str:
        whole = number(value)
        if not isinstance(whole, int):
            raise self._refusal("", f"{value!r} is no whole number")
        return str(whole)

    def _json(self, value: Any) -> str:
        if isinstance(value, str):
            text = value
        elif isinstance(value, (dict, list)):
            text = self._written(value)
        else:
            raise self._refusal("", f"must be a dict, a list or a JSON string, not {type(value).__name__}")
        try:
            # What goes over the wire is checked, not what it was made of: names are strings then, tuples are lists.
            given = json.loads(text, parse_constant=_no_json)
        except ValueError as error:
            raise self._refusal("", f"is not valid JSON: {error}; a dict or a list will do as well") from None
        content = _numbers_read(given, self.schema or {})
        for path, problem in _violations(content, self.schema or {}):
            raise self._refusal(path, problem)
        if self.check is not None:
            for path, problem in self.check(content):
                raise self._refusal(path, problem)
        return text if content == given else self._written(content)

    def _written(self, content: Any) -> str:
        try:
            return as_text(content)
        except (TypeError, ValueError) as error:
            raise self._refusal("", f"cannot be written as JSON: {error}") from None


def declare(*declared: str | Parameter) -> tuple[Parameter, ...]:
    """
    Return the parameters of an action, written as a line of its table.

    :param declared: Parameters, or for those of which no limit is documented their names, followed by ``*`` where
        the action needs them and by ``:json``, ``:flag`` or ``:number`` where it takes no text, as in ``Input*:json``.
    """
    return tuple(_parameter(one) if isinstance(one, str) else one for one in declared)


def _parameter(declared: str) -> Parameter:
    name, _, taken = declared.partition(":")
    options: dict[str, Any] = {f"is_{taken}": True} if taken else {}
    return Parameter(name.removesuffix("*"), required=name.endswith("*"), **options)


def encode_all(parameters: tuple[Parameter, ...], arguments: Mapping[str, Any]) -> dict[str, str]:
    """
    Check all arguments of a submit and return the API's parameters.

    :param parameters: The action's parameters.
    :param arguments: The task's arguments, by their own names.
    :return: API name -> string; what was not given is left out.
    :raises ImsRequestError: at the first wrong one.
    """
    encoded = {parameter.name: parameter.encode(arguments.get(parameter.argument)) for parameter in parameters}
    return {name: value for name, value in encoded.items() if value is not None}


def _no_json(constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads although JSON has not got them."""
    raise ValueError(f"{constant} is no JSON")


def _numbers_read(content: Any, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Turn the strings into numbers where the schema wants numbers."""
    if depth > MAX_DEPTH:
        raise RecursionError
    wanted = schema.get("type")
    if wanted in ("integer", "number") and isinstance(content, str):
        try:
            return int(content) if wanted == "integer" else float(content)
        except ValueError:
            return content
    if isinstance(content, dict):
        inner = schema.get("properties", {})
        return {name: _numbers_read(value, inner.get(name, {}), depth + 1) for name, value in content.items()}
    if isinstance(content, list):
        return [_numbers_read(item, schema.get("items", {}), depth + 1) for item in content]
    return content


def _violations(content: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # Late: a task that is only parsed, or that resumes, does not need it.
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(content):
        yield ".".join(str(step) for step in error.absolute_path), _worded(error)


def _worded(error: Any) -> str:
    """Say what is wrong without repeating the value, which may be long."""
    limit = error.validator_value
    match error.validator:
        case "minimum":
            return f"{error.instance} is below {limit}"
        case "maximum":
            return f"{error.instance} is above {limit}"
        case "maxItems":
            return f"{len(error.instance)} entries, the limit is {limit}"
        case "maxLength":
            return f"{len(error.instance)} characters, the limit is {limit}"
        case "enum":
            return f"{error.instance!r} is not one of {', '.join(map(str, limit))}"
        case "required":
            return "needs " + ", ".join(name for name in limit if name not in error.instance)
        case "anyOf":
            return "needs " + ", or ".join(" and ".join(choice["required"]) for choice in limit)
        case "type":
            return f"must be of JSON type {limit}, not {type(error.instance).__name__}"
        case _:
            return str(error.message)
