"""Finding a job whose id was lost, by the marker in its UserData."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.jobs.marker import SubmissionKey, key_in

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.api_caller import ApiCaller
    from airflow_provider_ims.jobs.listing import Listing

#: How far the service's clock may lie behind this one, in seconds.
CLOCK_SLACK = 300.0


@dataclass(frozen=True, slots=True)
class Search:
    """
    How the jobs of a family are searched.

    :param action: The API action that lists them.
    :param jobs: Yields (UserData, job id) of the jobs submitted since a time in epoch seconds; is given the hook of
        the family's product, the parameters of the submit, and the time.
    """

    action: str
    jobs: Callable[[ApiCaller, Mapping[str, str], float], Iterator[tuple[Any, str]]]


def search_in(listing: Listing) -> Search:
    """
    Return the search through a listing, the latest job first.

    :param listing: A listing that shows the jobs' UserData.
    """

    def jobs(hook: ApiCaller, submitted: Mapping[str, str], since: float) -> Iterator[tuple[Any, str]]:
        parameters = {listing.order: listing.newest_first} if listing.newest_first else {}
        if listing.since:
            parameters[listing.since] = earliest(since)
        for page in listing.pages(hook, parameters):
            for job in page:
                if isinstance(job_id := job.get(listing.job_id), str):
                    yield job.get("UserData"), job_id
            if listing.newest_first and page and str(page[-1].get(listing.created) or "~") < earliest(since):
                return

    return Search(listing.action, jobs)


def find(
    search: Search,
    hook: ApiCaller,
    submitted: Mapping[str, str],
    run: str,
    since: float,
) -> tuple[SubmissionKey, str] | None:
    """
    Look once for the latest job of a task run.

    :param search: How the jobs of a family are searched.
    :param hook: The hook of the family's product.
    :param submitted: The parameters of the submit.
    :param run: The run that the marker names.
    :param since: When the job may have been submitted at the earliest, in epoch seconds.
    :return: Its key and its job id; ``None`` when there is none.
    :raises ImsError: as the hook's ``call``.
    """
    found = [
        (key, job_id)
        for user_data, job_id in search.jobs(hook, submitted, since)
        if (key := key_in(user_data)) is not None and key.run == run
    ]
    return max(found, key=lambda one: one[0].number, default=None)


def earliest(since: float) -> str:
    """Return the time from which on a job may have been created, as the services write times; it sorts as text."""
    return datetime.fromtimestamp(since - CLOCK_SLACK, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
