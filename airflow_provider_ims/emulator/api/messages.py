"""API requests and responses, and their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

MAX_FIELDS = 1_000


@dataclass(frozen=True)
class ApiRequest:
    """
    An API request.

    :param headers: Headers, keyed by lowercase name.
    :param query: Decoded query parameters, in the order in which they were sent.
    :param form: Likewise for a form body.
    """

    method: str
    path: str
    headers: dict[str, str]
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    body: bytes

    @property
    def action(self) -> str:
        """The requested action."""
        return self.headers.get("x-acs-action", "")

    @property
    def version(self) -> str:
        """The requested version of the API."""
        return self.headers.get("x-acs-version", "")

    @property
    def host(self) -> str:
        """The requested host."""
        return self.headers.get("host", "")

    def parameters(self) -> dict[str, str]:
        """Return all parameters: an RPC-style API accepts them in the query and in the form."""
        return {**dict(self.form), **dict(self.query)}


@dataclass
class ApiResponse:
    """
    An API response.

    :param content: A JSON value, or bytes that are sent unchanged.
    :param job_id: The job that the request created, if any.
    :param error_code: The code of an error response.
    """

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)
    job_id: str | None = None
    error_code: str | None = None

    def body(self) -> bytes:
        """Return the body."""
        return self.content if isinstance(self.content, bytes) else json_body(self.content)


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """
    Parse a query or a form.

    :raises ValueError: If it is not UTF-8 or has too many fields.
    """
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS) if text else []


def dump(value: Any) -> str:
    """Return JSON as the services write it inside strings: compact, with Chinese characters unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_body(value: Any) -> bytes:
    """Return a value as a JSON response body."""
    # JSON can escape a lone surrogate, but UTF-8 cannot encode it.
    return dump(value).encode(errors="replace")
