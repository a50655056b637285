from __future__ import annotations

import json

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

SUBMIT, GET, LIST = "SubmitBatchMediaProducingJob", "GetBatchMediaProducingJob", "ListBatchMediaProducingJobs"


def batch(ask, job_id):
    return ask(GET, JobId=job_id)["EditingBatchJob"]


def statuses(ask, job_id):
    job = batch(ask, job_id)
    return job["Status"], [sub_job["Status"] for sub_job in job["SubJobList"]]


def test_the_sub_jobs_run_one_after_the_other_and_the_batch_ends_with_the_last(emulator, submit, ask):
    job_id = submit(SUBMIT)
    seen = [statuses(ask, job_id)]
    for _ in range(4):
        emulator.advance(1.55)
        seen.append(statuses(ask, job_id))
    assert seen == [
        ("Init", ["Init", "Init", "Init"]),
        ("Processing", ["Processing", "Init", "Init"]),
        ("Processing", ["Success", "Processing", "Init"]),
        ("Processing", ["Success", "Success", "Processing"]),
        ("Finished", ["Success", "Success", "Success"]),
    ]


def test_a_finished_batch_has_one_video_per_count(emulator, sdk, good_requests):
    job_id = sdk(SUBMIT, good_requests[SUBMIT], UserData='{"a":"b"}').job_id
    emulator.finish(job_id)
    job = sdk(GET, JobId=job_id).editing_batch_job
    assert (job.status, job.job_type, job.user_data) == ("Finished", "Script", '{"a":"b"}')
    assert (job.input_config, job.output_config) == tuple(
        good_requests[SUBMIT][name] for name in ("InputConfig", "OutputConfig")
    )
    assert [sub.media_url for sub in job.sub_job_list] == [
        f"http://b.oss-cn-shanghai.aliyuncs.com/v_{n}.mp4" for n in range(3)
    ]
    assert {sub.duration for sub in job.sub_job_list} == {15.0}
    assert len({sub.media_id for sub in job.sub_job_list} | {sub.job_id for sub in job.sub_job_list}) == 6


def test_some_videos_of_a_batch_can_fail_while_it_finishes(emulator, submit, ask):
    job_id = submit(SUBMIT)
    emulator.fail_videos(job_id, 2, code="MediaBad", message="The file is broken.")
    emulator.advance(10)
    assert statuses(ask, job_id) == ("Finished", ["Failed", "Failed", "Success"])
    failed = batch(ask, job_id)["SubJobList"][0]
    assert (failed["ErrorCode"], failed["ErrorMessage"]) == ("MediaBad", "The file is broken.")
    assert "MediaURL" not in failed


def test_a_failed_batch_tells_why_in_extend(emulator, submit, ask):
    job_id = submit(SUBMIT)
    emulator.fail(job_id, code="MediaBad", message="没有素材")
    job = batch(ask, job_id)
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
def test_the_kind_of_input_decides_on_the_type_of_the_job(submit, ask, config, job_type):
    assert batch(ask, submit(SUBMIT, InputConfig=json.dumps(config)))["JobType"] == job_type


def test_the_same_client_token_gives_the_same_job(emulator, submit):
    first = submit(SUBMIT, ClientToken="token-1")
    assert submit(SUBMIT, ClientToken="token-1") == first
    assert submit(SUBMIT, ClientToken="token-2") != first
    assert len(emulator.jobs(SUBMIT)) == 2


def test_the_same_client_token_with_other_parameters_is_refused(emulator, sdk, submit, good_requests):
    submit(SUBMIT, ClientToken="token-1")
    with pytest.raises(ClientException) as caught:
        sdk(SUBMIT, good_requests[SUBMIT], ClientToken="token-1", UserData='{"a":1}')
    assert (caught.value.status_code, caught.value.code) == (400, "IdempotentParameterMismatch")
    assert len(emulator.jobs()) == 1


def test_parameters_are_taken_from_query_and_form_alike(emulator, wire, ask, good_requests):
    whole = good_requests[SUBMIT]
    for query, form in (({}, whole), (whole, {}), ({"InputConfig": whole["InputConfig"]}, whole)):
        status, body = wire(SUBMIT, query, form=form)
        assert status == 200, body
        assert batch(ask, body["JobId"])["InputConfig"] == whole["InputConfig"]


def test_the_record_tells_where_the_sdk_puts_its_parameters(emulator, sdk, good_requests):
    sdk(SUBMIT, good_requests[SUBMIT], EditingConfig="{}", ClientToken="t")
    (request,) = emulator.requests(SUBMIT)
    assert request["in_body"] == ["EditingConfig", "InputConfig"]
    assert request["in_query"] == ["ClientToken", "OutputConfig"]


def test_the_listing_pages_and_narrows(emulator, submit, sdk, ask):
    ids = [submit(SUBMIT) for _ in range(3)]
    emulator.finish(ids[0])
    page = sdk(LIST, MaxResults=2)
    assert [job.job_id for job in page.editing_batch_job_list] == ids[:0:-1]
    assert page.max_results == 2
    rest = sdk(LIST, MaxResults=2, NextToken=page.next_token)
    assert [job.job_id for job in rest.editing_batch_job_list] == ids[:1]
    assert rest.next_token == ""

    def listed(**parameters):
        return [job["JobId"] for job in ask(LIST, **parameters)["EditingBatchJobList"]]

    assert listed(SortBy="asc") == ids
    assert listed(Status="Finished") == ids[:1]
    assert listed(Status="Init", SortBy="asc") == ids[1:]
    assert listed(JobId=ids[1]) == [ids[1]]
    assert listed(JobType="Smart_Mix") == []


def test_the_listing_narrows_by_time(emulator, submit, ask):
    early = submit(SUBMIT)
    emulator.advance(3600)
    late = submit(SUBMIT)
    first, second = (batch(ask, job_id)["CreateTime"] for job_id in (early, late))

    def listed(**parameters):
        return [job["JobId"] for job in ask(LIST, **parameters)["EditingBatchJobList"]]

    assert listed(EndTime=first) == [early]
    assert listed(StartTime=second) == [late]
    assert listed(StartTime=first, EndTime=second) == [late, early]
