"""A job family: how to query its jobs, and how to read the responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.objects import unsigned
from airflow_provider_ims._jobs.payload import as_text, first_text, normalize, snake_case, walk_path
from airflow_provider_ims._jobs.search import Search, search_in
from airflow_provider_ims.exceptions import ImsError, ImsResourceNotFoundError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import ICE, Product

T = TypeVar("T")

#: The fields of a job that contain its input, by product.
_INPUTS = {
    "ice": ("Input.Media", "SmartJobInfo.InputConfig.InputFile", "UploadURL", "TaskInput.Media"),
    "vod": ("VideoId", "UploadURL", "MediaId"),
}
#: Fields that a response may contain even if it describes no job.
_METADATA_FIELDS = {"RequestId", "Success", "Code", "Message", "StatusCode"}


@dataclass(frozen=True, slots=True)
class JobFamily:
    """
    The jobs that one query action returns.

    For the syntax of the paths, see :func:`~airflow_provider_ims._jobs.payload.walk_path`.

    :param name: The name of the family in logs, keys and metrics.
    :param query_action: The API action that returns the status of a job.
    :param running: The statuses of a running job, in the order in which a job passes through them. Any status that is
        neither in ``succeeded`` nor in ``failed`` is treated as running, because not all statuses are documented.
    :param product: The product whose API contains the actions.
    :param succeeded: The statuses of a job that succeeded. Statuses are compared case-insensitively.
    :param failed: The statuses of a job that failed.
    :param jobs: The path to the job, or to a list of jobs if it ends in ``[]``; empty if the response is the job.
    :param job_id: The field of a job that contains its id; ``None`` if the response does not contain it.
    :param status: The field of a job that contains its status.
    :param error: The paths to the error code and the error message in a failed job; an empty path if no field
        is documented.
    :param result: The paths of the values in the result of a job that succeeded. Each value is stored under the last
        component of its path in snake_case, or under another name, as in ``audios=Result.AudioResult``.
        :func:`~airflow_provider_ims._jobs.payload.normalize` converts the values.
    :param parts: The name of the parts of a job, such as ``videos``; ``None`` if a job that succeeds cannot have failed
        parts. In most families, the field of the result that lists the successful parts has the same name. The
        result's field ``failed`` lists the failed parts.
    :param partly: The statuses in ``succeeded`` that mean that some parts of the job failed.
    :param refine: A function that adds data from the response to a job that has ended, if paths are not sufficient.
    :param id_parameter: The parameter of the query action that contains the job ids.
    :param ids_per_query: The maximum number of ids in one request.
    :param extra_parameters: Further parameters that the query action requires.
    :param search: The search for a job by the marker (``AirflowKey``) in its UserData. Default: a search in
        ``listing``, if the listing contains UserData.
    :param search_lag: Seconds for which a new job may be missing from search results.
    :param listing: The action that lists the family's jobs by their status, if there is one.
    :param cancel_action: The API action that cancels a job by its id, if there is one.
    :param cancel_parameter: The parameter of ``cancel_action`` that contains the job id.
    :param cancelled: The path to the ids of the cancelled jobs in the response of ``cancel_action``; empty if any
        response without an error means that the job was cancelled.
    :param cancel_while: The statuses in which a job can be cancelled; empty for all statuses of a running job.
    """

    name: str
    query_action: str
    running: tuple[str, ...]
    product: Product = ICE
    succeeded: tuple[str, ...] = ("Success",)
    failed: tuple[str, ...] = ("Fail",)
    jobs: str = ""
    job_id: str | None = "JobId"
    status: str = "Status"
    error: tuple[str, str] = ("Code", "Message")
    result: tuple[str, ...] = ()
    parts: str | None = None
    partly: tuple[str, ...] = ()
    refine: Callable[[Job, Mapping[str, Any]], Job] | None = None
    id_parameter: str = "JobId"
    ids_per_query: int = 1
    extra_parameters: tuple[tuple[str, str], ...] = ()
    search: Search | None = None
    search_lag: float = 30
    listing: Listing | None = None
    cancel_action: str | None = None
    cancel_parameter: str = "JobId"
    cancelled: str = ""
    cancel_while: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Set the default of ``search``."""
        if self.search is None and self.listing is not None and self.listing.has_user_data:
            object.__setattr__(self, "search", search_in(self.listing))

    def can_cancel(self, status: str) -> bool:
        """Return whether the service can cancel a running job with this status."""
        return self.cancel_action is not None and (not self.cancel_while or _matches(status, self.cancel_while))

    @property
    def first_status(self) -> str:
        """The status of a job that was just accepted."""
        return self.running[0]

    def state_of(self, status: str) -> JobState:
        """Return the state that corresponds to a status."""
        for statuses, state in ((self.succeeded, JobState.SUCCEEDED), (self.failed, JobState.FAILED)):
            if _matches(status, statuses):
                return state
        return JobState.RUNNING

    def query(self, caller: ApiCaller, job_ids: Sequence[str]) -> dict[str, Job]:
        """
        Query jobs with one request.

        :param caller: Calls the API of the family's product.
        :param job_ids: At most ``ids_per_query`` job ids.
        :return: The jobs that the service finds, keyed by id. A job that was just submitted may be missing.
        :raises ImsError: as raised by the hook's ``call``.
        """
        params = {self.id_parameter: ",".join(job_ids), **dict(self.extra_parameters)}
        try:
            body = caller.call(self.query_action, params)
        except ImsResourceNotFoundError:
            return {}
        except ImsError as error:
            # The failed query does not affect the job, so a retry of the task can wait for the same job.
            error.transient = True
            raise
        if not any(value for name, value in body.items() if name not in _METADATA_FIELDS):
            return {}  # Some actions return only a request id for an unknown job.
        try:
            jobs = {job.id: job for job in self._read(body, job_ids)}
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # The job itself may be unaffected, and the next response may be readable.
            raise ImsUnavailableError(
                f"Unexpected response format ({error})",
                action=self.query_action,
                request_id=as_text(request_id) if isinstance(request_id := body.get("RequestId"), str) else None,
            ) from None
        return {job_id: jobs[job_id] for job_id in job_ids if job_id in jobs}

    def _read(self, body: Mapping[str, Any], job_ids: Sequence[str]) -> Iterator[Job]:
        for entry in self._job_entries(body):
            status = as_text(entry[self.status]) or ""
            state = self.state_of(status)
            code, message = (first_text(entry, path) if state is JobState.FAILED else None for path in self.error)
            job = Job(
                id=job_ids[0] if self.job_id is None else as_text(entry[self.job_id]) or "",
                state=state,
                status=status,
                result=self._read_result(entry, state),
                error_code=code,
                error_message=message,
                request_id=as_text(body.get("RequestId")),
                partial=_matches(status, self.partly),
            )
            if self.refine is not None and job.ended:
                job = self.refine(job, entry)
            yield replace(
                job,
                result=unsigned(job.result),
                error_message=unsigned(job.error_message),
                failed_parts=unsigned(job.failed_parts),
            )

    def _job_entries(self, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """
        Return the jobs in a response.

        An unexpected format raises an error. If it were read as an empty list, a second job might be submitted.
        """
        found: Any = body
        if self.jobs.partition(".")[0] not in body and any(body[name] for name in body if name.startswith("NonExist")):
            return []  # The response lists all queried jobs as unknown.
        for step in self.jobs.split(".") if self.jobs else ():
            found = found[step.removesuffix("[]")]
        if not self.jobs.endswith("[]"):
            if not isinstance(found, dict):
                raise TypeError(f"{self.jobs} is not an object")
            return [found]
        if not isinstance(found or [], list):
            raise TypeError(f"{self.jobs} is not a list")
        # An unreadable entry must not affect the others. A job without a status is treated as running.
        jobs: list[Mapping[str, Any]] = [
            {self.status: None, **entry} for entry in found or () if isinstance(entry, dict) and entry.get(self.job_id)
        ]
        if found and not jobs:
            raise TypeError(f"{self.jobs} contains no jobs")
        return jobs

    def _read_result(self, entry: Mapping[str, Any], state: JobState) -> dict[str, Any]:
        if state is not JobState.SUCCEEDED:
            given = first_text(entry, *_INPUTS[self.product.code]) if state is JobState.FAILED else None
            return {"input": given} if given else {}
        result = {}
        for declared in self.result:
            key, _, path = declared.rpartition("=")
            result[key or snake_case(path.rpartition(".")[2])] = normalize(next(walk_path(entry, path)))
        return result


def _matches(status: str, statuses: tuple[str, ...]) -> bool:
    return status.casefold() in (known.casefold() for known in statuses)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Split ``items`` into sequences of at most ``size`` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
