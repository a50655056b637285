"""API requests and responses, and functions to parse and generate their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

MAX_FIELDS = 1_000
"""The maximum number of parameters in a query. The same limit applies to a form."""

MAX_DEPTH = 100
"""The maximum nesting depth of JSON. No limit is documented, but deep nesting can cause a RecursionError in Python."""

MAX_SHORT = 60
"""The maximum number of characters of a value that :func:`shorten` keeps for the log or the page of the emulator."""

V1_SIGNATURE = frozenset({"AccessKeyId", "BearerToken", "Signature", "SignatureNonce", "SignatureVersion"})
"""A request with a V1 signature contains at least one of these parameters."""

V1_PARAMETERS = V1_SIGNATURE | {
    "Action",
    "Format",
    "SecurityToken",
    "SignatureMethod",
    "SignatureType",
    "Timestamp",
    "Version",
}
"""The common parameters of requests with a V1 signature, which are not parameters of the action."""


@dataclass(frozen=True)
class ApiRequest:
    """
    An API request.

    :param headers: Headers, keyed by lowercase name.
    :param query: Decoded query parameters, in the order in which they were sent.
    :param form: Decoded parameters of a form body, in the order in which they were sent.
    """

    method: str
    path: str
    headers: dict[str, str]
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    body: bytes

    @cached_property
    def is_v1(self) -> bool:
        """Whether the signature, the action and the version are parameters (V1) and not headers (V3)."""
        if self.headers.get("authorization"):
            return False
        has_v3_headers = any(name.startswith("x-acs-") for name in self.headers)
        return not has_v3_headers or not V1_SIGNATURE.isdisjoint(self.all_parameters)

    @property
    def is_unsigned(self) -> bool:
        """Whether the request has no signature."""
        return not self.headers.get("authorization") and "Signature" not in self.all_parameters

    @property
    def action(self) -> str:
        """The name of the requested action."""
        return self.all_parameters.get("Action", "") if self.is_v1 else self.headers.get("x-acs-action", "")

    @property
    def version(self) -> str:
        """The requested version of the API."""
        return self.all_parameters.get("Version", "") if self.is_v1 else self.headers.get("x-acs-version", "")

    @property
    def wants_xml(self) -> bool:
        """Whether the response must be XML, which is the default format of V1."""
        return self.is_v1 and self.all_parameters.get("Format", "").upper() != "JSON"

    @property
    def host(self) -> str:
        """The value of the header ``Host``."""
        return self.headers.get("host", "")

    @cached_property
    def all_parameters(self) -> dict[str, str]:
        """The parameters in the query and in the form. The query takes precedence."""
        return {**dict(self.form), **dict(self.query)}

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the action, without the common parameters of a V1 request."""
        if not self.is_v1:
            return self.all_parameters
        return {name: value for name, value in self.all_parameters.items() if name not in V1_PARAMETERS}


@dataclass
class ApiResponse:
    """
    An API response.

    :param content: A JSON value, or bytes that are sent unchanged.
    :param job_id: The id of the job in the response to a submit action; the id of the first job if there are several.
    :param error_code: The code of an error response; None for a successful response.
    """

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)
    job_id: str | None = None
    error_code: str | None = None


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """
    Parse a query or a form.

    :raises ValueError: If the percent-decoded bytes are not UTF-8, or there are more than :data:`MAX_FIELDS` fields.
    """
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS) if text else []


def load(text: str | bytes) -> Any:
    """
    Parse JSON.

    :raises ValueError: If ``text`` is not valid JSON, or is nested more deeply than :data:`MAX_DEPTH`.
    """
    try:
        value = json.loads(text, parse_constant=_reject_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if _is_deeper(value, MAX_DEPTH):
        raise ValueError("the JSON is nested too deeply")
    return value


def _reject_constant(name: str) -> None:
    # Python's parser accepts NaN and Infinity, which are not JSON.
    raise ValueError(f"{name} is not JSON")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in parts)


def dump(value: Any) -> str:
    """Return compact JSON with unescaped Chinese characters, the format that the services use for JSON in strings."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shorten(value: Any) -> str:
    """Return a value as a string without line breaks. A long string is cut and ends in ``...``."""
    text = str(value)
    # A value can have millions of characters, so only its beginning is split.
    line = " ".join(text[: 4 * MAX_SHORT].split())
    is_complete = len(text) <= 4 * MAX_SHORT and len(line) <= MAX_SHORT
    return line if is_complete else f"{line[:MAX_SHORT]}..."


def json_body(value: Any) -> bytes:
    """Return a value as a JSON response body."""
    # A string from JSON can contain a lone surrogate, which UTF-8 cannot encode.
    return dump(value).encode(errors="replace")
