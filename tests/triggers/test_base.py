from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from support.cases import CASES, TEXT, Case
from support.running import rebuilt, run_task, run_trigger
from support.submits import SUBMITS

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsJobNotFoundError, ImsJobTimeoutError, ImsPermissionError
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator
from airflow_provider_ims.triggers import base as triggers
from airflow_provider_ims.triggers.base import LARGEST_EVENT, ended_event, error_event, read_event
from airflow_provider_ims.triggers.ims import ImsBatchMediaProducingJobTrigger, ImsJobTrigger, ImsSmartHandleJobTrigger
from airflow_provider_ims.triggers.vod import VodAIImageJobTrigger

WAIT = {
    "deadline": 1e10,
    "ims_conn_id": "other",
    "region_id": "cn-beijing",
    "poll_interval": 7.0,
    "started": 1e9,
    "cancel_on_kill": True,
}
TRIGGERS = {
    "ims.ImsSmartHandleJobTrigger": ImsSmartHandleJobTrigger(job_id="j", **WAIT),
    "ims.ImsBatchMediaProducingJobTrigger": ImsBatchMediaProducingJobTrigger(job_id="j", **WAIT),
    "vod.VodAIImageJobTrigger": VodAIImageJobTrigger(job_ids=["j", "k"], **WAIT),
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_is_the_same_after_its_way_through_the_database(name: str) -> None:
    trigger = TRIGGERS[name]
    path, arguments = trigger.serialize()
    assert path == f"airflow_provider_ims.triggers.{name}"
    jobs = {"job_ids": ["j", "k"]} if name.startswith("vod") else {"job_id": "j"}
    assert arguments == {**WAIT, **jobs}
    again = rebuilt(trigger)
    assert type(again) is type(trigger)
    assert again.serialize() == trigger.serialize()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_trigger_sends_one_event_with_the_ended_job(case: Case, ims_emulator: ImsEmulator) -> None:
    job_id = run_task(case.task(wait_for_completion=False))["job_id"]
    trigger_class = case.operator.trigger_class
    awaited = {"job_ids": [job_id]} if trigger_class is VodAIImageJobTrigger else {"job_id": job_id}
    event = run_trigger(trigger_class(**awaited, deadline=time.time() + 60, poll_interval=0.05))
    job_ids, jobs, started = read_event(event)
    assert job_ids == [job_id]
    assert started == pytest.approx(time.time(), abs=30)
    assert jobs is not None
    assert [job.state for job in jobs] == [JobState.SUCCEEDED]


def test_a_trigger_that_starts_again_only_reads(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    trigger = ImsSmartHandleJobTrigger(job_id=job_id, deadline=time.time() + 60, poll_interval=0.05)
    first, second = run_trigger(trigger), run_trigger(trigger)
    assert first["job_ids"] == second["job_ids"] == [job_id]
    actions = {request["action"] for request in ims_emulator.requests()} - {"SubmitTextGenerateJob"}
    assert actions == {"GetSmartHandleJob"}
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_deadline_that_passed_while_no_triggerer_ran_still_gets_its_last_look(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    late = ImsSmartHandleJobTrigger(job_id=job_id, deadline=time.time() - 60, poll_interval=30)
    with pytest.raises(ImsJobTimeoutError) as caught:
        read_event(run_trigger(late))
    assert caught.value.job_id == job_id
    ims_emulator.finish(job_id)
    jobs = read_event(run_trigger(late)).jobs
    assert jobs is not None
    assert jobs[0].status == "Finished"


JOB = Job("j", JobState.FAILED, "Failed", {"texts": ["蛋糕"]}, "Code", "Words", "R-1")


def test_a_job_goes_through_an_event_unchanged() -> None:
    assert read_event(json.loads(json.dumps(ended_event([JOB, JOB], 12.5)))) == (["j", "j"], [JOB, JOB], 12.5)


def test_a_job_too_large_for_an_event_leaves_its_id() -> None:
    large = Job("j", JobState.SUCCEEDED, "Finished", {"texts": ["x" * LARGEST_EVENT]})
    event = ended_event([large], 12.5)
    assert len(json.dumps(event)) < 200
    assert read_event(event) == (["j"], None, 12.5)


@pytest.mark.parametrize(
    "error",
    [
        ImsJobTimeoutError("late", job_id="j"),
        ImsJobNotFoundError("gone", job_id="j", request_id="R-1"),
        ImsPermissionError("no", ram_action="ice:X", action="X", code="Forbidden"),
    ],
)
def test_an_error_goes_through_an_event_unchanged(error: ImsError) -> None:
    with pytest.raises(type(error)) as caught:
        read_event(json.loads(json.dumps(error_event(error))))
    assert str(caught.value) == str(error)
    assert vars(caught.value) == vars(error)


def test_an_error_of_another_kind_keeps_its_type_and_text() -> None:
    with pytest.raises(ImsError, match="KeyError: 'x'"):
        read_event(error_event(KeyError("x")))


@pytest.mark.parametrize(
    "event",
    [
        None,
        "x",
        {},
        {"status": "success"},
        {"status": "ended"},
        {"status": "ended", "job_ids": "j", "jobs": None},
        {"status": "ended", "job_ids": ["j"], "jobs": [{}]},
        {"status": "ended", "job_ids": ["j"], "jobs": [{"id": "j", "state": "odd", "status": "x"}]},
        {"status": "error", "error": None},
    ],
)
def test_an_event_that_is_none_of_ours_is_refused(event: Any) -> None:
    with pytest.raises(ImsError, match="not understood"):
        read_event(event)


@dataclass
class TaskInstance:
    """What a trigger knows of its task instance."""

    dag_id: str = "dag"
    task_id: str = "task"
    run_id: str = "run"
    map_index: int = -1


def killed_trigger(monkeypatch: pytest.MonkeyPatch, state: str | None, **arguments: Any) -> str:
    """Wait for a job that can be cancelled, kill the trigger while Airflow reports a state, and return the job."""
    submit = "SubmitIProductionJob"
    job = ImsSubmitJobOperator(task_id="job", job=submit, parameters=SUBMITS["ice", submit], wait_for_completion=False)
    job_id = str(run_task(job)["job_id"])
    trigger = rebuilt(ImsJobTrigger(family="iproduction", job_ids=[job_id], deadline=time.time() + 60, **arguments))
    monkeypatch.setattr(triggers, "task_state", lambda *_: state)

    async def main() -> None:
        trigger.task_instance = TaskInstance()
        wait = asyncio.create_task(anext(trigger.run()))
        await asyncio.sleep(0)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        await trigger.on_kill()

    asyncio.run(main())
    return job_id


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
    def test_it_cancels_nothing_when_the_triggerer_has_lost_its_heartbeat_or_the_task_was_cleared(
        self, state: str | None, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        killed_trigger(monkeypatch, state, cancel_on_kill=True)
        assert ims_emulator.requests("CancelIProductionJob") == []

    def test_it_cancels_nothing_for_a_sensor(self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator) -> None:
        killed_trigger(monkeypatch, "failed")
        assert ims_emulator.requests("CancelIProductionJob") == []
