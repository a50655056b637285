"""The job of a task that is killed or cleared, or whose wait times out."""

from __future__ import annotations

from typing import Any

import pytest
from support.cases import TEXT
from support.running import Store, TaskLog, TaskRun, killed_in
from support.submits import SUBMITS

from airflow_provider_ims._submission import cancel
from airflow_provider_ims._submission.record import STORE_KEY
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobTimeoutError, ImsUnavailableError, error_as_dict
from airflow_provider_ims.operators import base as operators
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator

CANCELLABLE, CANCEL = "SubmitIProductionJob", "CancelIProductionJob"
every_mode = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "blocking"])
never_ending = pytest.mark.ims_emulator(
    clock="manual", durations={CANCELLABLE: 60, "SubmitDNAJob": 60, TEXT.submit: 60}
)


def cancellable(job: str = CANCELLABLE, **more: Any) -> Any:
    return ImsSubmitJobOperator(
        task_id="job", job=job, parameters=SUBMITS["ice", job], **{"poll_interval": 0.05, **more}
    )


def killed_while_waiting(monkeypatch: pytest.MonkeyPatch, task: Any, *, store: bool = True) -> TaskRun:
    return killed_in(monkeypatch, operators, "wait_for_job", task, store=store)


def set_task_state(monkeypatch: pytest.MonkeyPatch, state: str | None) -> None:
    monkeypatch.setattr(cancel, "task_state", lambda *_: state)


@never_ending
@pytest.mark.parametrize("job", [CANCELLABLE, "SubmitDNAJob"])
@pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed"])
def test_a_job_is_cancelled_when_a_user_has_ended_the_task(
    job: str, state: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, cancellable(job, deferrable=False))
    set_task_state(monkeypatch, state)
    run.process.on_kill()
    (submitted,) = ims_emulator.jobs()
    assert len(ims_emulator.requests(job.replace("Submit", "Cancel"))) == 1
    assert f"Cancelled job {submitted['job_id']}" in task_log.lines("info")


@never_ending
@pytest.mark.parametrize("state", ["running", "restarting", "queued", "scheduled", "up_for_retry", "deferred", None])
def test_a_job_is_left_for_the_next_try_when_the_worker_shuts_down(
    state: str | None, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False))
    set_task_state(monkeypatch, state)
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert any("is left running for the next try" in line for line in task_log.lines("info"))
    ims_emulator.finish(ims_emulator.jobs()[0]["job_id"])
    assert run.attempt()["state"] == "Success"
    assert len(ims_emulator.jobs()) == 1


@never_ending
@pytest.mark.parametrize(("durable", "store"), [(False, True), (True, False)], ids=["not durable", "no store"])
def test_a_job_that_no_later_try_could_join_is_cancelled_when_the_worker_shuts_down(
    durable: bool, store: bool, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    """SubmitIProductionJob has no ClientToken, and no listing returns its UserData."""
    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False, durable=durable), store=store)
    set_task_state(monkeypatch, "running")
    run.process.on_kill()
    assert len(ims_emulator.requests(CANCEL)) == 1


@never_ending
def test_a_stalled_worker_does_not_cancel_the_job_that_its_successor_has_joined(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False))
    stalled = run.process
    ims_emulator.finish(ims_emulator.jobs()[0]["job_id"])
    run.attempt()
    set_task_state(monkeypatch, "success")
    stalled.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert run.store is not None
    assert run.store[STORE_KEY]["try_number"] == 2


@never_ending
def test_a_job_is_left_running_if_the_state_of_the_task_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    def unavailable(*_: Any) -> str:
        raise ConnectionError("no API server")

    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False))
    monkeypatch.setattr(cancel, "task_state", unavailable)
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert any("no API server" in line for line in task_log.lines("warning"))


@never_ending
def test_cancel_on_kill_can_be_disabled(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False, cancel_on_kill=False))
    set_task_state(monkeypatch, "failed")
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert any("is billed: cancel_on_kill is false" in line for line in task_log.lines("warning"))


@never_ending
def test_the_log_warns_that_a_job_without_a_cancel_action_continues_to_run(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, TEXT.task(deferrable=False))
    set_task_state(monkeypatch, "failed")
    run.process.on_kill()
    assert any("continues and is billed: the service has no cancel" in line for line in task_log.lines("warning"))


def test_an_ended_job_is_not_cancelled(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False))
    set_task_state(monkeypatch, "failed")
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
    assert any("has already ended: Success" in line for line in task_log.lines("info"))


@never_ending
@every_mode
def test_a_job_whose_wait_times_out_is_left_for_the_next_try(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(cancellable(deferrable=deferrable, timeout=0.3), retries=1)
    with pytest.raises(ImsJobTimeoutError):
        run.attempt()
    assert ims_emulator.requests(CANCEL) == []
    ims_emulator.finish(ims_emulator.jobs()[0]["job_id"])
    assert run.attempt()["state"] == "Success"
    assert len(ims_emulator.jobs()) == 1


@never_ending
@every_mode
def test_a_job_whose_wait_times_out_in_the_last_try_is_cancelled(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsJobTimeoutError):
        TaskRun(cancellable(deferrable=deferrable, timeout=0.3), retries=0).attempt()
    (cancel,) = ims_emulator.requests(CANCEL)
    assert cancel["parameters"]["JobId"] == ims_emulator.jobs()[0]["job_id"]


@never_ending
def test_a_failed_cancellation_does_not_hide_the_timeout(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    ims_emulator.fault(CANCEL, "error", count=None, code="InternalError", status=500)
    with pytest.raises(ImsJobTimeoutError):
        TaskRun(cancellable(deferrable=False, timeout=0.3), retries=0).attempt()
    assert any("Cancelling job" in line for line in task_log.lines("warning"))


@never_ending
def test_an_error_of_the_store_does_not_hide_the_error_of_the_wait(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    class Unreadable(Store):
        def get(self, key: str, default: Any = None) -> Any:
            raise RuntimeError("the API server is gone")

    run = killed_while_waiting(monkeypatch, cancellable(deferrable=False))
    run.store = Unreadable()
    task, context = run.new_process()
    event = {"status": "error", "error": error_as_dict(ImsUnavailableError("no response for an hour"))}
    with pytest.raises(ImsUnavailableError, match="no response for an hour"):
        task.execute_complete(context, event)
    assert any("could not be read: the API server is gone" in line for line in task_log.lines("warning"))


class TestClear:
    @never_ending
    def test_a_job_that_was_still_awaited_is_cancelled_and_a_new_job_is_submitted(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_while_waiting(monkeypatch, cancellable(deferrable=False))
        run.clear()
        run.task = cancellable(wait_for_completion=False)
        second = run.attempt()["job_id"]
        (cancel,) = ims_emulator.requests(CANCEL)
        assert cancel["parameters"]["JobId"] != second
        assert len(ims_emulator.jobs()) == 2

    @never_ending
    def test_a_job_that_was_still_awaited_is_joined_if_cancel_on_kill_is_off(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_while_waiting(monkeypatch, cancellable(deferrable=False, cancel_on_kill=False))
        run.clear()
        run.task = cancellable(wait_for_completion=False, cancel_on_kill=False)
        run.attempt()
        assert ims_emulator.requests(CANCEL) == []
        assert len(ims_emulator.jobs()) == 1

    @never_ending
    def test_a_job_whose_wait_failed_is_joined_and_not_cancelled(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(cancellable(deferrable=True, timeout=0.3), retries=1)
        with pytest.raises(ImsJobTimeoutError):
            run.attempt()
        run.clear()
        ims_emulator.finish(ims_emulator.jobs()[0]["job_id"])
        assert run.attempt()["state"] == "Success"
        assert ims_emulator.requests(CANCEL) == []
        assert len(ims_emulator.jobs()) == 1


@never_ending
@pytest.mark.parametrize("state", ["running", "success"])
def test_a_job_that_the_task_does_not_wait_for_is_not_cancelled_after_the_task(
    state: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(cancellable(wait_for_completion=False))
    run.attempt()
    set_task_state(monkeypatch, state)
    run.process.on_kill()
    assert ims_emulator.requests(CANCEL) == []
