"""Operators whose connection has a queue: which requests name it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.cases import BATCH, IMAGE, TEXT
from support.compat import TaskDeferred
from support.notified import QUEUE, connection_with_queue, with_queue
from support.running import TaskRun

from airflow_provider_ims._submission.submitter import Submitter
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator

__all__ = ["with_queue"]

never_ending = pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60, "SubmitAIImageJob": 60})
OWN = {"NotifyAddress": "https://example.com/done"}


def many(**overrides: Any) -> ImsSubmitJobsOperator:
    request = {"Type": "Title", "GenerateConfig": TEXT.arguments["generate_config"]}
    requests = [{**request, **one} for one in overrides.pop("each", [{}, {}])]
    return ImsSubmitJobsOperator(task_id="jobs", job="SubmitTextGenerateJob", requests=requests, **overrides)


def defer(run: TaskRun, number: int = 1) -> None:
    """Execute a try of a task until it defers."""
    run.try_number = number
    task, context = run.new_process()
    with pytest.raises(TaskDeferred):
        task.execute(context)


def addresses(emulator: ImsEmulator, action: str = "SubmitTextGenerateJob") -> list[str | None]:
    user_data = [json.loads(one["parameters"].get("UserData", "{}")) for one in emulator.requests(action)]
    return [one.get("NotifyAddress") for one in user_data]


@never_ending
def test_a_deferrable_task_names_the_queue(with_queue: ImsEmulator) -> None:
    defer(TaskRun(TEXT.task(deferrable=True)))
    (request,) = with_queue.requests("SubmitTextGenerateJob")
    user_data = json.loads(request["parameters"]["UserData"])
    assert user_data.keys() == {"NotifyAddress", "AirflowKey"}
    assert user_data["NotifyAddress"] == QUEUE


@never_ending
def test_a_task_without_a_record_names_the_queue_too(with_queue: ImsEmulator) -> None:
    defer(TaskRun(TEXT.task(deferrable=True, durable=False)))
    assert addresses(with_queue) == [QUEUE]


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitBatchMediaProducingJob": 60})
@pytest.mark.parametrize("queue_first", [True, False])
def test_a_lost_job_is_submitted_again_with_the_same_parameters_although_the_queue_has_changed(
    queue_first: bool, with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ims._submission.submitter.find_jobs", lambda *_: {})
    submit = Submitter._call

    def submit_and_crash(self: Submitter, parameters: Mapping[str, str]) -> None:
        submit(self, parameters)
        raise KeyboardInterrupt

    connections = [connection_with_queue(with_queue), with_queue.connection_uri]
    run = TaskRun(BATCH.task(deferrable=True))
    ends = [(submit_and_crash, KeyboardInterrupt), (submit, TaskDeferred)]
    for number, (call, end) in enumerate(ends, 1):
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", connections[(number == 1) != queue_first])
        monkeypatch.setattr(Submitter, "_call", call)
        run.try_number = number
        task, context = run.new_process()
        with pytest.raises(end):
            task.execute(context)
    first, second = with_queue.requests("SubmitBatchMediaProducingJob")
    assert first["parameters"]["UserData"] == second["parameters"]["UserData"]
    assert len(with_queue.jobs()) == 1


@never_ending
def test_the_users_address_is_kept(with_queue: ImsEmulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    defer(TaskRun(TEXT.task(deferrable=True, user_data=OWN)))
    assert addresses(with_queue) == ["https://example.com/done"]
    assert f"UserData does not contain the queue {QUEUE}" in caplog.text


@never_ending
def test_another_region_does_not_use_the_queue(with_queue: ImsEmulator) -> None:
    defer(TaskRun(TEXT.task(deferrable=True, region_id="cn-beijing")))
    assert addresses(with_queue) == [None]


@never_ending
def test_a_job_of_vod_does_not_name_the_queue(with_queue: ImsEmulator) -> None:
    defer(TaskRun(IMAGE.task(deferrable=True)))
    assert addresses(with_queue, "SubmitAIImageJob") == [None]


def test_a_task_that_blocks_does_not_name_the_queue(with_queue: ImsEmulator) -> None:
    TaskRun(TEXT.task(deferrable=False)).attempt()
    assert addresses(with_queue) == [None]


def test_a_task_that_does_not_wait_names_the_queue_for_a_sensor(with_queue: ImsEmulator) -> None:
    TaskRun(TEXT.task(deferrable=False, wait_for_completion=False)).attempt()
    assert addresses(with_queue) == [QUEUE]


@never_ending
def test_each_of_many_jobs_names_the_queue_unless_it_has_an_address(with_queue: ImsEmulator) -> None:
    defer(TaskRun(many(deferrable=True)))
    assert addresses(with_queue) == [QUEUE] * 2
    defer(TaskRun(many(deferrable=True, each=[{}, {"UserData": OWN}])))
    assert sorted(map(str, addresses(with_queue)[2:])) == ["https://example.com/done", QUEUE]


@pytest.mark.ims_emulator(durations={"SubmitTextGenerateJob": 1.0})
def test_a_deferred_task_ends_by_its_message(with_queue: ImsEmulator) -> None:
    # The first poll is before the end of the job, and the next one an hour later.
    result = TaskRun(TEXT.task(deferrable=True, poll_interval=3600)).attempt()
    assert result["state"] == "Finished"


def test_the_queue_does_not_prevent_the_reuse_of_a_job(
    with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = TaskRun(TEXT.task(deferrable=True, reuse="inputs"), run_id="first")
    job_id = first.attempt()["job_id"]
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", connection_with_queue(with_queue, smq_queue="ice-callback-other"))
    second = TaskRun(TEXT.task(deferrable=True, reuse="inputs"), run_id="second", earlier=[first])
    assert second.attempt()["job_id"] == job_id
    assert len(with_queue.requests("SubmitTextGenerateJob")) == 1
