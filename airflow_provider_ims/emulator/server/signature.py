"""
Reads the signatures of requests: V3 (ACS3-HMAC-SHA256) in the headers, and V1 (HMAC-SHA1) in the parameters.

- V3: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
- V1: https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism. This page calls the method V2, although
  ``SignatureVersion`` is 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from airflow_provider_ims.emulator.api.errors import ApiError, invalid, missing
from airflow_provider_ims.emulator.api.messages import ApiRequest

ALGORITHM = "ACS3-HMAC-SHA256"
V3_HEADERS = ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "authorization")
V3_SIGNED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
V1_REQUIRED = ("AccessKeyId", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp", "Signature")
_V1_VALUE = re.compile("[A-Za-z0-9+/]{27}=")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<id>[^,]+),\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)


@dataclass(frozen=True)
class Signature:
    """
    The signature of a request.

    :param key_id: The AccessKey ID.
    :param token: The security token; None if the request contains none.
    :param date: The date of the request, as the client sent it.
    :param nonce: The random string with which the server detects a repeated request.
    :param value: The signature that the client sent.
    :param calculate: A function that returns the correct signature for a secret.
    :param mismatch: The message of the error for a wrong signature.
    """

    key_id: str
    token: str | None
    date: str
    nonce: str
    value: str
    calculate: Callable[[str], str]
    mismatch: str


@dataclass(frozen=True)
class Bearer:
    """
    A bearer token, which a client can send instead of a signature.

    https://aliyun.github.io/elastic-compute-control-cli/docs/credentials/bearer-token
    """

    token: str
    date: str


def read_signature(request: ApiRequest) -> Signature | Bearer:
    """
    Return the signature or the bearer token of a request, without verifying it.

    :raises ApiError: If the request has neither, the signature is malformed or incomplete, or the sent hash of the body
        is wrong.
    """
    return _read_v1(request) if request.is_v1 else _read_v3(request)


def _read_v3(request: ApiRequest) -> Signature | Bearer:
    headers = request.headers
    if "x-acs-bearer-token" in headers:
        if request.all_parameters.get("SignatureType") != "BEARERTOKEN":
            raise missing("SignatureType")
        return Bearer(headers["x-acs-bearer-token"], headers.get("x-acs-date", ""))
    for name in V3_HEADERS:
        if not headers.get(name):
            raise missing("Authorization" if name == "authorization" else name)
    match = _AUTHORIZATION.fullmatch(headers["authorization"].strip())
    if match is None:
        raise ApiError("IncompleteSignature", "Authorization is malformed.")
    signed = match["headers"].lower().split(";")
    _check_signed_headers(signed, headers)
    digest = hashlib.sha256(request.body).hexdigest()
    if digest != headers["x-acs-content-sha256"].lower():
        raise ApiError("SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body.")
    canonical = canonical_request(request, signed, digest)
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return Signature(
        key_id=match["id"],
        token=headers.get("x-acs-security-token"),
        date=headers["x-acs-date"],
        nonce=headers["x-acs-signature-nonce"],
        value=match["signature"],
        calculate=lambda secret: hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        # This message is not documented. The text was found in published error reports.
        mismatch="Specified signature does not match our calculation. "
        f"server StringToSign is [{text}] server CanonicalRequest is [{canonical}]",
    )


def _check_signed_headers(signed: list[str], headers: Mapping[str, str]) -> None:
    needed = [*V3_SIGNED, *(["x-acs-security-token"] if "x-acs-security-token" in headers else [])]
    for name in needed:
        if name not in signed:
            raise ApiError("IncompleteSignature", f"SignedHeaders must contain {name}.")
    for name in signed:
        if name not in headers:
            raise ApiError("IncompleteSignature", f"The signed header {name} was not sent.")


def canonical_request(request: ApiRequest, signed: list[str], digest: str) -> str:
    """
    Return the canonical request, from which a V3 signature is calculated.

    :param signed: Lowercase names of the signed headers.
    :param digest: SHA-256 of the body, in hex.
    """
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in sorted(signed))
    return "\n".join(
        (request.method, request.path, _encode_pairs(request.query), headers, ";".join(sorted(signed)), digest)
    )


def _read_v1(request: ApiRequest) -> Signature | Bearer:
    parameters = request.all_parameters
    if parameters.get("SignatureType") == "BEARERTOKEN":
        return Bearer(parameters.get("BearerToken", ""), parameters.get("Timestamp", ""))
    for name in V1_REQUIRED:
        if not parameters.get(name):
            raise missing(name)
    if parameters["SignatureMethod"].upper() != "HMAC-SHA1":
        raise invalid("SignatureMethod", "Valid values: HMAC-SHA1.")
    if parameters["SignatureVersion"] != "1.0":
        raise invalid("SignatureVersion", "Valid values: 1.0.")
    text = string_to_sign(request)
    if not _V1_VALUE.fullmatch(parameters["Signature"]):
        raise ApiError("IncompleteSignature", f"server string to sign is:{text}")
    return Signature(
        key_id=parameters["AccessKeyId"],
        token=parameters.get("SecurityToken") or None,
        date=parameters["Timestamp"],
        nonce=parameters["SignatureNonce"],
        value=parameters["Signature"],
        calculate=lambda secret: _base64_hmac(f"{secret}&", text),
        # Clients compare the text after the colon with their string to sign. If the two are equal, the secret is wrong.
        mismatch=f"Specified signature is not matched with our calculation. server string to sign is:{text}",
    )


def string_to_sign(request: ApiRequest) -> str:
    """Return the string to sign, from which a V1 signature is calculated."""
    pairs = [pair for pair in (*request.query, *request.form) if pair[0] != "Signature"]
    return f"{request.method}&%2F&{_encode(_encode_pairs(pairs))}"


def _base64_hmac(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode()


def _encode_pairs(pairs: list[tuple[str, str]]) -> str:
    # Clients differ in the characters that they percent-encode. Therefore, the decoded pairs are encoded again in the
    # canonical form.
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(pairs))


def _encode(text: str) -> str:
    return quote(text, safe="~")
