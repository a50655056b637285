from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_credentials.utils import auth_util
from support.cases import AUDIO, BATCH, CASES, TEXT, Case
from support.compat import TaskDeferred
from support.running import TaskLog, TaskRun, run_task

from airflow_provider_ims._submission.record import STORE_KEY
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsJobFailedError,
    ImsJobTimeoutError,
    ImsNotSubscribedError,
    ImsPermissionError,
    ImsRequestError,
    ImsUnavailableError,
)
from airflow_provider_ims.hooks import _connected as connected
from airflow_provider_ims.hooks._settings import Settings, read_settings
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.links import ConsoleLink

MODES = {"deferrable": {"deferrable": True}, "synchronous": {"deferrable": False}}

#: Jobs that run until the test ends them.
never_ending = pytest.mark.ims_emulator(clock="manual", durations={case.submit: 60 for case in CASES.values()})
every_kind = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@every_kind
@every_mode
def test_a_job_is_submitted_once_and_its_result_is_returned(
    case: Case, mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    result = run_task(case.task(**mode))
    (job,) = ims_emulator.jobs(case.submit)
    assert result["job_id"] == job["job_id"]
    assert result["state"] == case.ended
    assert result.keys() == case.result | {"job_id", "state"}
    assert len(ims_emulator.requests(case.submit)) == 1


@every_kind
def test_without_waiting_the_job_id_is_returned_at_once(case: Case, ims_emulator: ImsEmulator) -> None:
    result = run_task(case.task(wait_for_completion=False, deferrable=True))
    (job,) = ims_emulator.jobs()
    assert result == {"job_id": job["job_id"], "state": case.accepted}
    assert ims_emulator.requests(case.query) == []


@every_mode
@pytest.mark.ims_emulator(durations={"SubmitTextGenerateJob": 0.4})
def test_the_log_contains_the_submission_the_states_and_the_end_of_a_job(
    mode: dict[str, Any], ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    job_id = run_task(TEXT.task(**mode))["job_id"]
    (submit,) = ims_emulator.requests("SubmitTextGenerateJob")
    lines = [re.sub(r"\b\d+ s\b", "N s", line) for line in task_log.lines() if f"ob {job_id} " in line]
    assert lines[0] == f"Submitted text generation job {job_id} (request id {submit['request_id']})"
    assert lines[-3:] == [
        f"Job {job_id} is Executing after a wait of N s, N s after it was submitted",
        f"Job {job_id} is Finished after a wait of N s, N s after it was submitted",
        f"Job {job_id} ended: Finished",
    ]


@every_kind
@every_mode
def test_a_failed_job_fails_the_task_with_its_error_code_and_message(
    case: Case, mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(case.submit, "fail_job", code="InvalidMaterial", message="The material is unusable.")
    with pytest.raises(ImsJobFailedError, match="The material is unusable") as caught:
        run_task(case.task(**mode))
    (job,) = ims_emulator.jobs()
    assert caught.value.job_id == job["job_id"]
    assert caught.value.code == "InvalidMaterial"


@every_mode
@never_ending
def test_a_job_is_polled_a_last_time_at_the_timeout_and_left_running(
    mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsJobTimeoutError, match="may continue to run") as caught:
        run_task(TEXT.task(timeout=0.1, poll_interval=30, **mode))
    (job,) = ims_emulator.jobs()
    assert caught.value.job_id == job["job_id"]
    assert len(ims_emulator.requests("GetSmartHandleJob")) == 1


@pytest.fixture
def default_chain(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> ImsEmulator:
    """Return the emulator, with its AccessKey pair in the environment and without a connection."""
    monkeypatch.delenv("AIRFLOW_CONN_IMS_DEFAULT")
    # The SDK reads the environment when it is imported.
    monkeypatch.setattr(auth_util, "environment_access_key_id", ims_emulator.access_key_id)
    monkeypatch.setattr(auth_util, "environment_access_key_secret", ims_emulator.access_key_secret)

    def with_endpoint(*given: Any) -> Settings:
        # Only a connection can set an endpoint.
        endpoints = dict.fromkeys(("ice", "vod"), ims_emulator.endpoint)
        return replace(read_settings(*given), endpoints=endpoints, protocol="http")

    monkeypatch.setattr(connected, "read_settings", with_endpoint)
    return ims_emulator


@every_kind
@every_mode
def test_without_a_connection_the_default_credential_chain_is_used(
    case: Case, mode: dict[str, Any], default_chain: ImsEmulator
) -> None:
    run = TaskRun(case.task(ims_conn_id=None, region_id="cn-shanghai", **mode))
    result = run.attempt()
    assert result["state"] == case.ended
    assert run.xcoms[ConsoleLink().xcom_key].endswith(".console.aliyun.com")
    sensor = case.sensor_of(result["job_id"], ims_conn_id=None, region_id="cn-shanghai", **mode)
    awaited = run_task(sensor)
    assert (awaited[0] if isinstance(awaited, list) else awaited) == result


@pytest.mark.parametrize("hook", [ImsHook, VodHook])
def test_the_connection_test_works_without_a_connection(
    hook: type[ImsHook | VodHook], default_chain: ImsEmulator
) -> None:
    succeeded, message = hook(ims_conn_id=None, region_id="cn-shanghai").test_connection()
    assert succeeded, message


def test_without_a_connection_a_region_is_required() -> None:
    with pytest.raises(ImsRequestError, match="No region: set region_id"):
        run_task(TEXT.task(ims_conn_id=None))


@every_mode
@never_ending
def test_the_timeout_and_the_poll_interval_can_be_timedeltas(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    task = TEXT.task(timeout=timedelta(seconds=0.1), poll_interval=timedelta(minutes=1), **mode)
    task.render_template_fields({"ti": None})
    with pytest.raises(ImsJobTimeoutError, match=r"did not end within 0 s"):
        run_task(task)
    assert len(ims_emulator.requests("GetSmartHandleJob")) == 1


@every_mode
@never_ending
def test_a_timeout_reports_the_last_status_and_the_error_of_the_last_poll(
    mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsJobTimeoutError, match=r"it may continue to run \((Created|Executing)\)$"):
        run_task(TEXT.task(timeout=0.1, **mode))
    ims_emulator.fault("GetSmartHandleJob", "server_error", count=None)
    with pytest.raises(ImsJobTimeoutError, match=r"\(status unknown; the last poll failed: .*InternalError"):
        run_task(TEXT.task(timeout=0.1, **mode))


@every_mode
@never_ending
def test_a_timeout_reports_the_length_of_the_wait_and_not_the_age_of_the_job(
    mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(TEXT.task(timeout=0.1, **mode))
    with pytest.raises(ImsJobTimeoutError):
        run.attempt()
    assert run.store is not None
    run.store[STORE_KEY]["submitted_at"] -= 3600
    with pytest.raises(ImsJobTimeoutError, match=r"did not end within \d s"):
        run.attempt()
    assert len(ims_emulator.jobs()) == 1


@every_mode
def test_transient_errors_while_waiting_do_not_fail_the_task(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    for fault in ("throttle", "server_error", "unavailable", "non_json", "cut", "odd_shape"):
        ims_emulator.fault("GetSmartHandleJob", fault, count=2)
    assert run_task(TEXT.task(**mode))["state"] == "Finished"
    assert len(ims_emulator.jobs()) == 1


@every_mode
def test_a_denied_query_ends_the_wait_and_names_the_action_to_grant(
    mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault("GetSmartHandleJob", "deny", count=None)
    with pytest.raises(ImsPermissionError, match="ice:GetSmartHandleJob") as caught:
        run_task(TEXT.task(**mode))
    assert caught.value.ram_action == "ice:GetSmartHandleJob"


@every_mode
def test_a_job_in_an_unknown_state_counts_as_running(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("GetSmartHandleJob", "unknown_state", count=3, state="Reviewing")
    assert run_task(TEXT.task(**mode))["state"] == "Finished"


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("deny", {}, ImsPermissionError),
        ("not_subscribed", {}, ImsNotSubscribedError),
        ("suspended", {}, ImsNotSubscribedError),
        ("error", {"code": "InvalidParameter", "status": 400}, ImsRequestError),
    ],
)
def test_a_rejected_submit_request_is_not_repeated(
    fault: str, options: dict[str, Any], error: type[ImsError], ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault("SubmitTextGenerateJob", fault, **options)
    with pytest.raises(error):
        run_task(TEXT.task())
    assert len(ims_emulator.requests("SubmitTextGenerateJob")) == 1


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("cut_after", {}),
        ("non_json", {}),
        ("server_error", {}),
        ("odd_shape", {"body": ["garbage"]}),
        ("odd_shape", {"drop": ["JobId"]}),
    ],
)
def test_a_submit_request_without_a_response_is_not_repeated_if_the_task_is_not_durable(
    fault: str, options: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault("SubmitTextGenerateJob", fault, **options)
    with pytest.raises(ImsUnavailableError):
        run_task(TEXT.task(durable=False))
    assert len(ims_emulator.requests("SubmitTextGenerateJob")) == 1


def test_a_wrong_secret_is_a_credentials_error(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ims_emulator.connection_uri.replace(ims_emulator.access_key_secret, "wrong-secret")
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", wrong)
    with pytest.raises(ImsCredentialsError) as caught:
        run_task(TEXT.task())
    assert caught.value.code == "SignatureDoesNotMatch"
    assert caught.value.request_id
    assert "wrong-secret" not in str(caught.value)


def test_a_missing_region_is_a_request_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", "alibabacloud-ims://id:secret@")
    with pytest.raises(ImsRequestError, match="No region") as caught:
        run_task(TEXT.task())
    assert caught.value.field == "region_id"


@pytest.mark.parametrize(
    ("case", "arguments", "field"),
    [
        (TEXT, {"title": "é" * 64 + "x"}, "title"),
        (TEXT, {"generate_config": "{broken"}, "generate_config"),
        (TEXT, {"poll_interval": "soon"}, "poll_interval"),
        (TEXT, {"timeout": 0}, "timeout"),
        (TEXT, {"timeout": timedelta(0)}, "timeout"),
        (TEXT, {"timeout": 1e9}, "timeout"),
        (AUDIO, {"input_config": ""}, "input_config"),
        (AUDIO, {"editing_config": {"volume": 101}}, "editing_config.volume"),
        (BATCH, {"input_config": {"TitleArray": ["x"]}}, "input_config"),
    ],
)
def test_an_invalid_argument_is_rejected_before_any_request(
    case: Case, arguments: dict[str, Any], field: str, ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsRequestError) as caught:
        run_task(case.task(**arguments))
    assert caught.value.field == field
    assert field in str(caught.value)
    assert ims_emulator.requests() == []


@every_kind
def test_every_parameter_is_templated(case: Case, ims_emulator: ImsEmulator) -> None:
    def as_template(value: Any) -> Any:
        match value:
            case dict():
                return {name: as_template(inner) for name, inner in value.items()}
            case list():
                return [as_template(inner) for inner in value]
            case _:
                return f"{{{{ {value!r} }}}}"

    templates = {name: as_template(value) for name, value in case.arguments.items()}
    task = case.task(**templates, timeout="{{ 60 }}", durable=False)
    task.render_template_fields({"ti": None})
    plain = case.task(durable=False)
    assert run_task(task).keys() == run_task(plain).keys()
    rendered, direct = ims_emulator.requests(case.submit)
    assert rendered["parameters"] == direct["parameters"]


@every_kind
def test_every_api_argument_is_a_template_field(case: Case) -> None:
    assert {parameter.argument for parameter in case.operator.kind.parameters} < set(case.operator.template_fields)
    task = case.task()
    assert all(hasattr(task, field) for field in task.template_fields)


def test_the_connection_is_not_looked_up_when_the_dag_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_IMS_DEFAULT", raising=False)
    for case in CASES.values():
        case.task(ims_conn_id="there_is_none")
        case.sensor_of("x", ims_conn_id="there_is_none")


@never_ending
def test_the_deadline_respects_the_execution_timeout_and_the_timeout_of_the_deferral_is_longer(
    ims_emulator: ImsEmulator,
) -> None:
    task = TEXT.task(deferrable=True, timeout=3600, execution_timeout=timedelta(minutes=5))
    task, context = TaskRun(task).new_process()
    context["ti"].start_date = datetime.now(UTC) - timedelta(minutes=1)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    trigger = deferred.value.trigger
    assert trigger.deadline == pytest.approx(time.time() + 240, abs=30)
    assert deferred.value.timeout > timedelta(seconds=trigger.deadline - time.time())


def test_a_result_too_large_for_an_event_is_queried_by_the_worker(ims_emulator: ImsEmulator) -> None:
    config = {"keywords": "蛋糕", "textLength": 500, "targetCount": 40}
    run = TaskRun(TEXT.task(deferrable=True, generate_config=config))
    result = run.attempt()
    assert len(result["texts"]) == 40
    assert run.events[0]["jobs"] is None
    assert len(ims_emulator.jobs()) == 1


def test_execute_without_a_task_instance_accepts_an_execution_timeout(ims_emulator: ImsEmulator) -> None:
    task = TEXT.task(deferrable=False, execution_timeout=timedelta(minutes=5))
    assert task.execute({})["state"] == "Finished"


def test_a_task_object_can_run_again_with_another_connection(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TEXT.task(deferrable=False)
    task.execute({})
    with ImsEmulator(durations={"SubmitTextGenerateJob": 0}) as other:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", other.connection_uri)
        task.execute({})
        assert len(other.jobs()) == 1
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize(
    "region_id",
    [{1, 2}, object(), 7],
    ids=["a set", "an object", "a number"],
)
def test_a_region_that_is_not_a_string_is_rejected_before_any_request(
    region_id: Any, ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsRequestError) as caught:
        run_task(TEXT.task(deferrable=True, region_id=region_id))
    assert caught.value.field == "region_id"
    assert ims_emulator.requests() == []


def test_the_arguments_of_the_trigger_are_json_even_if_an_argument_of_the_operator_is_not(
    ims_emulator: ImsEmulator,
) -> None:
    task, context = TaskRun(TEXT.task(deferrable=True, cancel_on_kill=object())).new_process()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    assert json.loads(json.dumps(deferred.value.trigger.serialize()[1]))["cancel_on_kill"] is True


def test_an_unknown_choice_is_rejected_when_the_dag_is_parsed() -> None:
    with pytest.raises(ImsRequestError, match="submit, fail"):
        TEXT.task(on_uncertain="pray")
