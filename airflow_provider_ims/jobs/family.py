"""A family of jobs: how its jobs are asked for, what its state words mean, how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ims.exceptions import ImsResourceNotFoundError, ImsUnavailableError
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.payload import text

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.listing import Listing
    from airflow_provider_ims.jobs.search import Search
    from airflow_provider_ims.jobs.service import Service

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobFamily:
    """
    Jobs that are asked for by the same action.

    :param name: Its name in logs, keys and metrics.
    :param query_action: The API action that tells a job's state.
    :param id_parameter: The action's parameter that takes the job ids.
    :param ids_per_query: How many ids one call takes.
    :param first_status: The state word of a job that was just accepted.
    :param end_states: The service's state words that end a job, in lower case. Every other word, known or not,
        means that the job runs: the documents do not list them all.
    :param read: From an answer's body to the jobs in it.
    :param search: How a job is found whose id was lost.
    :param search_lag: Seconds for which a job that was just submitted may be missing from a search.
    :param listing: The action that lists the family's jobs, where there is one.
    :param unfinished: The state words of jobs that have not ended, in the order in which a job goes through them.
    """

    name: str
    query_action: str
    id_parameter: str
    ids_per_query: int
    first_status: str
    end_states: Mapping[str, JobState]
    read: Callable[[JobFamily, Mapping[str, Any]], Iterable[Job]]
    search: Search
    search_lag: float
    listing: Listing | None = None
    unfinished: tuple[str, ...] = ()

    def state_of(self, status: str) -> JobState:
        """Return what the service's state word means."""
        return self.end_states.get(status.lower(), JobState.RUNNING)

    def query(self, hook: Service, job_ids: Sequence[str], **options: Any) -> dict[str, Job]:
        """
        Ask for jobs with one call.

        :param hook: The hook of the family's product.
        :param job_ids: At most ``ids_per_query`` job ids.
        :param options: Passed on to the hook's ``call``.
        :return: The jobs that the service knows, by id; what is absent it does not know, or not yet.
        :raises ImsError: as the hook's ``call``.
        """
        try:
            body = hook.call(self.query_action, {self.id_parameter: ",".join(job_ids)}, **options)
        except ImsResourceNotFoundError:
            return {}
        if not any(value for name, value in body.items() if name != "RequestId"):
            return {}  # Nothing but a request id is the other way to say that the job is unknown.
        try:
            jobs = {job.id: job for job in self.read(self, body)}
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # Whatever stands where a documented field should: the job is not to blame, the next answer may be good.
            raise ImsUnavailableError(
                f"The answer has not the documented shape ({error})",
                action=self.query_action,
                request_id=text(request_id) if isinstance(request_id := body.get("RequestId"), str) else None,
            ) from None
        return {job_id: jobs[job_id] for job_id in job_ids if job_id in jobs}


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut ``items`` into runs of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
