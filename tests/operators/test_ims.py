from __future__ import annotations

import pytest
from support.cases import AUDIO, BATCH, TEXT
from support.running import TaskLog, TaskRun, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError
from airflow_provider_ims.links import OutputLink


def test_the_result_of_text_generation_has_texts_and_usage(ims_emulator: ImsEmulator) -> None:
    result = run_task(TEXT.task())
    assert len(result["texts"]) == 3
    assert all(isinstance(text, str) and text for text in result["texts"])
    assert result["usage"]["total_tokens"] > 0


def test_all_parameters_of_text_generation_are_sent(ims_emulator: ImsEmulator) -> None:
    run_task(
        TEXT.task(
            type="StoryboardScript",
            generate_config='{"originText": "街上新开了一家蛋糕店"}',
            title="测试标题",
            description="测试描述",
            user_data={"NotifyAddress": "https://xx.xx.xxx"},
            durable=False,
        )
    )
    (request,) = ims_emulator.requests("SubmitTextGenerateJob")
    assert request["parameters"] == {
        "Type": "StoryboardScript",
        "GenerateConfig": '{"originText": "街上新开了一家蛋糕店"}',
        "Title": "测试标题",
        "Description": "测试描述",
        "UserData": '{"NotifyAddress":"https://xx.xx.xxx"}',
    }


def test_the_result_of_speech_synthesis_has_the_media_and_timed_sentences(ims_emulator: ImsEmulator) -> None:
    result = run_task(AUDIO.task())
    assert result["media_id"]
    assert result["media_url"].endswith("/target_audio.mp3")
    assert result["sentences"]
    for sentence in result["sentences"]:
        assert sentence.keys() == {"content", "from", "to"}
        assert sentence["from"] < sentence["to"]


@pytest.mark.ims_emulator(speech_media_url=False, durations={AUDIO.submit: 0})
@pytest.mark.parametrize("deferrable", [True, False])
def test_speech_synthesis_without_a_media_url_returns_the_other_results(
    deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(AUDIO.task(deferrable=deferrable))
    result = run.attempt()
    assert result["media_url"] is None
    assert result["media_id"]
    assert result["sentences"]
    assert OutputLink().xcom_key not in run.xcoms


def test_a_batch_returns_as_many_videos_as_its_count(ims_emulator: ImsEmulator) -> None:
    result = run_task(BATCH.task())
    assert [video.keys() for video in result["videos"]] == [{"job_id", "media_id", "media_url", "duration"}] * 2
    assert result["failed"] == []


def test_a_batch_with_failed_videos_succeeds_with_a_warning(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1, code="BadClip", message="A clip is broken.")
    result = run_task(BATCH.task())
    assert len(result["videos"]) == 1
    (failed,) = result["failed"]
    assert failed.keys() == {"index", "job_id", "error_code", "error_message"}
    assert (failed["error_code"], failed["error_message"]) == ("BadClip", "A clip is broken.")
    warnings = task_log.lines("warning")
    assert any("1 of 2 videos" in line and "A clip is broken." in line for line in warnings)


def test_a_batch_with_failed_videos_fails_if_fail_on_partial_failure_is_set(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1, code="BadClip", message="A clip is broken.")
    with pytest.raises(ImsJobFailedError, match="1 of 2 videos") as caught:
        run_task(BATCH.task(fail_on_partial_failure=True))
    assert caught.value.code == "BadClip"


def test_a_batch_whose_videos_all_failed_fails_the_task(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=2, code="BadClip", message="A clip is broken.")
    with pytest.raises(ImsJobFailedError, match=r"none of the 2 videos.*A clip is broken") as caught:
        run_task(BATCH.task())
    assert caught.value.code == "BadClip"


def test_a_repeated_client_token_returns_the_same_job(ims_emulator: ImsEmulator) -> None:
    first = run_task(BATCH.task(client_token="order-66"))
    assert run_task(BATCH.task(client_token="order-66"))["job_id"] == first["job_id"]
    assert len(ims_emulator.jobs()) == 1
