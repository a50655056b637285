from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.state.clock import from_iso

TEXT, AUDIO, GET, LIST = "SubmitTextGenerateJob", "SubmitAudioProduceJob", "GetSmartHandleJob", "ListSmartJobs"
USER_DATA = '{"NotifyAddress":"https://xx.xx.xxx"}'


def test_a_text_job_is_created_then_executing_then_finished(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    job_id = sdk(TEXT, GOOD_REQUESTS[TEXT]).job_id
    states = [sdk(GET, JobId=job_id).state]
    for seconds in (0.5, 1.0, 1.0):
        emulator.advance(seconds)
        states.append(sdk(GET, JobId=job_id).state)
    assert states == ["Created", "Executing", "Executing", "Finished"]


def test_a_text_job_returns_its_texts_and_usage(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    job_id = sdk(TEXT, GOOD_REQUESTS[TEXT], UserData=USER_DATA).job_id
    assert sdk(GET, JobId=job_id).job_result is None
    emulator.finish(job_id)
    body = sdk(GET, JobId=job_id)
    copies = json.loads(body.job_result.ai_result)
    assert len(copies) == 3
    assert all("new cake shop" in copy and "real cream" in copy and len(copy) <= 100 for copy in copies)
    assert json.loads(body.job_result.usage)["total_tokens"] > 0
    assert body.user_data == USER_DATA


def test_the_media_id_of_an_audio_job_is_that_of_the_submit_response(
    emulator: ImsEmulator, sdk: Callable[..., Any]
) -> None:
    submitted = sdk(AUDIO, GOOD_REQUESTS[AUDIO])
    assert submitted.state == "Created"
    emulator.finish(submitted.job_id)
    result = sdk(GET, JobId=submitted.job_id).job_result
    assert result.media_id == submitted.media_id
    assert result.media_url == "http://your-bucket.oss-cn-shanghai.aliyuncs.com/your-audio.mp3"
    assert [said["content"] for said in json.loads(result.ai_result)] == [
        "Talking about it",
        "he is now popular",
        "Tickets are expensive",
    ]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (
            '{"voice":"Siqi"}',
            '{"format":"MP3","pitch_rate":0,"sample_rate":16000,"speech_rate":0,"voice":"Siqi","volume":50}',
        ),
        (
            '{"voice":"a","customizedVoice":"mine","format":"wav","volume":0,"speech_rate":"-10"}',
            '{"customizedVoice":"mine","format":"WAV","pitch_rate":0,"sample_rate":16000,"speech_rate":-10,"volume":0}',
        ),
    ],
)
def test_the_editing_config_of_an_audio_job_has_all_defaults(
    submit: Callable[..., str], query: Callable[..., Any], sent: str, shown: str | None
) -> None:
    job_id = submit(AUDIO, EditingConfig=sent)
    assert query(GET, JobId=job_id)["SmartJobInfo"]["EditingConfig"] == shown


def test_a_boolean_is_accepted_as_the_sdk_sends_it(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    assert sdk(AUDIO, GOOD_REQUESTS[AUDIO], Overwrite=True).job_id
    assert emulator.requests(AUDIO)[0]["parameters"]["Overwrite"] == "True"


def test_a_failed_job_has_an_error_code_a_message_and_no_result(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    job_id = sdk(TEXT, GOOD_REQUESTS[TEXT]).job_id
    emulator.fail(job_id, code="ContentBad", message="Not allowed.")
    body = sdk(GET, JobId=job_id)
    assert (body.state, body.error_code, body.error_message) == (
        "Failed",
        "ContentBad",
        "Not allowed.",
    )
    assert body.job_result is None


def test_the_default_title_contains_the_time_of_the_submission(
    submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    info = query(GET, JobId=submit(TEXT))["SmartJobInfo"]
    assert info["Title"] == f"default_title_{info['CreateTime']}"
    assert query(GET, JobId=submit(TEXT, Title="标题"))["SmartJobInfo"]["Title"] == "标题"


def test_the_modified_time_is_that_of_the_last_change(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    job_id = submit(TEXT)
    info = query(GET, JobId=job_id)["SmartJobInfo"]
    assert info["ModifiedTime"] == info["CreateTime"]
    emulator.advance(3600)
    # The job took two seconds, even if it is queried an hour later.
    info = query(GET, JobId=job_id)["SmartJobInfo"]
    assert from_iso(info["ModifiedTime"]) - from_iso(info["CreateTime"]) == 2


@pytest.mark.parametrize("action", [GET, "GetBatchMediaProducingJob"])
def test_an_unknown_job_id_is_not_found(sdk: Callable[..., Any], action: str) -> None:
    with pytest.raises(ClientException) as caught:
        sdk(action, JobId="unknown")
    assert (caught.value.status_code, caught.value.code) == (404, "ResourceNotFound")


def test_a_job_that_is_older_than_a_year_is_not_found(
    emulator: ImsEmulator, sdk: Callable[..., Any], submit: Callable[..., str]
) -> None:
    job_id = submit(TEXT)
    emulator.advance(364 * 24 * 3600)
    assert sdk(GET, JobId=job_id).state == "Finished"
    emulator.advance(2 * 24 * 3600)
    with pytest.raises(ClientException, match="ResourceNotFound"):
        sdk(GET, JobId=job_id)


def test_a_job_of_another_family_is_not_found(sdk: Callable[..., Any], submit: Callable[..., str]) -> None:
    with pytest.raises(ClientException, match="ResourceNotFound"):
        sdk(GET, JobId=submit("SubmitBatchMediaProducingJob"))
    with pytest.raises(ClientException, match="ResourceNotFound"):
        sdk("GetBatchMediaProducingJob", JobId=submit(TEXT))


def test_the_response_for_an_unknown_job_id_can_be_empty() -> None:
    with ImsEmulator(unknown_job_is_error=False) as emulator:
        for action in (GET, "GetBatchMediaProducingJob"):
            status, body = SignedClient.of(emulator)(action, {"JobId": "unknown"})
            assert (status, set(body)) == (200, {"RequestId"})


def test_the_listing_is_newest_first_by_default(submit: Callable[..., str], query: Callable[..., Any]) -> None:
    ids = [submit(AUDIO) for _ in range(3)]
    assert [job["JobId"] for job in query(LIST)["SmartJobList"]] == ids[::-1]
    assert [job["JobId"] for job in query(LIST, SortBy="CreationTime:Asc")["SmartJobList"]] == ids


@pytest.mark.parametrize("order", ["CreationTime:Asc", "CreationTime:Desc"])
@pytest.mark.parametrize("count", [7, 8])
def test_the_pages_of_a_listing_contain_every_job_once(
    submit: Callable[..., str], query: Callable[..., Any], order: str, count: int
) -> None:
    ids = [submit(AUDIO) for _ in range(count)]
    seen: list[str] = []
    token = ""
    for _ in range(4):
        page = query(LIST, MaxResults="2", NextToken=token, SortBy=order)
        assert page["NextToken"] != token
        seen += [job["JobId"] for job in page["SmartJobList"]]
        token = page["NextToken"]
    assert sorted(seen) == sorted(ids)
    assert len(seen) == len(ids)
    assert token == ""


def test_numbered_pages_have_a_total_count(submit: Callable[..., str], query: Callable[..., Any]) -> None:
    ids = [submit(AUDIO) for _ in range(5)]
    page = query(LIST, PageNo="2", PageSize="2")
    assert [job["JobId"] for job in page["SmartJobList"]] == ids[1:3][::-1]
    assert (page["TotalCount"], page["MaxResults"]) == ("5", "2")
    assert "TotalCount" not in query(LIST)


def test_a_page_has_ten_jobs_by_default(submit: Callable[..., str], query: Callable[..., Any]) -> None:
    for _ in range(11):
        submit(AUDIO)
    assert len(query(LIST)["SmartJobList"]) == 10


@pytest.mark.parametrize("token", ["abc", "c2VxOng=", "////"])
def test_an_invalid_page_token_is_rejected(send: SignedClient, token: str) -> None:
    status, body = send(LIST, {"NextToken": token})
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert "NextToken" in body["Message"]


def test_the_listing_filters_by_state_and_type(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    done, failed, running, created, pinned = (submit(AUDIO) for _ in range(5))
    emulator.finish(done)
    emulator.fail(failed)
    emulator.set_state(pinned, "Suspending")
    emulator.advance(1)
    emulator.set_state(created, "Created")
    for state, expected in (("Finished", done), ("Failed", failed), ("Executing", running), ("Created", created)):
        listed = query(LIST, JobState=state, JobType="TextToSpeech")["SmartJobList"]
        assert [(job["JobId"], job["JobState"]) for job in listed] == [(expected, state)]
    assert query(LIST, JobType="ASR")["SmartJobList"] == []


def test_text_jobs_are_listed_only_with_list_text_jobs(submit: Callable[..., str], query: Callable[..., Any]) -> None:
    submit(TEXT)
    assert query(LIST)["SmartJobList"] == []
    with ImsEmulator(list_text_jobs=True) as emulator:
        send = SignedClient.of(emulator)
        job_id = send(TEXT, GOOD_REQUESTS[TEXT])[1]["JobId"]
        (listed,) = send(LIST, method="GET")[1]["SmartJobList"]
    assert (listed["JobId"], listed["JobType"]) == (job_id, "TextGenerate")
    assert listed["InputConfig"] == {"Keyword": "new cake shop, real cream"}
