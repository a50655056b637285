"""Jobs that the service reports as successful although some or all of their outputs are missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.running import TaskLog, TaskRun, run_task
from support.submits import FILE, OUTPUT, SUBMITS

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.outputs import _NOT_SAVED
from airflow_provider_ims._jobs.processing import TRANSCODE
from airflow_provider_ims._jobs.producing import IPRODUCTION
from airflow_provider_ims._jobs.training import YIKE_STORYBOARD
from airflow_provider_ims._jobs.vod import TRANSCODE_TASK
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator

NOT_SAVED = "oss fail to save the image in the given bucket"
COVERS = {"FunctionName": "Cover", "Input": FILE, "Output": {**OUTPUT, "Media": "oss://bucket/{sequenceId}.png"}}
CONVERSION = {"Config": {"Inputs": [{"InputFile": FILE}], "Outputs": [{"Name": "sd"}, {"Name": "hd"}]}}
ON = {"fail_on_partial_failure": True}


def task(job: str, parameters: dict[str, Any], **arguments: Any) -> ImsSubmitJobOperator:
    return ImsSubmitJobOperator(task_id="job", job=job, parameters=parameters, poll_interval=0.05, **arguments)


def test_a_file_that_could_not_be_saved_is_a_failed_part(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    ims_emulator.fault("SubmitIProductionJob", "fail_job", videos=1)
    result = run_task(task("SubmitIProductionJob", COVERS))
    assert result["state"] == "Success"
    saved = ["oss://bucket/00002.png", "oss://bucket/00003.png"]
    assert (result["output_files"], result["output_urls"]) == (saved, saved)
    assert result["failed"] == [{"index": 0, "error_message": NOT_SAVED}]
    warning = f"1 of 3 output_files of job {result['job_id']} failed: index 0, error_message {NOT_SAVED}"
    assert warning in task_log.lines("warning")
    ims_emulator.fault("SubmitIProductionJob", "fail_job", videos=1)
    with pytest.raises(ImsJobFailedError, match="1 of 3 output_files"):
        run_task(task("SubmitIProductionJob", COVERS, **ON))


def test_a_job_without_a_saved_file_failed_and_is_submitted_again(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitIProductionJob", "fail_job", videos=3)
    run = TaskRun(task("SubmitIProductionJob", COVERS))
    with pytest.raises(ImsJobFailedError, match=f"none of 3 outputs was produced: {NOT_SAVED}"):
        run.attempt()
    assert run.attempt()["failed"] == []
    assert len(ims_emulator.jobs()) == 2


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (NOT_SAVED, True),
        ("OSS failed to save the video.", True),
        ("Fail to upload", True),
        ("oss://bucket/fail to save.png", False),
        ("http://bucket.oss-cn-beijing.aliyuncs.com/fail to save", False),
        ("cover/fail to save.png", False),
        ("cover/failsafe 1.png", False),
        ("covers of failure", False),
        ("out.mp4", False),
        ("", False),
    ],
)
def test_an_error_is_distinguished_from_the_name_of_a_file(text: str, failed: bool) -> None:
    assert bool(_NOT_SAVED.fullmatch(text)) is failed


@pytest.mark.parametrize("files", [None, [], "text", [None, 7]])
def test_a_job_without_files_succeeds(query: Any, files: Any) -> None:
    body = {"JobId": "a", "Status": "Success", "Result": "{}", "OutputFiles": files}
    job = query(IPRODUCTION, body, "a")["a"]
    assert (job.state, job.partial, job.result["failed"]) == (JobState.SUCCEEDED, False, [])


def test_a_failed_output_of_a_conversion_is_a_failed_part(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitMediaConvertJob", "fail_job", videos=1, code="BadClip", message="A clip is broken.")
    result = run_task(task("SubmitMediaConvertJob", CONVERSION))
    assert [one["name"] for one in result["output_details"]] == ["hd"]
    (failed,) = result["failed"]
    assert failed.pop("task_id")
    assert failed == {"index": 0, "name": "sd", "error_code": "BadClip", "error_message": "A clip is broken."}
    ims_emulator.fault("SubmitMediaConvertJob", "fail_job", videos=2, code="BadClip", message="A clip is broken.")
    with pytest.raises(ImsJobFailedError, match=r"none of 2 outputs was produced: A clip is broken\.") as caught:
        run_task(task("SubmitMediaConvertJob", CONVERSION))
    assert caught.value.code == "BadClip"


@pytest.mark.parametrize("vod", [False, True])
def test_a_transcoding_without_a_successful_output_failed(query: Any, vod: bool) -> None:
    if vod:
        outputs = [{"TranscodeJobId": n, "TranscodeJobStatus": "TranscodeFail", "Definition": "SD"} for n in "bc"]
        body = {"TranscodeTaskId": "a", "TaskStatus": "CompletePartialSucc", "TranscodeJobInfoList": outputs}
        job = query(TRANSCODE_TASK, {"TranscodeTask": body}, "a")["a"]
        assert [part["definition"] for part in job.failed_parts] == ["SD", "SD"]
    else:
        outputs = [{"JobId": n, "Status": "Fail", "JobIndex": 7} for n in "bc"]
        body = {"ParentJobId": "a", "Status": "Success", "TranscodeJobList": outputs}
        job = query(TRANSCODE, {"TranscodeParentJob": body}, "a")["a"]
        assert [part["index"] for part in job.failed_parts] == [7, 7]
    assert (job.state, job.error_message) == (JobState.FAILED, "none of 2 outputs was produced: no reason given")


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_suspended_storyboard_job_fails_and_can_be_resumed(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitYikeStoryboardJob", "unknown_state", state="Suspended")
    parameters = SUBMITS["ice", "SubmitYikeStoryboardJob"]
    run = TaskRun(task("SubmitYikeStoryboardJob", parameters, deferrable=deferrable))
    with pytest.raises(
        ImsJobFailedError, match="is suspended, because some shots failed: call ResumeYikeStoryboardJob"
    ):
        run.attempt()
    (job,) = ims_emulator.jobs()
    ImsHook().call("ResumeYikeStoryboardJob", {"JobId": job["job_id"]})
    run.clear()
    assert run.attempt()["job_id"] == job["job_id"]
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize("shots", ["s1,s2", '["s1", "s2"]', ["s1", "s2"]])
def test_the_failed_shots_of_a_storyboard_are_failed_parts(query: Any, shots: Any) -> None:
    body = {"JobId": "a", "JobStatus": "Succeeded", "JobResult": {"OutputUrl": "u", "FailureShotList": shots}}
    job: Job = query(YIKE_STORYBOARD, body, "a")["a"]
    assert (job.state, job.partial) == (JobState.SUCCEEDED, True)
    assert job.failed_parts == [{"shots": shots if shots == "s1,s2" else ["s1", "s2"]}]
    assert json.dumps(job.as_dict())
    body["JobResult"] = {"OutputUrl": "u", "FailureShotList": "[]"}
    assert not query(YIKE_STORYBOARD, body, "a")["a"].partial
