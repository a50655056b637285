from __future__ import annotations

import pytest
from support.cases import IMAGE
from support.running import TaskRun, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.operators.vod import VodSubmitJobOperator


def test_the_result_has_images_with_scores_and_unsigned_urls(ims_emulator: ImsEmulator) -> None:
    result = run_task(IMAGE.task())
    assert result["video_id"] == "357a8748c5774"
    assert result["images"]
    for image in result["images"]:
        assert image.keys() == {"score", "url"}
        assert isinstance(image["score"], float)
        assert "Signature" not in image["url"]


def test_all_parameters_are_sent(ims_emulator: ImsEmulator) -> None:
    run_task(IMAGE.task(ai_pipeline_id="6492025b8f", durable=False))
    (request,) = ims_emulator.requests("SubmitAIImageJob")
    assert request["parameters"] == {
        "VideoId": "357a8748c5774",
        "AITemplateId": "ef1a8842cb9f",
        "AIPipelineId": "6492025b8f",
        "UserData": '{"Extend":{"test":"www"}}',
    }


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_production_of_a_project_returns_the_media_id_of_the_submit_response(
    deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    task = VodSubmitJobOperator(
        task_id="job",
        job="ProduceEditingProjectVideo",
        parameters={"Timeline": {"VideoTracks": []}, "Title": "Cake"},
        poll_interval=0.05,
        deferrable=deferrable,
    )
    result = TaskRun(task).attempt()
    again = VodHook().call("ProduceEditingProjectVideo", {"ProjectId": result["job_id"]})
    # The emulator derives the media id from the project.
    assert result["media_id"] == again["MediaId"]
    assert (result["state"], result["title"]) == ("Produced", "Cake")


def test_a_failed_production_has_no_media_id(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("ProduceEditingProjectVideo", "fail_job")
    task = VodSubmitJobOperator(
        task_id="job", job="ProduceEditingProjectVideo", parameters={"ProjectId": "p" * 32}, poll_interval=0.05
    )
    with pytest.raises(ImsJobFailedError) as failure:
        TaskRun(task).attempt()
    assert "media" not in str(failure.value)
