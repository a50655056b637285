"""
The errors of this provider.

None of them is an ``AirflowException``: a deferred sensor with ``soft_fail`` would skip on those, a poking sensor would
not, and a failed job must have the same effect in both modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ImsError(Exception):
    """
    Base class of all errors of this provider.

    :param message: The problem and its solution, without secrets.
    :param action: The API action that was called, such as ``SubmitTextGenerateJob``.
    :param code: The service's error code, such as ``InvalidParameter``.
    :param request_id: The service's id of the failed request, for a support ticket.
    """

    def __init__(
        self,
        message: str,
        *,
        action: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.action = action
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        known = (("action", self.action), ("code", self.code), ("request id", self.request_id))
        details = ", ".join(f"{name} {value}" for name, value in known if value)
        return f"{self.args[0]} ({details})" if details else str(self.args[0])


class ImsCredentialsError(ImsError):
    """The credentials are missing, incomplete or rejected."""


class ImsRequestError(ImsError):
    """
    The request is invalid: an argument, a connection field, or a value that the service rejected.

    :param field: The invalid argument or API parameter, such as ``title`` or ``GenerateConfig.textLength``.
    """

    def __init__(self, message: str, *, field: str | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.field = field


class ImsResourceNotFoundError(ImsRequestError):
    """Something that the request names does not exist: a media asset, a template, a job."""


class ImsPermissionError(ImsError):
    """
    The identity has no permission for the action.

    :param ram_action: The RAM action to grant, such as ``ice:SubmitTextGenerateJob``.
    """

    def __init__(self, message: str, *, ram_action: str | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.ram_action = ram_action


class ImsNotSubscribedError(ImsError):
    """The account has no subscription to the service, or is suspended for overdue payment."""


class ImsThrottledError(ImsError):
    """
    The service throttled the request and did not process it.

    :param retry_after: Seconds to wait before a retry, if the service returned them.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class ImsUnavailableError(ImsError):
    """
    The service did not respond, or responded with a server error or an unexpected format.

    :param accepted: ``False`` if the request was certainly not accepted, because it was not sent; ``True`` if it
        certainly was; ``None`` if this is unknown.
    """

    def __init__(self, message: str, *, accepted: bool | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.accepted = accepted


class ImsUncertainSubmitError(ImsError):
    """
    A submit got no response and its job was not found, so it is unknown whether the job exists.

    :param key: The marker in the job's UserData, if there is one.
    """

    def __init__(self, message: str, *, key: str | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.key = key


class ImsJobError(ImsError):
    """
    Base class of the errors of one job.

    :param job_id: The job.
    """

    def __init__(self, message: str, *, job_id: str, **details: str | None) -> None:
        super().__init__(message, **details)
        self.job_id = job_id


class ImsJobFailedError(ImsJobError):
    """
    The job failed.

    :param error_message: The service's message, if there is one.
    """

    def __init__(self, message: str, *, error_message: str | None = None, job_id: str, **details: str | None) -> None:
        super().__init__(message, job_id=job_id, **details)
        self.error_message = error_message


class ImsJobNotFoundError(ImsJobError):
    """The service does not know the job."""


class ImsJobTimeoutError(ImsJobError):
    """The job did not end before the deadline. It continues, unless it could be cancelled."""


def error_as_dict(error: BaseException) -> dict[str, Any]:
    """
    Return an error as JSON data, for a trigger's event.

    :param error: An error of this provider. Of any other, only the type and the text are kept.
    """
    if isinstance(error, ImsError):
        details = {name: value for name, value in vars(error).items() if name != "__notes__"}
        return {"type": type(error).__name__, "message": error.args[0], "details": details}
    return {"type": "ImsError", "message": f"{type(error).__name__}: {error}", "details": {}}


def error_from_dict(data: Mapping[str, Any]) -> ImsError:
    """
    Return the error of :func:`error_as_dict`.

    :param data: The JSON data.
    :return: An error of the original class; an :class:`ImsError` if the data does not fit that class.
    """
    classes = {one.__name__: one for one in _with_subclasses(ImsError)}
    message = str(data.get("message"))
    try:
        return classes[data["type"]](message, **data["details"])
    except (KeyError, TypeError):
        return ImsError(message)


def _with_subclasses(error_class: type[ImsError]) -> list[type[ImsError]]:
    return [error_class, *(one for child in error_class.__subclasses__() for one in _with_subclasses(child))]
