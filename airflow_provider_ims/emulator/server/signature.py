"""
Checks the ACS3-HMAC-SHA256 signature of a request.

https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from airflow_provider_ims.emulator.api.errors import ApiError, missing
from airflow_provider_ims.emulator.api.messages import ApiRequest
from airflow_provider_ims.emulator.settings import StsCredential

ALGORITHM = "ACS3-HMAC-SHA256"
CLOCK_SKEW = 15 * 60
"""The maximum accepted difference between the date of a request and the real time, in seconds."""

REQUIRED_HEADERS = ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "authorization")
SIGNED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<id>[^,]+),\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)


class Verifier:
    """
    Verifies the signatures of requests and stores their nonces.

    :param access_keys: Accepted secrets by access key id.
    :param sts: Accepted temporary credentials.
    :param bearer_tokens: Bearer tokens that are accepted instead of a signature.
    :param now: Returns the real time in seconds since the epoch.
    """

    def __init__(
        self,
        access_keys: Mapping[str, str],
        sts: Iterable[StsCredential] = (),
        bearer_tokens: Iterable[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._access_keys = dict(access_keys)
        self._sts = {credential.access_key_id: credential for credential in sts}
        self._tokens = {credential.security_token for credential in self._sts.values()}
        self._bearer_tokens = frozenset(bearer_tokens)
        self._now = now
        self._nonces: set[tuple[str, str]] = set()
        self._nonce_ages: deque[tuple[float, tuple[str, str]]] = deque()

    def verify(self, request: ApiRequest) -> str:
        """
        Return the access key id of a request, or ``bearer``.

        :raises ApiError: If the signature is invalid.
        """
        headers = request.headers
        if "x-acs-bearer-token" in headers:
            return self._verify_bearer(request, headers["x-acs-bearer-token"])
        for name in REQUIRED_HEADERS:
            if not headers.get(name):
                raise missing("Authorization" if name == "authorization" else name)
        match = _AUTHORIZATION.fullmatch(headers["authorization"].strip())
        if match is None:
            raise ApiError("IncompleteSignature", "Authorization is malformed.")
        self._check_date(headers["x-acs-date"])
        key_id = match["id"]
        secret = self._secret(key_id, headers.get("x-acs-security-token"))
        signed = match["headers"].lower().split(";")
        self._check_signed_headers(signed, headers)
        digest = hashlib.sha256(request.body).hexdigest()
        if not hmac.compare_digest(digest.encode(), headers["x-acs-content-sha256"].lower().encode("latin-1")):
            raise ApiError("SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the body.")
        text = string_to_sign(request, signed, digest)
        expected = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, match["signature"]):
            raise ApiError("SignatureDoesNotMatch", f"server StringToSign is [{text}]")
        self._use_nonce((key_id, headers["x-acs-signature-nonce"]))
        return key_id

    def _verify_bearer(self, request: ApiRequest, token: str) -> str:
        # The request is not signed: https://aliyun.github.io/elastic-compute-control-cli/docs/credentials/bearer-token
        if dict(request.query).get("SignatureType") != "BEARERTOKEN":
            raise missing("SignatureType")
        if token not in self._bearer_tokens:
            raise ApiError("InvalidBearerToken")
        self._check_date(request.headers.get("x-acs-date", ""))
        return "bearer"

    def _check_date(self, text: str) -> None:
        try:
            date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise ApiError("InvalidTimeStamp.Format") from None
        if abs(self._now() - date) > CLOCK_SKEW:
            raise ApiError("InvalidTimeStamp.Expired")

    def _secret(self, key_id: str, token: str | None) -> str:
        credential = self._sts.get(key_id)
        if token is None:
            # A session key of a key pair has no token; other temporary credentials require one.
            if credential is not None and not credential.security_token and not self._has_expired(credential):
                return credential.access_key_secret
            if key_id not in self._access_keys:
                raise ApiError("InvalidAccessKeyId.NotFound")
            return self._access_keys[key_id]
        if credential is None and key_id not in self._access_keys:
            raise ApiError("InvalidAccessKeyId.NotFound")
        if token not in self._tokens:
            raise ApiError("InvalidSecurityToken.Malformed")
        if credential is None or not hmac.compare_digest(credential.security_token.encode(), token.encode()):
            raise ApiError("InvalidSecurityToken.MismatchWithAccessKey")
        if self._has_expired(credential):
            raise ApiError("InvalidSecurityToken.Expired")
        return credential.access_key_secret

    def _has_expired(self, credential: StsCredential) -> bool:
        return credential.expires is not None and credential.expires <= self._now()

    @staticmethod
    def _check_signed_headers(signed: list[str], headers: Mapping[str, str]) -> None:
        needed = [*SIGNED, *(["x-acs-security-token"] if "x-acs-security-token" in headers else [])]
        for name in needed:
            if name not in signed:
                raise ApiError("IncompleteSignature", f"SignedHeaders must contain {name}.")
        for name in signed:
            if name not in headers:
                raise ApiError("IncompleteSignature", f"The signed header {name} was not sent.")

    def _use_nonce(self, nonce: tuple[str, str]) -> None:
        now = self._now()
        # Older nonces need not be stored: a replayed request is rejected because of its date.
        while self._nonce_ages and self._nonce_ages[0][0] < now - 2 * CLOCK_SKEW:
            self._nonces.discard(self._nonce_ages.popleft()[1])
        if nonce in self._nonces:
            raise ApiError("SignatureNonceUsed")
        self._nonces.add(nonce)
        self._nonce_ages.append((now, nonce))


def string_to_sign(request: ApiRequest, signed: list[str], digest: str) -> str:
    """
    Return the string to sign.

    :param signed: Lowercase names of the signed headers.
    :param digest: SHA-256 of the body, in hex.
    """
    # Clients percent-encode different characters of the query, so it was decoded and is encoded again here.
    query = "&".join(f"{_encode(key)}={_encode(value)}" for key, value in sorted(request.query))
    canonical_headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in sorted(signed))
    canonical = "\n".join((request.method, request.path, query, canonical_headers, ";".join(sorted(signed)), digest))
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def _encode(text: str) -> str:
    return quote(text, safe="~")
