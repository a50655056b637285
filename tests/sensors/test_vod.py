from __future__ import annotations

from typing import Any

import pytest
from support.cases import BATCH, IMAGE
from support.running import TaskLog, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsJobNotFoundError, ImsRequestError
from airflow_provider_ims.operators.vod import VodSubmitJobOperator
from airflow_provider_ims.sensors.ims import ImsJobSensor
from airflow_provider_ims.sensors.vod import VodAIImageJobSensor, VodJobSensor

DEFERRABLE = pytest.mark.parametrize("deferrable", [True, False])
MODES = {"deferrable": {"deferrable": True}, "poke": {"mode": "poke"}, "reschedule": {"mode": "reschedule"}}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
#: Jobs that have not ended at the first poll of a deferrable sensor.
running = pytest.mark.ims_emulator(durations={"SubmitAIImageJob": 0.3, BATCH.submit: 0.3})


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


@pytest.fixture
def twelve(ims_emulator: ImsEmulator) -> list[str]:
    """Return the ids of twelve jobs, of which the last two failed."""
    ims_emulator.fault("SubmitAIImageJob", "fail_job", count=2, code="NoFrames", message="Nothing to see.")
    return submitted(12)[::-1]


@running
@every_mode
def test_the_results_of_all_jobs_are_returned_if_only_some_failed(
    mode: dict[str, Any], twelve: list[str], ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    results = run_task(sensor(twelve, **mode))
    assert [result["job_id"] for result in results] == twelve
    assert all(result["images"] for result in results[:10])
    failure = {"state": "fail", "error_code": "NoFrames", "error_message": "Nothing to see."}
    video = IMAGE.arguments["video_id"]
    assert results[10:] == [{"job_id": job_id, **failure, "input": video} for job_id in twelve[10:]]
    failures = [line for line in task_log.lines("warning") if line.startswith("Job ")]
    assert [line.partition(": ")[0] for line in failures] == [f"Job {job_id} failed" for job_id in twelve[10:]]


@running
@every_mode
def test_the_error_lists_all_failed_jobs_if_fail_on_partial_failure_is_set(
    mode: dict[str, Any], twelve: list[str]
) -> None:
    with pytest.raises(ImsJobFailedError) as caught:
        run_task(sensor(twelve, fail_on_partial_failure=True, **mode))
    assert str(caught.value).startswith(f"2 of 12 jobs failed: Job {twelve[10]} failed: Nothing to see. (code NoFrames")
    assert f"; Job {twelve[11]} failed: Nothing to see. (code NoFrames" in str(caught.value)
    assert (caught.value.job_id, caught.value.error_message) == (twelve[10], "Nothing to see.")


@running
@every_mode
def test_a_sensor_fails_if_all_its_jobs_failed(mode: dict[str, Any], twelve: list[str]) -> None:
    with pytest.raises(ImsJobFailedError, match=r"^2 of 2 jobs failed: "):
        run_task(sensor(twelve[10:], **mode))
    with pytest.raises(ImsJobFailedError, match=f"^Job {twelve[11]} failed: Nothing to see") as caught:
        run_task(sensor(twelve[11:], **mode))
    assert caught.value.code == "NoFrames"


@running
@every_mode
def test_the_failed_parts_of_a_failed_job_are_returned(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=2, code="BadClip", message="A clip is broken.")
    job_ids = [run_task(BATCH.task(wait_for_completion=False))["job_id"] for _ in range(2)]
    _, result = run_task(ImsJobSensor(task_id="sensor", job=BATCH.submit, job_ids=job_ids[::-1], **mode))
    assert (result["job_id"], result["error_code"], result["videos"]) == (job_ids[0], "BadClip", [])
    assert [(part["index"], part["error_message"]) for part in result["failed"]] == [
        (0, "A clip is broken."),
        (1, "A clip is broken."),
    ]


def test_an_item_of_the_list_can_contain_several_ids(ims_emulator: ImsEmulator) -> None:
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
def test_the_ids_can_be_a_rendered_string(written: str, ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(2)
    results = run_task(sensor(written.format(*job_ids)))
    assert [result["job_id"] for result in results] == job_ids


@pytest.mark.parametrize("job_ids", ["", "[]", [], None, [7], [""], 7, {"a": 1}, "None", ["None"], "[None]"])
def test_invalid_job_ids_are_rejected(job_ids: Any, ims_emulator: ImsEmulator) -> None:
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
def test_a_job_of_the_other_product_is_rejected(job: str, deferrable: bool, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="of ice, not of vod"):
        run_task(VodJobSensor(task_id="sensor", job=job, job_ids="a", deferrable=deferrable))
    assert ims_emulator.requests() == []
