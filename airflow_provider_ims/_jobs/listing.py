"""Paginated API actions that list jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.payload import as_objects, first_text, walk_path
from airflow_provider_ims.exceptions import ImsUnavailableError

PAGE_SIZE = 100
#: The maximum number of pages. A longer listing probably repeats its pages.
MAX_PAGES = 1000
#: The fields of a listing besides the list of jobs.
_LISTING_FIELDS = {"RequestId", "MaxResults", "NextToken", "NextPageToken", "TotalCount"}


@dataclass(frozen=True, slots=True)
class Listing:
    """
    An action that lists jobs.

    :param action: The API action.
    :param items: The path to the jobs in the response.
    :param unfinished: The statuses of running jobs by which the action can filter, in the order in which a job
        passes through them.
    :param newest_first: The value of the parameter ``order`` with which the action lists the latest job first; ``None``
        if the action cannot sort.
    :param oldest_first: The value of the parameter ``order`` with which the action lists the earliest job first;
        ``None`` if the action cannot sort.
    :param status: The field of a job that contains its status.
    :param with_status: The parameter that filters by status.
    :param since: The parameter for the earliest creation time; ``None`` if there is none.
    :param job_id: The field of a job that contains its id.
    :param created: The field of a job that contains its creation time.
    :param order: The parameter that specifies the order of the jobs.
    :param page_size: The parameter for the number of jobs per page.
    :param token: The parameter for the token of the next page.
    :param token_at: The path to the token in the response; ``None`` if the field has the parameter's name.
    :param has_user_data: Whether the listing contains the UserData of the jobs.
    """

    action: str
    items: str
    unfinished: tuple[str, ...]
    newest_first: str | None = None
    oldest_first: str | None = None
    status: str = "Status"
    with_status: str = "Status"
    since: str | None = None
    job_id: str = "JobId"
    created: str = "CreateTime"
    order: str = "SortBy"
    page_size: str = "MaxResults"
    token: str = "NextToken"
    token_at: str | None = None
    has_user_data: bool = True

    def pages(self, hook: ApiCaller, parameters: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages, each as a list of jobs. ``parameters`` must not contain parameters for paging."""
        request = {**parameters, self.page_size: str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            body = hook.call(self.action, request)
            items = listed(body, self.items, self.action)
            yield items
            token = first_text(body, self.token_at or self.token)
            if not items or not token:
                return
            request[self.token] = token
        raise ImsUnavailableError(f"The listing has more than {MAX_PAGES} pages", action=self.action)

    def in_state(self, hook: ApiCaller, status: str) -> Iterator[list[tuple[str, str]]]:
        """
        Yield pages of (job id, status) pairs of the jobs with the given status.

        If the action can sort, it lists the earliest job first. In this order, new jobs are appended at the end, so
        they do not move other jobs to another page.
        """
        parameters = {self.with_status: status} | ({self.order: self.oldest_first} if self.oldest_first else {})
        for page in self.pages(hook, parameters):
            yield [(str(job.get(self.job_id)), str(job.get(self.status))) for job in page]


def listed(body: Mapping[str, Any], path: str, action: str) -> list[dict[str, Any]]:
    """
    Return the objects in a listing.

    Only a valid listing can prove that a job does not exist. If an invalid response were read as an empty listing, the
    caller might submit a second, billed job.

    :param body: The response of ``action``.
    :param path: The path to the objects.
    :raises ImsUnavailableError: if the response is not a listing.
    """
    is_empty = {"RequestId"} < body.keys() <= _LISTING_FIELDS
    items = [] if is_empty else as_objects(next(walk_path(body, path)))
    if items is None:
        raise ImsUnavailableError(f"The response has no list of objects in the field {path}", action=action)
    return items
