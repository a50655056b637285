"""Searches for jobs whose id is unknown, by the marker in their UserData."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.marker import SubmissionKey, key_in
from airflow_provider_ims.exceptions import ImsError

#: Seconds by which the service's clock may be behind the local one. The service rejects requests whose timestamp
#: differs from its own clock by more than 900 s.
CLOCK_SLACK = 1000.0


@dataclass(frozen=True, slots=True)
class Search:
    """
    A search through the jobs of a family.

    :param action: The API action that lists the jobs.
    :param jobs: A function that yields (UserData, job id) pairs. Its arguments are the hook of the family's product,
        the submit parameters, and the earliest submission time in epoch seconds.
    :param parameters: The submit parameters that restrict the search; empty if the search covers all jobs.
    """

    action: str
    jobs: Callable[[ApiCaller, Mapping[str, str], float], Iterator[tuple[Any, str]]]
    parameters: tuple[str, ...] = ()


def search_in(listing: Listing) -> Search:
    """Return a search in a listing that contains UserData; the latest job is listed first if the action can sort."""

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


def find_jobs(
    search: Search, hook: ApiCaller, submitted: Mapping[str, str], runs: Collection[str], since: float
) -> dict[str, tuple[SubmissionKey, str]]:
    """
    Find the latest job of each task run with a single search.

    :param search: The search of the job family.
    :param hook: The hook of the family's product.
    :param submitted: The submit parameters; only those in ``search.parameters`` are used.
    :param runs: The hashes that identify the task runs in the markers.
    :param since: The earliest submission time, in epoch seconds.
    :return: The key and the job id, by the hash in the marker; runs without a job are omitted.
    :raises ImsError: as raised by the hook's ``call``.
    """
    found: dict[str, tuple[SubmissionKey, str]] = {}
    try:
        for user_data, job_id in search.jobs(hook, submitted, since):
            key = key_in(user_data)
            if key is not None and key.run in runs and (key.run not in found or key.number > found[key.run][0].number):
                found[key.run] = key, job_id
    except ImsError as error:
        error.transient = True
        error.message += "; an earlier submit request may have been accepted, and a retry searches for its job again"
        raise
    return found


def earliest(since: float) -> str:
    """
    Return the earliest possible creation time of a job, in the services' format. Strings in this format sort by time.

    :param since: The earliest submission time, in epoch seconds of the local clock.
    """
    return datetime.fromtimestamp(since - CLOCK_SLACK, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
