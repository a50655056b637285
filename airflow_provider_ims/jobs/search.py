"""Finding a job whose id was lost, by the marker in its UserData."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.jobs.marker import SubmissionKey, key_in
from airflow_provider_ims.jobs.payload import objects

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook

#: How far the service's clock may lie behind this one, in seconds.
CLOCK_SLACK = 300.0
PAGE_SIZE = 100
MAX_PAGES = 1000
#: What a listing may hold beside its jobs.
_LISTING_FIELDS = {"RequestId", "MaxResults", "NextToken", "TotalCount"}

#: Yields (UserData, job id) of the jobs submitted since a time in epoch seconds, the latest first; is given the
#: parameters of the submit.
Search: TypeAlias = "Callable[[AlibabaCloudMediaHook, Mapping[str, str], float], Iterator[tuple[Any, str]]]"


@dataclass(frozen=True, slots=True)
class Listing:
    """
    An action that lists jobs, page after page.

    :param action: The API action.
    :param newest_first: The parameter values that put the latest job first.
    :param items: The field of the answer that holds the jobs.
    :param since: The parameter that takes the earliest time of creation, where there is one.
    """

    action: str
    newest_first: Mapping[str, str]
    items: str
    since: str | None = None

    def search(
        self, hook: AlibabaCloudMediaHook, submitted: Mapping[str, str], since: float
    ) -> Iterator[tuple[Any, str]]:
        """Search as :data:`Search` says."""
        parameters = {**self.newest_first, "MaxResults": str(PAGE_SIZE)}
        if self.since:
            parameters[self.since] = earliest(since)
        for _ in range(MAX_PAGES):
            body = hook.call(self.action, parameters)
            items = listed(body, self.items, self.action)
            for item in items:
                if isinstance(job_id := item.get("JobId"), str):
                    yield item.get("UserData"), job_id
            token = body.get("NextToken")
            if not items or not token or str(items[-1].get("CreateTime") or "~") < earliest(since):
                return
            parameters["NextToken"] = str(token)


def listed(body: Mapping[str, Any], field: str, action: str) -> list[dict[str, Any]]:
    """
    Return the objects that a listing holds.

    Only what surely is a listing may say that a job is not there: what follows is a second bill.

    :param body: The answer.
    :param field: The field that holds the objects.
    :param action: The action that was asked.
    :raises ImsUnavailableError: when the answer is no listing.
    """
    says_nothing = body.keys() <= _LISTING_FIELDS
    items = objects(body.get(field, [] if says_nothing else None))
    if items is None:
        raise ImsUnavailableError(f"The answer has no {field}", action=action)
    return items


def earliest(since: float) -> str:
    """Return the time from which on a job may have been created, as the services write times; it sorts as text."""
    return datetime.fromtimestamp(since - CLOCK_SLACK, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find(
    search: Search,
    hook: AlibabaCloudMediaHook,
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
        for user_data, job_id in search(hook, submitted, since)
        if (key := key_in(user_data)) is not None and key.run == run
    ]
    return max(found, key=lambda one: one[0].number, default=None)
