"""Converts the SDK's exceptions into the provider's errors, depending on the service's error code."""

from __future__ import annotations

import re
import ssl
import traceback
from collections.abc import Mapping
from typing import Any

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

#: Error code (the whole code, or the part before a dot) -> error class. The first match applies. See
#: https://help.aliyun.com/document_detail/454816.html, the page of each action, and for SMQ
#: https://help.aliyun.com/en/mns/developer-reference/syntax-of-error-responses
ERRORS_BY_CODE: tuple[tuple[re.Pattern[str], type[ImsError]], ...] = tuple(
    (re.compile(rf"(?:{pattern})(?:\..*)?$"), error)
    for pattern, error in (
        ("Throttling|RequestsTooFrequent|QpsLimitExceeded", ImsThrottledError),
        (
            "InvalidAccessKeyId|InactiveAccessKeyId|SignatureDoesNotMatch|IncompleteSignature|"
            "InvalidSecurityToken|MissingSecurityToken|InvalidTimeStamp|InvalidCredentials|InvalidBearerToken|"
            "InvalidAuthorizationHeader|InvalidDateHeader|TimeExpired",
            ImsCredentialsError,
        ),
        ("OperationDenied", ImsNotSubscribedError),
        ("Forbidden|NoPermission|NotAuthorized|AccessDenied", ImsPermissionError),
        # Each request has a new nonce. A reused nonce means that something between this machine and the service sent
        # the request twice, and the service may have accepted the first of the two.
        ("InternalError|ServiceUnAvailable|ServiceUnavailable|SignatureNonceUsed|RequestTimeout", ImsUnavailableError),
        ("InvalidAction|InvalidVersion|InvalidRegion.*", ImsRequestError),
        (r"ResourceNotFound|NoSuchResource|.*NotFound|.*\.NotFound|.*NotExist", ImsResourceNotFoundError),
    )
)

#: Pattern for the beginning of an error code with which the service or STS rejects credentials -> advice.
#: The first match applies.
#: https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes
CREDENTIALS_ADVICE: tuple[tuple[str, str], ...] = (
    ("InvalidAccessKeyId.NotFound", "no AccessKey has this ID: check the connection's login"),
    ("InvalidAccessKeyId|InactiveAccessKeyId", "the AccessKey is disabled: enable it or use another"),
    ("SignatureDoesNotMatch|IncompleteSignature", "the AccessKey secret is wrong: check the connection's password"),
    (
        "InvalidSecurityToken.Expired",
        "the security token has expired: enter new temporary keys, or choose a credential_type that renews them",
    ),
    (
        "InvalidSecurityToken|MissingSecurityToken",
        "the security token does not belong to the AccessKey: enter the AccessKey ID, the secret and the token again",
    ),
    (
        "InvalidTimeStamp|InvalidDateHeader|TimeExpired",
        "the clock of this machine is off by more than 15 minutes: synchronize it",
    ),
    ("InvalidBearerToken", "the service does not accept the bearer token"),
    ("EntityNotExist", "the role does not exist: check role_arn"),
    ("NoPermission", "grant the action to the connection's identity, and add this identity to the role's trust policy"),
    ("AuthenticationFail.NoPermission", "check oidc_provider_arn and the role's trust policy"),
    ("AuthenticationFail", "the token in oidc_token_file_path has expired or was issued for another provider"),
    ("InvalidParameter.PolicyGrammar", "the policy is not a valid RAM policy"),
    ("InvalidParameter.DurationSeconds", "role_session_expiration exceeds the limit of the role"),
    ("InvalidParameter.RoleSessionName", "check role_session_name, which may contain only letters, digits and .@-_"),
)
#: The error codes of SMQ for an empty queue, and for a receipt handle that is no longer valid because its message was
#: received again or deleted, or because its visibility was changed.
MESSAGE_GONE = ("MessageNotExist", "ReceiptHandleError")
#: The regions in which a product has an endpoint. Used for advice only; other regions are not rejected.
#: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-endpoint and
#: https://www.alibabacloud.com/help/en/vod/developer-reference/api-vod-2017-03-21-endpoint
REGIONS: Mapping[str, str] = {
    "ice": "ap-southeast-1, cn-beijing, cn-hangzhou, cn-shanghai, cn-shenzhen, us-west-1",
    "vod": "ap-northeast-1, ap-southeast-1, ap-southeast-5, cn-beijing, cn-hongkong, cn-shanghai, cn-shenzhen, "
    "eu-central-1, me-central-1, us-west-1",
}
_REGIONAL = re.compile(r"(ice|vod)(?:-vpc)?\.([^.]+)\.aliyuncs\.com")

#: HTTP status of a response without an error code, for example from a proxy -> message.
TOO_LARGE: Mapping[int | None, str] = {
    one: f"HTTP status {one}: the request is too large; shorten its longest parameters" for one in (413, 414, 431)
}
#: Class name of an exception that prevents a request from being built -> the problem in the connection that causes it.
INVALID_FIELDS: Mapping[str, str] = {
    "InvalidURL": "the connection's endpoint or https_proxy is not a valid address",
    "LocationParseError": "the connection's endpoint or https_proxy is not a valid address",
    "InvalidProxyURL": "the connection's https_proxy is not a valid URL",
    "InvalidHeader": "the connection's AccessKey or security token contains a line break or a control character",
    "UnicodeEncodeError": "the connection's AccessKey or security token contains characters that are not allowed",
}


def convert_sdk_error(error: Exception, action: str, ram_action: str, endpoint: str) -> ImsError:
    """
    Convert an exception of the SDK into one of this provider's errors.

    :param ram_action: The RAM action that permits the request, such as ``ice:SubmitTextGenerateJob``.
    :param endpoint: The ``host[:port]`` of the request.
    """
    inner = getattr(error, "inner_exception", None) or error
    # The error is identified by its attributes instead of its class, because the SDK has three exception hierarchies,
    # which share these attributes.
    status, code = getattr(error, "status_code", None), getattr(error, "code", None)
    if isinstance(inner, ImsError):
        failure = inner  # The credentials provider raised it.
    elif status is None or not code:
        failure = _transport_error(inner, endpoint)
    else:
        failure = service_error(getattr(error, "data", None) or {}, int(status), ram_action)
        if isinstance(failure, ImsThrottledError):
            failure.retry_after = _retry_after(error)
    failure.action = action
    return failure


def _retry_after(error: Exception) -> float | None:
    from alibabacloud_tea_openapi.utils import Utils

    # Before alibabacloud-tea-openapi 0.4.5, retry_after is zero, or is the number of milliseconds in another header.
    is_in_seconds = Utils.get_throttling_time_left({}) is None
    return getattr(error, "retry_after", None) if is_in_seconds else None


def service_error(data: Mapping[str, Any], status: int, ram_action: str) -> ImsError:
    """
    Convert an error response of a service.

    :param data: The response: ``Code``, ``Message`` and ``RequestId``; empty if it is not an error of the service.
    """
    code = _text_field(data, "Code")
    message = _text_field(data, "Message") or f"HTTP status {status}"
    error_class = _error_class(status, code)
    details: dict[str, Any] = {"code": code, "request_id": _text_field(data, "RequestId")}
    if error_class is ImsThrottledError:
        message = f"Throttled: {message}"
    elif error_class is ImsUnavailableError:
        message = f"The service failed with HTTP status {status}: {message}"
    elif error_class is ImsPermissionError:
        denied = found if isinstance(found := data.get("AccessDeniedDetail"), dict) else {}
        ram_action = _text_field(denied, "AuthAction") or ram_action
        message = f"Permission denied: {message}; grant the RAM action {ram_action} to the identity of the connection"
        message += _principal(denied)
        details["ram_action"] = ram_action
    elif error_class is ImsCredentialsError:
        # The service's message is omitted: for a wrong signature, it contains the string to sign, including tokens.
        advice = credentials_advice(code) or "check the AccessKey ID, the secret, the security token and the clock"
        message = f"The service rejected the credentials: {advice}"
    elif error_class is ImsNotSubscribedError:
        message += "; the account has no subscription to this feature, or is suspended for overdue payment: see the "
        message += "product's console"
    else:
        if code is None:
            unknown = f"HTTP status {status} and no error code; another server may have responded: check the endpoint"
            message = TOO_LARGE.get(status, unknown)
            details["transient"] = status not in TOO_LARGE
        message = f"The service rejected the request: {message}"
        details["field"] = (code or "").partition("InvalidParameter.")[2] or None
    return error_class(message, **details)


def _principal(denied: Mapping[str, Any]) -> str:
    """Return the RAM user or role in ``AccessDeniedDetail``, in parentheses; an empty string if there is none."""
    name, kind, account = (_text_field(denied, f"AuthPrincipal{one}") for one in ("DisplayName", "Type", "OwnerId"))
    return f" ({kind or 'principal'} {name} of account {account or 'unknown'})" if name else ""


def credentials_advice(code: str | None) -> str | None:
    """Return the advice for an error of the service or of STS about credentials; ``None`` if there is none."""
    return next((advice for pattern, advice in CREDENTIALS_ADVICE if re.match(pattern, code or "")), None)


def _text_field(data: Mapping[str, Any], name: str) -> str | None:
    """Return a field of an error body as a string that UTF-8 can represent; ``None`` if the field is empty."""
    value = data.get(name) or data.get(name[0].lower() + name[1:])
    return str(value).strip().encode(errors="replace").decode() if value else None


def _error_class(status: int, code: str | None) -> type[ImsError]:
    for pattern, error_class in ERRORS_BY_CODE:
        if code and pattern.match(code):
            return error_class
    if status == 429:
        return ImsThrottledError
    if status >= 500 or status == 408:
        return ImsUnavailableError
    # A 404 without an error code does not come from the service.
    return ImsResourceNotFoundError if status == 404 and code else ImsRequestError


def _transport_error(error: Any, endpoint: str) -> ImsError:
    """Convert an error for which there is no readable response from the service."""
    # The SDK's exception contains only the text of a network error, which includes the whole request. The network error
    # itself is the context of the exception.
    cause = next((one for one in (error, error.__context__) if isinstance(one, OSError)), None)
    for name, problem in INVALID_FIELDS.items():
        if name in (type(error).__name__, type(cause).__name__):
            return ImsRequestError(f"The request is invalid: {problem}")
    if cause is None:
        if advice := TOO_LARGE.get(_http_status(error)):
            return ImsRequestError(advice)
        return ImsUnavailableError(
            f"Unexpected response format from {endpoint}: not the service's JSON. A proxy or another server may have "
            "responded"
        )
    names = _error_names(cause)
    if not _not_sent(cause):
        return ImsUnavailableError(f"{endpoint} did not respond ({names})")
    advice = _connection_advice(names, endpoint)
    return ImsUnavailableError(f"{endpoint} could not be reached ({names}): {advice}", accepted=False)


def _http_status(error: BaseException) -> int | None:
    """Return the HTTP status of the response that caused an error, if it can be found."""
    from darabonba.response import DaraResponse

    # The SDK's exceptions do not contain the response. The SDK passes it only to its retry policies, which are not used
    # here, because a retry could submit a second job. Therefore, the response is taken from the traceback.
    values = (value for frame, _ in traceback.walk_tb(error.__traceback__) for value in frame.f_locals.values())
    return next((value.status_code for value in values if isinstance(value, DaraResponse)), None)


def _connection_advice(names: str, endpoint: str) -> str:
    if "SSLError" in names:
        return "its certificate is not trusted; check the connection's ca"
    regional = _REGIONAL.fullmatch(endpoint)
    if regional and "NameResolutionError" in names:
        product, region = regional.groups()
        return (
            f"the host name is unknown; check region_id, which is {region}. Regions with an endpoint: "
            f"{REGIONS[product]}. If the region is correct, this machine cannot resolve host names, or needs a proxy"
        )
    return "check the region, the endpoint and the proxy"


def _reason(cause: OSError) -> Exception | None:
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    return reason if isinstance(reason, Exception) else None


def _error_names(cause: OSError) -> str:
    """Return the class names of a network error and of its reason, without the messages, which contain the request."""
    return ": ".join(type(one).__name__ for one in (cause, _reason(cause)) if one is not None)


def _not_sent(cause: OSError) -> bool:
    """Return whether the request was not sent: no connection could be opened, or the certificate was not trusted."""
    from requests.exceptions import ConnectTimeout
    from urllib3.exceptions import NewConnectionError, ProxyError

    reason = _reason(cause)
    inner = reason.args[0] if reason is not None and reason.args else None
    # urllib3 raises ProxyError only before the connection through the proxy is established.
    return isinstance(cause, ConnectTimeout) or (
        isinstance(reason, (NewConnectionError, ProxyError)) or isinstance(inner, ssl.SSLCertVerificationError)
    )
