"""A family of jobs: how its jobs are asked for, what its state words mean, where in its answers things are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ims.exceptions import ImsResourceNotFoundError, ImsUnavailableError
from airflow_provider_ims.hooks.actions import Product
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.objects import unsigned
from airflow_provider_ims.jobs.payload import first, normalize, snake_case, text, walk_path

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.api_caller import ApiCaller
    from airflow_provider_ims.jobs.listing import Listing
    from airflow_provider_ims.jobs.search import Search

T = TypeVar("T")

#: What an answer that knows nothing of a job may hold all the same.
_SAYS_NOTHING = {"RequestId", "Success", "Code", "Message", "StatusCode"}


@dataclass(frozen=True, slots=True)
class JobFamily:
    """
    Jobs that are asked for by the same action. Paths are those of :func:`~airflow_provider_ims.jobs.payload.along`.

    :param name: Its name in logs, keys and metrics.
    :param product: The product whose API it is.
    :param query_action: The API action that tells a job's state.
    :param running: The service's state words of a job that has not ended, in the order in which it goes through them.
        Every word that ends no job means that it runs: the documents do not list them all.
    :param succeeded: The state words of success. They are compared without case.
    :param failed: The state words of failure.
    :param jobs: The path to the job in an answer, or with ``[]`` to the jobs; empty where the answer is the job.
    :param job_id: The field of a job that holds its id; ``None`` where the answer does not repeat it.
    :param status: The field of a job that holds its state word.
    :param error_code: The path in a failed job to the error's code, where there is one.
    :param error_message: The path in a failed job to what went wrong.
    :param result: What a job that succeeded hands on. Paths, each under the name of its last field in snake_case, or
        under another as in ``audios=Result.AudioResult``; see :func:`~airflow_provider_ims.jobs.payload.plain` for
        what becomes of their values. Or a function that makes it of the job.
    :param parts: The field of the result that lists what was made, where some of it may fail although the job
        succeeds; what failed is listed in ``failed`` then.
    :param partly: The state words of success that say that only a part succeeded.
    :param judge: What its state word does not tell: is given the job as it was read, and the answer's part.
    :param id_parameter: The action's parameter that takes the job ids.
    :param ids_per_query: How many ids one call takes.
    :param with_parameters: What else the action wants to be asked.
    :param search: How a job is found whose id was lost, by the marker in its UserData; ``None`` where no action shows
        the UserData of jobs whose ids are not known.
    :param search_lag: Seconds for which a job that was just submitted may be missing from a search.
    :param listing: The action that lists the family's jobs by their state, where there is one.
    :param cancel_action: The API action that cancels such a job, where there is one; it takes a ``JobId``.
    :param cancel_while: The state words in which a job can be cancelled; empty for all that run.
    """

    name: str
    product: Product
    query_action: str
    running: tuple[str, ...]
    succeeded: tuple[str, ...]
    failed: tuple[str, ...]
    jobs: str = ""
    job_id: str | None = "JobId"
    status: str = "Status"
    error_code: str = "Code"
    error_message: str = "Message"
    result: tuple[str, ...] | Callable[[Mapping[str, Any]], dict[str, Any]] = ()
    parts: str | None = None
    partly: tuple[str, ...] = ()
    refine: Callable[[Job, Mapping[str, Any]], Job] | None = None
    id_parameter: str = "JobId"
    ids_per_query: int = 1
    with_parameters: tuple[tuple[str, str], ...] = ()
    search: Search | None = None
    search_lag: float = 30
    listing: Listing | None = None
    cancel_action: str | None = None
    cancel_while: tuple[str, ...] = ()

    def can_cancel(self, status: str) -> bool:
        """Tell whether the service can cancel a running job in this state."""
        return self.cancel_action is not None and (not self.cancel_while or _among(status, self.cancel_while))

    @property
    def first_status(self) -> str:
        """The state word of a job that was just accepted."""
        return self.running[0]

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The state words of jobs that have not ended, as far as the listing can be asked for them."""
        return self.listing.unfinished if self.listing else ()

    def state_of(self, status: str) -> JobState:
        """Return what the service's state word means."""
        for words, state in ((self.succeeded, JobState.SUCCEEDED), (self.failed, JobState.FAILED)):
            if _among(status, words):
                return state
        return JobState.RUNNING

    def only_in_part(self, status: str) -> bool:
        """Tell whether the service's state word says that only a part succeeded."""
        return _among(status, self.partly)

    def query(self, hook: ApiCaller, job_ids: Sequence[str], **options: Any) -> dict[str, Job]:
        """
        Ask for jobs with one call.

        :param hook: The hook of the family's product.
        :param job_ids: At most ``ids_per_query`` job ids.
        :param options: Passed on to the hook's ``call``.
        :return: The jobs that the service knows, by id; what is absent it does not know, or not yet.
        :raises ImsError: as the hook's ``call``.
        """
        asked = {self.id_parameter: ",".join(job_ids), **dict(self.with_parameters)}
        try:
            body = hook.call(self.query_action, asked, **options)
        except ImsResourceNotFoundError:
            return {}
        if not any(value for name, value in body.items() if name not in _SAYS_NOTHING):
            return {}  # Nothing but a request id is the other way to say that the job is unknown.
        try:
            jobs = {job.id: job for job in self._read(body, job_ids)}
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # Whatever stands where a documented field should: the job is not to blame, the next answer may be good.
            raise ImsUnavailableError(
                f"The answer has not the documented shape ({error})",
                action=self.query_action,
                request_id=text(request_id) if isinstance(request_id := body.get("RequestId"), str) else None,
            ) from None
        return {job_id: jobs[job_id] for job_id in job_ids if job_id in jobs}

    def _read(self, body: Mapping[str, Any], asked: Sequence[str]) -> Iterator[Job]:
        for entry in self._entries(body):
            status = text(entry[self.status]) or ""
            state = self.state_of(status)
            failed = state is JobState.FAILED
            job = Job(
                id=asked[0] if self.job_id is None else text(entry[self.job_id]) or "",
                state=state,
                status=status,
                result=self._result(entry) if state is JobState.SUCCEEDED else {},
                error_code=first(entry, self.error_code) if failed else None,
                error_message=first(entry, self.error_message) if failed else None,
                request_id=text(body.get("RequestId")),
            )
            job = job if self.refine is None else self.refine(job, entry)
            yield replace(job, result=unsigned(job.result), error_message=unsigned(job.error_message))

    def _entries(self, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the jobs in an answer, which must be where they belong: a missing one may mean a second bill."""
        found: Any = body
        if self.jobs.partition(".")[0] not in body and any(body[name] for name in body if name.startswith("NonExist")):
            return []  # All jobs that were asked for are among those that are told not to exist.
        for step in self.jobs.split(".") if self.jobs else ():
            found = found[step.removesuffix("[]")]
        if not self.jobs.endswith("[]"):
            if not isinstance(found, dict):
                raise TypeError(f"{self.jobs} is no object")
            return [found]
        if not isinstance(found or [], list):
            raise TypeError(f"{self.jobs} is no list")
        # One entry that cannot be read must not hold up the nine beside it; one that has no state word yet, runs.
        jobs: list[Mapping[str, Any]] = [
            {self.status: None, **entry} for entry in found or () if isinstance(entry, dict) and entry.get(self.job_id)
        ]
        if found and not jobs:
            raise TypeError(f"{self.jobs} holds no jobs")
        return jobs

    def _result(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        if callable(self.result):
            return self.result(entry)
        result = {}
        for declared in self.result:
            key, _, path = declared.rpartition("=")
            result[key or snake_case(path.rpartition(".")[2])] = normalize(next(walk_path(entry, path)))
        return result


def _among(status: str, words: tuple[str, ...]) -> bool:
    return status.casefold() in (word.casefold() for word in words)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut ``items`` into runs of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
