from __future__ import annotations

from support.cases import IMAGE
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator


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
