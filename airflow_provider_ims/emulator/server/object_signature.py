"""
Verifies the signatures of requests for objects in OSS: V1 in the query, and V4 in the query or in the headers.

- V1: https://www.alibabacloud.com/help/en/oss/developer-reference/ddd-signatures-to-urls
- V4: https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from urllib.parse import quote

from airflow_provider_ims.emulator.api.signing import v1_signature

V4 = "OSS4-HMAC-SHA256"
MAX_V4_SECONDS = 7 * 24 * 3600
CLOCK_SKEW = 15 * 60
"""
The maximum age of a V4 signature in the headers, in seconds. The date of any V4 signature can also be up to this
number of seconds ahead of the real time.
"""

#: The query parameters that a V1 signature covers, besides those that begin with ``response-``.
V1_SIGNED = frozenset({"security-token", "versionId", "x-oss-process", "x-oss-traffic-limit"})
#: The headers that every V4 signature covers if the request contains them, besides those that begin with ``x-oss-``.
V4_SIGNED = frozenset({"content-md5", "content-type"})

_AUTHORIZATION = re.compile(
    rf"{V4}\s+Credential=(?P<credential>[^,\s]+)(?:,\s*AdditionalHeaders=(?P<headers>[^,\s]+))?"
    r",\s*Signature=(?P<signature>[0-9a-f]+)"
)


class ObjectError(Exception):
    """
    An error response of OSS.

    :param fields: Additional fields of the body.
    """

    def __init__(self, status: int, code: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"Code": code, "Message": message, **fields}


@dataclass(frozen=True)
class ObjectRequest:
    """
    A request for an object.

    :param key: The decoded key.
    :param headers: Headers, keyed by lowercase name.
    :param query: Decoded query parameters.
    """

    method: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    query: Mapping[str, str]


def check_signature(
    request: ObjectRequest, secret_of: Callable[[str, str | None], str], now: Callable[[], float] = time.time
) -> str:
    """
    Verify the signature of a request and return its AccessKey ID.

    :param secret_of: A function that returns the secret for an AccessKey ID and a security token. The token is None if
        the request contains none.
    :param now: A function that returns the real time in seconds since the epoch.
    :raises ObjectError: If the request is not signed, or its signature is malformed, is wrong or has expired.
    """
    if "Signature" in request.query:
        key_id, token = request.query.get("OSSAccessKeyId", ""), request.query.get("security-token")
        _check_time(0, _whole_number(request.query.get("Expires", ""), "Expires"), now())
        text = _v1_text(request)
        expected = v1_signature(secret_of(key_id, token), text)
        _compare(expected, request.query["Signature"], text)
        return key_id
    return _check_v4(request, secret_of, now())


def _v1_text(request: ObjectRequest) -> str:
    signed = sorted(
        (name, value) for name, value in request.query.items() if name in V1_SIGNED or name.startswith("response-")
    )
    resource = "&".join(f"{name}={value}" if value else name for name, value in signed)
    md5, content_type = (request.headers.get(name, "") for name in ("content-md5", "content-type"))
    oss_headers = "".join(
        f"{name}:{value}\n" for name, value in sorted(request.headers.items()) if name.startswith("x-oss-")
    )
    path = f"/{request.bucket}/{request.key}" + (f"?{resource}" if resource else "")
    return f"{request.method}\n{md5}\n{content_type}\n{request.query['Expires']}\n{oss_headers}{path}"


def _check_v4(request: ObjectRequest, secret_of: Callable[[str, str | None], str], now: float) -> str:
    in_query = request.query.get("x-oss-signature-version") == V4
    values = request.query if in_query else request.headers
    match = None if in_query else _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if not in_query and match is None:
        raise ObjectError(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
    credential = match["credential"] if match else values.get("x-oss-credential", "")
    additional = (match["headers"] if match else values.get("x-oss-additional-headers")) or ""
    signature = match["signature"] if match else values.get("x-oss-signature", "")
    key_id, _, scope = credential.partition("/")
    date = values.get("x-oss-date", "")
    seconds = _whole_number(values.get("x-oss-expires", ""), "x-oss-expires") if in_query else CLOCK_SKEW
    if len(scope.split("/")) != 4 or not date.startswith(scope.partition("/")[0]) or not 0 < seconds <= MAX_V4_SECONDS:
        raise ObjectError(400, "AuthorizationQueryParametersError", "The parameters of the signature are not valid.")
    start = _moment(date)
    _check_time(start - CLOCK_SKEW, start + seconds, now)
    text = _v4_text(request, date, scope, additional)
    secret = secret_of(key_id, values.get("x-oss-security-token"))
    signing_key = reduce(
        lambda key, part: hmac.digest(key, part.encode(), "sha256"), scope.split("/"), f"aliyun_v4{secret}".encode()
    )
    _compare(hmac.digest(signing_key, text.encode(), "sha256").hex(), signature, text)
    return key_id


def _v4_text(request: ObjectRequest, date: str, scope: str, additional: str) -> str:
    # Clients differ in the characters that they percent-encode. Therefore, the decoded parameters are encoded again in
    # the canonical form.
    pairs = sorted(
        (quote(name, safe=""), quote(value, safe=""))
        for name, value in request.query.items()
        if name != "x-oss-signature"
    )
    query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    names = {name for name in request.headers if name.startswith("x-oss-") or name in V4_SIGNED}
    names |= set(filter(None, additional.split(";")))
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in sorted(names))
    payload = request.headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD")
    path = quote(f"/{request.bucket}/{request.key}", safe="/")
    canonical = "\n".join((request.method, path, query, headers, additional, payload))
    return "\n".join((V4, date, scope, hashlib.sha256(canonical.encode()).hexdigest()))


def _check_time(start: float, end: float, now: float) -> None:
    if not start <= now < end:
        raise ObjectError(403, "AccessDenied", "Request has expired.", ServerTime=_iso(now))


def _compare(expected: str, given: str, text: str) -> None:
    if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
        raise ObjectError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing"
            " method.",
            SignatureProvided=given,
            StringToSign=text,
        )


def _whole_number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ObjectError(400, "InvalidArgument", f"{name} is not a number of up to 11 digits.", ArgumentName=name)
    return int(text)


def _moment(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        message = "x-oss-date does not have the format yyyyMMddTHHmmssZ."
        raise ObjectError(400, "InvalidArgument", message, ArgumentName="x-oss-date") from None


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
