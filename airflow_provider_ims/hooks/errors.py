"""From what the SDK raises to this provider's errors, by the service's error code."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsNotSubscribedError,
    ImsPermissionError,
    ImsRequestError,
    ImsResourceNotFoundError,
    ImsThrottledError,
    ImsUnavailableError,
)

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.actions import Action

#: Error codes (whole, or the part before a dot) -> the error they mean. The first that fits is taken;
#: see https://help.aliyun.com/document_detail/454816.html and each action's page.
ERRORS_BY_CODE: tuple[tuple[re.Pattern[str], type[ImsError]], ...] = tuple(
    (re.compile(rf"(?:{pattern})(?:\..*)?$"), error)
    for pattern, error in (
        ("Throttling|RequestsTooFrequent", ImsThrottledError),
        (
            "InvalidAccessKeyId|InactiveAccessKeyId|SignatureDoesNotMatch|IncompleteSignature|"
            "InvalidSecurityToken|MissingSecurityToken|InvalidTimeStamp|InvalidCredentials|InvalidBearerToken",
            ImsCredentialsError,
        ),
        ("OperationDenied", ImsNotSubscribedError),
        ("Forbidden|NoPermission|NotAuthorized", ImsPermissionError),
        # A nonce is drawn for each request, so a used one means that something between here and the service
        # sent the request a second time: the first may have been accepted.
        ("InternalError|ServiceUnAvailable|ServiceUnavailable|SignatureNonceUsed|RequestTimeout", ImsUnavailableError),
        ("InvalidAction|InvalidVersion|InvalidRegion.*", ImsRequestError),
        (r"ResourceNotFound|.*NotFound|.*\.NotFound|.*NotExist", ImsResourceNotFoundError),
    )
)

#: How the codes begin that refuse credentials -> what is wrong with them; the first that fits is taken.
CREDENTIALS_ADVICE: tuple[tuple[str, str], ...] = (
    ("InvalidAccessKeyId.NotFound", "no AccessKey has this ID: check the connection's login"),
    ("InvalidAccessKeyId|InactiveAccessKeyId", "the AccessKey is disabled: enable it, or take another"),
    ("SignatureDoesNotMatch|IncompleteSignature", "the secret is not that of the AccessKey: check the password"),
    (
        "InvalidSecurityToken.Expired",
        "the security token has ended: fill in new temporary keys, or choose a credential_type that renews them",
    ),
    (
        "InvalidSecurityToken|MissingSecurityToken",
        "the security token does not go with the AccessKey: fill in both anew, with the secret",
    ),
    ("InvalidTimeStamp", "this machine's clock is over 15 minutes off: set it"),
    ("InvalidBearerToken", "the service does not accept the bearer token"),
)
#: Regions in which a product has an endpoint; told where a host is unknown, and nothing is refused by it.
#: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-endpoint and
#: https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-endpoint
REGIONS: Mapping[str, str] = {
    "ice": "ap-southeast-1, cn-beijing, cn-hangzhou, cn-shanghai, cn-shenzhen, us-west-1",
    "vod": "ap-northeast-1, ap-southeast-1, ap-southeast-5, cn-beijing, cn-hongkong, cn-shanghai, cn-shenzhen, "
    "eu-central-1, me-central-1, us-west-1",
}
_REGIONAL = re.compile(r"(ice|vod)(?:-vpc)?\.([^.]+)\.aliyuncs\.com")

#: What keeps a request from being made at all, by the name of the error: the connection field to look at.
UNSENDABLE: Mapping[str, str] = {
    "InvalidURL": "the connection's endpoint or https_proxy is no address",
    "LocationParseError": "the connection's endpoint or https_proxy is no address",
    "InvalidProxyURL": "the proxy's address is no URL; see the connection's https_proxy",
    "InvalidHeader": "the connection's AccessKey or security token holds a line break or the like",
    "UnicodeEncodeError": "the connection's AccessKey or security token holds letters that no key has",
}


def from_sdk(error: Exception, action: Action, ram_action: str, endpoint: str) -> ImsError:
    """
    Turn what the SDK raised into one of this provider's errors.

    :param error: What the SDK raised.
    :param action: The action that was called.
    :param ram_action: The RAM action that allows it, such as ``ice:SubmitTextGenerateJob``.
    :param endpoint: Where it was sent to.
    """
    inner: Any = getattr(error, "inner_exception", None) or error
    if isinstance(inner, ImsError):
        # From the credentials' source.
        inner.action = action.name
        return inner
    # By shape, not by class: the SDK has three families of exceptions that look alike.
    status, code = getattr(error, "status_code", None), getattr(error, "code", None)
    if status is None or not code:
        return _no_answer(inner, action, endpoint)
    return _answered(error, int(status), action, ram_action)


def _retry_after(error: Exception) -> Any:
    from airflow_provider_ims.hooks import sdk

    return getattr(error, "retry_after", None) if sdk.READS_RETRY_AFTER else None


def _answered(error: Exception, status: int, action: Action, ram_action: str) -> ImsError:
    data: dict[str, Any] = getattr(error, "data", None) or {}
    code = _said(data, "Code")
    details: dict[str, Any] = {"action": action.name, "code": code, "request_id": _said(data, "RequestId")}
    said = _said(data, "Message") or f"HTTP status {status}"
    kind = _kind(status, code)
    if kind is ImsThrottledError:
        return ImsThrottledError(f"Throttled: {said}", retry_after=_retry_after(error), **details)
    if kind is ImsUnavailableError:
        return ImsUnavailableError(f"The service failed with HTTP status {status}: {said}", **details)
    if kind is ImsPermissionError:
        detail = data.get("AccessDeniedDetail")
        ram_action = (_said(detail, "AuthAction") if isinstance(detail, dict) else None) or ram_action
        return ImsPermissionError(
            f"Not allowed: {said}; grant the RAM action {ram_action} to this connection's identity",
            ram_action=ram_action,
            **details,
        )
    if kind is ImsCredentialsError:
        # Not the service's words: for a wrong signature they hold the string to sign, tokens and all.
        return ImsCredentialsError(f"The credentials were refused: {_advice(code)}", **details)
    if kind is ImsNotSubscribedError:
        return ImsNotSubscribedError(
            f"{said}; the account has no subscription to this feature, or is suspended for arrears: see the product's "
            "console",
            **details,
        )
    if code is None:
        said = f"HTTP status {status} and no error code, so this may not be the service: check the endpoint"
    _, _, field = (code or "").partition("InvalidParameter.")
    error_of_kind: ImsError = kind(f"The service refused the request: {said}", field=field or None, **details)
    return error_of_kind


def _advice(code: str | None) -> str:
    fitting = (advice for pattern, advice in CREDENTIALS_ADVICE if re.match(pattern, code or ""))
    return next(fitting, "check the connection's AccessKey ID, secret and security token, and this machine's clock")


def _said(data: Mapping[str, Any], name: str) -> str | None:
    """Return a field of an error body as text that can be stored, whatever stands there."""
    value = data.get(name) or data.get(name[0].lower() + name[1:])
    return str(value).strip().encode(errors="replace").decode() if value else None


def _kind(status: int, code: str | None) -> type[Any]:
    for pattern, kind in ERRORS_BY_CODE:
        if code and pattern.match(code):
            return kind
    if status == 429:
        return ImsThrottledError
    if status >= 500 or status == 408:
        return ImsUnavailableError
    # Without a code it was not the service that did not find something, but a server that is none.
    return ImsResourceNotFoundError if status == 404 and code else ImsRequestError


def _no_answer(error: Any, action: Action, endpoint: str) -> ImsError:
    # The SDK keeps of a network error only its text, which holds the whole request; its class is in the chain.
    cause = error.__context__ if isinstance(error.__context__, OSError) else None
    for name, problem in UNSENDABLE.items():
        if name in (type(error).__name__, type(cause).__name__):
            return ImsRequestError(f"The request could not be made: {problem}", action=action.name)
    if cause is None:
        return ImsUnavailableError(
            f"The answer from {endpoint} was not the service's JSON: perhaps a proxy or another server gave it",
            action=action.name,
        )
    if _never_sent(cause):
        return ImsUnavailableError(
            f"{endpoint} could not be reached ({_root_of(cause)}): {_way_there(cause, endpoint)}",
            accepted=False,
            action=action.name,
        )
    return ImsUnavailableError(f"{endpoint} did not answer ({_root_of(cause)})", action=action.name)


def _way_there(cause: OSError, endpoint: str) -> str:
    root = _root_of(cause)
    if "SSLError" in root:
        return "its certificate is not trusted; check the connection's ca"
    regional = _REGIONAL.fullmatch(endpoint)
    if regional and "NameResolutionError" in root:
        product, region = regional.groups()
        return (
            f"no host has this name; check region_id, which is {region}: there are endpoints in {REGIONS[product]}. "
            "If it is right, this machine has no name service or needs a proxy"
        )
    return "check the region, the endpoint and the proxy"


def _root_of(cause: OSError) -> str:
    """Name what went wrong by its classes; their texts hold the request."""
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    return type(cause).__name__ + (f": {type(reason).__name__}" if isinstance(reason, Exception) else "")


def _never_sent(cause: OSError) -> bool:
    """Tell whether a network error came before anything was sent: no connection was made, or none to trust."""
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError, ProxyError

    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    inner = reason.args[0] if isinstance(reason, Exception) and reason.args else None
    # urllib3 speaks of the proxy only until it is connected through it.
    return isinstance(cause, ConnectTimeout) or (
        isinstance(reason, (NewConnectionError, ProxyError)) or isinstance(inner, ssl.SSLCertVerificationError)
    )
