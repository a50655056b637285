"""
Verifies the signatures of requests to SMQ.

https://help.aliyun.com/document_detail/27487.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from airflow_provider_ims.emulator.api.queue_errors import queue_error
from airflow_provider_ims.emulator.api.signing import v1_signature

CLOCK_SKEW = 15 * 60
"""The maximum accepted difference between the date of a request and the real time, in seconds."""


@dataclass(frozen=True)
class QueueRequest:
    """
    A request to SMQ.

    :param target: The path and the query, as they were sent.
    :param headers: Headers, keyed by lowercase name.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def date(self) -> str:
        """The date of the request, as the client sent it; empty if there is none."""
        return self.headers.get("x-mns-date") or self.headers.get("date", "")


def verify(
    request: QueueRequest, secret_of: Callable[[str, str | None], str], now: Callable[[], float] = time.time
) -> str:
    """
    Verify the signature of a request and return its AccessKey ID.

    :param secret_of: A function that returns the secret for an AccessKey ID and a security token. The token is None if
        the request contains none.
    :param now: A function that returns the real time in seconds since the epoch.
    :raises ApiError: If the request is not signed, or its credential, signature, date or ``Content-MD5`` is not valid.
    """
    authorization = request.headers.get("authorization", "")
    if not authorization:
        raise queue_error("MissingAuthorizationHeader")
    scheme, _, credential = authorization.partition(" ")
    key_id, _, signature = credential.strip().rpartition(":")
    if scheme != "MNS" or not key_id or not signature:
        raise queue_error("InvalidAuthorizationHeader")
    _check_date(request.date, now())
    secret = secret_of(key_id, request.headers.get("security-token") or None)
    # The documentation does not specify whether the signed resource is percent-encoded.
    targets = {request.target, unquote(request.target)}
    expected = (v1_signature(secret, _text(request, target)) for target in targets)
    if not any(hmac.compare_digest(value.encode(), signature.encode(errors="replace")) for value in expected):
        raise queue_error("SignatureDoesNotMatch")
    _check_md5(request)
    return key_id


def _text(request: QueueRequest, target: str) -> str:
    md5, content_type = (request.headers.get(name, "") for name in ("content-md5", "content-type"))
    mns_headers = "".join(
        f"{name}:{value}\n" for name, value in sorted(request.headers.items()) if name.startswith("x-mns-")
    )
    return f"{request.method}\n{md5}\n{content_type}\n{request.date}\n{mns_headers}{target}"


def _check_date(text: str, now: float) -> None:
    if not text:
        raise queue_error("MissingDateHeader")
    try:
        date = parsedate_to_datetime(text).timestamp()
    except (OverflowError, TypeError, ValueError):
        raise queue_error("InvalidDateHeader") from None
    if abs(now - date) > CLOCK_SKEW:
        raise queue_error("TimeExpired")


def _check_md5(request: QueueRequest) -> None:
    given = request.headers.get("content-md5")
    digest = hashlib.md5(request.body, usedforsecurity=False)
    # The documentation refers to RFC 1864 (base64 of the digest), but the SDKs encode its hexadecimal digits.
    accepted = {base64.b64encode(value).decode() for value in (digest.digest(), digest.hexdigest().encode())}
    if given and given not in accepted:
        raise queue_error("InvalidDegist")
