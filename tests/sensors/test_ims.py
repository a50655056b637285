from __future__ import annotations

from typing import Any

import pytest
from support.cases import AUDIO, TEXT
from support.running import run_task
from support.submits import SUBMITS

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator
from airflow_provider_ims.sensors.ims import ImsJobSensor, ImsSmartHandleJobSensor


def test_one_sensor_reads_the_results_of_different_smart_job_types(ims_emulator: ImsEmulator) -> None:
    for case in (TEXT, AUDIO):
        job_id = run_task(case.task(wait_for_completion=False))["job_id"]
        result = run_task(ImsSmartHandleJobSensor(task_id="sensor", job_id=job_id))
        assert result.keys() == case.result | {"job_id", "state"}


def test_a_job_type_without_a_known_result_format_returns_its_parsed_result(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    ims_emulator.fault("GetSmartHandleJob", "odd_shape", merge={"SmartJobInfo": {"JobType": "Segmentation"}})
    result = run_task(ImsSmartHandleJobSensor(task_id="sensor", job_id=job_id))
    assert result.keys() == {"job_id", "state", "media_id", "media_url", "ai_result", "usage"}
    assert isinstance(result["ai_result"], list)


@pytest.mark.parametrize("job", ["StartWorkflow", "GetWorkflowTask", "workflow"])
def test_a_sensor_accepts_the_name_of_a_submit_action_a_query_action_or_a_family(
    job: str, ims_emulator: ImsEmulator
) -> None:
    parameters = SUBMITS["ice", "StartWorkflow"]
    submit = ImsSubmitJobOperator(task_id="job", job="StartWorkflow", parameters=parameters, wait_for_completion=False)
    job_id = run_task(submit)["job_id"]
    (result,) = run_task(ImsJobSensor(task_id="wait", job=job, job_ids=[job_id], poke_interval=0.05))
    assert (result["job_id"], result["workflow_id"]) == (job_id, "w")


def test_a_failed_part_fails_the_sensor_if_fail_on_partial_failure_is_set(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitTranscodeJob", "fail_job", videos=1)
    parameters = SUBMITS["ice", "SubmitTranscodeJob"]
    job_id = run_task(
        ImsSubmitJobOperator(task_id="job", job="SubmitTranscodeJob", parameters=parameters, wait_for_completion=False)
    )["job_id"]
    awaited: dict[str, Any] = {"job": "SubmitTranscodeJob", "job_ids": [job_id], "poke_interval": 0.05}
    (result,) = run_task(ImsJobSensor(task_id="wait", **awaited))
    assert len(result["failed"]) == 1
    with pytest.raises(ImsJobFailedError, match="1 of 2 outputs"):
        run_task(ImsJobSensor(task_id="wait", fail_on_partial_failure=True, **awaited))
