from __future__ import annotations

from support.cases import AUDIO, TEXT
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.sensors.ims import ImsSmartHandleJobSensor


def test_one_sensor_reads_the_results_of_all_smart_job_types(ims_emulator: ImsEmulator) -> None:
    for case in (TEXT, AUDIO):
        job_id = run_task(case.task(wait_for_completion=False))["job_id"]
        result = run_task(ImsSmartHandleJobSensor(task_id="sensor", job_id=job_id))
        assert result.keys() == case.result | {"job_id", "state"}


def test_a_job_type_without_an_operator_gives_its_payload_parsed(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    ims_emulator.fault("GetSmartHandleJob", "odd_shape", merge={"SmartJobInfo": {"JobType": "Segmentation"}})
    result = run_task(ImsSmartHandleJobSensor(task_id="sensor", job_id=job_id))
    assert result.keys() == {"job_id", "state", "media_id", "media_url", "ai_result", "usage"}
    assert isinstance(result["ai_result"], list)
