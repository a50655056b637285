"""Caches temporary credentials, so that a failed renewal does not fail a task that waits for a job."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsError, ImsPermissionError, ImsUnavailableError
from airflow_provider_ims.hooks._errors import credentials_advice

log = logging.getLogger(__name__)

#: Seconds between two attempts to renew credentials that are still valid.
RENEWAL_INTERVAL = 30.0
#: Assumed lifetime, in seconds, of credentials without an expiration. The SDK renews credentials 15 minutes before they
#: expire, so the credentials that it returns are normally valid for at least this time.
DEFAULT_LIFETIME = 15 * 60.0

#: Credential type -> the source of its temporary credentials.
SOURCES = {
    "ram_role_arn": "STS (AssumeRole)",
    "oidc_role_arn": "STS (AssumeRoleWithOIDC)",
    "rsa_key_pair": "STS (GenerateSessionAccessKey)",
    "ecs_ram_role": "the ECS metadata service",
    "credentials_uri": "the credentials URI",
    "default": "the SDK's default chain",
}
_STATUS = re.compile(r"http_?code\s*[:=]\s*(\d{3})", re.IGNORECASE)
_CODE = re.compile(r'"Code"\s*:\s*"([\w.]+)"')
#: A URL with its query, or a response, which may contain secrets. The SDK appends both to its error messages.
_SENSITIVE = re.compile(r"(\burl|result): .*?(?=\", |', |\Z)", re.DOTALL)


class CachingCredentialsProvider:
    """
    Wraps a credentials provider of the SDK, and caches its credentials.

    The SDK's providers renew credentials 15 minutes before they expire, and raise an error if the renewal fails. This
    provider returns the current credentials until they expire, and retries the renewal.
    """

    def __init__(self, provider: Any, credential_type: str, now: Callable[[], float] = time.time) -> None:
        self._provider = provider
        self._type = credential_type
        self._now = now
        self._lock = threading.Lock()
        self._cached: Any = None
        self._expires_at = self._renew_at = 0.0

    def get_credentials(self) -> Any:
        """
        Return valid credentials.

        :raises ImsUnavailableError: if no valid credentials are cached, and the source is unavailable.
        :raises ImsError: another subclass if no valid credentials are cached, and the source denies the request.
        """
        if self._now() < self._renew_at:
            return self._cached
        with self._lock:
            if self._now() < self._renew_at:
                return self._cached
            # While this thread renews valid credentials, other threads use the cached ones.
            self._renew_at = min(self._now() + RENEWAL_INTERVAL, self._expires_at - 2 * RENEWAL_INTERVAL)
            failure = self._renew()
            remaining = self._expires_at - self._now()
            if failure is not None and remaining > 0:
                log.warning("%s; using the cached credentials, which expire in %.0f s", failure, remaining)
            if failure is None or remaining > 0:
                return self._cached
        # Raised outside of the except block: the SDK's error may contain secrets and must not become the context.
        raise failure

    def _renew(self) -> ImsError | None:
        try:
            credentials = self._provider.get_credentials()
            expiration = credentials.get_expiration()
        except Exception as error:  # noqa: BLE001
            # A malformed response can make the SDK raise almost any exception.
            return convert_source_error(error, self._type)
        now = self._now()
        expires_at = float(expiration) if expiration else now + DEFAULT_LIFETIME
        if expires_at <= now:
            return _expired(SOURCES[self._type])
        self._cached, self._expires_at = credentials, expires_at
        self._renew_at = min(now + RENEWAL_INTERVAL, expires_at - 2 * RENEWAL_INTERVAL)
        return None

    async def get_credentials_async(self) -> Any:
        """Return valid credentials without blocking the event loop; used by async methods of the SDK's clients."""
        return await asyncio.to_thread(self.get_credentials)

    def get_provider_name(self) -> str:
        """Return the SDK's name of the wrapped provider, which is sent in a header."""
        return str(self._provider.get_provider_name())


def convert_source_error(error: Exception, credential_type: str) -> ImsError:
    """Convert an exception of an SDK credentials provider into one of this package's errors."""
    source = SOURCES[credential_type]
    text = str(getattr(error, "message", None) or error)
    if type(error).__name__ == "RetryError":
        cause = error.__context__
        host = urlsplit(getattr(getattr(cause, "request", None), "url", None) or "").netloc
        return _unavailable(f"{source} at {host} could not be reached ({type(cause).__name__})")
    if text == "No cached value was found.":
        return _expired(source)
    if isinstance(error, OSError):
        return ImsCredentialsError(f"Could not obtain credentials: cannot read {error.filename} ({error.strerror})")
    if type(error).__name__ != "CredentialException":
        return _unavailable(f"unexpected response format from {source} ({type(error).__name__})")
    if credential_type == "default":
        return ImsCredentialsError("Could not obtain credentials: " + _SENSITIVE.sub(r"\1 omitted", text))
    return _denied(source, credential_type, text)


def _denied(source: str, credential_type: str, text: str) -> ImsError:
    status = int(match[1]) if (match := _STATUS.search(text)) else 0
    code = match[1] if (match := _CODE.search(text)) else ""
    response = f"HTTP status {status}" if status else "a response without credentials"
    if status == 429 or status >= 500 or code.startswith("Throttling"):
        return _unavailable(f"{source} returned {response}", code or None)
    advice = credentials_advice(code)
    if credential_type == "ecs_ram_role":
        advice = "attach a RAM role to this machine, and set role_name to its name or leave it empty"
    message = f"Could not obtain credentials: {source} returned {response}" + (f"; {advice}" if advice else "")
    if code.startswith("NoPermission"):
        action = f"sts:{source.partition('(')[2].rstrip(')')}"
        return ImsPermissionError(f"{message} ({action})", ram_action=action, code=code)
    return ImsCredentialsError(message, code=code or None)


def _expired(source: str) -> ImsUnavailableError:
    return _unavailable(f"{source} returned expired credentials, or the clock of this machine is ahead")


def _unavailable(problem: str, code: str | None = None) -> ImsUnavailableError:
    return ImsUnavailableError(f"Could not obtain credentials: {problem}", accepted=False, code=code)
