from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims.exceptions import ImsUnavailableError

Query = Callable[..., dict[str, Job]]

ID = "****d80e4e4044975745c14b****"


def sub_job(number: int, status: str = "Success", **fields: Any) -> dict[str, Any]:
    return {
        "JobId": f"****part{number}****",
        "ProjectId": f"****project{number}****",
        "MediaId": f"****media{number}****",
        "MediaURL": f"http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{number}.mp4",
        "Duration": 12.5 + number,
        "Status": status,
        **fields,
    }


def failed_sub_job(number: int, code: str | None = "FileNotFound", message: str | None = "no file") -> dict[str, Any]:
    job_id = f"****part{number}****"
    return {"JobId": job_id, "Status": "Failed", "ErrorCode": code, "ErrorMessage": message}


def video(number: int) -> dict[str, Any]:
    return {
        "job_id": f"****part{number}****",
        "media_id": f"****media{number}****",
        "media_url": f"http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{number}.mp4",
        "duration": 12.5 + number,
    }


def queried(query: Query, *sub_jobs: Any, status: str = "Finished", **fields: Any) -> Job:
    job = {"JobId": ID, "JobType": "Script", "Status": status, "SubJobList": list(sub_jobs), **fields}
    return query(BATCH, {"RequestId": "r", "EditingBatchJob": job}, ID)[ID]


def test_the_result_contains_all_videos_if_all_succeeded(query: Query) -> None:
    job = queried(query, sub_job(0), sub_job(1), Extend="{}", ExtendOutput="{}")
    assert job == Job(
        id=ID,
        state=JobState.SUCCEEDED,
        status="Finished",
        result={"videos": [video(0), video(1)], "failed": []},
        request_id="r",
        total_parts=2,
    )


def test_a_batch_with_some_failed_videos_succeeds_in_part(query: Query) -> None:
    job = queried(query, failed_sub_job(0), sub_job(1), failed_sub_job(2, None, None))
    assert job.state is JobState.SUCCEEDED
    assert job.result == {
        "videos": [video(1)],
        "failed": [
            {"index": 0, "job_id": "****part0****", "error_code": "FileNotFound", "error_message": "no file"},
            {"index": 2, "job_id": "****part2****", "error_code": None, "error_message": None},
        ],
    }
    assert (job.failed_parts, job.total_parts, job.partial) == (job.result["failed"], 3, True)


def test_a_batch_in_which_no_video_succeeded_failed(query: Query) -> None:
    job = queried(query, failed_sub_job(0), failed_sub_job(1, "Timeout", "too slow"), failed_sub_job(2))
    assert job.state is JobState.FAILED
    assert job.status == "Finished"
    assert job.error_code == "FileNotFound"
    assert job.error_message == "none of the 3 videos was produced: no file; too slow"
    assert [part["index"] for part in job.outcome()["failed"]] == [0, 1, 2]


@pytest.mark.parametrize("parts", [[], None])
def test_a_batch_that_started_no_video_failed(query: Query, parts: Any) -> None:
    job = queried(query, SubJobList=parts)
    assert job.state is JobState.FAILED
    assert job.error_message == "no videos were produced, and the service reported no error"


@pytest.mark.parametrize("status", ["Init", "Processing", "PROCESSING", "Suspending", "", None])
def test_a_finished_batch_with_unfinished_videos_is_running(query: Query, status: Any) -> None:
    job = queried(query, sub_job(0), sub_job(1, status))
    assert (job.state, job.status) == (JobState.RUNNING, "Finished")
    assert job.result == {}


@pytest.mark.parametrize("status", ["success", "SUCCESS", "Success"])
def test_the_statuses_of_the_videos_are_compared_without_case(query: Query, status: str) -> None:
    assert queried(query, sub_job(0, status)).result["videos"] == [video(0)]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Init", JobState.RUNNING),
        ("Processing", JobState.RUNNING),
        ("Finished", JobState.SUCCEEDED),
        ("finished", JobState.SUCCEEDED),
        ("Failed", JobState.FAILED),
        ("FAILED", JobState.FAILED),
        # A status of videos, not of batches.
        ("Success", JobState.RUNNING),
        ("Canceling", JobState.RUNNING),
        (None, JobState.RUNNING),
    ],
)
def test_each_status_is_mapped_to_a_state(query: Query, status: Any, state: JobState) -> None:
    assert queried(query, sub_job(0), status=status).state is state


@pytest.mark.parametrize("as_text", [True, False])
def test_the_error_of_a_failed_batch_is_read_from_extend(query: Query, as_text: bool) -> None:
    extend: Any = {"ErrorCode": "InvalidMedia", "ErrorMessage": "素材不可用"}
    job = queried(query, sub_job(0), status="Failed", Extend=json.dumps(extend) if as_text else extend)
    assert job.state is JobState.FAILED
    assert (job.error_code, job.error_message) == ("InvalidMedia", "素材不可用")
    # The result contains the videos that were produced before the failure.
    assert job.result["videos"] == [video(0)]


@pytest.mark.parametrize("extend", [None, "", "{}", "[]", "no JSON", "7"])
def test_a_failed_batch_without_a_readable_error_has_no_error_code(query: Query, extend: Any) -> None:
    job = queried(query, status="Failed", Extend=extend)
    assert job.state is JobState.FAILED
    assert job.error_code is None


def test_the_error_of_the_batch_overrides_those_of_its_videos(query: Query) -> None:
    job = queried(query, failed_sub_job(0), Extend='{"ErrorCode":"Main","ErrorMessage":"main"}')
    assert (job.error_code, job.error_message) == ("Main", "main")


def test_the_result_of_a_job_without_videos_has_its_output(query: Query) -> None:
    job = queried(query, ExtendOutput='{"MediaArray":["a"]}')
    assert job.state is JobState.SUCCEEDED
    assert job.result == {"videos": [], "failed": [], "output": {"MediaArray": ["a"]}}


@pytest.mark.parametrize(
    ("duration", "read"), [("12.5", 12.5), ("12", 12), (12, 12), ("", None), (None, None), ("long", None)]
)
def test_a_duration_is_read_from_numbers_and_strings(query: Query, duration: Any, read: float | None) -> None:
    assert queried(query, sub_job(0, Duration=duration)).result["videos"][0]["duration"] == read


@pytest.mark.parametrize(
    "job",
    [
        {"Status": "Finished"},
        {"JobId": ID},
        "text",
        ["list"],
        # These responses show neither success nor failure. A retry after a failure would submit a second batch.
        {"JobId": ID, "Status": "Finished", "SubJobList": {"SubJob": []}},
        {"JobId": ID, "Status": "Finished", "SubJobList": ["text"]},
    ],
)
def test_an_unexpected_response_format_is_a_transient_error(query: Query, job: Any) -> None:
    with pytest.raises(ImsUnavailableError, match="Unexpected response format"):
        query(BATCH, {"EditingBatchJob": job}, ID)


@pytest.mark.parametrize("body", [{}, {"EditingBatchJob": None}, {"EditingBatchJob": {}}])
def test_an_empty_response_means_that_the_job_is_unknown(query: Query, body: dict[str, Any]) -> None:
    assert query(BATCH, {"RequestId": "r", **body}, ID) == {}
