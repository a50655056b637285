from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from support.cases import BATCH, CASES, IMAGE, TEXT, Case
from support.compat import AirflowSensorTimeout, AirflowSkipException, TaskDeferred
from support.running import TaskLog, TaskRun, run_task

from airflow_provider_ims._waiting import monitor
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import (
    ImsJobFailedError,
    ImsJobNotFoundError,
    ImsPermissionError,
    ImsRequestError,
)

MODES = {"deferrable": {"deferrable": True}, "poke": {"mode": "poke"}, "reschedule": {"mode": "reschedule"}}

#: Jobs that run until the test ends them.
never_ending = pytest.mark.ims_emulator(clock="manual", durations={case.submit: 60 for case in CASES.values()})
every_kind = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


def submitted(case: Case) -> str:
    return str(run_task(case.task(wait_for_completion=False))["job_id"])


@every_kind
@every_mode
@pytest.mark.ims_emulator(durations={case.submit: 0.2 for case in CASES.values()})
def test_a_sensor_returns_the_result_of_the_operator(
    case: Case, mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    job_id = submitted(case)
    result = run_task(case.sensor_of(job_id, **mode))
    if case is IMAGE:
        (result,) = result
    assert result["job_id"] == job_id
    assert result["state"] == case.ended
    assert result.keys() == case.result | {"job_id", "state"}
    assert len(ims_emulator.jobs()) == 1


@every_mode
def test_an_ended_job_requires_one_query(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    run = TaskRun(TEXT.sensor_of(submitted(TEXT), **mode))
    assert run.attempt()["state"] == "Finished"
    assert run.events == []
    assert len(ims_emulator.requests("GetSmartHandleJob")) == 1


@every_mode
@never_ending
def test_a_timeout_raises_the_error_of_airflow(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    with pytest.raises(AirflowSensorTimeout):
        run_task(TEXT.sensor_of(submitted(TEXT), timeout=0.1, **mode))


@every_mode
@never_ending
def test_a_timeout_reports_the_last_status_of_each_unfinished_job(
    mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    first, second, ended = (submitted(IMAGE) for _ in range(3))
    ims_emulator.finish(ended)
    with pytest.raises(AirflowSensorTimeout) as caught:
        run_task(IMAGE.sensor_of("", job_ids=[first, second, ended], timeout=timedelta(seconds=0.1), **mode))
    assert all(re.search(rf"{job_id} \(\w+\)", str(caught.value)) for job_id in (first, second))
    assert ended not in str(caught.value)


@every_mode
@never_ending
def test_a_timeout_reports_the_error_of_the_last_poll(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    job_id = submitted(TEXT)
    ims_emulator.fault("GetSmartHandleJob", "server_error", count=None)
    with pytest.raises(AirflowSensorTimeout, match=r"\(status unknown; the last poll failed: .*InternalError"):
        run_task(TEXT.sensor_of(job_id, timeout=0.1, **mode))


@never_ending
def test_a_deferred_timeout_that_skips_is_logged(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    job_id = submitted(TEXT)
    with pytest.raises(AirflowSkipException):
        run_task(TEXT.sensor_of(job_id, timeout=0.1, soft_fail=True, deferrable=True))
    assert any(job_id in line and "did not end within" in line for line in task_log.lines("warning"))


@every_mode
@never_ending
def test_a_timeout_skips_with_soft_fail(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    with pytest.raises(AirflowSkipException):
        run_task(TEXT.sensor_of(submitted(TEXT), timeout=0.1, soft_fail=True, **mode))


@every_mode
def test_a_failed_job_fails_the_sensor_even_with_soft_fail(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitTextGenerateJob", "fail_job", code="BadWords", message="No.")
    with pytest.raises(ImsJobFailedError) as caught:
        run_task(TEXT.sensor_of(submitted(TEXT), soft_fail=True, **mode))
    assert caught.value.code == "BadWords"


@every_kind
@every_mode
@pytest.mark.parametrize("how", ["error", "empty response"])
def test_an_unknown_job_ends_the_wait_after_the_grace_period(
    case: Case, mode: dict[str, Any], how: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    monkeypatch.setattr(monitor, "UNKNOWN_GRACE", 0.2)
    if how == "empty response":
        ims_emulator.fault(case.query, "odd_shape", count=None, body={"RequestId": "x"})
    with pytest.raises(ImsJobNotFoundError, match="deadbeef") as caught:
        run_task(case.sensor_of("deadbeef", **mode))
    assert caught.value.job_id == "deadbeef"


@every_mode
def test_transient_errors_do_not_fail_the_sensor(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    job_id = submitted(TEXT)
    for fault in ("throttle", "server_error", "non_json", "cut"):
        ims_emulator.fault("GetSmartHandleJob", fault, count=2)
    assert run_task(TEXT.sensor_of(job_id, **mode))["state"] == "Finished"


@every_mode
def test_a_denied_query_ends_the_wait(mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("GetSmartHandleJob", "deny", count=None)
    with pytest.raises(ImsPermissionError, match="ice:GetSmartHandleJob"):
        run_task(TEXT.sensor_of("x", **mode))


@every_mode
@pytest.mark.ims_emulator(durations={"SubmitTextGenerateJob": 0.4})
def test_the_log_contains_the_last_status_and_the_end(
    mode: dict[str, Any], ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    job_id = submitted(TEXT)
    run_task(TEXT.sensor_of(job_id, **mode))
    lines = [line for line in task_log.lines() if line.startswith(f"Job {job_id} ")]
    assert re.fullmatch(rf"Job {job_id} is Finished after a wait of \d s", lines[-2])
    assert lines[-1] == f"Job {job_id} ended: Finished"


@every_mode
def test_failed_videos_fail_the_sensor_if_fail_on_partial_failure_is_set(
    mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
    job_id = submitted(BATCH)
    with pytest.raises(ImsJobFailedError, match="1 of 2 videos"):
        run_task(BATCH.sensor_of(job_id, fail_on_partial_failure=True, **mode))
    assert len(run_task(BATCH.sensor_of(job_id, **mode))["failed"]) == 1


@pytest.mark.parametrize("job_id", ["", "  ", None, 7, "None"])
def test_an_invalid_job_id_is_rejected(job_id: Any, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError) as caught:
        run_task(TEXT.sensor_of(job_id))
    assert caught.value.field == "job_id"
    assert ims_emulator.requests() == []


@never_ending
def test_the_timeout_of_the_deferral_is_longer_than_that_of_the_sensor(ims_emulator: ImsEmulator) -> None:
    task, context = TaskRun(TEXT.sensor_of(submitted(TEXT), deferrable=True, timeout=60)).new_process()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    assert deferred.value.timeout.total_seconds() > 60
    assert deferred.value.trigger.poll_interval == 0.05


@every_mode
@pytest.mark.parametrize("failure", ["failed job", "denied query", "timeout"])
@never_ending
def test_with_never_fail_a_sensor_skips_except_on_a_timeout_without_deferral(
    failure: str, mode: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    job_id = submitted(TEXT)
    if failure == "failed job":
        ims_emulator.fail(job_id)
    elif failure == "denied query":
        ims_emulator.fault("GetSmartHandleJob", "deny", count=None)
    elif mode != {"deferrable": True}:
        # Airflow's never_fail does not apply to the timeout of a sensor that is not deferred.
        with pytest.raises(AirflowSensorTimeout):
            run_task(TEXT.sensor_of(job_id, never_fail=True, timeout=0.1, **mode))
        return
    with pytest.raises(AirflowSkipException):
        run_task(TEXT.sensor_of(job_id, never_fail=True, timeout=0.1 if failure == "timeout" else 60, **mode))
