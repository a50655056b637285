"""
The error codes of the services, and the status and body of an error response.

Codes and messages: https://help.aliyun.com/document_detail/197855.html (IMS) and the common codes of the
Alibaba Cloud gateway.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

# code -> (HTTP status, message); the message may contain one {}.
CODES: dict[str, tuple[int, str]] = {
    # the gateway
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
    # Not a code of the services. The status is 400 because many clients retry a 501.
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
    # the services
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

    :param code: Error code; :data:`CODES` gives its status and message.
    :param subject: The value to insert into the message, such as the name of a parameter.
    :param detail: An additional sentence of the message.
    :param message: Overrides the default message of the code.
    :param status: Overrides the HTTP status of the code, which is 400 for unknown codes.
    :param extra: Additional fields of the body.
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
        self.status = status if status is not None else known_status
        self.extra = extra or {}
        self.headers = headers or {}

    def body(self, *, request_id: str, host: str, product: str) -> dict[str, Any]:
        """Return the documented error body."""
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
    """Return the error for a required parameter that was not sent."""
    return ApiError("MissingParameter", name, detail=detail)


def invalid(name: str, detail: str) -> ApiError:
    """Return the error for an invalid value of a parameter."""
    return ApiError("InvalidParameter", name, detail=detail)


def access_denied_detail(action: str, *, account_id: str) -> dict[str, Any]:
    """
    Return the ``AccessDeniedDetail`` of a RAM denial.

    :param action: The RAM action that is not granted, such as ``ice:SubmitTextGenerateJob``.
    :param account_id: The account of the caller.
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
