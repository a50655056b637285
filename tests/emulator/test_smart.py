from __future__ import annotations

import json

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.clock import from_iso

TEXT, AUDIO, GET, LIST = "SubmitTextGenerateJob", "SubmitAudioProduceJob", "GetSmartHandleJob", "ListSmartJobs"
USER_DATA = '{"NotifyAddress":"https://xx.xx.xxx"}'


def test_a_text_job_runs_from_created_over_executing_to_finished(emulator, sdk, good_requests):
    job_id = sdk(TEXT, good_requests[TEXT]).job_id
    states = [sdk(GET, JobId=job_id).state]
    for seconds in (0.5, 1.0, 1.0):
        emulator.advance(seconds)
        states.append(sdk(GET, JobId=job_id).state)
    assert states == ["Created", "Executing", "Executing", "Finished"]


def test_a_text_job_gives_its_copies_and_what_they_cost(emulator, sdk, good_requests):
    job_id = sdk(TEXT, good_requests[TEXT], UserData=USER_DATA).job_id
    assert sdk(GET, JobId=job_id).job_result is None
    emulator.finish(job_id)
    body = sdk(GET, JobId=job_id)
    copies = json.loads(body.job_result.ai_result)
    assert len(copies) == 3
    assert all("new cake shop" in copy and "real cream" in copy and len(copy) <= 100 for copy in copies)
    assert json.loads(body.job_result.usage)["total_tokens"] > 0
    assert body.user_data == USER_DATA


def test_an_audio_job_tells_its_media_id_at_once_and_keeps_it(emulator, sdk, good_requests):
    submitted = sdk(AUDIO, good_requests[AUDIO])
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
def test_the_editing_config_of_speech_is_shown_whole(submit, ask, sent, shown):
    job_id = submit(AUDIO, EditingConfig=sent)
    assert ask(GET, JobId=job_id)["SmartJobInfo"]["EditingConfig"] == shown


def test_a_boolean_comes_as_the_sdk_writes_it(emulator, sdk, good_requests):
    assert sdk(AUDIO, good_requests[AUDIO], Overwrite=True).job_id
    assert emulator.requests(AUDIO)[0]["parameters"]["Overwrite"] == "True"


def test_a_failed_job_tells_code_and_message_and_no_result(emulator, sdk, good_requests):
    job_id = sdk(TEXT, good_requests[TEXT]).job_id
    emulator.fail(job_id, code="ContentBad", message="Not allowed.")
    body = sdk(GET, JobId=job_id)
    assert (body.state, body.error_code, body.error_message) == (
        "Failed",
        "ContentBad",
        "Not allowed.",
    )
    assert body.job_result is None


def test_a_job_without_a_title_gets_one_of_its_time(submit, ask):
    info = ask(GET, JobId=submit(TEXT))["SmartJobInfo"]
    assert info["Title"] == f"default_title_{info['CreateTime']}"
    assert ask(GET, JobId=submit(TEXT, Title="标题"))["SmartJobInfo"]["Title"] == "标题"


def test_the_modified_time_is_that_of_the_last_change(emulator, submit, ask):
    job_id = submit(TEXT)
    info = ask(GET, JobId=job_id)["SmartJobInfo"]
    assert info["ModifiedTime"] == info["CreateTime"]
    emulator.advance(3600)
    # The job took two seconds, whenever it is looked at.
    info = ask(GET, JobId=job_id)["SmartJobInfo"]
    assert from_iso(info["ModifiedTime"]) - from_iso(info["CreateTime"]) == 2


@pytest.mark.parametrize("action", [GET, "GetBatchMediaProducingJob"])
def test_an_unknown_job_id_is_not_found(sdk, action):
    with pytest.raises(ClientException) as caught:
        sdk(action, JobId="unknown")
    assert (caught.value.status_code, caught.value.code) == (404, "ResourceNotFound")


def test_a_job_of_over_a_year_ago_is_not_found(emulator, sdk, submit):
    job_id = submit(TEXT)
    emulator.advance(364 * 24 * 3600)
    assert sdk(GET, JobId=job_id).state == "Finished"
    emulator.advance(2 * 24 * 3600)
    with pytest.raises(ClientException, match="ResourceNotFound"):
        sdk(GET, JobId=job_id)


def test_a_job_of_another_family_is_not_found(sdk, submit):
    with pytest.raises(ClientException, match="ResourceNotFound"):
        sdk(GET, JobId=submit("SubmitBatchMediaProducingJob"))
    with pytest.raises(ClientException, match="ResourceNotFound"):
        sdk("GetBatchMediaProducingJob", JobId=submit(TEXT))


def test_an_unknown_job_id_can_be_answered_with_nothing_instead(wire_class):
    with ImsEmulator(unknown_job_is_error=False) as emulator:
        for action in (GET, "GetBatchMediaProducingJob"):
            status, body = wire_class(emulator)(action, {"JobId": "unknown"})
            assert (status, set(body)) == (200, {"RequestId"})


def test_the_listing_is_newest_first_unless_asked_otherwise(submit, ask):
    ids = [submit(AUDIO) for _ in range(3)]
    assert [job["JobId"] for job in ask(LIST)["SmartJobList"]] == ids[::-1]
    assert [job["JobId"] for job in ask(LIST, SortBy="CreationTime:Asc")["SmartJobList"]] == ids


@pytest.mark.parametrize("order", ["CreationTime:Asc", "CreationTime:Desc"])
@pytest.mark.parametrize("count", [7, 8])
def test_the_pages_of_a_listing_show_every_job_once(submit, ask, order, count):
    ids = [submit(AUDIO) for _ in range(count)]
    seen, token = [], ""
    for _ in range(4):
        page = ask(LIST, MaxResults="2", NextToken=token, SortBy=order)
        assert page["NextToken"] != token
        seen += [job["JobId"] for job in page["SmartJobList"]]
        token = page["NextToken"]
    assert sorted(seen) == sorted(ids)
    assert len(seen) == len(ids)
    assert token == ""


def test_pages_by_number_tell_how_many_jobs_there_are(submit, ask):
    ids = [submit(AUDIO) for _ in range(5)]
    page = ask(LIST, PageNo="2", PageSize="2")
    assert [job["JobId"] for job in page["SmartJobList"]] == ids[1:3][::-1]
    assert (page["TotalCount"], page["MaxResults"]) == ("5", "2")
    assert "TotalCount" not in ask(LIST)


def test_a_page_holds_ten_jobs_unless_asked_otherwise(submit, ask):
    for _ in range(11):
        submit(AUDIO)
    assert len(ask(LIST)["SmartJobList"]) == 10


@pytest.mark.parametrize("token", ["abc", "c2VxOng=", "////"])
def test_a_token_of_no_page_is_refused(wire, token):
    status, body = wire(LIST, {"NextToken": token})
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert "NextToken" in body["Message"]


def test_the_listing_can_be_narrowed_by_state_and_type(emulator, submit, ask):
    done, failed, running, created, pinned = (submit(AUDIO) for _ in range(5))
    emulator.finish(done)
    emulator.fail(failed)
    emulator.set_state(pinned, "Suspending")
    emulator.advance(1)
    emulator.set_state(created, "Created")
    for state, expected in (("Finished", done), ("Failed", failed), ("Executing", running), ("Created", created)):
        listed = ask(LIST, JobState=state, JobType="TextToSpeech")["SmartJobList"]
        assert [(job["JobId"], job["JobState"]) for job in listed] == [(expected, state)]
    assert ask(LIST, JobType="ASR")["SmartJobList"] == []


def test_text_jobs_are_listed_only_where_the_emulator_is_told_so(submit, ask, wire_class, good_requests):
    submit(TEXT)
    assert ask(LIST)["SmartJobList"] == []
    with ImsEmulator(list_text_jobs=True) as emulator:
        wire = wire_class(emulator)
        job_id = wire(TEXT, good_requests[TEXT])[1]["JobId"]
        (listed,) = wire(LIST, method="GET")[1]["SmartJobList"]
    assert (listed["JobId"], listed["JobType"]) == (job_id, "TextGenerate")
    assert listed["InputConfig"] == {"Keyword": "new cake shop, real cream"}
