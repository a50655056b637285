from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.jobs.listing import MAX_PAGES, Listing, listed
from airflow_provider_ims.jobs.marker import SubmissionKey
from airflow_provider_ims.jobs.search import find, search_in

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
    """A hook whose listing has pages."""

    def __init__(self, *pages: Mapping[str, Any]) -> None:
        self.pages, self.asked = iter(pages), list[dict[str, Any]]()

    def call(self, action: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(dict(params))
        return next(self.pages)


def job(job_id: str, user_data: Any = None, created: str = "2027-01-15T08:00:00Z") -> dict[str, Any]:
    return {"JobId": job_id, "UserData": user_data, "CreateTime": created}


def marked(run: str, number: int) -> str:
    return f'{{"AirflowKey":"{run}-{number}"}}'


def search(*pages: Mapping[str, Any]) -> tuple[tuple[SubmissionKey, str] | None, list[dict[str, Any]]]:
    hook = Pages(*pages)
    return find(search_in(LISTING), hook, {}, "run", SINCE), hook.asked  # type: ignore[arg-type]


def test_a_job_is_found_by_its_marker_on_whichever_page_it_is() -> None:
    found, asked = search(
        {"SmartJobList": [job("a"), job("b", marked("other", 0))], "NextToken": "2"},
        {"SmartJobList": [job("c", marked("run", 0))], "NextToken": ""},
    )
    assert found == (SubmissionKey("run", 0), "c")
    assert asked == [
        {"SortBy": "newest", "MaxResults": "100", "StartTime": "2027-01-15T07:55:00Z"},
        {"SortBy": "newest", "MaxResults": "100", "StartTime": "2027-01-15T07:55:00Z", "NextToken": "2"},
    ]


def test_of_several_jobs_of_a_run_the_latest_is_found() -> None:
    jobs = [job("first", marked("run", 0)), job("third", marked("run", 2)), job("second", marked("run", 1))]
    found, _ = search({"SmartJobList": jobs})
    assert found == (SubmissionKey("run", 2), "third")


def test_the_search_ends_where_the_jobs_are_older_than_the_submit() -> None:
    old = job("old", created="2027-01-15T07:54:59Z")
    found, asked = search({"SmartJobList": [job("new"), old], "NextToken": "2"})
    assert found is None
    assert len(asked) == 1


def test_a_listing_that_never_ends_is_left() -> None:
    def endless() -> Iterator[dict[str, Any]]:
        while True:
            yield {"SmartJobList": [job("x")], "NextToken": "again"}

    pages = (page for page, _ in zip(endless(), range(MAX_PAGES + 5), strict=False))
    with pytest.raises(ImsUnavailableError, match="no end"):
        search(*pages)


@pytest.mark.parametrize("body", [{"RequestId": "R", "SmartJobList": []}, {"RequestId": "R", "MaxResults": 10}])
def test_an_empty_listing_says_that_there_is_no_job(body: dict[str, Any]) -> None:
    assert listed(body, "SmartJobList", "ListSmartJobs") == []


@pytest.mark.parametrize(
    "body", [{}, {"RequestId": "R"}, {"html": 1}, {"SmartJobList": "x"}, {"SmartJobList": [1]}, {"SmartJobList": {}}]
)
def test_what_is_no_listing_says_nothing(body: dict[str, Any]) -> None:
    with pytest.raises(ImsUnavailableError, match="SmartJobList"):
        listed(body, "SmartJobList", "ListSmartJobs")
