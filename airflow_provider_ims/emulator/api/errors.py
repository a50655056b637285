"""
The error codes of the services, and the HTTP status and body of an error response.

Codes and messages: https://help.aliyun.com/document_detail/197855.html (IMS) and the common codes of the
Alibaba Cloud gateway.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

# Error code -> (HTTP status, message). The messages of documented codes are quoted verbatim. The placeholder {} in a
# message is replaced by the subject of the error.
CODES: dict[str, tuple[int, str]] = {
    # Codes of the gateway.
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards. {}"),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    # The documentation does not list this code.
    "InvalidBearerToken": (403, "This signature type is not supported."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (400, "Specified SecurityToken mismatch with the AccessKey."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "SignatureDoesNotMatch": (400, "Specified signature does not match our calculation. {}"),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "InvalidAction.NotFound": (404, "Specified api is not found, please check your url and method."),
    # Only the emulator returns this code. The status is 400, because many clients retry requests after the status 501.
    "EmulatorNotImplemented": (400, "The emulator does not emulate {}."),
    "InvalidVersion": (404, "Specified parameter Version is not valid."),
    "UnsupportedHTTPMethod": (403, "This http method is not supported."),
    # The documentation does not list the next four codes.
    "InvalidRequest": (400, "The request is malformed. {}"),
    "RequestEntityTooLarge": (413, "The request body is too large. {}"),
    "RequestURITooLong": (414, "The request line is too long. {}"),
    "RequestHeaderFieldsTooLarge": (431, "The request headers are too long. {}"),
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    # Codes of the services.
    "MissingParameter": (
        400,
        'The input parameter "{}" that is mandatory for processing this request is not supplied.',
    ),
    "InvalidParameter": (400, 'The specified parameter "{}" is not valid.'),
    "InvalidParameter.JobNotFound": (400, "The specified job is not found."),
    "IdempotentParameterMismatch": (
        400,
        "The request uses the same client token as a previous, but non-identical request.",
    ),
    # The documentation does not list this code.
    "SessionIdExists": (400, "The specified SessionId has already been submitted."),
    "OperationDenied": (403, "Your account does not open IMS service yet."),
    "OperationDenied.Suspended": (403, "Your IMS service is suspended."),
    "Forbidden": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.RAM": (
        403,
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    ),
    "NoPermission": (403, "You are not authorized to do this action. You should be authorized by RAM."),
    "RequestsTooFrequent": (403, "Requests are too frequent"),
    "ResourceNotFound": (404, "Resource not found"),
    "ProjectNotFound": (404, "Project not found."),
    "InvalidVideo.NotFound": (404, "The video does not exist."),
    "NoSuchResource": (404, "The specified resource does not exist."),
    "InternalError": (500, "The request processing has failed due to some unknown error."),
    "ServiceUnAvailable": (503, "The request has failed due to a temporary failure of the server."),
}


class ApiError(Exception):
    """
    An error response.

    :param code: Error code. :data:`CODES` contains the status and the message of the known codes.
    :param subject: The text that replaces ``{}`` in the message, such as the name of a parameter.
    :param detail: A sentence that is appended to the message.
    :param message: The message, instead of the default message of the code.
    :param status: The HTTP status, instead of the default status of the code. The default of an unknown code is 400.
    :param extra: Additional fields of the response body.
    :param headers: Additional headers of the response.
    """

    def __init__(
        self,
        code: str,
        subject: str = "",
        *,
        detail: str = "",
        message: str | None = None,
        status: int | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        known_status, template = CODES.get(code, (400, code))
        text = message if message is not None else template.format(subject).strip()
        self.message = f"{text} {detail}".strip()
        super().__init__(f"{code}: {self.message}")
        self.code = code
        #: The arguments ``status`` and ``message``; None stands for the default of the code.
        self.overrides = (status, message)
        self.status = status if status is not None else known_status
        self.extra = extra or {}
        self.headers = headers or {}

    def body(self, *, request_id: str, host: str, product: str) -> dict[str, Any]:
        """Return the response body in the documented format."""
        return {
            "RequestId": request_id,
            "HostId": host,
            "Code": self.code,
            "Message": self.message,
            "Recommend": "https://api.aliyun.com/troubleshoot"
            f"?q={quote(self.code)}&product={product}&requestId={request_id}",
            **self.extra,
        }


def missing(name: str, *, detail: str = "") -> ApiError:
    """Return the error for a required parameter that is missing."""
    return ApiError("MissingParameter", name, detail=detail)


def invalid(name: str, detail: str) -> ApiError:
    """Return the error for an invalid value of a parameter."""
    return ApiError("InvalidParameter", name, detail=detail)


def access_denied_detail(action: str, *, account_id: str) -> dict[str, Any]:
    """
    Return the ``AccessDeniedDetail`` of the response to a request that RAM denies.

    :param action: The RAM action for which the caller has no permission, such as ``ice:SubmitTextGenerateJob``.
    :param account_id: The id of the caller's Alibaba Cloud account.
    """
    return {
        "AuthAction": action,
        "AuthPrincipalDisplayName": "ims-emulator",
        "AuthPrincipalOwnerId": account_id,
        "AuthPrincipalType": "SubUser",
        "EncodedDiagnosticMessage": "AQEAAAAAZBgxr0U1MjA1NTM1",
        "NoPermissionType": "ImplicitDeny",
        "PolicyType": "AccountLevelIdentityBasedPolicy",
    }
