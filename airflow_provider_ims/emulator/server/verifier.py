"""Verifies the credentials and the signatures of requests."""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from airflow_provider_ims.emulator.api.errors import ApiError, missing
from airflow_provider_ims.emulator.api.messages import ApiRequest
from airflow_provider_ims.emulator.server.signature import Bearer, read_signature
from airflow_provider_ims.emulator.settings import StsCredential

CLOCK_SKEW = 15 * 60
"""The maximum accepted difference between the date of a request and the real time, in seconds."""


class Verifier:
    """
    Verifies the signatures of requests, and stores their nonces to detect repeated requests.

    :param access_keys: Accepted secrets, by AccessKey ID.
    :param sts: Accepted temporary credentials.
    :param bearer_tokens: Bearer tokens that are accepted instead of a signature.
    :param now: A function that returns the real time in seconds since the epoch.
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
        Verify a request and return its AccessKey ID, or ``bearer`` if it has a bearer token.

        :raises ApiError: If the credential, the signature or the date is missing or invalid, or the nonce has been
            used before.
        """
        signature = read_signature(request)
        if isinstance(signature, Bearer):
            if signature.token not in self._bearer_tokens:
                raise ApiError("InvalidBearerToken")
            self._check_date(signature.date, request)
            return "bearer"
        self._check_date(signature.date, request)
        secret = self.secret(signature.key_id, signature.token)
        if not hmac.compare_digest(signature.calculate(secret).encode(), signature.value.encode()):
            raise ApiError("SignatureDoesNotMatch", message=signature.mismatch)
        self._use_nonce((signature.key_id, signature.nonce))
        return signature.key_id

    def _check_date(self, text: str, request: ApiRequest) -> None:
        if not text:
            raise missing("Timestamp" if request.is_v1 else "x-acs-date")
        try:
            date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise ApiError("InvalidTimeStamp.Format") from None
        if abs(self._now() - date) > CLOCK_SKEW:
            raise ApiError("InvalidTimeStamp.Expired")

    def secret(self, key_id: str, token: str | None) -> str:
        """
        Return the secret of a credential.

        :param token: The security token of a temporary credential; None if the request contains none.
        :raises ApiError: If the credential is unknown or has expired, or the token does not belong to it.
        """
        credential = self._sts.get(key_id)
        if token is None:
            # A session key of an RSA key pair has no token. All other temporary credentials have a token.
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

    def _use_nonce(self, nonce: tuple[str, str]) -> None:
        now = self._now()
        # Older nonces need not be stored: a repeated request would be rejected because of its date.
        while self._nonce_ages and self._nonce_ages[0][0] < now - 2 * CLOCK_SKEW:
            self._nonces.discard(self._nonce_ages.popleft()[1])
        if nonce in self._nonces:
            raise ApiError("SignatureNonceUsed")
        self._nonces.add(nonce)
        self._nonce_ages.append((now, nonce))
