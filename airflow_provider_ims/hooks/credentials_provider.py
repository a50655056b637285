"""Temporary credentials: kept while they are good, whatever becomes of the source that renews them."""

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

log = logging.getLogger(__name__)

#: Seconds between two questions to a source whose last credentials are still good.
PAUSE = 30.0
#: Seconds for which credentials are good whose end is not told: the SDK renews none earlier than this before it.
UNTOLD = 15 * 60.0

#: Credential type -> what its credentials come from.
SOURCES = {
    "ram_role_arn": "STS (AssumeRole)",
    "oidc_role_arn": "STS (AssumeRoleWithOIDC)",
    "rsa_key_pair": "STS (GenerateSessionAccessKey)",
    "ecs_ram_role": "the ECS metadata service",
    "credentials_uri": "the credentials URI",
    "default": "the SDK's default chain",
}
#: What a source answers -> what to do; the first that fits is taken.
#: https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes
ADVICE: tuple[tuple[str, str], ...] = (
    ("EntityNotExist", "there is no such role: check role_arn"),
    ("NoPermission", "grant it to the identity that asks, and name that identity in the role's trust policy"),
    ("InvalidAccessKeyId", "no AccessKey has this ID, or it is disabled: check the login"),
    ("SignatureDoesNotMatch|IncompleteSignature", "the secret is not that of the AccessKey: check the password"),
    ("InvalidSecurityToken|MissingSecurityToken", "check the security_token"),
    ("InvalidTimeStamp", "this machine's clock is off: set it"),
    ("AuthenticationFail.NoPermission", "check oidc_provider_arn and the role's trust policy"),
    ("AuthenticationFail", "the token in oidc_token_file_path has ended, or is not one for this provider"),
    ("InvalidParameter.PolicyGrammar", "the policy is not one that RAM understands"),
    ("InvalidParameter.DurationSeconds", "role_session_expiration is over what the role allows"),
    ("InvalidParameter.RoleSessionName", "check role_session_name: letters, digits and .@-_"),
)
_STATUS = re.compile(r"http_?code\s*[:=]\s*(\d{3})", re.IGNORECASE)
_CODE = re.compile(r'"Code"\s*:\s*"([\w.]+)"')
#: What the SDK appends to its own words: an address with its query, or the answer, secrets and all.
_NOT_TO_BE_TOLD = re.compile(r"(\burl|result): .*?(?=\", |', |\Z)", re.DOTALL)


class CachingCredentialsProvider:
    """
    A credentials provider for the SDK, around one of its own.

    The SDK begins to renew credentials 15 minutes before their end, and raises when that fails although they are
    still good. Here they are used on, and the source is asked again after a pause.

    :param provider: The SDK's provider.
    :param kind: The credential type, a key of :data:`SOURCES`.
    :param now: The clock, in epoch seconds.
    """

    def __init__(self, provider: Any, kind: str, now: Callable[[], float] = time.time) -> None:
        self._provider = provider
        self._kind = kind
        self._now = now
        self._lock = threading.Lock()
        self._kept: Any = None
        self._ends = self._ask_again = 0.0

    def get_credentials(self) -> Any:
        """
        Return good credentials.

        :raises ImsUnavailableError: when there are none, and the source cannot be reached.
        :raises ImsCredentialsError: when there are none, and the source refuses to give any.
        """
        if self._now() < self._ask_again:
            return self._kept
        with self._lock:
            if self._now() < self._ask_again:
                return self._kept
            # Nobody waits for the answer who can go on with what there is.
            self._ask_again = min(self._now() + PAUSE, self._ends - 2 * PAUSE)
            failure = self._ask()
            if failure is None:
                return self._kept
            left = self._ends - self._now()
            if left > 0:
                log.warning("%s; the last credentials are good for %.0f s and used on", failure, left)
                return self._kept
        # Out here the SDK's error is no context of ours: its text may hold keys and tokens.
        raise failure

    def _ask(self) -> ImsError | None:
        try:
            fresh = self._provider.get_credentials()
            ends = fresh.get_expiration()
        except Exception as error:  # noqa: BLE001
            # Everything: the SDK stumbles over a garbled answer in its own ways.
            return source_failure(error, self._kind)
        now = self._now()
        ends = float(ends) if ends else now + UNTOLD
        if ends <= now:
            return _ended(self._kind)
        self._kept, self._ends = fresh, ends
        self._ask_again = min(now + PAUSE, ends - 2 * PAUSE)
        return None

    async def get_credentials_async(self) -> Any:
        """Return the same without holding up the event loop; for the asynchronous methods of ``get_conn()``."""
        return await asyncio.to_thread(self.get_credentials)

    def get_provider_name(self) -> str:
        """Return the SDK's name of the source, which goes into a header."""
        return str(self._provider.get_provider_name())


def source_failure(error: Exception, kind: str) -> ImsError:
    """
    Turn what the SDK raised for want of credentials into an error of this provider.

    :param error: What it raised.
    :param kind: The credential type.
    """
    source = SOURCES[kind]
    text = str(getattr(error, "message", None) or error)
    if type(error).__name__ == "RetryError":
        cause = error.__context__
        host = urlsplit(getattr(getattr(cause, "request", None), "url", None) or "").netloc
        return _unavailable(f"{source} at {host} could not be reached ({type(cause).__name__})")
    if text == "No cached value was found.":
        return _ended(kind)
    if isinstance(error, OSError):
        return ImsCredentialsError(f"No credentials could be had: {error.filename} cannot be read ({error.strerror})")
    if type(error).__name__ != "CredentialException":
        return _unavailable(f"{source} gave no answer that could be understood ({type(error).__name__})")
    if kind == "default":
        told = _NOT_TO_BE_TOLD.sub(r"\1 left out", text)
        return ImsCredentialsError(f"No credentials could be had: {told}")
    return _refused(source, kind, text)


def _refused(source: str, kind: str, text: str) -> ImsError:
    status = int(found[1]) if (found := _STATUS.search(text)) else None
    code = found[1] if (found := _CODE.search(text)) else None
    said = f"HTTP status {status}" if status else "something that holds no credentials"
    if status == 429 or (status and status >= 500) or (code or "").startswith("Throttling"):
        return _unavailable(f"{source} answered with {said}", code=code)
    advice = next((text for pattern, text in ADVICE if code and re.match(pattern, code)), None)
    if kind == "ecs_ram_role":
        advice = "give this machine a RAM role, and role_name that role's name or none"
    message = f"No credentials could be had: {source} answered with {said}" + (f"; {advice}" if advice else "")
    if code and code.startswith("NoPermission"):
        action = f"sts:{source.partition('(')[2].rstrip(')')}"
        return ImsPermissionError(f"{message} ({action})", ram_action=action, code=code)
    return ImsCredentialsError(message, code=code)


def _ended(kind: str) -> ImsUnavailableError:
    return _unavailable(f"{SOURCES[kind]} gave credentials that have ended already, or this machine's clock is ahead")


def _unavailable(problem: str, code: str | None = None) -> ImsUnavailableError:
    return ImsUnavailableError(f"No credentials could be had: {problem}", accepted=False, code=code)
