from __future__ import annotations

from typing import Any

import pytest
from support.cases import IMAGE, TEXT
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsJobNotFoundError


def too_large(*job_ids: str) -> dict[str, Any]:
    return {"status": "ended", "job_ids": list(job_ids), "jobs": None}


def test_jobs_too_large_for_an_event_are_fetched_as_many_as_a_call_takes(ims_emulator: ImsEmulator) -> None:
    job_ids = [run_task(IMAGE.task(wait_for_completion=False))["job_id"] for _ in range(12)]
    jobs, _ = IMAGE.task().ended_jobs(too_large(*job_ids))
    assert [job.id for job in jobs] == job_ids
    assert len(ims_emulator.requests("GetAIImageJobs")) == 2


def test_a_job_that_is_gone_when_it_is_fetched_is_told(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsJobNotFoundError, match="deadbeef"):
        TEXT.task().ended_jobs(too_large("deadbeef"))


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_job_that_runs_when_it_is_fetched_is_told(ims_emulator: ImsEmulator) -> None:
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    with pytest.raises(ImsError, match="is Created now"):
        TEXT.task().ended_jobs(too_large(job_id))
