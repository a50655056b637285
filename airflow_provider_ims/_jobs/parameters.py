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

#: The maximum nesting depth of a JSON parameter. No documented parameter has nearly as many levels.
MAX_DEPTH = 100
#: Argument name that Airflow reserves in every task -> the argument name to use instead.
RENAMED_ARGUMENTS: Mapping[str, str] = MappingProxyType({"output": "output_file", "params": "job_params"})

#: Matches the output of a template if all values that the template inserts are missing.
NOTHING = re.compile(r"(?:None|null|[\s,，])*|\s*\[(?:None|[\s,])*None[\s,]*\]\s*")
_MISSING = "is {!r}, which is what a template renders if a value is missing"
#: Parameters that only describe a job; in these, the string ``None`` may be intended.
_LABELS = frozenset({"Title", "Description", "Content", "Name", "UserData"})
#: The names of JSON fields that contain content or refer to an object, in snake_case.
_CONTENT = re.compile(
    r"(.*_)?(array|audio|bucket|content|file|id|image|key|keyword|media|music|object|text|url|video)s?\d*"
)
#: A string that must not be empty.
FILLED = {"type": "string", "minLength": 1}
_FILE = {"type": "object", "properties": {"Media": FILLED}, "required": ["Media"], "known": "Type"}
log = logging.getLogger(__name__)
Check = Callable[[Any], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    One parameter of a submit action.

    :param name: The name of the parameter in the API.
    :param argument: The task's argument. Default: the name in snake_case, except for :data:`RENAMED_ARGUMENTS`.
    :param required: Whether the action requires it.
    :param max_bytes: The maximum length, in bytes of UTF-8.
    :param choices: The documented values.
    :param is_json: The action accepts a JSON string: a dict or a list is encoded, and a string must contain JSON.
    :param is_flag: The action accepts ``true`` or ``false``.
    :param is_number: The action accepts an integer.
    :param is_script: The action accepts a long text, which a task may read from a file.
    :param schema: The JSON Schema with the documented limits. A number is also accepted for a string, and, because
        templates render strings, a string for a number. The keyword ``known`` lists the documented keys of an object
        that are not in ``properties``. ``...`` at the end of the list means that other
        keys may be documented elsewhere.
    :param check: A function that validates what a schema cannot express, and yields (path such as ``.MediaURL``,
        problem) pairs. Its argument is the parsed content of a JSON parameter, or the string value of any other
        parameter.
    """

    name: str
    required: bool = False
    max_bytes: int | None = None
    choices: tuple[str, ...] = ()
    is_json: bool = False
    is_flag: bool = False
    is_number: bool = False
    is_script: bool = False
    schema: Mapping[str, Any] | None = None
    check: Check | None = None
    argument: str = ""

    def __post_init__(self) -> None:
        """Set the default of ``argument``."""
        argument = snake_case(self.name)
        object.__setattr__(self, "argument", self.argument or RENAMED_ARGUMENTS.get(argument, argument))

    @property
    def file_extensions(self) -> tuple[str, ...]:
        """The extensions of the files from which a task may read the value; empty if the value cannot be in a file."""
        return (".json",) if self.is_json else (".txt", ".ssml") if self.is_script else ()

    def encode(self, value: Any) -> str | None:
        """
        Validate a value and return it in the format that the API expects.

        :param value: The argument, after rendering.
        :return: The value as a string; ``None`` if the value is ``None`` or a blank string.
        :raises ImsRequestError: if the value is invalid; the message contains the name of the argument and the problem.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise ImsRequestError(f"{self.argument} is required", field=self.argument)
            return None
        if isinstance(value, str) and NOTHING.fullmatch(value) and self.name not in _LABELS:
            raise self._refusal("", _MISSING.format(value))
        text = self._text(value)
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise self._refusal("", f"cannot be encoded as UTF-8: {error.reason}") from None
        if self.max_bytes is not None and size > self.max_bytes:
            raise self._refusal("", f"{size} bytes in UTF-8; the limit is {self.max_bytes}")
        if self.choices and text not in self.choices:
            raise self._refusal("", f"{text!r} is not one of {', '.join(self.choices)}")
        for path, problem in self.check(text) if self.check is not None and not self.is_json else ():
            raise self._refusal(path, problem)
        return text

    def _refusal(self, path: str, problem: str) -> ImsRequestError:
        field = self.argument + path
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
            # Validates the JSON that is sent, not the argument: in JSON, keys are strings, and tuples become lists.
            given = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise self._refusal("", f"is not valid JSON: {error}; a dict or a list is accepted too") from None
        content = _coerce(given, self.schema or {})
        for path, problem in self._problems(content, self.schema or {}):
            raise self._refusal(path, problem)
        return text if content == given else self._dump(content)

    def _problems(self, content: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.required and content == []:
            yield "", "is empty"
        for path, name, value, its_schema in _walk(content, schema, "array"):
            if isinstance(value, dict) and "known" in its_schema:
                yield from self._unknown_keys(path, value, its_schema)
            text = "" if value is None else value
            # In an optional parameter such as Timeline, a field may be empty because another field replaces it.
            is_nothing = isinstance(text, str) and NOTHING.fullmatch(text) and (self.required or text.strip())
            if is_nothing and _CONTENT.fullmatch(snake_case(name)) and self.name not in _LABELS:
                yield path, _MISSING.format(value)
        yield from _violations(content, schema)
        yield from self.check(content) if self.check is not None else ()

    def _unknown_keys(self, path: str, content: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the keys that are probably misspelt. Log a warning for the other unknown keys."""
        known = {key.lower(): key for key in (*schema.get("properties", ()), *schema["known"].split())}
        some_are_missing = known.pop("...", None)
        for key in content:
            if key not in known.values():
                near = get_close_matches(key.lower(), known, n=1, cutoff=0.8)
                # If other keys may be documented elsewhere, a key that is similar to a known key may be valid. In this
                # case, only a nearly identical key is rejected.
                is_misspelt = near and (
                    not some_are_missing
                    or sorted(key.lower()) == sorted(near[0])
                    or get_close_matches(key.lower(), near, cutoff=0.9)
                )
                problem = "undocumented key, which the service may ignore."
                problem += f" Did you mean {known[near[0]]!r}?" if near else ""
                if is_misspelt:
                    yield f"{path}.{key}", problem
                log.warning("%s%s.%s: %s", self.argument, path, key, problem)

    def _dump(self, content: Any) -> str:
        try:
            return encode_value(content)
        except (TypeError, ValueError) as error:
            raise self._refusal("", f"cannot be encoded as JSON: {error}") from None


def declare(*declared: str | Parameter) -> tuple[Parameter, ...]:
    """
    Return the parameters of an action.

    :param declared: Parameters, or space-separated names of parameters without a documented limit, as in
        ``VideoId* Config:json``. ``*`` marks a required parameter; ``:json``, ``:flag`` and ``:number`` mark parameters
        that are not strings; ``:script`` marks a long text. ``:json{Bucket,Prefix}`` is a JSON object with these
        documented keys, and ``:file`` is a JSON object that refers to a file.
    """
    parameters: list[Parameter] = []
    for one in declared:
        parameters += [one] if isinstance(one, Parameter) else map(_parameter, one.split())
    return tuple(parameters)


def _parameter(declared: str) -> Parameter:
    name, _, type_name = declared.partition(":")
    type_name, _, keys = type_name.removesuffix("}").partition("{")
    options: dict[str, Any] = {f"is_{type_name}": True} if type_name else {}
    if type_name == "file":
        options = {"is_json": True, "schema": _FILE}
    elif keys:
        options["schema"] = {"type": "object", "known": keys.replace(",", " ")}
    return Parameter(name.removesuffix("*"), required=name.endswith("*"), **options)


def _refuse_constant(constant: str) -> None:
    """Reject NaN and Infinity, which Python's JSON parser accepts."""
    raise ValueError(f"{constant} is not JSON")


def _number_as_text(value: Any) -> Any:
    """Convert a finite number to a string, and return any other value unchanged."""
    return str(value) if isinstance(value, (int, float)) and as_number(value) is not None else value


def _coerce(content: Any, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Convert strings to numbers, and numbers to strings, where the schema requires it."""
    if depth > MAX_DEPTH:
        raise RecursionError
    type_name = schema.get("type")
    if type_name in ("integer", "number") and isinstance(content, str):
        return content if as_number(content) is None else as_number(content)
    if isinstance(content, dict):
        inner = schema.get("properties", {})
        return {name: _coerce(value, inner.get(name, {}), depth + 1) for name, value in content.items()}
    if isinstance(content, list):
        return [_coerce(item, schema.get("items", {}), depth + 1) for item in content]
    return _number_as_text(content) if type_name == "string" else content


def _walk(content: Any, schema: Any, name: str, path: str = "") -> Iterator[tuple[str, str, Any, Any]]:
    """
    Yield (path, field name, value, its schema) for a JSON value and all values in it.

    The field name of a list item is that of the list.
    """
    yield path, name, content, schema
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _walk(value, schema.get("properties", {}).get(key, {}), key, f"{path}.{key}")
    elif isinstance(content, list):
        for index, item in enumerate(content):
            yield from _walk(item, schema.get("items", {}), name, f"{path}[{index}]")


def _violations(content: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # Imported lazily, because it is not needed to parse a DAG or to resume a task.
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(content):
        yield error.json_path.removeprefix("$"), _describe(error)


def _describe(error: Any) -> str:
    """Describe a violation of a schema. Most descriptions do not contain the value, because it may be long."""
    value, limit = error.instance, error.validator_value
    problems: dict[str, Callable[[], str]] = {
        "minimum": lambda: f"{value} is below {limit}",
        "maximum": lambda: f"{value} is above {limit}",
        "maxItems": lambda: f"{len(value)} entries; the limit is {limit}",
        "maxLength": lambda: f"{len(value)} characters; the limit is {limit}",
        "enum": lambda: f"{value!r} is not one of {', '.join(map(str, limit))}",
        "required": lambda: "requires " + ", ".join(name for name in limit if name not in value),
        "anyOf": lambda: "requires " + ", or ".join(" and ".join(choice["required"]) for choice in limit),
        "type": lambda: f"must be of JSON type {limit}, not {type(value).__name__}",
    }
    return problems.get(error.validator, lambda: str(error.message))()
