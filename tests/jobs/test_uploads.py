"""Uploads from URLs: one URL for each job, and the search for lost jobs by their URL."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
from support.running import TaskRun, run_task

from airflow_provider_ims._jobs.job import JobState
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._jobs.marker import SubmissionKey, key_in
from airflow_provider_ims._jobs.search import find_jobs
from airflow_provider_ims._submission.cancel import cancel_job
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import VOD
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.operators.ims import (
    ImsSubmitJobsOperator,
    ImsUploadMediaByURLOperator,
    ImsUploadStreamByURLOperator,
)
from airflow_provider_ims.operators.vod import VodUploadMediaByURLOperator, VodUploadStreamByURLOperator

UPLOAD, VOD_UPLOAD = kind_of("UploadMediaByURL"), kind_of("UploadMediaByURL", VOD)
KEY = SubmissionKey("0123456789abcdef" * 2, 3)
held = pytest.mark.ims_emulator(clock="manual", durations={"vod:UploadMediaByURL": 60})


@pytest.mark.parametrize("kind", [UPLOAD, VOD_UPLOAD], ids=["ice", "vod"])
def test_every_documented_state_is_known(kind: JobKind) -> None:
    running = ("PENDING", "PROCESSING", "DOWNLOADING", "DOWNLOAD_SUCCESS", "UPLOADING", "UPLOAD_SUCCESS")
    assert kind.family.running == running
    assert {kind.family.state_of(state) for state in running} == {JobState.RUNNING}
    assert {kind.family.state_of(state) for state in ("DOWNLOAD_FAIL", "UPLOAD_FAIL")} == {JobState.FAILED}
    assert {kind.family.state_of(state) for state in ("SUCCESS", "Normal")} == {JobState.SUCCEEDED}


@pytest.mark.parametrize("action", ["UploadMediaByURL", "vod:UploadMediaByURL"])
@pytest.mark.parametrize("state", ["DOWNLOAD_FAIL", "UPLOAD_FAIL"])
def test_a_task_fails_as_soon_as_its_upload_has_failed(action: str, state: str, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(action, "unknown_state", state=state)
    operator = VodUploadMediaByURLOperator if action.startswith("vod:") else ImsUploadMediaByURLOperator
    with pytest.raises(ImsJobFailedError):
        run_task(operator(task_id="job", upload_urls="https://a/1.mp4", poll_interval=0.05, timeout=1))


def test_several_urls_are_rejected_because_each_would_be_a_job(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="upload_urls: contains a comma, which separates URLs") as refused:
        run_task(ImsUploadMediaByURLOperator(task_id="job", upload_urls="https://a/1.mp4,https://a/2.mp4"))
    assert refused.value.field == "upload_urls"
    assert ims_emulator.requests() == []
    assert run_task(ImsUploadMediaByURLOperator(task_id="job", upload_urls="https://a/1%2C2.mp4"))["media_id"]


@pytest.mark.parametrize(
    ("operator", "action"),
    [
        (ImsUploadStreamByURLOperator, "UploadStreamByURL"),
        (VodUploadStreamByURLOperator, "vod:UploadStreamByURL"),
    ],
)
def test_a_stream_url_with_a_comma_is_rejected_because_a_search_would_find_no_job(
    operator: Any, action: str, ims_emulator: ImsEmulator
) -> None:
    task = partial(operator, task_id="job", media_id="m" * 32, definition="HD", poll_interval=0.05)
    with pytest.raises(ImsRequestError, match=r"stream_url: .* Write a comma in a URL as %2C"):
        run_task(task(stream_url="https://a/w_1,h_1.mp4"))
    assert ims_emulator.requests() == []
    ims_emulator.fault(action, "cut_after")
    assert TaskRun(task(stream_url="https://a/w_1%2Ch_1.mp4")).attempt()["media_id"]
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize(
    ("url", "queried"),
    [
        ("https://a/1.mp4", "https://a/1.mp4"),
        ("https://a/1%2C2.mp4?a=b&c=%E5%BA%97#d", "https://a/1%2C2.mp4?a=b&c=%E5%BA%97#d"),
        ("https://a/1 2.mp4", "https://a/1%202.mp4"),
        ("https://a/店.mp4", "https://a/%E5%BA%97.mp4"),
        ("https%3A%2F%2Fa%2F1.mp4", "https%3A%2F%2Fa%2F1.mp4"),
    ],
)
@pytest.mark.parametrize(
    ("operator", "action"),
    [(ImsUploadMediaByURLOperator, "UploadMediaByURL"), (VodUploadMediaByURLOperator, "vod:UploadMediaByURL")],
)
def test_the_search_sends_the_encoded_url(
    operator: Any, action: str, url: str, queried: str, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(action, "cut_after")
    TaskRun(operator(task_id="job", upload_urls=url, poll_interval=0.05)).attempt()
    searches = [one["parameters"] for one in ims_emulator.requests() if "UploadInfos" in one["action"]]
    assert next(one["UploadURLs"] for one in searches if "UploadURLs" in one) == queried
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize(
    "user_data",
    [
        '{"Extend": {"AirflowKey": "%s"}}',
        '{"MessageCallback":"{}","Extend":"{\\"localId\\":\\"1\\",\\"AirflowKey\\":\\"%s\\"}"}',
        # As in the documented response: the quotation marks in the inner strings are not escaped.
        '{"MessageCallback":"{"CallbackURL":"http://example.com"}", "Extend":"{"a":"b", "AirflowKey": "%s"}"}',
    ],
    ids=["object", "string", "invalid JSON"],
)
def test_the_marker_is_read_in_every_form_of_extend(user_data: str) -> None:
    assert key_in(user_data % KEY) == KEY


@pytest.mark.parametrize("user_data", ["plain AirflowKey", '{"AirflowKey": broken', '{"Extend": "text"}'])
def test_other_user_data_contains_no_marker(user_data: str) -> None:
    assert key_in(user_data) is None


def search(answering: Any, body: Any) -> dict[str, Any]:
    assert UPLOAD.family.search is not None
    return dict(find_jobs(UPLOAD.family.search, answering(body), {"UploadURLs": "https://a/1.mp4"}, [KEY.run], 0))


def test_a_url_without_jobs_is_no_error_but_an_unexpected_response_is(answering: Any) -> None:
    assert search(answering, {"RequestId": "R", "NonExists": ["https://a/1.mp4"]}) == {}
    assert search(answering, {"RequestId": "R", "NonExists": [], "URLUploadInfoList": []}) == {}
    with pytest.raises(ImsUnavailableError, match="no list of objects in the field URLUploadInfoList"):
        search(answering, {"RequestId": "R", "Rubbish": 1})


def test_a_lost_upload_is_found_among_other_uploads_of_the_same_url(ims_emulator: ImsEmulator) -> None:
    url = "https://example.com/in.mp4"
    others = [run_task(ImsUploadMediaByURLOperator(task_id="job", upload_urls=url))["job_id"] for _ in range(2)]
    ims_emulator.fault("UploadMediaByURL", "cut_after")
    result = TaskRun(ImsUploadMediaByURLOperator(task_id="job", upload_urls=url, poll_interval=0.05)).attempt()
    assert len(ims_emulator.jobs()) == 3
    assert result["job_id"] not in others


def test_many_uploads_whose_responses_are_lost_are_found_by_their_urls(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("UploadMediaByURL", "cut_after", count=3)
    requests = [{"UploadURLs": f"https://example.com/{n}.mp4"} for n in range(3)]
    run = TaskRun(ImsSubmitJobsOperator(task_id="jobs", job="UploadMediaByURL", requests=requests, poll_interval=0.05))
    result = run.attempt()
    uploaded = {job["job_id"]: job["parameters"]["UploadURLs"] for job in ims_emulator.jobs()}
    assert [uploaded[one["job_id"]] for one in result["results"]] == [one["UploadURLs"] for one in requests]
    assert len(uploaded) == 3


def test_the_source_of_an_upload_is_an_input_and_not_an_output_of_the_task(ims_emulator: ImsEmulator) -> None:
    source = "https://bucket.oss-cn-shanghai.aliyuncs.com/in.mp4"
    run = TaskRun(ImsUploadMediaByURLOperator(task_id="job", upload_urls=source))
    run.attempt()
    lineage = run.process.get_openlineage_facets_on_complete(None)
    assert [one.name for one in lineage.inputs] == ["in.mp4"]
    assert lineage.outputs == []


@held
@pytest.mark.parametrize(
    ("state", "logged"),
    [("PENDING", "Cancelled job"), ("UPLOADING", "the service cannot cancel a job that is UPLOADING")],
)
def test_only_an_upload_that_waits_in_the_queue_is_cancelled(
    state: str, logged: str, ims_emulator: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    hook = VodHook()
    job_id = str(VOD_UPLOAD.job_id_in(hook.call("UploadMediaByURL", {"UploadURLs": "https://example.com/in.mp4"})))
    ims_emulator.set_state(job_id, state)
    caplog.set_level(logging.INFO)
    cancel_job(VOD_UPLOAD.family, hook, job_id)
    assert logged in caplog.text


def test_an_upload_counts_as_cancelled_only_if_the_response_lists_it(
    ims_emulator: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    cancel_job(VOD_UPLOAD.family, VodHook(), "unknown")
    assert "Job unknown continues and is billed: the service did not cancel it" in caplog.text
