"""Every kind of the catalogue, submitted by its name."""

from __future__ import annotations

from typing import Any

import pytest
from support.product_client import ProductClient
from support.running import TaskRun, run_task
from support.submits import SUBMITS

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.kinds import key_of
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsRequestError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.registry import hook_class_of
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.kinds import FAMILIES, KINDS, JobKind, kind_of
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator
from airflow_provider_ims.operators.vod import VodSubmitJobOperator
from airflow_provider_ims.sensors.ims import ImsJobSensor
from airflow_provider_ims.sensors.vod import VodJobSensor

OPERATORS = {"ice": ImsSubmitJobOperator, "vod": VodSubmitJobOperator}
SENSORS = {"ice": ImsJobSensor, "vod": VodJobSensor}
NAMES = [f"{kind.family.product.code}-{kind.submit_action}" for kind in KINDS]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=NAMES)
every_mode = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "blocking"])


def task(kind: JobKind, **more: Any) -> Any:
    code = kind.family.product.code
    parameters = SUBMITS[code, kind.submit_action]
    return OPERATORS[code](task_id="job", job=kind.submit_action, parameters=parameters, poll_interval=0.05, **more)


def as_the_product_client_tells(kind: JobKind, emulator: ImsEmulator) -> Job:
    """Return the one job as the official SDK parses it."""
    (job,) = emulator.jobs()
    hook = hook_class_of(kind.family.product)()
    return kind.family.query(ProductClient(hook), [job["job_id"]])[job["job_id"]]


@every_kind
@every_mode
def test_each_kind_is_submitted_once_awaited_and_its_result_returned(
    kind: JobKind, deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    result = run_task(task(kind, deferrable=deferrable))
    assert len(ims_emulator.requests(kind.submit_action)) == 1
    told = as_the_product_client_tells(kind, ims_emulator)
    assert (result["job_id"], result["state"]) == (told.id, told.status)
    assert told.state is JobState.SUCCEEDED
    assert set(result) == {"job_id", "state", *told.result}


@every_kind
@every_mode
def test_each_kind_may_fail_with_the_words_of_the_service(
    kind: JobKind, deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(
        key_of(kind.submit_action, kind.family.product.version),
        "fail_job",
        code="Bad",
        message="The material is unusable.",
    )
    with pytest.raises(ImsJobFailedError) as failure:
        run_task(task(kind, deferrable=deferrable))
    told = as_the_product_client_tells(kind, ims_emulator)
    assert told.state is JobState.FAILED
    assert (failure.value.job_id, failure.value.code) == (told.id, told.error_code)
    assert (told.error_message or "gave no reason") in str(failure.value)


@pytest.mark.parametrize("family", FAMILIES)
@every_mode
def test_a_sensor_waits_for_jobs_of_each_family(family: str, deferrable: bool, ims_emulator: ImsEmulator) -> None:
    kind = next(kind for kind in KINDS if kind.family.name == family)
    job_ids = [run_task(task(kind, wait_for_completion=False))["job_id"] for _ in range(2)]
    sensor = SENSORS[kind.family.product.code](
        task_id="wait", job=family, job_ids=job_ids, deferrable=deferrable, poke_interval=0.05
    )
    assert [one["job_id"] for one in run_task(sensor)] == job_ids


@every_mode
def test_a_retry_joins_a_job_of_any_kind(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(task(kind_of("SubmitIProductionJob"), deferrable=deferrable))
    assert run.attempt()["job_id"] == run.attempt()["job_id"]
    assert len(ims_emulator.jobs()) == 1


def test_an_unknown_job_is_refused_with_those_near_it(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="SubmitASRJob") as caught:
        run_task(ImsSubmitJobOperator(task_id="job", job="SubmitAsrJob"))
    assert caught.value.field == "job"
    assert ims_emulator.requests() == []


def test_an_unknown_parameter_is_refused_with_those_near_it(ims_emulator: ImsEmulator) -> None:
    operator = ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters={"InputFiel": "oss://b/a.mp4"})
    with pytest.raises(ImsRequestError, match="InputFile") as caught:
        run_task(operator)
    assert caught.value.field == "parameters.InputFiel"
    assert ims_emulator.requests() == []


def test_a_parameter_that_only_the_product_sdk_knows_is_sent(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = ImsHook
    assert "InputFile" in hook.sdk_parameters("SubmitASRJob")
    assert hook.sdk_parameters("SubmitNothing") == ()
    monkeypatch.setattr(hook, "sdk_parameters", lambda _: ("InputFile", "Newest"))
    given = {"InputFile": "oss://bucket/in.mp4", "Newest": {"a": 1}}
    run_task(ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters=given, poll_interval=0.05))
    (request,) = ims_emulator.requests("SubmitASRJob")
    assert request["parameters"]["Newest"] == '{"a":1}'


def test_an_error_names_the_parameter_as_it_was_given(ims_emulator: ImsEmulator) -> None:
    given = {"Input": {"Type": "OSS", "Media": "oss://bucket/in.mp4"}, "TemplateConfig": {"TemplateId": "t"}}
    with pytest.raises(ImsRequestError, match=r"^Output is required") as caught:
        run_task(ImsSubmitJobOperator(task_id="job", job="SubmitSnapshotJob", parameters=given))
    assert caught.value.field == "Output"


@pytest.mark.parametrize("parameters", ["{}", ["a"], 7, {7: "a"}])
def test_parameters_must_be_a_dict(parameters: Any, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError) as caught:
        run_task(ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters=parameters))
    assert caught.value.field == "parameters"
