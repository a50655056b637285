"""Validates and encodes the arguments of a task as the parameters of an API action."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from airflow_provider_ims._jobs.payload import as_number, snake_case
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks._encoding import encode_value

#: The deepest nesting of a JSON parameter, far deeper than any documented one.
MAX_DEPTH = 100
#: Argument names that Airflow reserves in every task -> the name to use instead.
RENAMED_ARGUMENTS: Mapping[str, str] = MappingProxyType({"output": "output_file", "params": "job_params"})

#: What a template renders if all its values are missing.
_NOTHING = re.compile(r"(?:None|null|[\s,，])*")
_MISSING = "is {!r}, which a template renders if a value is missing"
#: Text parameters that only describe a job.
_LABELS = ("Title", "Description", "Content", "Name", "UserData")
#: Parameters that must not be empty if they are set, and the names of JSON fields with a text or a reference.
_CONTENT = re.compile(r"(Generate|Input|Output(?!MediaTarget)|CoverImages|MediaId|VideoId|FileURL|Audios).*")
_NAMED = re.compile(r"(?i).*(text|content|keyword|array|media|video|audio|image|voice|bucket|object|key|file|url|id)s?")
log = logging.getLogger(__name__)
Check = Callable[[Any], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One parameter of a submit action.

    :param name: The API's own name.
    :param argument: The task's argument. Default: the name in snake_case, except for :data:`RENAMED_ARGUMENTS`.
    :param required: Whether the action requires it.
    :param max_bytes: The maximum length, in bytes of UTF-8.
    :param choices: The documented values.
    :param is_json: The action takes a JSON string: a dict or a list is encoded, and a string must contain JSON.
    :param is_flag: The action takes ``true`` or ``false``.
    :param is_number: The action takes an integer.
    :param schema: JSON Schema of the documented limits. Numbers may be strings and the other way round, as rendered by
        Jinja. The keyword ``known`` lists further keys of an object whose keys are all documented.
    :param check: Validates what a schema cannot express; yields (path inside the parameter, problem).
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
        """Set the default of ``argument``."""
        argument = snake_case(self.name)
        object.__setattr__(self, "argument", self.argument or RENAMED_ARGUMENTS.get(argument, argument))

    def encode(self, value: Any) -> str | None:
        """
        Validate a value and return it in the format that the API expects.

        :param value: The argument, after rendering.
        :return: The parameter's string; ``None`` if it is not set.
        :raises ImsRequestError: if the value is invalid; the message contains the argument and the limit.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise ImsRequestError(f"{self.argument} is required", field=self.argument)
            if value is not None and _CONTENT.fullmatch(self.name):
                raise self._refusal("", "is empty")
            return None
        text = self._text(value)
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise self._refusal("", f"cannot be encoded as UTF-8: {error.reason}") from None
        if self.max_bytes is not None and size > self.max_bytes:
            raise self._refusal("", f"{size} bytes in UTF-8, the limit is {self.max_bytes}")
        if self.choices and text not in self.choices:
            raise self._refusal("", f"{text!r} is not one of {', '.join(self.choices)}")
        return text

    def _refusal(self, path: str, problem: str) -> ImsRequestError:
        field = f"{self.argument}.{path}" if path else self.argument
        return ImsRequestError(f"{field}: {problem}", field=field)

    def _text(self, value: Any) -> str:
        if self.is_flag:
            return self._flag(value)
        if self.is_number:
            return self._number(value)
        if self.is_json:
            try:
                return self._json(value)
            except RecursionError:
                raise self._refusal("", "is nested too deeply") from None
        text = _number_as_text(value)
        if not isinstance(text, str):
            raise self._refusal("", f"must be a string, not {type(value).__name__}")
        if self.name not in _LABELS and _NOTHING.fullmatch(text):
            raise self._refusal("", _MISSING.format(text))
        return text

    def _flag(self, value: Any) -> str:
        text = str(value).strip().lower()
        if text not in ("true", "false"):
            raise self._refusal("", f"{value!r} is neither true nor false")
        return text

    def _number(self, value: Any) -> str:
        whole = as_number(value)
        if not isinstance(whole, int):
            raise self._refusal("", f"{value!r} is not an integer")
        return str(whole)

    def _json(self, value: Any) -> str:
        if isinstance(value, str):
            text = value
        elif isinstance(value, (dict, list)):
            text = self._dump(value)
        else:
            raise self._refusal("", f"must be a dict, a list or a JSON string, not {type(value).__name__}")
        try:
            # Validates the JSON that is sent, not the argument: in JSON, keys are strings and tuples are lists.
            given = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise self._refusal("", f"is not valid JSON: {error}; a dict or a list is accepted too") from None
        content = _coerce(given, self.schema or {})
        for path, problem in self._problems(content, self.schema or {}):
            raise self._refusal(path, problem)
        return text if content == given else self._dump(content)

    def _problems(self, content: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield (path, problem) for each problem in JSON, and log other keys that are not documented."""
        is_content = _CONTENT.fullmatch(self.name) is not None
        for path, field, value, known in _fields(content, schema, self.name):
            if known and field not in known.values():
                if near := get_close_matches(field.lower(), known, n=1, cutoff=0.8):
                    yield path, f"unknown key. Did you mean {known[near[0]]!r}?"
                log.warning("%s: unknown key %r; the service ignores keys that it does not know", self.argument, path)
            text = "" if value is None else value
            is_nothing = isinstance(text, str) and _NOTHING.fullmatch(text) and (text.strip() or is_content)
            if is_nothing and _NAMED.fullmatch(field) and self.name != "UserData":
                yield path, _MISSING.format(value)
        yield from _violations(content, schema)
        if content is None or (is_content and self.required and not content):
            yield "", "is empty"
        yield from self.check(content) if self.check is not None else ()

    def _dump(self, content: Any) -> str:
        try:
            return encode_value(content)
        except (TypeError, ValueError) as error:
            raise self._refusal("", f"cannot be encoded as JSON: {error}") from None


def declare(*declared: str | Parameter) -> tuple[Parameter, ...]:
    """
    Return the parameters of an action.

    :param declared: Parameters, or space-separated names of parameters without a documented limit. A name is
        followed by ``*`` if the parameter is required and by ``:json``, ``:flag`` or ``:number`` if it is not text, as
        in ``VideoId* Config:json``.
    """
    parameters: list[Parameter] = []
    for one in declared:
        parameters += [one] if isinstance(one, Parameter) else map(_parameter, one.split())
    return tuple(parameters)


def _parameter(declared: str) -> Parameter:
    name, _, type_name = declared.partition(":")
    options: dict[str, Any] = {f"is_{type_name}": True} if type_name else {}
    return Parameter(name.removesuffix("*"), required=name.endswith("*"), **options)


def encode_all(parameters: tuple[Parameter, ...], arguments: Mapping[str, Any]) -> dict[str, str]:
    """
    Validate all arguments of a submit action and return the API's parameters.

    :param parameters: The action's parameters.
    :param arguments: The task's arguments, by name; unknown ones are ignored.
    :return: API name -> string, for the parameters that are set.
    :raises ImsRequestError: for the first invalid argument.
    """
    encoded = {parameter.name: parameter.encode(arguments.get(parameter.argument)) for parameter in parameters}
    return {name: value for name, value in encoded.items() if value is not None}


def _refuse_constant(constant: str) -> None:
    """Refuse NaN and Infinity, which Python's parser accepts."""
    raise ValueError(f"{constant} is not JSON")


def _number_as_text(value: Any) -> Any:
    """Convert a finite number to text, and return any other value unchanged."""
    return str(value) if isinstance(value, (int, float)) and as_number(value) is not None else value


def _coerce(content: Any, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Convert strings to numbers where the schema requires numbers, and the other way round."""
    if depth > MAX_DEPTH:
        raise RecursionError
    type_name = schema.get("type")
    if type_name in ("integer", "number") and isinstance(content, str):
        number = as_number(content)
        return content if number is None else number
    if isinstance(content, dict):
        inner = schema.get("properties", {})
        return {name: _coerce(value, inner.get(name, {}), depth + 1) for name, value in content.items()}
    if isinstance(content, list):
        return [_coerce(item, schema.get("items", {}), depth + 1) for item in content]
    return _number_as_text(content) if type_name == "string" else content


def _fields(content: Any, schema: Mapping[str, Any], name: str, path: str = "") -> Iterator[tuple[Any, ...]]:
    """Yield each value in JSON as (path, field name, value, {documented key in lowercase: key} or nothing)."""
    properties, more = schema.get("properties", {}), schema.get("known")
    if isinstance(content, dict):
        known = {} if more is None else {key.lower(): key for key in (*properties, *more.split())}
        inner = [(key, key, value, properties.get(key, {})) for key, value in content.items()]
    else:
        known, items = {}, content if isinstance(content, list) else ()
        inner = [(str(index), name, item, schema.get("items", {})) for index, item in enumerate(items)]
    for step, field, value, its_schema in inner:
        yield path + step, field, value, known
        yield from _fields(value, its_schema, field, f"{path}{step}.")


def _violations(content: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # Imported lazily: it is not needed to parse a DAG or to resume a task.
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(content):
        yield ".".join(str(step) for step in error.absolute_path), _describe(error)


def _describe(error: Any) -> str:
    """Describe a violation without repeating the value, which may be long."""
    value, limit = error.instance, error.validator_value
    problems: dict[str, Callable[[], str]] = {
        "minimum": lambda: f"{value} is below {limit}",
        "maximum": lambda: f"{value} is above {limit}",
        "maxItems": lambda: f"{len(value)} entries, the limit is {limit}",
        "maxLength": lambda: f"{len(value)} characters, the limit is {limit}",
        "enum": lambda: f"{value!r} is not one of {', '.join(map(str, limit))}",
        "required": lambda: "needs " + ", ".join(name for name in limit if name not in value),
        "anyOf": lambda: "needs " + ", or ".join(" and ".join(choice["required"]) for choice in limit),
        "type": lambda: f"must be of JSON type {limit}, not {type(value).__name__}",
    }
    return problems.get(error.validator, lambda: str(error.message))()
