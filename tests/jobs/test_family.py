from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import JobState
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError, ImsResourceNotFoundError, ImsUnavailableError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

FAMILIES = [SMART, BATCH, AI_IMAGE]
CALLS = [
    (SMART, ["a"], ("GetSmartHandleJob", {"JobId": "a"})),
    (BATCH, ["a"], ("GetBatchMediaProducingJob", {"JobId": "a"})),
    (AI_IMAGE, ["a"], ("GetAIImageJobs", {"JobIds": "a"})),
    (AI_IMAGE, list("abcdefghij"), ("GetAIImageJobs", {"JobIds": "a,b,c,d,e,f,g,h,i,j"})),
]


@pytest.mark.parametrize(("family", "job_ids", "call"), CALLS)
def test_jobs_are_queried_with_one_request(answering: Any, family: JobFamily, job_ids: list[str], call: Any) -> None:
    hook = answering({"RequestId": "r"})
    assert family.query(hook, job_ids) == {}
    assert hook.calls == [(*call, {})]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_job_that_the_service_does_not_find_is_missing(answering: Any, family: JobFamily) -> None:
    assert family.query(answering(ImsResourceNotFoundError("no such job")), ["a"]) == {}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("error", [ImsPermissionError("denied"), ImsUnavailableError("gone")])
def test_errors_other_than_a_missing_job_are_raised(answering: Any, family: JobFamily, error: ImsError) -> None:
    with pytest.raises(type(error)) as raised:
        family.query(answering(error), ["a"])
    assert raised.value is error


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_first_status_is_that_of_a_running_job(family: JobFamily) -> None:
    assert family.state_of(family.first_status) is JobState.RUNNING


@pytest.mark.parametrize(
    ("count", "size", "sizes"), [(0, 10, []), (1, 10, [1]), (10, 10, [10]), (11, 10, [10, 1]), (3, 1, [1, 1, 1])]
)
def test_chunks_have_the_given_size_and_keep_the_order(count: int, size: int, sizes: list[int]) -> None:
    cut = list(chunks([str(number) for number in range(count)], size))
    assert [len(chunk) for chunk in cut] == sizes
    assert [item for chunk in cut for item in chunk] == [str(number) for number in range(count)]


@pytest.mark.parametrize("error", [True, False])
def test_an_unknown_job_is_missing_for_both_responses_of_the_service(
    monkeypatch: pytest.MonkeyPatch, error: bool
) -> None:
    with ImsEmulator(unknown_job_is_error=error) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        assert SMART.query(ImsHook(), ["nobody"]) == {}
        assert BATCH.query(ImsHook(), ["nobody"]) == {}
        assert AI_IMAGE.query(VodHook(), ["nobody", "nothing"]) == {}


def test_jobs_of_four_kinds_are_queried_until_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    image = {"VideoId": "v", "AITemplateId": "t"}
    text = {"GenerateConfig": '{"keywords":"新店","textLength":20,"targetCount":2}'}
    speech = {"EditingConfig": "{}", "OutputConfig": '{"bucket":"b","object":"o"}', "InputConfig": "你好。再见！"}
    batch = {
        "InputConfig": '{"MediaGroupArray":[{"GroupName":"g","MediaArray":["m"]}]}',
        "OutputConfig": '{"MediaURL":"http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4","Count":2}',
    }
    with ImsEmulator(clock="manual") as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        for hook, family, action, parameters, part, length in (
            (ImsHook(), SMART, "SubmitTextGenerateJob", text, "texts", 2),
            (ImsHook(), SMART, "SubmitAudioProduceJob", speech, "sentences", 2),
            (ImsHook(), BATCH, "SubmitBatchMediaProducingJob", batch, "videos", 2),
            (VodHook(), AI_IMAGE, "SubmitAIImageJob", image, "images", None),
        ):
            job_id = hook.call(action, parameters)["JobId"]
            assert family.query(hook, [job_id])[job_id].state is JobState.RUNNING
            emulator.finish(job_id)
            job = family.query(hook, [job_id])[job_id]
            assert job.state is JobState.SUCCEEDED
            assert len(job.result[part]) == length if length else job.result[part]
            failed_id = hook.call(action, parameters)["JobId"]
            emulator.fail(failed_id, code="Broken", message="坏了")
            failed = family.query(hook, [failed_id])[failed_id]
            assert (failed.state, failed.error_code, failed.error_message) == (JobState.FAILED, "Broken", "坏了")
