"""The product SDKs as oracle: what their models know of an answer, the emulator sends, in the right type."""

from __future__ import annotations

import re

import pytest
from alibabacloud_ice20201109 import models as ice
from alibabacloud_vod20170321 import models as vod

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
    """Stands for one attribute of a model, to learn its name on the wire."""

    def to_map(self):
        return self


def fields(model):
    """Return {name on the wire: type as annotated} of a model class."""
    known = {}
    for attribute, annotation in model.__init__.__annotations__.items():
        instance, probe = model(), Probe()
        setattr(instance, attribute, [probe] if annotation.startswith("List[") else probe)
        names = [name for name, value in instance.to_map().items() if value is probe or value == [probe]]
        assert len(names) == 1, (model, attribute)
        known[names[0]] = annotation
    return known


def walk(module, model, value, path, seen):
    """Check the type of everything in a value that a model knows, and note its path."""
    assert isinstance(value, dict), path
    for name, annotation in fields(model).items():
        place = f"{path}.{name}"
        if name not in value:
            continue
        if match := re.fullmatch(r"(List\[)?main_models\.(\w+)\]?", annotation):
            items = value[name] if match[1] else [value[name]]
            assert isinstance(items, list), place
            seen.add(place)
            for item in items:
                walk(module, getattr(module, match[2]), item, place, seen)
        else:
            assert type(value[name]) is TYPES[annotation], (place, annotation, value[name])
            seen.add(place)


def paths(module, model, path):
    found = set()
    for name, annotation in fields(model).items():
        found.add(f"{path}.{name}")
        if match := re.search(r"main_models\.(\w+)", annotation):
            found |= paths(module, getattr(module, match[1]), f"{path}.{name}")
    return found


@pytest.fixture(scope="module")
def answers(request):
    """Answers of every action with all there is to tell: jobs that finished, failed and run."""
    wire_class = request.getfixturevalue("wire_class")
    found = {}
    with ImsEmulator(clock="manual", list_text_jobs=True) as emulator:
        wire = wire_class(emulator)

        def ask(action, **parameters):
            status, body = wire(action, parameters)
            assert status == 200, body
            found.setdefault(action, []).append(body)
            return body

        requests = request.getfixturevalue("good_requests")
        jobs = {}
        for action, parameters in requests.items():
            whole = {**parameters, **COMMON, "EditingConfig": '{"voice":"Siqi"}'}
            jobs[action] = [ask(action, **whole)["JobId"] for _ in ("fails", "finishes", "runs")]
        for fail, finish, _ in jobs.values():
            emulator.fail(fail, code="Code", message="message")
            emulator.finish(finish)
        batch = jobs["SubmitBatchMediaProducingJob"][1]
        emulator.fail_videos(batch, 1)
        for action in ("SubmitTextGenerateJob", "SubmitAudioProduceJob"):
            for job_id in jobs[action]:
                ask("GetSmartHandleJob", JobId=job_id)
        for job_id in jobs["SubmitBatchMediaProducingJob"]:
            ask("GetBatchMediaProducingJob", JobId=job_id)
        ask("ListSmartJobs", PageNo="1", PageSize="3")
        ask("ListSmartJobs")
        ask("ListBatchMediaProducingJobs")
        ask("GetAIImageJobs", JobIds=",".join(jobs["SubmitAIImageJob"]))
        ask("ListAIImageInfo", VideoId=requests["SubmitAIImageJob"]["VideoId"])
    return found


@pytest.mark.parametrize("model", BODIES, ids=BODIES.values())
def test_every_field_that_a_model_knows_comes_under_its_name_and_type(answers, model):
    module = ice if model.__module__.startswith("alibabacloud_ice") else vod
    seen = set()
    for body in answers[BODIES[model]]:
        walk(module, model, body, "", seen)
    assert paths(module, model, "") - seen == set()


def test_the_walk_sees_a_field_of_a_wrong_type():
    with pytest.raises(AssertionError):
        walk(ice, ice.GetSmartHandleJobResponseBody, {"JobResult": {"Usage": {"total_tokens": 1}}}, "", set())
    with pytest.raises(AssertionError):
        walk(ice, ice.ListSmartJobsResponseBody, {"MaxResults": 10}, "", set())
