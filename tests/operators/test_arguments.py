"""Arguments that would buy a wrong result are refused before a request, with their path."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.cases import IMAGE
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.operators.ims import ImsSubmitMediaCensorJobOperator
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator, VodSubmitJobOperator


def refused(task: Any, emulator: ImsEmulator) -> ImsRequestError:
    with pytest.raises(ImsRequestError) as caught:
        run_task(task)
    assert emulator.requests() == []
    return caught.value


@pytest.mark.parametrize(
    "task",
    [
        IMAGE.task(region_id="cn-hangzhou"),
        VodSubmitJobOperator(
            task_id="job",
            job="SubmitAIImageJob",
            parameters={"VideoId": "v", "AITemplateId": "t"},
            region_id="cn-hangzhou",
        ),
    ],
)
def test_ai_images_are_refused_in_a_region_without_them(
    task: Any, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "alibabacloud_ims", "login": "id", "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", json.dumps(connection))
    error = refused(task, ims_emulator)
    assert error.field == "region_id"
    assert str(error).endswith("SubmitAIImageJob is available only in cn-beijing and cn-shanghai, not in cn-hangzhou")


def test_ai_images_are_submitted_in_any_region_if_an_endpoint_is_set(ims_emulator: ImsEmulator) -> None:
    # The connection of the emulator sets both endpoints.
    assert run_task(VodSubmitAIImageJobOperator(**{"task_id": "job", **IMAGE.arguments, "region_id": "cn-hangzhou"}))


@pytest.mark.parametrize(
    "arguments", [{}, {"template_id": "t", "output_file": "oss://b/{Count}.jpg"}, {"cover_images": []}, {"title": ""}]
)
def test_moderation_of_nothing_is_refused(arguments: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    error = refused(ImsSubmitMediaCensorJobOperator(task_id="job", **arguments), ims_emulator)
    assert "at least one of input, cover_images, title, description, barrages" in str(error)


@pytest.mark.parametrize("verdict", ["pass", "review", "block"])
def test_moderation_returns_verdicts_only_for_what_was_sent(verdict: str, ims_emulator: ImsEmulator) -> None:
    covers = [{"Bucket": "b", "Location": "oss-cn-shanghai", "Object": f"{verdict}.jpg"}]
    result = run_task(ImsSubmitMediaCensorJobOperator(task_id="job", cover_images=covers, poll_interval=0.05))
    assert result["suggestion"] == verdict
    assert result["covers"]
    assert [result[part] for part in ("video", "title", "description", "barrages")] == [None] * 4
