"""
The errors of this provider.

They are not derived from ``AirflowException``, so that a failed job has the same effect in all modes of a sensor. With
``soft_fail``, an ``AirflowException`` skips a deferred sensor, but fails a sensor that is not deferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

#: The documented error codes, up to the first dot, of jobs that failed because of their request or content. A new
#: job with the same parameters would fail too. See https://help.aliyun.com/document_detail/197855.html and the examples
#: of ``ErrorCode`` and ``Code`` in the API reference.
PERMANENT_JOB_CODES = (
    "Forbidden",
    "InvalidMaterial",
    "InvalidParameter",
    "MissingParameter",
    "ProduceTimelineFormatError",
    "QueryMaterialFailed",
    "ResourceNotFound",
    "SpeechTranslationNoValidVocal",
)
#: The documented error code for an account with an overdue payment.
SUSPENDED = "OperationDenied.Suspended"


@dataclass(eq=False, repr=False)
class ImsError(Exception):
    """
    Base class of all errors of this provider.

    :param message: The problem and, if known, its solution; without secrets.
    :param action: The API action that was called, such as ``SubmitTextGenerateJob``.
    :param code: The service's error code, such as ``InvalidParameter``.
    :param request_id: The service's id for the failed request; include it in support tickets.
    :param transient: Whether a retry may succeed although errors of this class are usually permanent. True if a job
        was submitted or may have been submitted before the error, because a retry can find this job and wait for it;
        also true if the response has no error code and may come from a proxy instead of the service.
    """

    message: str
    _: KW_ONLY
    action: str | None = None
    code: str | None = None
    request_id: str | None = None
    transient: bool = False

    @property
    def is_permanent(self) -> bool:
        """Whether every retry would fail until a user changes the request, the content or the account."""
        return False

    def __str__(self) -> str:
        known = (("action", self.action), ("code", self.code), ("request id", self.request_id))
        details = ", ".join(f"{name} {value}" for name, value in known if value)
        return f"{self.message} ({details})" if details else self.message


class ImsCredentialsError(ImsError):
    """The credentials are missing, incomplete or rejected."""


@dataclass(eq=False, repr=False, kw_only=True)
class ImsRequestError(ImsError):
    """
    An argument or a connection field is invalid, or the service rejected a value in the request.

    :param field: The invalid argument or API parameter, such as ``title`` or ``GenerateConfig.textLength``.
    """

    field: str | None = None

    @property
    def is_permanent(self) -> bool:
        """Whether the same request would be rejected again; true unless the error is transient."""
        return not self.transient


class ImsResourceNotFoundError(ImsRequestError):
    """A resource in the request does not exist, such as a media asset, a template or a job."""


@dataclass(eq=False, repr=False, kw_only=True)
class ImsPermissionError(ImsError):
    """
    The identity of the connection has no permission for the action.

    :param ram_action: The RAM action to grant, such as ``ice:SubmitTextGenerateJob``.
    """

    ram_action: str | None = None

    @property
    def is_permanent(self) -> bool:
        """Whether every retry would fail until a user grants the permission; true unless the error is transient."""
        return not self.transient


class ImsNotSubscribedError(ImsError):
    """The account has no subscription to the service, or is suspended for overdue payment."""

    @property
    def is_permanent(self) -> bool:
        """
        Whether every retry would fail until a user subscribes.

        False if the error is transient, or if a payment is overdue: the default retry policy then waits an hour before
        the retry, and the user may have paid by then.
        """
        return self.code != SUSPENDED and not self.transient


@dataclass(eq=False, repr=False, kw_only=True)
class ImsThrottledError(ImsError):
    """
    The service throttled the request and did not process it.

    :param retry_after: Seconds to wait before a retry, if the service returned this value.
    """

    retry_after: float | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class ImsUnavailableError(ImsError):
    """
    The service did not respond, or responded with a server error or in an unexpected format.

    :param accepted: ``False`` if the request was not sent, so the service cannot have accepted it; ``True`` if the
        service accepted it; ``None`` if this is unknown.
    """

    accepted: bool | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class ImsUncertainSubmitError(ImsError):
    """
    A submit request returned no job id, and its job was not found. The job may exist nevertheless.

    :param key: The marker that identifies the submission. If the job kind supports a search for the marker, the job's
        UserData contains it as ``AirflowKey``.
    """

    key: str | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class ImsJobsFailedError(ImsError):
    """
    In a task with many jobs, more jobs failed than ``max_failures`` allows.

    :param permanent_failures: The number of refused requests and failed jobs with a permanent error.
    :param max_failures: The number of jobs that are allowed to fail.
    """

    permanent_failures: int = 0
    max_failures: int = 0

    @property
    def is_permanent(self) -> bool:
        """Whether more jobs have a permanent error than are allowed to fail, so that a retry would fail too."""
        return self.permanent_failures > self.max_failures


@dataclass(eq=False, repr=False, kw_only=True)
class ImsJobError(ImsError):
    """
    Base class of the errors that contain a job id.

    :param job_id: The id of the job. If the error concerns several jobs, the id of one of them.
    """

    job_id: str


@dataclass(eq=False, repr=False, kw_only=True)
class ImsJobFailedError(ImsJobError):
    """
    The job failed.

    :param error_message: The service's message, if there is one.
    """

    error_message: str | None = None

    @property
    def is_permanent(self) -> bool:
        """Whether the documentation attributes the error code to the request or the content."""
        return (self.code or "").partition(".")[0] in PERMANENT_JOB_CODES


class ImsJobNotFoundError(ImsJobError):
    """The service cannot find the job."""


@dataclass(eq=False, repr=False, kw_only=True)
class ImsJobTimeoutError(ImsJobError):
    """
    A job did not end before the deadline, or a task with many jobs did not send all requests before the deadline.

    Unfinished jobs continue to run and are billed, unless the task cancels them (see ``cancel_on_kill``).

    :param last_seen: The last known status of the job, and the error if the last poll failed.
    """

    last_seen: str | None = None


def error_as_dict(error: BaseException) -> dict[str, Any]:
    """
    Return an error as JSON data, for a trigger's event.

    An exception that is not an :class:`ImsError` is converted into one; the message contains the name of its class and
    its text.
    """
    if isinstance(error, ImsError):
        details = {name: value for name, value in vars(error).items() if name not in ("message", "__notes__")}
        return {"type": type(error).__name__, "message": error.message, "details": details}
    return {"type": "ImsError", "message": f"{type(error).__name__}: {error}", "details": {}}


def error_from_dict(data: Mapping[str, Any]) -> ImsError:
    """Restore an error from the result of :func:`error_as_dict`. Return an :class:`ImsError` if the data is invalid."""
    classes = {one.__name__: one for one in _with_subclasses(ImsError)}
    message = str(data.get("message"))
    try:
        return classes[data["type"]](message, **data["details"])
    except (KeyError, TypeError):
        return ImsError(message)


def _with_subclasses(error_class: type[ImsError]) -> list[type[ImsError]]:
    return [error_class, *(one for child in error_class.__subclasses__() for one in _with_subclasses(child))]
