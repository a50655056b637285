from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator

SUBMIT, GET, LIST = "SubmitAIImageJob", "GetAIImageJobs", "ListAIImageInfo"
USER_DATA = '{"Extend":{"localId":"1","test":"www"}}'


def test_a_job_ends_with_scored_images_best_first(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    job_id = sdk(SUBMIT, GOOD_REQUESTS[SUBMIT], UserData=USER_DATA).job_id
    (job,) = sdk(GET, JobIds=job_id).aiimage_job_list
    assert (job.status, job.aiimage_result) == ("processing", None)
    emulator.advance(2)
    (job,) = sdk(GET, JobIds=job_id).aiimage_job_list
    assert (job.status, job.code, job.video_id, job.template_id) == ("success", "Success", "video-1", "template-1")
    assert job.user_data == USER_DATA
    images = json.loads(job.aiimage_result)
    assert [image["Score"] for image in images] == sorted((image["Score"] for image in images), reverse=True)
    assert all("?" not in image["Url"] and "/video-1/" in image["Url"] for image in images)


def test_a_failed_job_has_an_error_code_and_a_message(
    emulator: ImsEmulator, sdk: Callable[..., Any], submit: Callable[..., str]
) -> None:
    job_id = submit(SUBMIT)
    emulator.fail(job_id, code="VideoBad", message="no frame")
    (job,) = sdk(GET, JobIds=job_id).aiimage_job_list
    assert (job.status, job.code, job.message, job.aiimage_result) == ("fail", "VideoBad", "no frame", None)


def test_a_query_accepts_ten_jobs_and_not_eleven(sdk: Callable[..., Any], submit: Callable[..., str]) -> None:
    ids = [submit(SUBMIT) for _ in range(10)]
    assert {job.job_id for job in sdk(GET, JobIds=",".join(ids)).aiimage_job_list} == set(ids)
    with pytest.raises(ClientException, match="InvalidParameter"):
        sdk(GET, JobIds=",".join([*ids, "one-more"]))


def test_unknown_jobs_are_absent(submit: Callable[..., str], query: Callable[..., Any]) -> None:
    known = submit(SUBMIT)
    other_family = submit("SubmitTextGenerateJob")
    listed = query(GET, JobIds=f"unknown,{known},{other_family},{known}")["AIImageJobList"]
    assert [job["JobId"] for job in listed] == [known]


@pytest.mark.parametrize(("word", "shown"), [("init", "init"), (None, None)])
def test_the_undocumented_state_of_a_running_job_can_be_set(word: str | None, shown: str | None) -> None:
    with ImsEmulator(clock="manual", image_running_status=word) as emulator:
        send = SignedClient.of(emulator)
        job_id = send(SUBMIT, GOOD_REQUESTS[SUBMIT])[1]["JobId"]
        (job,) = send(GET, {"JobIds": job_id})[1]["AIImageJobList"]
    assert job.get("Status") == shown


def test_the_images_of_a_video_have_signed_urls(
    emulator: ImsEmulator, sdk: Callable[..., Any], submit: Callable[..., str]
) -> None:
    done, _running = submit(SUBMIT), submit(SUBMIT)
    submit(SUBMIT, VideoId="video-2")
    assert sdk(LIST, VideoId="video-1").aiimage_info_list == []
    emulator.finish(done)
    infos = sdk(LIST, VideoId="video-1").aiimage_info_list
    (job,) = sdk(GET, JobIds=done).aiimage_job_list
    unsigned = [image["Url"] for image in json.loads(job.aiimage_result)]
    assert [info.file_url.partition("?")[0] for info in infos] == [
        f"{emulator.url}/{url.partition('://')[2]}" for url in unsigned
    ]
    assert {info.job_id for info in infos} == {done}
    for info in infos:
        assert set(parse_qs(urlsplit(info.file_url).query)) == {"Expires", "OSSAccessKeyId", "Signature"}
        assert info.format == "gif"


def test_the_images_of_a_job_are_always_the_same_and_differ_from_those_of_another_job(
    emulator: ImsEmulator, submit: Callable[..., str]
) -> None:
    job_id = submit(SUBMIT)
    images = emulator.finish(job_id)["result"]
    assert images == emulator.finish(job_id)["result"]
    assert images != emulator.finish(submit(SUBMIT))["result"]


def test_the_images_of_a_video_are_those_of_ai_image_jobs_only(
    emulator: ImsEmulator, send: SignedClient, query: Callable[..., Any]
) -> None:
    status, _ = send("SubmitTranscodeJobs", {"VideoId": "video-1", "TemplateGroupId": "g"}, version="2017-03-21")
    emulator.advance(100)
    assert (status, query(LIST, VideoId="video-1")["AIImageInfoList"]) == (200, [])
