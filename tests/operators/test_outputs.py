"""The keys of a result are XComs, so that ``task.output["texts"]`` works."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG
from support.cases import AUDIO, IMAGE, TEXT
from support.dags import DagRunner

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator, ImsSubmitTextGenerateJobOperator

CHAIN = """
from airflow.sdk import DAG, task
from airflow_provider_ims.operators.ims import (
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitJobsOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.sensors.ims import ImsJobSensor, ImsSmartHandleJobSensor

CONFIG = {"keywords": "a", "textLength": 20, "targetCount": 2}

with DAG("chain", schedule=None, default_args={"poll_interval": 0.1, "poke_interval": 0.1}):

    @task
    def given(value):
        return list(value)

    copy = ImsSubmitTextGenerateJobOperator(task_id="copy", generate_config=CONFIG)
    ImsSubmitBatchMediaProducingJobOperator(
        task_id="videos",
        input_config={"MediaArray": ["m"], "SpeechTextArray": copy.output["texts"]},
        output_config={"MediaURL": "http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4", "Count": 2},
    )
    sensor = ImsSmartHandleJobSensor(task_id="sensor", job_id=copy.output["job_id"])
    given.override(task_id="seen")(sensor.output["texts"])
    ImsJobSensor(task_id="sensors", job="SubmitTextGenerateJob", job_ids=[copy.output["job_id"]])
    copies = ImsSubmitTextGenerateJobOperator.partial(task_id="copies").expand(generate_config=[CONFIG, CONFIG])
    given.override(task_id="all")(copies.output["texts"])
    many = ImsSubmitJobsOperator(
        task_id="many", job="SubmitTextGenerateJob", requests=[{"GenerateConfig": CONFIG}] * 2
    )
    given.override(task_id="results")(many.output["results"])
"""


@pytest.mark.slow
def test_the_keys_of_results_are_inputs_of_other_tasks(
    airflow_db: None, ims_emulator: ImsEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chain.py").write_text(CHAIN)
    xcoms = DagRunner(tmp_path, monkeypatch).run("chain")
    texts = xcoms["copy", -1]["texts"]
    assert len(texts) == 2
    assert len(xcoms["videos", -1]["videos"]) == 2
    assert xcoms["seen", -1] == texts
    assert xcoms["sensors", -1][0]["texts"] == texts
    assert xcoms["all", -1] == [xcoms["copies", index]["texts"] for index in (0, 1)]
    assert xcoms["results", -1] == xcoms["many", -1]["results"]


def test_each_key_is_an_xcom_by_default_if_the_result_is_a_dict() -> None:
    many = ImsSubmitJobsOperator(task_id="many", job="SubmitASRJob", requests=[{}])
    assert [task.multiple_outputs for task in (TEXT.task(), AUDIO.sensor_of("j"), many)] == [True, True, True]
    assert IMAGE.sensor_of("j").multiple_outputs is False


def test_the_xcoms_of_the_keys_can_be_disabled() -> None:
    assert TEXT.task(multiple_outputs=False).multiple_outputs is False
    assert TEXT.sensor_of("j", multiple_outputs=False).multiple_outputs is False
    with DAG("dag", schedule=None, default_args={"multiple_outputs": False}):
        task = ImsSubmitTextGenerateJobOperator(task_id="text", generate_config={})
    assert task.multiple_outputs is False
