"""Responses contain every field of the product SDK's models, with the type in the model."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice
from alibabacloud_vod20170321 import models as vod
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator

TYPES = {"str": str, "int": int, "float": float, "bool": bool}
COMMON = {"Title": "a title", "Description": "a description", "UserData": '{"Extend":{"a":"b"}}'}
BODIES = {
    ice.SubmitTextGenerateJobResponseBody: "SubmitTextGenerateJob",
    ice.SubmitAudioProduceJobResponseBody: "SubmitAudioProduceJob",
    ice.SubmitBatchMediaProducingJobResponseBody: "SubmitBatchMediaProducingJob",
    ice.GetSmartHandleJobResponseBody: "GetSmartHandleJob",
    ice.ListSmartJobsResponseBody: "ListSmartJobs",
    ice.GetBatchMediaProducingJobResponseBody: "GetBatchMediaProducingJob",
    ice.ListBatchMediaProducingJobsResponseBody: "ListBatchMediaProducingJobs",
    vod.SubmitAIImageJobResponseBody: "SubmitAIImageJob",
    vod.GetAIImageJobsResponseBody: "GetAIImageJobs",
    vod.ListAIImageInfoResponseBody: "ListAIImageInfo",
}


class Probe:
    """A value of one attribute of a model, with which a test finds the attribute's name in the API."""

    def to_map(self) -> Probe:
        return self


def fields(model: Any) -> dict[str, str]:
    """Return {API name: type annotation} of a model class."""
    known = {}
    for attribute, annotation in model.__init__.__annotations__.items():
        instance, probe = model(), Probe()
        setattr(instance, attribute, [probe] if annotation.startswith("List[") else probe)
        names = [name for name, value in instance.to_map().items() if value is probe or value == [probe]]
        assert len(names) == 1, (model, attribute)
        known[names[0]] = annotation
    return known


def walk(module: ModuleType, model: Any, value: Any, path: str, seen: set[str]) -> None:
    """Check the types of the fields of a value that a model declares, and add their paths to ``seen``."""
    assert isinstance(value, dict), path
    for name, annotation in fields(model).items():
        place = f"{path}.{name}"
        if name not in value:
            continue
        seen.add(place)
        if match := re.fullmatch(r"(List\[)?main_models\.(\w+)\]?", annotation):
            items = value[name] if match[1] else [value[name]]
            assert isinstance(items, list), place
            for item in items:
                walk(module, getattr(module, match[2]), item, place, seen)
        else:
            assert type(value[name]) is TYPES[annotation], (place, annotation, value[name])


def paths(module: ModuleType, model: Any, path: str) -> set[str]:
    found = set()
    for name, annotation in fields(model).items():
        found.add(f"{path}.{name}")
        if match := re.search(r"main_models\.(\w+)", annotation):
            found |= paths(module, getattr(module, match[1]), f"{path}.{name}")
    return found


@pytest.fixture(scope="module")
def responses() -> dict[str, list[Any]]:
    """Return responses of every action for jobs that failed, jobs that finished and jobs that run."""
    found: dict[str, list[Any]] = {}
    with ImsEmulator(clock="manual", list_text_jobs=True) as emulator:
        send = SignedClient.of(emulator)

        def call(action: str, **parameters: str) -> Any:
            status, body = send(action, parameters)
            assert status == 200, body
            found.setdefault(action, []).append(body)
            return body

        jobs = {}
        for action, parameters in GOOD_REQUESTS.items():
            complete = {**parameters, **COMMON, "EditingConfig": '{"voice":"Siqi"}'}
            jobs[action] = [call(action, **complete)["JobId"] for _ in ("fails", "finishes", "runs")]
        for fail, finish, _ in jobs.values():
            emulator.fail(fail, code="Code", message="message")
            emulator.finish(finish)
        emulator.fail_videos(jobs["SubmitBatchMediaProducingJob"][1], 1)
        for job_id in (*jobs["SubmitTextGenerateJob"], *jobs["SubmitAudioProduceJob"]):
            call("GetSmartHandleJob", JobId=job_id)
        for job_id in jobs["SubmitBatchMediaProducingJob"]:
            call("GetBatchMediaProducingJob", JobId=job_id)
        call("ListSmartJobs", PageNo="1", PageSize="3")
        call("ListSmartJobs")
        call("ListBatchMediaProducingJobs")
        call("GetAIImageJobs", JobIds=",".join(jobs["SubmitAIImageJob"]))
        call("ListAIImageInfo", VideoId=GOOD_REQUESTS["SubmitAIImageJob"]["VideoId"])
    return found


@pytest.mark.parametrize("model", BODIES, ids=BODIES.values())
def test_every_field_of_a_model_is_in_a_response_with_the_type_of_the_model(
    responses: dict[str, list[Any]], model: Any
) -> None:
    module = ice if model.__module__.startswith("alibabacloud_ice") else vod
    seen: set[str] = set()
    for body in responses[BODIES[model]]:
        walk(module, model, body, "", seen)
    assert paths(module, model, "") - seen == set()


def test_walk_detects_a_field_of_a_wrong_type() -> None:
    with pytest.raises(AssertionError):
        walk(ice, ice.GetSmartHandleJobResponseBody, {"JobResult": {"Usage": {"total_tokens": 1}}}, "", set())
    with pytest.raises(AssertionError):
        walk(ice, ice.ListSmartJobsResponseBody, {"MaxResults": 10}, "", set())
