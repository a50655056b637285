"""Compares every typed operator with its entry in the catalogue."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from support.running import TaskLog, run_task
from support.submits import SUBMITS

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsRequestError
from airflow_provider_ims.operators import ims, vod
from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator
from airflow_provider_ims.operators.vod import VodSubmitJobOperator

TYPED: list[type[JobOperator]] = [
    operator
    for module in (ims, vod)
    for operator in vars(module).values()
    if inspect.isclass(operator) and isinstance(getattr(operator, "kind", None), JobKind)
]
PREFIXES = {"ice": "Ims", "vod": "Vod"}
every_operator = pytest.mark.parametrize("operator", TYPED, ids=lambda operator: operator.__name__)
every_mode = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "blocking"])


def arguments_of(operator: type[JobOperator]) -> dict[str, inspect.Parameter]:
    """Return the arguments that the constructor of a class lists, without ``fail_on_partial_failure``."""
    signature = inspect.signature(operator.__init__).parameters
    return {name: one for name, one in signature.items() if name not in ("self", "kwargs", "fail_on_partial_failure")}


def described(operator: type[JobOperator]) -> dict[str, str]:
    """Return the description of each argument."""
    fields = re.split(r"^:param (\w+):", inspect.getdoc(operator) or "", flags=re.MULTILINE)[1:]
    return dict(zip(fields[::2], fields[1::2], strict=True))


def documented_keys(operator: type[JobOperator]) -> set[str]:
    """Return the keys of the result according to the docstring, without those of nested dicts."""
    _, found, whole = (inspect.getdoc(operator) or "").partition("\nReturns ``")
    assert found, "the docstring has no line that begins with: Returns ``"
    keys, depth = set(), 0
    for mark, key in re.findall(r"([{}\[\]()])|\"(\w+)\"", whole):
        if key and depth == 1:
            keys.add(key)
        depth += {"": 0, "{": 1, "[": 1, "(": 1}.get(mark, -1)
        if depth == 0:
            return keys
    raise AssertionError(f"{operator.__name__} returns no dict")


def valid_arguments(operator: type[JobOperator]) -> dict[str, Any]:
    """Return the arguments of a valid request."""
    kind = operator.kind
    given = SUBMITS[kind.family.product.code, kind.submit_action]
    return {one.argument: given[one.name] for one in kind.parameters if one.name in given}


def any_value(parameter: Parameter) -> Any:
    if parameter.is_json:
        return {"Extend": {}}
    return True if parameter.is_flag else 7 if parameter.is_number else [*parameter.choices, "text"][0]


def test_these_job_kinds_have_typed_operators() -> None:
    assert {f"{operator.kind.family.product.code}:{operator.kind.submit_action}" for operator in TYPED} == {
        "ice:SubmitASRJob",
        "ice:SubmitAudioProduceJob",
        "ice:SubmitAvatarVideoJob",
        "ice:SubmitBatchMediaProducingJob",
        "ice:SubmitDynamicChartJob",
        "ice:SubmitHighlightExtractionJob",
        "ice:SubmitMediaCensorJob",
        "ice:SubmitMediaProducingJob",
        "ice:SubmitScreenMediaHighlightsJob",
        "ice:SubmitSegmentationJob",
        "ice:SubmitSmarttagJob",
        "ice:SubmitSnapshotJob",
        "ice:SubmitSportsHighlightsJob",
        "ice:SubmitTextGenerateJob",
        "ice:SubmitTranscodeJob",
        "ice:SubmitVideoTranslationJob",
        "vod:SubmitAIImageJob",
        "vod:SubmitAIJob",
        "vod:SubmitAIMediaAuditJob",
        "vod:SubmitSnapshotJob",
        "vod:SubmitTranscodeJobs",
        "ice:StartWorkflow",
        "ice:UploadMediaByURL",
        "ice:UploadStreamByURL",
        "vod:SubmitWorkflowJob",
        "vod:UploadMediaByURL",
        "vod:UploadStreamByURL",
    }


def test_all_ims_operators_are_exported() -> None:
    assert set(ims.__all__) == {
        *(operator.__name__ for operator in TYPED if operator.__name__.startswith("Ims")),
        "ImsApiOperator",
        "ImsSubmitJobOperator",
        "ImsSubmitJobsOperator",
    }


@every_operator
def test_an_operator_is_named_after_its_product_and_action(operator: type[JobOperator]) -> None:
    kind = operator.kind
    assert operator.__name__ == f"{PREFIXES[kind.family.product.code]}{kind.submit_action}Operator"


@every_operator
def test_the_arguments_are_the_parameters_of_the_catalogue(operator: type[JobOperator]) -> None:
    parameters = {one.argument: one for one in operator.kind.parameters}
    arguments = arguments_of(operator)
    assert set(arguments) == set(parameters)
    assert operator.template_fields == (*parameters, *JobOperator.template_fields)
    assert set(operator.template_fields_renderers) == {name for name, one in parameters.items() if one.is_json}
    for name, argument in arguments.items():
        assert argument.kind is inspect.Parameter.KEYWORD_ONLY
        # The default of an argument that the service does not require must be None.
        assert parameters[name].required or argument.default is None
    # Airflow's own attributes must not be overridden.
    plain = BaseOperator(task_id="plain")
    assert [name for name in arguments if hasattr(plain, name)] == []


@every_operator
def test_every_argument_is_described(operator: type[JobOperator]) -> None:
    described_arguments = described(operator)
    assert set(described_arguments) == set(inspect.signature(operator.__init__).parameters) - {"self"}
    for one in operator.kind.parameters:
        accepted = "(JSON, templated)" if one.is_json else "(templated)"
        assert described_arguments[one.argument].rstrip().endswith(accepted), one.argument
    assert ("fail_on_partial_failure" in described_arguments) is (operator.kind.family.parts is not None)
    assert ".. seealso:: https://" in (inspect.getdoc(operator) or "")


@every_operator
def test_every_argument_is_sent_as_its_parameter(operator: type[JobOperator]) -> None:
    free = [one for one in operator.kind.parameters if not one.schema or one.name == "UserData"]
    values = {one.argument: any_value(one) for one in free}
    task = operator(task_id="job", **{**valid_arguments(operator), **values})
    sent = operator.kind.encode(task.arguments())
    assert set(sent) == {
        *(one.name for one in free),
        *SUBMITS[operator.kind.family.product.code, operator.kind.submit_action],
    }


@every_operator
@every_mode
def test_a_valid_request_is_sent_unchanged_and_the_documented_result_is_returned(
    operator: type[JobOperator], deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    kind = operator.kind
    task = operator(
        task_id="job", **valid_arguments(operator), deferrable=deferrable, durable=False, poll_interval=0.05
    )
    result = run_task(task)
    (request,) = ims_emulator.requests(kind.submit_action)
    given = SUBMITS[kind.family.product.code, kind.submit_action]
    sent = request["parameters"]
    assert {name: sent[name] if isinstance(given[name], str) else json.loads(sent[name]) for name in sent} == given
    assert set(result) == documented_keys(operator)


@pytest.mark.parametrize("operator", [one for one in TYPED if one.kind.family.parts], ids=lambda one: one.__name__)
def test_a_failed_part_is_logged_and_fails_the_task_only_if_fail_on_partial_failure_is_set(
    operator: type[JobOperator], ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    ims_emulator.fault(operator.kind.submit_action, "fail_job", videos=1, code="BadClip", message="A clip is broken.")
    result = run_task(operator(task_id="job", **valid_arguments(operator), poll_interval=0.05))
    parts = operator.kind.family.parts
    assert parts is not None
    assert (len(result[parts]), len(result["failed"])) == (1, 1)
    assert any(f"1 of 2 {parts} of job {result['job_id']} failed" in line for line in task_log.lines("warning"))
    ims_emulator.fault(operator.kind.submit_action, "fail_job", videos=1, code="BadClip", message="A clip is broken.")
    with pytest.raises(ImsJobFailedError, match=f"1 of 2 {parts}"):
        run_task(operator(task_id="job", **valid_arguments(operator), fail_on_partial_failure=True, poll_interval=0.05))


@pytest.mark.parametrize(
    ("operator", "job"), [(ImsSubmitJobOperator, "SubmitTranscodeJob"), (VodSubmitJobOperator, "SubmitTranscodeJobs")]
)
def test_a_failed_part_fails_the_task_of_a_generic_operator_if_fail_on_partial_failure_is_set(
    operator: Any, job: str, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(job, "fail_job", videos=1, code="BadClip", message="A clip is broken.")
    parameters = SUBMITS[operator.product.code, job]
    with pytest.raises(ImsJobFailedError, match="1 of 2 outputs"):
        run_task(operator(task_id="job", job=job, parameters=parameters, fail_on_partial_failure=True))


@pytest.mark.parametrize("verdict", ["pass", "review", "block"])
def test_the_emulator_moderates_a_file_by_its_name(verdict: str, ims_emulator: ImsEmulator) -> None:
    file = {"Type": "OSS", "Media": f"oss://bucket/{verdict}.mp4"}
    for task in (
        ims.ImsSubmitMediaCensorJobOperator(task_id="job", input=file),
        vod.VodSubmitAIMediaAuditJobOperator(task_id="job", media_id=f"video-{verdict}"),
    ):
        assert run_task(task)["suggestion"] == verdict


def test_too_many_covers_are_rejected(ims_emulator: ImsEmulator) -> None:
    covers = [{"Bucket": "bucket", "Location": "oss-cn-shanghai", "Object": f"{n}.jpg"} for n in range(6)]
    with pytest.raises(ImsRequestError, match="cover_images: 6 entries; the limit is 5"):
        run_task(ims.ImsSubmitMediaCensorJobOperator(task_id="job", cover_images=covers))
    assert ims_emulator.requests() == []
