"""A request and an answer as they are on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

MAX_FIELDS = 1_000


@dataclass(frozen=True)
class Call:
    """
    One request.

    :param headers: by lower-case name.
    :param query: decoded pairs, in the order sent.
    :param form: the same of a form body.
    """

    method: str
    path: str
    headers: dict[str, str]
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    body: bytes

    @property
    def action(self) -> str:
        """The action asked for, as sent."""
        return self.headers.get("x-acs-action", "")

    @property
    def version(self) -> str:
        """The version of the API, as sent."""
        return self.headers.get("x-acs-version", "")

    @property
    def host(self) -> str:
        """The host the client thinks it speaks to."""
        return self.headers.get("host", "")

    def parameters(self) -> dict[str, str]:
        """Return all parameters; a gateway of RPC style takes them from either place."""
        return {**dict(self.form), **dict(self.query)}


@dataclass
class Reply:
    """
    One answer.

    :param content: a JSON value, or bytes to be sent as they are.
    :param job_id: the job that the request created, if it did.
    :param error_code: the code of an error answer.
    """

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)
    job_id: str | None = None
    error_code: str | None = None

    def payload(self) -> bytes:
        """Return the body."""
        return self.content if isinstance(self.content, bytes) else body(self.content)


def pairs(text: str) -> list[tuple[str, str]]:
    """
    Return the pairs of a query or of a form.

    :raises ValueError: if it is not UTF-8 or has too many fields.
    """
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS) if text else []


def dump(value: Any) -> str:
    """Return JSON as the services write it inside strings: compact, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def body(value: Any) -> bytes:
    """Return JSON as the body of an answer."""
    # What cannot be written is a lone surrogate, which JSON can name.
    return dump(value).encode(errors="replace")
