"""
The errors of this provider.

None of them is an ``AirflowException``: a deferred sensor with ``soft_fail`` would skip on those, a poking
one would not, and a failed job must read the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ImsError(Exception):
    """
    Root of all errors of this provider.

    :param message: What was wrong and what to do about it; never holds a secret.
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
    """The credentials are missing, incomplete or refused."""


class ImsRequestError(ImsError):
    """
    The request is wrong: an argument, a connection field, or a value that the service refused.

    :param field: The argument or API parameter that is wrong, such as ``title`` or ``GenerateConfig.textLength``.
    """

    def __init__(self, message: str, *, field: str | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.field = field


class ImsResourceNotFoundError(ImsRequestError):
    """The service does not know something that the request names: a media asset, a template, a job."""


class ImsPermissionError(ImsError):
    """
    The account may not do this.

    :param ram_action: The RAM action to grant, such as ``ice:SubmitTextGenerateJob``.
    """

    def __init__(self, message: str, *, ram_action: str | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.ram_action = ram_action


class ImsNotSubscribedError(ImsError):
    """The account has no subscription to the service, or it is suspended for arrears."""


class ImsThrottledError(ImsError):
    """
    The service refused the request because too many came; nothing was done.

    :param retry_after: Seconds after which the service wants to be asked again, where it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class ImsUnavailableError(ImsError):
    """
    The service did not answer, or answered with a server error or with something that is no answer.

    :param accepted: ``False`` when it is certain that the request was not accepted (it never left), ``True`` when
        it surely was, ``None`` when that cannot be known.
    """

    def __init__(self, message: str, *, accepted: bool | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.accepted = accepted


class ImsUncertainSubmitError(ImsError):
    """
    A submit got no answer, and its job was not found: nobody knows whether there is one.

    :param key: What the job's UserData is marked with, if there is one.
    """

    def __init__(self, message: str, *, key: str | None = None, **details: str | None) -> None:
        super().__init__(message, **details)
        self.key = key


class ImsJobError(ImsError):
    """
    Something about one job.

    :param job_id: The job.
    """

    def __init__(self, message: str, *, job_id: str, **details: str | None) -> None:
        super().__init__(message, **details)
        self.job_id = job_id


class ImsJobFailedError(ImsJobError):
    """
    The job ended in failure.

    :param error_message: The service's own words, where it gave any.
    """

    def __init__(self, message: str, *, error_message: str | None = None, job_id: str, **details: str | None) -> None:
        super().__init__(message, job_id=job_id, **details)
        self.error_message = error_message


class ImsJobNotFoundError(ImsJobError):
    """The service does not know the job."""


class ImsJobTimeoutError(ImsJobError):
    """The job did not end before the deadline; it goes on running, unless it could be cancelled."""


def error_as_dict(error: BaseException) -> dict[str, Any]:
    """
    Return an error as plain JSON data, for the way from a trigger to the resuming task.

    :param error: An error of this provider; of any other only its type and text are kept.
    """
    if isinstance(error, ImsError):
        details = {name: value for name, value in vars(error).items() if name != "__notes__"}
        return {"type": type(error).__name__, "message": error.args[0], "details": details}
    return {"type": "ImsError", "message": f"{type(error).__name__}: {error}", "details": {}}


def error_from_dict(data: Mapping[str, Any]) -> ImsError:
    """
    Rebuild an error from :func:`error_as_dict`.

    :param data: The plain data.
    :return: An error of the class that it was; the root class when the data does not fit.
    """
    kinds = {kind.__name__: kind for kind in _all_kinds(ImsError)}
    message = str(data.get("message"))
    try:
        return kinds[data["type"]](message, **data["details"])
    except (KeyError, TypeError):
        return ImsError(message)


def _all_kinds(kind: type[ImsError]) -> list[type[ImsError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _all_kinds(child))]
