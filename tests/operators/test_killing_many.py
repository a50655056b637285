"""The jobs of a task with many jobs that is killed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from support.compat import TaskDeferred
from support.running import KilledError, TaskLog, TaskRun, killed_in, rebuilt
from support.submits import SUBMITS

from airflow_provider_ims._submission import cancel
from airflow_provider_ims._waiting import many_jobs
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator
from airflow_provider_ims.triggers import base as triggers

KIND, CANCEL = "SubmitIProductionJob", "CancelIProductionJob"
never_ending = pytest.mark.ims_emulator(clock="manual", durations={KIND: 60, "SubmitAudioProduceJob": 60})


def productions(count: int, job: str = KIND, **more: Any) -> Any:
    requests = [{"Name" if job == KIND else "InputConfig": f"Job {number}"} for number in range(count)]
    return ImsSubmitJobsOperator(
        task_id="jobs", job=job, requests=requests, parameters=SUBMITS["ice", job], poll_interval=0.05, **more
    )


def killed_while_waiting(monkeypatch: pytest.MonkeyPatch, task: Any, *, store: bool = True) -> TaskRun:
    return killed_in(monkeypatch, many_jobs, "wait_for_jobs", task, store=store)


def set_task_state(monkeypatch: pytest.MonkeyPatch, state: str | None) -> None:
    for module in (cancel, triggers):
        monkeypatch.setattr(module, "task_state", lambda *_: state)


@never_ending
@pytest.mark.parametrize("state", ["failed", "success"])
def test_all_jobs_are_cancelled_when_a_user_has_ended_the_task(
    state: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    run = killed_while_waiting(monkeypatch, productions(12, deferrable=False))
    set_task_state(monkeypatch, state)
    run.process.on_kill()
    cancelled = {request["parameters"]["JobId"] for request in ims_emulator.requests(CANCEL)}
    assert cancelled == {job["job_id"] for job in ims_emulator.jobs()}


@never_ending
@pytest.mark.parametrize("state", ["running", "up_for_retry", None])
def test_the_jobs_are_left_for_the_next_try_when_the_worker_shuts_down(
    state: str | None, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, productions(4, deferrable=False))
    set_task_state(monkeypatch, state)
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert any("4 jobs are left running for the next try" in line for line in task_log.lines("info"))


@never_ending
def test_jobs_that_no_later_try_could_join_are_cancelled_when_the_worker_shuts_down(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    """SubmitIProductionJob has no ClientToken, and no listing returns its UserData."""
    run = killed_while_waiting(monkeypatch, productions(4, deferrable=False), store=False)
    set_task_state(monkeypatch, "running")
    run.process.on_kill()
    assert len(ims_emulator.requests(CANCEL)) == 4


@never_ending
def test_the_jobs_of_a_task_that_is_killed_while_it_submits_are_cancelled(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(productions(120, deferrable=False))
    original = run.store.set  # type: ignore[union-attr]

    def kill(key: str, value: Any) -> None:
        original(key, value)
        if len(ims_emulator.jobs()) >= 50:
            raise KilledError

    monkeypatch.setattr(run.store, "set", kill)
    with pytest.raises(KilledError):
        run.attempt()
    monkeypatch.setattr(run.store, "set", original)
    set_task_state(monkeypatch, "failed")
    run.process.on_kill()
    assert len(ims_emulator.requests(CANCEL)) == len(ims_emulator.jobs()) == 50


@never_ending
def test_a_stalled_worker_does_not_cancel_the_jobs_that_its_successor_has_joined(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    run = killed_while_waiting(monkeypatch, productions(4, deferrable=False))
    stalled = run.process
    for job in ims_emulator.jobs():
        ims_emulator.finish(job["job_id"])
    run.attempt()
    set_task_state(monkeypatch, "success")
    stalled.on_kill()
    assert ims_emulator.requests(CANCEL) == []


@never_ending
@pytest.mark.parametrize(
    ("job", "message"),
    [(KIND, "cancel_on_kill is false"), ("SubmitAudioProduceJob", "the service has no cancel action for them")],
)
def test_the_log_warns_of_jobs_that_continue_to_run(
    job: str, message: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, productions(4, job, deferrable=False, cancel_on_kill=job != KIND))
    set_task_state(monkeypatch, "failed")
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert any(line.startswith("4 jobs") and message in line for line in task_log.lines("warning"))


@never_ending
@pytest.mark.parametrize(("state", "cancelled"), [("failed", 12), ("running", 0)])
def test_the_trigger_cancels_all_jobs_when_a_user_has_ended_the_task(
    state: str, cancelled: int, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(productions(12, deferrable=True), try_number=1)
    task, context = run.new_process()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    set_task_state(monkeypatch, state)
    trigger = rebuilt(deferred.value.trigger)
    trigger.task_instance = SimpleNamespace(dag_id="dag", run_id="run", task_id="jobs", map_index=-1)
    asyncio.run(trigger.on_kill())
    assert len(ims_emulator.requests(CANCEL)) == cancelled
