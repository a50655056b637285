"""
The error codes of SMQ, and the XML of an error response.

Codes and messages: https://help.aliyun.com/document_detail/27501.html.
"""

from __future__ import annotations

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.xml import xml_body

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"

# Error code -> (HTTP status, message). The messages of documented codes are quoted verbatim.
QUEUE_CODES: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "The OwnerId that your Access Key Id associated to is forbidden for this operation."),
    "InternalError": (500, "Internal error."),
    "InvalidAccessKeyId": (403, "The AccessKey Id you provided is not exist."),
    "InvalidArgument": (400, "An argument is not valid."),
    "InvalidAuthorizationHeader": (400, "The Authorization header format is invalid."),
    "InvalidDateHeader": (400, "The Date header format is invalid."),
    "InvalidDegist": (400, "The Content-MD5 you specified is invalid."),
    "InvalidQueryString": (400, "Http request URL contains invalid querystring item."),
    "InvalidQueueName": (
        400,
        "The queue name you provided is invalid. QueueName should start with alpha and contain only alpha, digit or -.",
    ),
    "InvalidRequestURL": (400, "Http request URL format invalid."),
    # The documentation does not list this code.
    "InvalidSecurityToken": (403, "The SecurityToken you provided is invalid."),
    "MalformedXML": (400, "The XML you provided was not well-formed."),
    "MessageNotExist": (404, "Message not exist."),
    "MissingAuthorizationHeader": (400, "Authorization header is required."),
    "MissingDateHeader": (400, "Date header is required."),
    "MissingReceiptHandle": (400, "ReceiptHandle is required."),
    "MissingVisibilityTimeout": (400, "VisibilityTimeout is required."),
    "QpsLimitExceeded": (400, "The qps limit of the queue is exceeded."),
    "QueueAlreadyExist": (409, "The queue you want to create is already exist."),
    "QueueNameLengthError": (400, "Queue name length should between 1 and 256."),
    "QueueNotExist": (404, "The queue name you provided is not exist."),
    "ReceiptHandleError": (400, "The receipt handle you provide is not valid."),
    "SignatureDoesNotMatch": (
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing"
        " method.",
    ),
    "TimeExpired": (408, "The http request you sent is expired."),
}
#: Error code of IMS and VOD -> the corresponding code of SMQ.
_EQUIVALENTS = {
    "Forbidden.RAM": "AccessDenied",
    "InvalidAccessKeyId.NotFound": "InvalidAccessKeyId",
    "InvalidSecurityToken.Expired": "InvalidSecurityToken",
    "InvalidSecurityToken.Malformed": "InvalidSecurityToken",
    "InvalidSecurityToken.MismatchWithAccessKey": "InvalidSecurityToken",
    "NoPermission": "AccessDenied",
    "OperationDenied": "AccessDenied",
    "OperationDenied.Suspended": "AccessDenied",
    "Throttling.Api": "QpsLimitExceeded",
    "Throttling.User": "QpsLimitExceeded",
}


def queue_error(code: str, message: str | None = None) -> ApiError:
    """
    Return an error of SMQ.

    :param code: A code in :data:`QUEUE_CODES`.
    :param message: Overrides the documented message of the code.
    """
    status, text = QUEUE_CODES[code]
    return ApiError(code, status=status, message=message or text)


def out_of_range(name: str, low: int, high: int) -> ApiError:
    """Return the error for a value that is not an integer in a range, or for a message body whose size is invalid."""
    return queue_error("InvalidArgument", f"The value of {name} should between {low} and {high} seconds/bytes.")


def not_in_schema(element: str) -> ApiError:
    """Return the error for well-formed XML in which an element is missing, unexpected or invalid."""
    message = f"The XML you provided did not validate against our published schema, cause by {element}."
    return queue_error("InvalidArgument", message)


def unknown_parameter(name: str) -> ApiError:
    """Return the error for a query parameter that the action does not accept."""
    return queue_error("InvalidQueryString", f'Http request URL contains invalid querystring item "{name}".')


def as_queue_error(error: ApiError) -> ApiError:
    """
    Convert an error of IMS or VOD, or an error that a test injects, into the corresponding error of SMQ.

    An explicit status or message of the error is kept. Otherwise, the documented status or message of the SMQ code
    applies. If SMQ has no corresponding error, the error is returned unchanged.
    """
    code = _EQUIVALENTS.get(error.code, error.code)
    if code not in QUEUE_CODES:
        return error
    status, message = error.overrides
    known_status, text = QUEUE_CODES[code]
    return ApiError(
        code,
        status=known_status if status is None else status,
        message=text if message is None else message,
        headers=error.headers,
    )


def error_body(error: ApiError, request_id: str, host: str) -> bytes:
    """Return the body of an error response."""
    body = {"Code": error.code, "Message": error.message, "RequestId": request_id, "HostId": host}
    return xml_body("Error", body, NAMESPACE)
