from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from support.cases import AUDIO, BATCH, IMAGE, TEXT
from support.compat import TaskDeferred
from support.running import TaskRun, run_task, run_trigger

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsJobNotFoundError
from airflow_provider_ims.triggers.ims import ImsJobTrigger


def too_large(*job_ids: str) -> dict[str, Any]:
    return {"status": "ended", "job_ids": list(job_ids), "jobs": None}


def test_jobs_too_large_for_an_event_are_queried_ten_at_a_time(ims_emulator: ImsEmulator) -> None:
    job_ids = [run_task(IMAGE.task(wait_for_completion=False))["job_id"] for _ in range(12)]
    jobs, _ = IMAGE.task().ended_jobs(too_large(*job_ids))
    assert [job.id for job in jobs] == job_ids
    assert len(ims_emulator.requests("GetAIImageJobs")) == 2


def test_a_job_that_no_longer_exists_when_it_is_queried_is_an_error(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsJobNotFoundError, match="deadbeef"):
        TEXT.task().ended_jobs(too_large("deadbeef"))


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_job_that_is_running_when_it_is_queried_is_an_error(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    with pytest.raises(ImsError, match="status is now Created"):
        TEXT.task().ended_jobs(too_large(job_id))


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_task_that_runs_twice_reports_only_the_outputs_of_the_second_run(
    deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    task = AUDIO.task(deferrable=deferrable)
    for _ in range(2):
        # Airflow renders the arguments at the start of each phase.
        task.render_template_fields({})
        with suppress(TaskDeferred):
            task.execute({})
        if deferrable:
            trigger = ImsJobTrigger(
                family="smart",
                job_ids=[ims_emulator.jobs()[-1]["job_id"]],
                deadline=time.time() + 60,
                wait_started_at=time.time(),
                poll_interval=0.05,
            )
            task.render_template_fields({})
            task.execute_complete({}, run_trigger(trigger))
    assert len(task.get_openlineage_facets_on_complete(None).outputs) == 1
    assert task._job_id == ims_emulator.jobs()[-1]["job_id"]


def test_an_event_contains_the_failed_parts_and_the_usage_of_a_job(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
    events = [TaskRun(case.task(deferrable=True)) for case in (BATCH, TEXT)]
    batch, text = (run.attempt() for run in events)
    batch_job, text_job = (run.events[0]["jobs"][0] for run in events)
    assert (batch_job["partial"], batch_job["total_parts"]) == (True, 2)
    assert batch_job["failed_parts"] == batch["failed"]
    assert text_job["usage"] == text["usage"]
