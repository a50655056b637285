from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from support.cases import CASES, IMAGE, TEXT, Case
from support.running import rebuilt, run_task, run_trigger
from support.submits import SUBMITS
from support.waiting import CEILING

from airflow_provider_ims._jobs.job import JobState
from airflow_provider_ims._waiting.events import read_event
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobTimeoutError
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator
from airflow_provider_ims.triggers import base as triggers
from airflow_provider_ims.triggers.base import (
    FIRST_EVENT_DELAY,
    JobTrigger,
)
from airflow_provider_ims.triggers.ims import ImsJobTrigger
from airflow_provider_ims.triggers.vod import VodJobTrigger

ARGUMENTS = {
    "job_ids": ["j", "k"],
    "deadline": 1e10,
    "wait_started_at": 1.1e9,
    "submitted_at": 1e9,
    "ims_conn_id": "other",
    "region_id": "cn-beijing",
    "poll_interval": 7.0,
    "cancel_on_kill": True,
    "unfinished": None,
    "total": 0,
    "already_ended": 0,
    "already_failed": 0,
}


def trigger_of(case: Case, *job_ids: str, **overrides: Any) -> JobTrigger:
    trigger = VodJobTrigger if case is IMAGE else ImsJobTrigger
    arguments = {"deadline": time.time() + 60, "wait_started_at": time.time(), "poll_interval": 0.05, **overrides}
    return trigger(family=case.operator.kind.family.name, job_ids=job_ids, **arguments)


def submitted(case: Case = TEXT) -> str:
    return str(run_task(case.task(wait_for_completion=False))["job_id"])


@pytest.mark.parametrize(
    ("trigger_class", "path", "family"),
    [(ImsJobTrigger, "ims.ImsJobTrigger", "smart"), (VodJobTrigger, "vod.VodJobTrigger", "vod_ai")],
)
def test_a_trigger_can_be_serialized(trigger_class: type[JobTrigger], path: str, family: str) -> None:
    trigger = trigger_class(family=family, **ARGUMENTS)
    assert trigger.serialize() == (f"airflow_provider_ims.triggers.{path}", {"family": family, **ARGUMENTS})
    assert type(rebuilt(trigger)) is trigger_class
    assert rebuilt(trigger).serialize() == trigger.serialize()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_trigger_sends_one_event_with_the_ended_job(case: Case, ims_emulator: ImsEmulator) -> None:
    job_id = submitted(case)
    job_ids, jobs, submitted_at = read_event(run_trigger(trigger_of(case, job_id, submitted_at=12.5)))
    assert (job_ids, submitted_at) == ([job_id], 12.5)
    assert jobs is not None
    assert [job.state for job in jobs] == [JobState.SUCCEEDED]


def test_a_trigger_that_runs_again_sends_no_submit(ims_emulator: ImsEmulator) -> None:
    job_id = submitted()
    trigger = trigger_of(TEXT, job_id)
    first, second = run_trigger(trigger), run_trigger(trigger)
    assert first["job_ids"] == second["job_ids"] == [job_id]
    actions = {request["action"] for request in ims_emulator.requests()} - {"SubmitTextGenerateJob"}
    assert actions == {"GetSmartHandleJob"}
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize(
    ("trigger_id", "elapsed", "expected"),
    [(7, 0.0, FIRST_EVENT_DELAY), (7, 2.0, FIRST_EVENT_DELAY - 2), (7, FIRST_EVENT_DELAY, None), (None, 0.0, None)],
    ids=["at once", "later", "late", "in dag.test()"],
)
@pytest.mark.parametrize("job_ends", [True, False], ids=["ended job", "error"])
def test_the_first_event_in_a_triggerer_is_delayed(
    trigger_id: int | None,
    elapsed: float,
    expected: float | None,
    job_ends: bool,
    ims_emulator: ImsEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> Any:
        (event,) = [event.payload async for event in trigger.run()]
        return event

    job_id = submitted()
    # A connection that cannot be resolved is a transient error, so the wait ends with an error at its deadline.
    trigger = trigger_of(TEXT, job_id, **({} if job_ends else {"ims_conn_id": "", "deadline": time.time()}))
    trigger.trigger_id = trigger_id
    times = iter([100.0, 100.0 + elapsed])
    monkeypatch.setattr(triggers, "sleep", sleep)
    monkeypatch.setattr(triggers, "monotonic", lambda: next(times))
    assert asyncio.run(run())["status"] == ("ended" if job_ends else "error")
    assert pauses == ([] if expected is None else [pytest.approx(expected)])


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_job_is_polled_once_more_if_its_deadline_passed_while_no_triggerer_ran(ims_emulator: ImsEmulator) -> None:
    job_id = submitted()
    late = trigger_of(TEXT, job_id, deadline=time.time() - 60, wait_started_at=time.time() - 300, poll_interval=30)
    with pytest.raises(ImsJobTimeoutError, match=r"did not end within 30\d s") as caught:
        read_event(run_trigger(late))
    assert caught.value.job_id == job_id
    ims_emulator.finish(job_id)
    jobs = read_event(run_trigger(late)).jobs
    assert jobs is not None
    assert jobs[0].status == "Finished"


@dataclass
class TaskInstance:
    """The fields of a task instance that a trigger reads."""

    dag_id: str = "dag"
    task_id: str = "task"
    run_id: str = "run"
    map_index: int = -1


def production_trigger(**arguments: Any) -> JobTrigger:
    """Submit a job that can be cancelled, and return its trigger."""
    submit = "SubmitIProductionJob"
    job = ImsSubmitJobOperator(task_id="job", job=submit, parameters=SUBMITS["ice", submit], wait_for_completion=False)
    job_id = str(run_task(job)["job_id"])
    now = time.time()
    trigger = rebuilt(
        ImsJobTrigger(family="iproduction", job_ids=[job_id], deadline=now + 60, wait_started_at=now, **arguments)
    )
    trigger.task_instance = TaskInstance()
    return trigger


def killed_trigger(monkeypatch: pytest.MonkeyPatch, state: str | None, **arguments: Any) -> str:
    """Kill the trigger of a job that can be cancelled while its task has a state, and return the job id."""
    trigger = production_trigger(**arguments)
    monkeypatch.setattr(triggers, "task_state", lambda *_: state)

    async def main() -> None:
        wait = asyncio.create_task(anext(trigger.run()))
        await asyncio.sleep(0)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        await trigger.on_kill()

    asyncio.run(main())
    return trigger.job_ids[0]


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitIProductionJob": 60})
class TestOnKill:
    @pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed"])
    def test_it_cancels_the_job_when_a_user_has_ended_the_task(
        self, state: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        job_id = killed_trigger(monkeypatch, state, cancel_on_kill=True)
        (cancel,) = ims_emulator.requests("CancelIProductionJob")
        assert cancel["parameters"]["JobId"] == job_id

    @pytest.mark.parametrize("state", ["deferred", "scheduled", "queued", "running", "up_for_retry", None])
    def test_it_does_not_cancel_the_job_of_a_task_that_no_user_has_ended(
        self, state: str | None, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        killed_trigger(monkeypatch, state, cancel_on_kill=True)
        assert ims_emulator.requests("CancelIProductionJob") == []

    def test_it_cancels_the_job_although_airflow_cancels_the_trigger_again_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        trigger = production_trigger(cancel_on_kill=True)
        reading, cancelled_again = threading.Event(), threading.Event()

        def slow_state(*_: Any) -> str:
            reading.set()
            assert cancelled_again.wait(CEILING)
            return "failed"

        async def main() -> None:
            killing = asyncio.ensure_future(trigger.on_kill())
            await asyncio.to_thread(reading.wait, CEILING)
            for _ in range(3):
                killing.cancel()
                await asyncio.sleep(0)
            cancelled_again.set()
            await killing

        monkeypatch.setattr(triggers, "task_state", slow_state)
        asyncio.run(main())
        assert len(ims_emulator.requests("CancelIProductionJob")) == 1

    def test_it_does_not_cancel_the_job_of_a_sensor(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        killed_trigger(monkeypatch, "failed")
        assert ims_emulator.requests("CancelIProductionJob") == []
