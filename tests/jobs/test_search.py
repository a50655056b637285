from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.jobs.ai_image import AI_IMAGE
from airflow_provider_ims.jobs.batch import BATCH
from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.marker import MARKER, SubmissionKey
from airflow_provider_ims.jobs.search import earliest, find
from airflow_provider_ims.jobs.smart import SMART

SINCE = 1_700_000_000.0
SUBMITTED = {"VideoId": "v"}
FIELDS = {"smart": "SmartJobList", "batch": "EditingBatchJobList"}


def listed(job_id: str, run: str = "run", number: int = 0, created: str = "2023-11-14T22:13:20Z") -> dict[str, Any]:
    return {"JobId": job_id, "CreateTime": created, "UserData": json.dumps({MARKER: f"{run}-{number}"})}


class Pages:
    """Stands for the hook: gives one page after the other, and keeps what it was asked for."""

    def __init__(self, *bodies: Any) -> None:
        self.bodies = list(bodies)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, action: str, params: Mapping[str, Any]) -> Any:
        self.asked.append((action, dict(params)))
        return self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]


def search(family: JobFamily, *bodies: Any) -> tuple[SubmissionKey, str] | None:
    return find(family.search, Pages(*bodies), SUBMITTED, "run", SINCE)  # type: ignore[arg-type]


LISTINGS = pytest.mark.parametrize("family", [SMART, BATCH], ids=lambda family: family.name)


@LISTINGS
def test_the_latest_job_of_the_run_is_found_among_others(family: JobFamily) -> None:
    jobs = [listed("a", "other", 9), listed("b", number=1), listed("c", number=2), listed("d"), {"JobId": "e"}]
    assert search(family, {FIELDS[family.name]: jobs}) == (SubmissionKey("run", 2), "c")


@LISTINGS
def test_a_job_on_a_later_page_is_found(family: JobFamily) -> None:
    field = FIELDS[family.name]
    first = {field: [listed("a", "other")], "NextToken": "more"}
    assert search(family, first, {field: [listed("b")]}) == (SubmissionKey("run", 0), "b")


@LISTINGS
def test_pages_end_where_the_jobs_are_older_than_the_submit(family: JobFamily) -> None:
    pages = Pages({FIELDS[family.name]: [listed("a", created="2023-11-01T00:00:00Z")], "NextToken": "more"})
    find(family.search, pages, SUBMITTED, "other run", SINCE)  # type: ignore[arg-type]
    assert len(pages.asked) == 1


@LISTINGS
@pytest.mark.parametrize("body", [{}, {"RequestId": "r"}, {"RequestId": "r", "MaxResults": 100, "NextToken": ""}])
def test_a_listing_that_says_nothing_has_no_job(family: JobFamily, body: dict[str, Any]) -> None:
    assert search(family, body) is None


@LISTINGS
@pytest.mark.parametrize("jobs", [None, "text", {}, ["text"], [[]]])
def test_what_is_no_listing_never_says_that_there_is_no_job(family: JobFamily, jobs: Any) -> None:
    # What follows a job that is not there is a second bill.
    with pytest.raises(ImsUnavailableError):
        search(family, {FIELDS[family.name]: jobs})


def test_the_service_is_asked_from_a_little_before_the_submit() -> None:
    pages = Pages({"EditingBatchJobList": []})
    find(BATCH.search, pages, SUBMITTED, "run", SINCE)  # type: ignore[arg-type]
    assert pages.asked == [
        (
            "ListBatchMediaProducingJobs",
            {"SortBy": "desc", "MaxResults": "100", "StartTime": earliest(SINCE)},
        )
    ]
    assert earliest(SINCE) == "2023-11-14T22:08:20Z"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["run-0", "run-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
jobs = st.lists(
    anything
    | st.fixed_dictionaries(
        {},
        optional={
            "JobId": anything,
            "CreateTime": anything,
            "CreationTime": anything,
            "UserData": anything | st.fixed_dictionaries({MARKER: anything}) | anything.map(json.dumps),
        },
    ),
    max_size=3,
)
fields = ("SmartJobList", "EditingBatchJobList", "AIImageInfoList", "AIImageJobList")
bodies = st.fixed_dictionaries({}, optional={"RequestId": anything, **dict.fromkeys(fields, jobs | anything)})


@given(family=st.sampled_from([SMART, BATCH, AI_IMAGE]), body=bodies, second=bodies, token=anything)
def test_any_answer_is_searched_or_a_passing_trouble(
    family: JobFamily, body: dict[str, Any], second: dict[str, Any], token: Any
) -> None:
    try:
        found = search(family, {**body, "NextToken": token}, second)
    except ImsUnavailableError:
        return
    assert found is None or found[0].run == "run"


@pytest.mark.parametrize("run", ["run", "other"])
def test_lost_jobs_are_found_at_the_service(monkeypatch: pytest.MonkeyPatch, run: str) -> None:
    marker = {MARKER: "run-1"}
    speech = {"EditingConfig": "{}", "OutputConfig": '{"bucket":"b","object":"o"}', "InputConfig": "你好"}
    batch = {
        "InputConfig": '{"MediaGroupArray":[{"GroupName":"g","MediaArray":["m"]}]}',
        "OutputConfig": '{"MediaURL":"http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4"}',
    }
    image = {"VideoId": "v", "AITemplateId": "t"}
    durations = dict.fromkeys(("SubmitAudioProduceJob", "SubmitBatchMediaProducingJob", "SubmitAIImageJob"), 0.0)
    with ImsEmulator(durations=durations) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        for hook, family, action, parameters, user_data in (
            (ImsHook(), SMART, "SubmitAudioProduceJob", speech, marker),
            (ImsHook(), BATCH, "SubmitBatchMediaProducingJob", batch, marker),
            (VodHook(), AI_IMAGE, "SubmitAIImageJob", image, {"Extend": marker}),
        ):
            submitted = {**parameters, "UserData": json.dumps(user_data)}
            job_id = hook.call(action, submitted)["JobId"]
            began = emulator.jobs()[0]["created"]
            expected = (SubmissionKey("run", 1), job_id) if run == "run" else None
            assert find(family.search, hook, submitted, run, began) == expected
