from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS

SUBMIT, GET, LIST = "SubmitBatchMediaProducingJob", "GetBatchMediaProducingJob", "ListBatchMediaProducingJobs"


def batch(query: Callable[..., Any], job_id: str) -> Any:
    return query(GET, JobId=job_id)["EditingBatchJob"]


def statuses(query: Callable[..., Any], job_id: str) -> tuple[str, list[str]]:
    job = batch(query, job_id)
    return job["Status"], [sub_job["Status"] for sub_job in job["SubJobList"]]


def test_sub_jobs_run_one_after_the_other_and_the_batch_ends_with_the_last(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    job_id = submit(SUBMIT)
    seen = [statuses(query, job_id)]
    for _ in range(4):
        emulator.advance(1.55)
        seen.append(statuses(query, job_id))
    assert seen == [
        ("Init", ["Init", "Init", "Init"]),
        ("Processing", ["Processing", "Init", "Init"]),
        ("Processing", ["Success", "Processing", "Init"]),
        ("Processing", ["Success", "Success", "Processing"]),
        ("Finished", ["Success", "Success", "Success"]),
    ]


def test_a_finished_batch_has_as_many_videos_as_its_count(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    job_id = sdk(SUBMIT, GOOD_REQUESTS[SUBMIT], UserData='{"a":"b"}').job_id
    emulator.finish(job_id)
    job = sdk(GET, JobId=job_id).editing_batch_job
    assert (job.status, job.job_type, job.user_data) == ("Finished", "Script", '{"a":"b"}')
    assert (job.input_config, job.output_config) == tuple(
        GOOD_REQUESTS[SUBMIT][name] for name in ("InputConfig", "OutputConfig")
    )
    assert [sub.media_url for sub in job.sub_job_list] == [
        f"http://b.oss-cn-shanghai.aliyuncs.com/v_{n}.mp4" for n in range(3)
    ]
    assert {sub.duration for sub in job.sub_job_list} == {15.0}
    assert len({sub.media_id for sub in job.sub_job_list} | {sub.job_id for sub in job.sub_job_list}) == 6


def test_a_batch_can_finish_although_some_of_its_videos_failed(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    job_id = submit(SUBMIT)
    emulator.fail_videos(job_id, 2, code="MediaBad", message="The file is broken.")
    emulator.advance(10)
    assert statuses(query, job_id) == ("Finished", ["Failed", "Failed", "Success"])
    failed = batch(query, job_id)["SubJobList"][0]
    assert (failed["ErrorCode"], failed["ErrorMessage"]) == ("MediaBad", "The file is broken.")
    assert "MediaURL" not in failed


def test_the_error_of_a_failed_batch_is_in_extend(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    job_id = submit(SUBMIT)
    emulator.fail(job_id, code="MediaBad", message="没有素材")
    job = batch(query, job_id)
    assert job["Status"] == "Failed"
    assert json.loads(job["Extend"]) == {"ErrorCode": "MediaBad", "ErrorMessage": "没有素材"}
    assert {sub_job["Status"] for sub_job in job["SubJobList"]} <= {"Init", "Failed"}


@pytest.mark.parametrize(
    ("config", "job_type"),
    [
        ({"MediaGroupArray": [{"MediaArray": ["m"]}], "MediaArray": ["m"]}, "Script"),
        ({"MediaArray": ["m"]}, "Smart_Mix"),
        ({"MediaSearchInput": {"Text": "cake"}}, "Smart_Mix"),
    ],
)
def test_the_input_determines_the_job_type(
    submit: Callable[..., str], query: Callable[..., Any], config: dict[str, Any], job_type: str
) -> None:
    assert batch(query, submit(SUBMIT, InputConfig=json.dumps(config)))["JobType"] == job_type


def test_the_same_client_token_returns_the_same_job(emulator: ImsEmulator, submit: Callable[..., str]) -> None:
    first = submit(SUBMIT, ClientToken="token-1")
    assert submit(SUBMIT, ClientToken="token-1") == first
    assert submit(SUBMIT, ClientToken="token-2") != first
    assert len(emulator.jobs(SUBMIT)) == 2


def test_the_same_client_token_with_other_parameters_is_rejected(
    emulator: ImsEmulator, sdk: Callable[..., Any], submit: Callable[..., str]
) -> None:
    submit(SUBMIT, ClientToken="token-1")
    with pytest.raises(ClientException) as caught:
        sdk(SUBMIT, GOOD_REQUESTS[SUBMIT], ClientToken="token-1", UserData='{"a":1}')
    assert (caught.value.status_code, caught.value.code) == (400, "IdempotentParameterMismatch")
    assert len(emulator.jobs()) == 1


def test_parameters_are_accepted_in_the_query_and_in_the_form(
    emulator: ImsEmulator, send: SignedClient, query: Callable[..., Any]
) -> None:
    parameters = GOOD_REQUESTS[SUBMIT]
    requests: list[tuple[dict[str, str], dict[str, str]]] = [({}, parameters), (parameters, {})]
    requests.append(({"InputConfig": parameters["InputConfig"]}, parameters))
    for in_query, in_form in requests:
        status, body = send(SUBMIT, in_query, form=in_form)
        assert status == 200, body
        assert batch(query, body["JobId"])["InputConfig"] == parameters["InputConfig"]


def test_the_record_shows_where_the_sdk_sends_its_parameters(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    sdk(SUBMIT, GOOD_REQUESTS[SUBMIT], EditingConfig="{}", ClientToken="t")
    (request,) = emulator.requests(SUBMIT)
    assert request["in_body"] == ["EditingConfig", "InputConfig"]
    assert request["in_query"] == ["ClientToken", "OutputConfig"]


def test_the_listing_has_pages_and_filters(
    emulator: ImsEmulator, submit: Callable[..., str], sdk: Callable[..., Any], query: Callable[..., Any]
) -> None:
    ids = [submit(SUBMIT) for _ in range(3)]
    emulator.finish(ids[0])
    page = sdk(LIST, MaxResults=2)
    assert [job.job_id for job in page.editing_batch_job_list] == ids[:0:-1]
    assert page.max_results == 2
    rest = sdk(LIST, MaxResults=2, NextToken=page.next_token)
    assert [job.job_id for job in rest.editing_batch_job_list] == ids[:1]
    assert rest.next_token == ""

    def listed(**parameters: str) -> list[str]:
        return [job["JobId"] for job in query(LIST, **parameters)["EditingBatchJobList"]]

    assert listed(SortBy="asc") == ids
    assert listed(Status="Finished") == ids[:1]
    assert listed(Status="Init", SortBy="asc") == ids[1:]
    assert listed(JobId=ids[1]) == [ids[1]]
    assert listed(JobType="Smart_Mix") == []


def test_the_listing_filters_by_time(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    early = submit(SUBMIT)
    emulator.advance(3600)
    late = submit(SUBMIT)
    first, second = (batch(query, job_id)["CreateTime"] for job_id in (early, late))

    def listed(**parameters: str) -> list[str]:
        return [job["JobId"] for job in query(LIST, **parameters)["EditingBatchJobList"]]

    assert listed(EndTime=first) == [early]
    assert listed(StartTime=second) == [late]
    assert listed(StartTime=first, EndTime=second) == [late, early]


@pytest.mark.parametrize(
    ("config", "seconds", "url"),
    [
        ({"MediaURL": "http://b/{index}.mp4", "MaxDuration": 20}, 20.0, "http://b/0.mp4"),
        ({"MediaURL": "http://b/{index}.mp4", "MaxDuration": 20, "FixedDuration": 7.5}, 7.5, "http://b/0.mp4"),
        ({"MediaURL": "http://b/one.mp4"}, VIDEO_SECONDS, "http://b/one.mp4"),
        (
            {"StorageLocation": "vod-bucket", "FileName": "v_{index}.mp4"},
            VIDEO_SECONDS,
            "http://vod-bucket.oss-cn-shanghai.aliyuncs.com/v_0.mp4",
        ),
    ],
)
def test_a_video_has_the_requested_duration_and_url(
    emulator: ImsEmulator, submit: Callable[..., str], config: dict[str, Any], seconds: float, url: str
) -> None:
    (video,) = emulator.finish(submit(SUBMIT, OutputConfig=json.dumps(config)))["result"]
    assert (video["Duration"], video["MediaURL"]) == (seconds, url)
