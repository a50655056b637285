"""Actions that list jobs, page after page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.jobs.payload import as_objects, first_text, walk_path

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.api_caller import ApiCaller

PAGE_SIZE = 100
#: A listing that goes on after so many pages is one that never ends.
MAX_PAGES = 1000
#: What a listing may hold beside its jobs.
_LISTING_FIELDS = {"RequestId", "MaxResults", "NextToken", "NextPageToken", "TotalCount"}


@dataclass(frozen=True, slots=True)
class Listing:
    """
    An action that lists jobs.

    :param action: The API action.
    :param items: The path to the jobs in the answer.
    :param unfinished: The state words of jobs that have not ended and for which it can be asked, in the order in which
        a job goes through them.
    :param newest_first: The value of ``order`` that puts the latest job first; ``None`` where the order is not known.
    :param oldest_first: The value of ``order`` that puts the earliest job first.
    :param status: The field of a job that holds its state word.
    :param with_status: The parameter that takes the state word of the jobs to list.
    :param since: The parameter that takes the earliest time of creation, where there is one.
    :param job_id: The field of a job that holds its id.
    :param created: The field of a job that tells when it was created.
    :param order: The parameter that takes the order.
    :param page_size: The parameter that takes how many jobs a page holds.
    :param token: The parameter that takes the page to go on from.
    :param token_at: The path to it in the answer; ``None`` where it has the parameter's name.
    """

    action: str
    items: str
    unfinished: tuple[str, ...]
    newest_first: str | None
    oldest_first: str | None
    status: str = "Status"
    with_status: str = "Status"
    since: str | None = None
    job_id: str = "JobId"
    created: str = "CreateTime"
    order: str = "SortBy"
    page_size: str = "MaxResults"
    token: str = "NextToken"
    token_at: str | None = None

    def pages(self, hook: ApiCaller, parameters: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
        """
        Yield page after page, each a list of jobs.

        :param hook: The hook of the action's product.
        :param parameters: The action's parameters, without those of paging.
        :raises ImsError: as the hook's ``call``.
        """
        asked = {**parameters, self.page_size: str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            body = hook.call(self.action, asked)
            items = listed(body, self.items, self.action)
            yield items
            token = first_text(body, self.token_at or self.token)
            if not items or not token:
                return
            asked[self.token] = token
        raise ImsUnavailableError(f"The listing has no end, or over {MAX_PAGES} pages", action=self.action)

    def in_state(self, hook: ApiCaller, status: str) -> Iterator[list[tuple[str, str]]]:
        """
        Yield page after page of the jobs in a state, the earliest first, as (job id, state word).

        New jobs come at the end of that order, so they move no job from one page to another.

        :param hook: The hook of the action's product.
        :param status: The state word.
        :raises ImsError: as the hook's ``call``.
        """
        parameters = {self.with_status: status} | ({self.order: self.oldest_first} if self.oldest_first else {})
        for page in self.pages(hook, parameters):
            yield [(str(job.get(self.job_id)), str(job.get(self.status))) for job in page]


def listed(body: Mapping[str, Any], path: str, action: str) -> list[dict[str, Any]]:
    """
    Return the objects that a listing holds.

    Only what surely is a listing may say that a job is not there: what follows may be a second bill.

    :param body: The answer.
    :param path: The path to the objects.
    :param action: The action that was asked.
    :raises ImsUnavailableError: when the answer is no listing.
    """
    says_nothing = {"RequestId"} < body.keys() <= _LISTING_FIELDS
    items = [] if says_nothing else as_objects(next(walk_path(body, path)))
    if items is None:
        raise ImsUnavailableError(f"The answer has no {path}", action=action)
    return items
