"""Actions that list jobs, page after page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.jobs.payload import objects

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.service import Service

PAGE_SIZE = 100
#: A listing that goes on after so many pages is one that never ends.
MAX_PAGES = 1000
#: What a listing may hold beside its jobs.
_LISTING_FIELDS = {"RequestId", "MaxResults", "NextToken", "TotalCount"}


@dataclass(frozen=True, slots=True)
class Listing:
    """
    An action that lists jobs.

    :param action: The API action.
    :param items: The field of the answer that holds the jobs.
    :param status: The field of a job that holds its state word.
    :param with_status: The parameter that takes the state word of the jobs to list.
    :param newest_first: The value of ``SortBy`` that puts the latest job first.
    :param oldest_first: The value of ``SortBy`` that puts the earliest job first.
    :param since: The parameter that takes the earliest time of creation, where there is one.
    """

    action: str
    items: str
    status: str
    with_status: str
    newest_first: str
    oldest_first: str
    since: str | None = None

    def pages(self, hook: Service, parameters: Mapping[str, str], **options: Any) -> Iterator[list[dict[str, Any]]]:
        """
        Yield page after page, each a list of jobs.

        :param hook: The hook of the action's product.
        :param parameters: The action's parameters, without those of paging.
        :param options: Passed on to the hook's ``call``.
        :raises ImsError: as the hook's ``call``.
        """
        asked = {**parameters, "MaxResults": str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            body = hook.call(self.action, asked, **options)
            items = listed(body, self.items, self.action)
            yield items
            token = body.get("NextToken")
            if not items or not token:
                return
            asked["NextToken"] = str(token)
        raise ImsUnavailableError(f"The listing has no end, or over {MAX_PAGES} pages", action=self.action)

    def in_state(self, hook: Service, status: str, **options: Any) -> Iterator[list[tuple[str, str]]]:
        """
        Yield page after page of the jobs in a state, the earliest first, as (job id, state word).

        New jobs come at the end of that order, so they move no job from one page to another.

        :param hook: The hook of the action's product.
        :param status: The state word.
        :param options: Passed on to the hook's ``call``.
        :raises ImsError: as the hook's ``call``.
        """
        parameters = {self.with_status: status, "SortBy": self.oldest_first}
        for page in self.pages(hook, parameters, **options):
            yield [(str(job.get("JobId")), str(job.get(self.status))) for job in page]


def listed(body: Mapping[str, Any], field: str, action: str) -> list[dict[str, Any]]:
    """
    Return the objects that a listing holds.

    Only what surely is a listing may say that a job is not there: what follows may be a second bill.

    :param body: The answer.
    :param field: The field that holds the objects.
    :param action: The action that was asked.
    :raises ImsUnavailableError: when the answer is no listing.
    """
    says_nothing = {"RequestId"} < body.keys() <= _LISTING_FIELDS
    items = objects(body.get(field, [] if says_nothing else None))
    if items is None:
        raise ImsUnavailableError(f"The answer has no {field}", action=action)
    return items
