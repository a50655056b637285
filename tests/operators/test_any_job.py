"""Every job kind of the catalogue, submitted by ``ImsSubmitJobOperator`` and ``VodSubmitJobOperator``."""

from __future__ import annotations

from typing import Any

import pytest
from support.product_client import ProductClient
from support.running import TaskRun, run_task
from support.submits import SUBMITS

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.kinds import FAMILIES, KINDS, JobKind, kind_of
from airflow_provider_ims._jobs.payload import snake_case
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.model import key_of
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsRequestError
from airflow_provider_ims.hooks._registry import hook_class_of
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


def parsed_by_the_product_client(kind: JobKind, emulator: ImsEmulator) -> Job:
    """Return the only job, as the product SDK parses it."""
    (job,) = emulator.jobs()
    hook = hook_class_of(kind.family.product)()
    return kind.family.query(ProductClient(hook), [job["job_id"]])[job["job_id"]]


@every_kind
@every_mode
def test_each_kind_is_submitted_once_and_returns_its_result(
    kind: JobKind, deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    result = run_task(task(kind, deferrable=deferrable))
    assert len(ims_emulator.requests(kind.submit_action)) == 1
    expected = parsed_by_the_product_client(kind, ims_emulator)
    assert (result["job_id"], result["state"]) == (expected.id, expected.status)
    assert expected.state is JobState.SUCCEEDED
    assert set(result) == {"job_id", "state", *map(snake_case, kind.submit_result), *expected.result}


@every_kind
@every_mode
def test_a_failed_job_of_each_kind_raises_the_services_message(
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
    expected = parsed_by_the_product_client(kind, ims_emulator)
    assert expected.state is JobState.FAILED
    assert (failure.value.job_id, failure.value.code) == (expected.id, expected.error_code)
    assert (expected.error_message or "gave no reason") in str(failure.value)


@pytest.mark.parametrize("family", FAMILIES)
@every_mode
def test_a_sensor_waits_for_jobs_of_each_family(family: str, deferrable: bool, ims_emulator: ImsEmulator) -> None:
    kind = next(kind for kind in KINDS if kind.family.name == family)
    submitted = [run_task(task(kind, wait_for_completion=False))["job_id"] for _ in range(2)]
    # The caller assigns the id of an avatar training job, so the second submit request returns the same job.
    job_ids = list(dict.fromkeys(submitted))
    sensor = SENSORS[kind.family.product.code](
        task_id="wait", job=family, job_ids=job_ids, deferrable=deferrable, poke_interval=0.05
    )
    assert [one["job_id"] for one in run_task(sensor)] == job_ids


@every_mode
def test_a_retry_joins_a_job_of_any_kind(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(task(kind_of("SubmitIProductionJob"), deferrable=deferrable))
    assert run.attempt()["job_id"] == run.attempt()["job_id"]
    assert len(ims_emulator.jobs()) == 1


def test_the_error_for_an_unknown_job_suggests_similar_names(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="SubmitASRJob") as caught:
        run_task(ImsSubmitJobOperator(task_id="job", job="SubmitAsrJob"))
    assert caught.value.field == "job"
    assert ims_emulator.requests() == []


def test_the_error_for_an_unknown_parameter_suggests_similar_names(ims_emulator: ImsEmulator) -> None:
    operator = ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters={"InputFiel": "oss://b/a.mp4"})
    with pytest.raises(ImsRequestError, match=r"unknown parameter 'InputFiel' .* Did you mean InputFile\?") as caught:
        run_task(operator)
    assert caught.value.field == "parameters.InputFiel"
    assert ims_emulator.requests() == []


def test_a_parameter_of_the_api_that_the_catalogue_does_not_contain_is_sent(ims_emulator: ImsEmulator) -> None:
    given = {**SUBMITS["ice", "SubmitDNAJob"], "OwnerId": 7}
    run_task(ImsSubmitJobOperator(task_id="job", job="SubmitDNAJob", parameters=given, poll_interval=0.05))
    (request,) = ims_emulator.requests("SubmitDNAJob")
    assert request["parameters"]["OwnerId"] == "7"


def test_a_known_parameter_in_another_case_is_rejected(ims_emulator: ImsEmulator) -> None:
    operator = ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters={"inputFile": "oss://b/a.mp4"})
    with pytest.raises(ImsRequestError, match="Did you mean InputFile"):
        run_task(operator)
    assert ims_emulator.requests() == []


def test_the_kind_is_resolved_again_when_a_task_runs_again_with_another_job(ims_emulator: ImsEmulator) -> None:
    operator = ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters={"InputFile": "oss://b/a.mp4"})
    for action in ("SubmitASRJob", "SubmitIProductionJob"):
        operator.job, operator.parameters = action, SUBMITS["ice", action]
        operator.execute({})
        assert operator.kind.submit_action == action
    submits = [request["action"] for request in ims_emulator.requests() if "Submit" in request["action"]]
    assert submits == ["SubmitASRJob", "SubmitIProductionJob"]


def test_lineage_of_a_task_that_failed_before_its_kind_was_resolved_contains_its_inputs() -> None:
    operator = ImsSubmitJobOperator(task_id="job", job="SubmitNothing", parameters={"Input": "oss://in/a.mp4"})
    with pytest.raises(ImsRequestError):
        operator.execute({})
    assert [one.key for one in operator.input_objects()] == ["a.mp4"]


def test_an_error_contains_the_name_of_the_parameter_in_the_api(ims_emulator: ImsEmulator) -> None:
    given = {"Input": {"Type": "OSS", "Media": "oss://bucket/in.mp4"}, "TemplateConfig": {"TemplateId": "t"}}
    with pytest.raises(ImsRequestError, match=r"^Output is required") as caught:
        run_task(ImsSubmitJobOperator(task_id="job", job="SubmitSnapshotJob", parameters=given))
    assert caught.value.field == "Output"


@pytest.mark.parametrize("parameters", ["{}", ["a"], 7, {7: "a"}])
def test_parameters_must_be_a_dict(parameters: Any, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError) as caught:
        run_task(ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters=parameters))
    assert caught.value.field == "parameters"
