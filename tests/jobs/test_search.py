from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from airflow_provider_ims._jobs.listing import MAX_PAGES, Listing, listed
from airflow_provider_ims._jobs.marker import SubmissionKey
from airflow_provider_ims._jobs.search import find_jobs, search_in
from airflow_provider_ims.exceptions import ImsUnavailableError

SINCE = 1_800_000_000.0  # 2027-01-15T08:00:00Z
LISTING = Listing(
    action="List",
    items="SmartJobList",
    unfinished=("Created",),
    status="JobState",
    with_status="JobState",
    newest_first="newest",
    oldest_first="oldest",
    since="StartTime",
)


class Pages:
    """A hook that returns the pages of a listing."""

    def __init__(self, *pages: Mapping[str, Any]) -> None:
        self.pages, self.requests = iter(pages), list[dict[str, Any]]()

    def call(self, action: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.requests.append(dict(params))
        return next(self.pages)


def job(job_id: str, user_data: Any = None, created: str = "2027-01-15T08:00:00Z") -> dict[str, Any]:
    return {"JobId": job_id, "UserData": user_data, "CreateTime": created}


def marked(run: str, number: int) -> str:
    return f'{{"AirflowKey":"{run}-{number}"}}'


def search(*pages: Mapping[str, Any]) -> tuple[tuple[SubmissionKey, str] | None, list[dict[str, Any]]]:
    hook = Pages(*pages)
    return find_jobs(search_in(LISTING), hook, {}, ["run"], SINCE).get("run"), hook.requests  # type: ignore[arg-type]


def test_a_job_is_found_by_its_marker_on_any_page() -> None:
    found, requests = search(
        {"SmartJobList": [job("a"), job("b", marked("other", 0))], "NextToken": "2"},
        {"SmartJobList": [job("c", marked("run", 0))], "NextToken": ""},
    )
    assert found == (SubmissionKey("run", 0), "c")
    assert requests == [
        {"SortBy": "newest", "MaxResults": "100", "StartTime": "2027-01-15T07:43:20Z"},
        {"SortBy": "newest", "MaxResults": "100", "StartTime": "2027-01-15T07:43:20Z", "NextToken": "2"},
    ]


def test_the_latest_job_of_a_run_is_found() -> None:
    jobs = [job("first", marked("run", 0)), job("third", marked("run", 2)), job("second", marked("run", 1))]
    found, _ = search({"SmartJobList": jobs})
    assert found == (SubmissionKey("run", 2), "third")


def test_the_search_ends_at_jobs_older_than_the_submission() -> None:
    old = job("old", created="2027-01-15T07:43:19Z")
    found, requests = search({"SmartJobList": [job("new"), old], "NextToken": "2"})
    assert found is None
    assert len(requests) == 1


def test_the_number_of_pages_is_limited() -> None:
    def endless() -> Iterator[dict[str, Any]]:
        while True:
            yield {"SmartJobList": [job("x")], "NextToken": "again"}

    pages = (page for page, _ in zip(endless(), range(MAX_PAGES + 5), strict=False))
    with pytest.raises(ImsUnavailableError, match="more than"):
        search(*pages)


@pytest.mark.parametrize("body", [{"RequestId": "R", "SmartJobList": []}, {"RequestId": "R", "MaxResults": 10}])
def test_an_empty_listing_is_valid(body: dict[str, Any]) -> None:
    assert listed(body, "SmartJobList", "ListSmartJobs") == []


@pytest.mark.parametrize(
    "body", [{}, {"RequestId": "R"}, {"html": 1}, {"SmartJobList": "x"}, {"SmartJobList": [1]}, {"SmartJobList": {}}]
)
def test_any_other_response_is_not_a_listing(body: dict[str, Any]) -> None:
    with pytest.raises(ImsUnavailableError, match="SmartJobList"):
        listed(body, "SmartJobList", "ListSmartJobs")
