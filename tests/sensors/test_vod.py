from __future__ import annotations

from typing import Any

import pytest
from support.cases import IMAGE
from support.running import TaskLog, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsJobNotFoundError, ImsRequestError
from airflow_provider_ims.operators.vod import VodSubmitJobOperator
from airflow_provider_ims.sensors.vod import VodAIImageJobSensor, VodJobSensor

DEFERRABLE = pytest.mark.parametrize("deferrable", [True, False])


def sensor(job_ids: Any, **arguments: Any) -> VodAIImageJobSensor:
    return VodAIImageJobSensor(task_id="sensor", job_ids=job_ids, poke_interval=0.05, **arguments)


def submitted(count: int) -> list[str]:
    return [run_task(IMAGE.task(wait_for_completion=False))["job_id"] for _ in range(count)]


@DEFERRABLE
@pytest.mark.ims_emulator(durations={"SubmitAIImageJob": 0.3})
def test_jobs_are_queried_in_tens_and_returned_in_the_order_of_their_ids(
    deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    job_ids = submitted(23)[::-1]
    results = run_task(sensor(job_ids, deferrable=deferrable))
    assert [result["job_id"] for result in results] == job_ids
    queried = [request["parameters"]["JobIds"].split(",") for request in ims_emulator.requests("GetAIImageJobs")]
    assert max(map(len, queried)) == 10


@DEFERRABLE
def test_one_failed_job_fails_the_sensor(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    (good,) = submitted(1)
    ims_emulator.fault("SubmitAIImageJob", "fail_job", code="NoFrames", message="Nothing to see.")
    (bad,) = submitted(1)
    with pytest.raises(ImsJobFailedError) as caught:
        run_task(sensor([good, bad], deferrable=deferrable))
    assert caught.value.job_id == bad


@DEFERRABLE
@pytest.mark.parametrize("count", [1, 2])
def test_all_failed_jobs_are_named(count: int, deferrable: bool, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    ims_emulator.fault("SubmitAIImageJob", "fail_job", count=count, code="NoFrames", message="Nothing to see.")
    job_ids = submitted(12)
    with pytest.raises(ImsJobFailedError, match=f"^{count} of 12 jobs failed: Job {job_ids[0]} failed: ") as caught:
        run_task(sensor(job_ids, deferrable=deferrable))
    for job_id in job_ids[:count]:
        assert f"Job {job_id} failed: Nothing to see." in str(caught.value)
        assert any(job_id in line and "NoFrames" in line for line in task_log.lines("error"))
    assert str(caught.value).count("NoFrames") == count + 1
    assert (caught.value.job_id, caught.value.code) == (job_ids[0], "NoFrames")


@DEFERRABLE
def test_the_results_of_the_other_jobs_are_returned_if_fail_on_partial_failure_is_false(
    deferrable: bool, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    ims_emulator.fault("SubmitAIImageJob", "fail_job", count=2, code="NoFrames", message="Nothing to see.")
    job_ids = submitted(12)[::-1]
    partial: dict[str, Any] = {"deferrable": deferrable, "fail_on_partial_failure": False}
    results = run_task(sensor(job_ids, **partial))
    assert [result["job_id"] for result in results] == job_ids
    assert [len(result["images"]) > 0 for result in results[:10]] == [True] * 10
    failure = {"state": "fail", "error_code": "NoFrames", "error_message": "Nothing to see."}
    assert results[10:] == [{"job_id": job_id, **failure} for job_id in job_ids[10:]]
    failures = [line.split()[1] for line in task_log.lines("error") if line.startswith("Job ")]
    assert failures == job_ids[10:]
    with pytest.raises(ImsJobFailedError, match="2 of 2 jobs failed"):
        run_task(sensor(job_ids[10:], **partial))


def test_an_item_of_the_list_may_contain_several_ids(ims_emulator: ImsEmulator) -> None:
    first, second, third = submitted(3)
    results = run_task(sensor([f" {first} ", f"{second},{third}"]))
    assert [result["job_id"] for result in results] == [first, second, third]


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitAIImageJob": 60})
def test_an_unknown_job_ends_the_wait_for_the_other_jobs(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.monitor.UNKNOWN_GRACE", 0.1)
    (slow,) = submitted(1)
    with pytest.raises(ImsJobNotFoundError):
        run_task(sensor([slow, "deadbeef"], deferrable=True, timeout=3600))


@pytest.mark.parametrize("written", ["{0},{1}", "['{0}', '{1}']", '["{0}", "{1}"]', "{0} {1}", "{0}, {1}, {0}"])
def test_the_ids_may_be_rendered_by_jinja(written: str, ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(2)
    results = run_task(sensor(written.format(*job_ids)))
    assert [result["job_id"] for result in results] == job_ids


@pytest.mark.parametrize("job_ids", ["", "[]", [], None, [7], [""], 7, {"a": 1}, "None", ["None"], "[None]"])
def test_invalid_job_ids_are_refused(job_ids: Any, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError) as caught:
        run_task(sensor(job_ids))
    assert caught.value.field == "job_ids"
    assert ims_emulator.requests() == []


def test_a_partly_failed_workflow_is_logged_and_fails_the_sensor_if_fail_on_partial_failure_is_set(
    ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    parameters = {"WorkflowId": "w", "MediaId": "m"}
    submit: Any = VodSubmitJobOperator(
        task_id="job", job="SubmitWorkflowJob", parameters=parameters, wait_for_completion=False
    )
    job_id = run_task(submit)["job_id"]
    ims_emulator.set_state(job_id, "partial-succeeded")
    awaited: dict[str, Any] = {"job": "SubmitWorkflowJob", "job_ids": [job_id], "poke_interval": 0.05}
    (result,) = run_task(VodJobSensor(task_id="wait", **awaited))
    assert result["state"] == "partial-succeeded"
    assert any("A part of job" in line for line in task_log.lines("warning"))
    with pytest.raises(ImsJobFailedError, match="A part of job"):
        run_task(VodJobSensor(task_id="wait", fail_on_partial_failure=True, **awaited))


@DEFERRABLE
@pytest.mark.parametrize("job", ["smart", "GetSmartHandleJob", "SubmitASRJob"])
def test_a_job_of_the_other_product_is_refused(job: str, deferrable: bool, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="of ice, not of vod"):
        run_task(VodJobSensor(task_id="sensor", job=job, job_ids="a", deferrable=deferrable))
    assert ims_emulator.requests() == []
