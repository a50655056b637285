from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims.exceptions import ImsUnavailableError

Query = Callable[..., dict[str, Job]]

IMAGES = [{"Score": "0.95", "Url": "http://b/1.gif"}, {"Score": 0.5, "Url": "http://b/2.gif"}]


def entry(job_id: str, status: str | None = "success", **fields: Any) -> dict[str, Any]:
    return {
        "JobId": job_id,
        "Status": status,
        "Code": "Success",
        "Message": "OK",
        "VideoId": f"video of {job_id}",
        "TemplateId": "template",
        "AIImageResult": json.dumps(IMAGES),
        **fields,
    }


def queried(query: Query, *entries: Any, ids: tuple[str, ...] = ("a",)) -> dict[str, Job]:
    return query(AI_IMAGE, {"RequestId": "r", "AIImageJobList": list(entries)}, *ids)


def test_a_finished_job_is_read(query: Query) -> None:
    assert queried(query, entry("cf08a2c6e11e*****de1711b738b9067"), ids=("cf08a2c6e11e*****de1711b738b9067",)) == {
        "cf08a2c6e11e*****de1711b738b9067": Job(
            id="cf08a2c6e11e*****de1711b738b9067",
            state=JobState.SUCCEEDED,
            status="success",
            result={
                "video_id": "video of cf08a2c6e11e*****de1711b738b9067",
                "images": [{"score": 0.95, "url": "http://b/1.gif"}, {"score": 0.5, "url": "http://b/2.gif"}],
            },
            request_id="r",
        )
    }


def test_jobs_are_matched_by_id_and_not_by_order(query: Query) -> None:
    jobs = queried(query, entry("c"), entry("a"), entry("b", "fail"), ids=("a", "b", "c"))
    assert list(jobs) == ["a", "b", "c"]
    assert {job_id: job.id for job_id, job in jobs.items()} == {"a": "a", "b": "b", "c": "c"}
    assert jobs["a"].result["video_id"] == "video of a"
    assert jobs["b"].state is JobState.FAILED


def test_unknown_jobs_are_missing_and_other_jobs_are_ignored(query: Query) -> None:
    assert list(queried(query, entry("b"), entry("z"), ids=("a", "b", "c"))) == ["b"]


@pytest.mark.parametrize("listed", [[], None])
def test_all_jobs_are_unknown_in_an_empty_list(query: Query, listed: Any) -> None:
    assert query(AI_IMAGE, {"AIImageJobList": listed}, "a") == {}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("success", JobState.SUCCEEDED),
        ("Success", JobState.SUCCEEDED),
        ("fail", JobState.FAILED),
        ("FAIL", JobState.FAILED),
        # A status of other families, which is not documented for this family.
        ("failed", JobState.RUNNING),
        ("processing", JobState.RUNNING),
        ("init", JobState.RUNNING),
        ("", JobState.RUNNING),
        (None, JobState.RUNNING),
    ],
)
def test_each_status_is_mapped_to_a_state(query: Query, status: str | None, state: JobState) -> None:
    job = queried(query, entry("a", status))["a"]
    assert (job.state, job.status) == (state, status or "")


def test_a_job_without_a_status_counts_as_running(query: Query) -> None:
    assert queried(query, {"JobId": "a"})["a"] == Job("a", JobState.RUNNING, "", request_id="r")


def test_a_failed_job_has_the_error_of_the_service(query: Query) -> None:
    job = queried(query, entry("a", "fail", Code="InvalidVideo", Message="视频不可用"))["a"]
    assert (job.error_code, job.error_message, job.result) == ("InvalidVideo", "视频不可用", {"input": "video of a"})


def test_the_code_of_a_success_is_not_an_error(query: Query) -> None:
    job = queried(query, entry("a"))["a"]
    assert (job.error_code, job.error_message) == (None, None)


@pytest.mark.parametrize(
    ("found", "images", "raw"),
    [
        (IMAGES, 2, None),
        ("[]", 0, None),
        ("", 0, None),
        (None, 0, None),
        ("no JSON", 0, "no JSON"),
        ('{"Url":"http://b/1.gif"}', 0, {"Url": "http://b/1.gif"}),
    ],
)
def test_images_are_read_from_every_format(query: Query, found: Any, images: int, raw: Any) -> None:
    result = queried(query, entry("a", AIImageResult=found))["a"].result
    assert len(result["images"]) == images
    assert result.get("ai_result") == raw


@pytest.mark.parametrize("listed", ["text", 7, {"AIImageJob": []}, ["text"], [{"Status": "success"}]])
def test_an_unexpected_response_format_is_a_transient_error(query: Query, listed: Any) -> None:
    with pytest.raises(ImsUnavailableError, match="Unexpected response format"):
        query(AI_IMAGE, {"AIImageJobList": listed}, "a")


def test_an_unreadable_entry_does_not_affect_the_others(query: Query) -> None:
    good = {"JobId": "a", "Status": "success", "AIImageResult": "[]"}
    for malformed in ("text", None, {"Status": "success"}):
        assert set(query(AI_IMAGE, {"AIImageJobList": [malformed, good]}, "a", "b")) == {"a"}
