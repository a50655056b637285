"""Jobs that the service reports as successful although some or all of their outputs are missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.running import TaskLog, TaskRun, run_task
from support.submits import FILE, OUTPUT, SUBMITS

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.outputs import _NOT_SAVED
from airflow_provider_ims._jobs.processing import MEDIA_CONVERT, TRANSCODE
from airflow_provider_ims._jobs.producing import IPRODUCTION
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._jobs.training import YIKE_STORYBOARD
from airflow_provider_ims._jobs.vod import AI_JOB, TRANSCODE_TASK
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
    assert result["output_files"] == ["oss://bucket/00002.png", "oss://bucket/00003.png"]
    urls = [f"http://bucket.oss-cn-shanghai.aliyuncs.com/0000{number}.png" for number in (2, 3)]
    assert result["output_urls"] == urls
    assert result["failed"] == [{"index": 0, "error_message": NOT_SAVED}]
    warning = f"1 of 3 output_files of job {result['job_id']} failed: index 0, error_message {NOT_SAVED}"
    assert warning in task_log.lines("warning")
    ims_emulator.fault("SubmitIProductionJob", "fail_job", videos=1)
    with pytest.raises(ImsJobFailedError, match="1 of 3 output_files"):
        run_task(task("SubmitIProductionJob", COVERS, **ON))


def test_a_job_without_a_saved_file_failed_and_is_submitted_again(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitIProductionJob", "fail_job", videos=3)
    run = TaskRun(task("SubmitIProductionJob", COVERS))
    with pytest.raises(ImsJobFailedError, match=f"none of the 3 outputs was produced: {NOT_SAVED}"):
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
    assert [one["name"] for one in result["outputs"]] == ["hd"]
    assert result["outputs"][0]["url"]
    (failed,) = result["failed"]
    assert failed.pop("task_id")
    assert failed == {
        "index": 0,
        "name": "sd",
        "status": "Failed",
        "error_code": "BadClip",
        "error_message": "A clip is broken.",
    }
    ims_emulator.fault("SubmitMediaConvertJob", "fail_job", videos=2, code="BadClip", message="A clip is broken.")
    with pytest.raises(ImsJobFailedError, match=r"none of the 2 outputs was produced: A clip is broken\.") as caught:
        run_task(task("SubmitMediaConvertJob", CONVERSION))
    assert caught.value.code == "BadClip"


def test_failed_outputs_in_a_group_of_a_conversion_are_failed_parts(query: Any) -> None:
    def group(name: str, status: str, *outputs: str) -> dict[str, Any]:
        return {"Name": name, "Status": status, "Outputs": [{"Name": name + one, "Status": one} for one in outputs]}

    groups = [group("a", "Success", "Success", "Skipped"), group("b", "Failed", "Success"), {"Name": "c"}]
    body = {"JobId": "a", "State": "Complete", "OutputDetails": [{"Name": "d"}], "OutputGroupDetails": groups}
    job = query(MEDIA_CONVERT, {"Job": body}, "a")["a"]
    assert [one["name"] for one in job.result["outputs"]] == ["d", "aSuccess", "c"]
    assert [(part["index"], part["name"], part["status"]) for part in job.failed_parts] == [
        (1, "aSkipped", "Skipped"),
        (1, "b", "Failed"),
    ]
    assert (job.state, job.total_parts) == (JobState.SUCCEEDED, 5)


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
    assert (job.state, job.error_message) == (JobState.FAILED, "none of the 2 outputs was produced: no reason given")


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_suspended_storyboard_job_fails_and_can_be_resumed(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitYikeStoryboardJob", "unknown_state", state="Suspended")
    parameters = SUBMITS["ice", "SubmitYikeStoryboardJob"]
    run = TaskRun(task("SubmitYikeStoryboardJob", parameters, deferrable=deferrable, timeout=5))
    with pytest.raises(
        ImsJobFailedError, match="is suspended, because some shots failed: call ResumeYikeStoryboardJob"
    ):
        run.attempt()
    (job,) = ims_emulator.jobs()
    ImsHook().call("ResumeYikeStoryboardJob", {"JobId": job["job_id"]})
    run.clear()
    assert run.attempt()["job_id"] == job["job_id"]
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize("status", ["Succeeded", "Suspended"])
@pytest.mark.parametrize("written", [json.dumps, list])
def test_the_failed_shots_and_storyboards_of_a_yike_job_are_failed_parts(query: Any, status: str, written: Any) -> None:
    shot = {"errorCode": "NoMediaData", "storyboardId": "st_2118280473", "shotId": "54"}
    failed = {"FailureShotList": written([shot]), "ExceptionStoryboardIds": written(["st_2053348871"])}
    job = query(YIKE_STORYBOARD, {"JobId": "a", "JobStatus": status, "JobResult": {"OutputUrl": "u", **failed}}, "a")[
        "a"
    ]
    assert job.partial
    assert job.failed_parts == [
        {"storyboard_id": "st_2118280473", "shot_id": "54", "error_code": "NoMediaData"},
        {"storyboard_id": "st_2053348871", "shot_id": None, "error_code": None},
    ]
    assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job


@pytest.mark.parametrize("result", [None, {}, {"FailureShotList": "[]", "ExceptionStoryboardIds": ""}])
def test_a_storyboard_without_failed_shots_is_not_partial(query: Any, result: Any) -> None:
    job = query(YIKE_STORYBOARD, {"JobId": "a", "JobStatus": "Succeeded", "JobResult": result}, "a")["a"]
    assert (job.state, job.partial) == (JobState.SUCCEEDED, False)


def test_the_failed_shots_of_a_storyboard_are_logged(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    shot = {"JobResult": {"FailureShotList": '[{"storyboardId": "st_1", "shotId": "54", "errorCode": "NoMediaData"}]'}}
    ims_emulator.fault("GetYikeStoryboardJob", "odd_shape", merge=shot)
    result = run_task(task("SubmitYikeStoryboardJob", SUBMITS["ice", "SubmitYikeStoryboardJob"]))
    expected = f"Some shots of job {result['job_id']} failed: storyboard_id st_1, shot_id 54, error_code NoMediaData"
    assert expected in task_log.lines("warning")


@pytest.mark.parametrize(
    ("family", "body"),
    [
        (TRANSCODE, {"TranscodeParentJob": {"ParentJobId": "a", "Status": "Fail"}}),
        (AI_IMAGE, {"AIImageJobList": [{"JobId": "a", "Status": "fail", "VideoId": "v"}]}),
        (AI_JOB, {"AIJobList": {"AIJob": [{"JobId": "a", "Status": "fail", "MediaId": "v"}]}}),
        (IPRODUCTION, {"JobId": "a", "Status": "Fail", "Input": {"Media": "v"}}),
        (SMART, {"JobId": "a", "State": "Failed", "SmartJobInfo": {"InputConfig": {"InputFile": "v"}}}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_failed_job_contains_its_input_if_the_service_returns_it(query: Any, family: Any, body: Any) -> None:
    result = query(family, body, "a")["a"].outcome()
    assert result.get("input") == (None if family is TRANSCODE else "v")
    assert {"job_id", "state", "error_code", "error_message"} <= result.keys()


def test_a_failed_output_is_not_published_as_an_asset(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitTranscodeJob", "fail_job", videos=1)
    outputs = [{"Output": {"Type": "OSS", "Media": f"oss://bucket/{name}.mp4"}} for name in ("sd", "hd")]
    run = TaskRun(task("SubmitTranscodeJob", {**SUBMITS["ice", "SubmitTranscodeJob"], "OutputGroup": outputs}))
    assert run.attempt()["failed"][0]["media"] == "oss://bucket/sd.mp4"
    assert [one.uri for one in run.process._outputs] == ["oss://bucket/hd.mp4"]
