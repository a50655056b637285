"""Batches of videos: SubmitBatchMediaProducingJob, GetBatchMediaProducingJob, ListBatchMediaProducingJobs."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.emulator import results
from airflow_provider_ims.emulator.actions import BATCH, SUB_JOB, Phase
from airflow_provider_ims.emulator.clock import from_iso, iso
from airflow_provider_ims.emulator.jobs import Jobs, job_type_of_batch
from airflow_provider_ims.emulator.listing import Page
from airflow_provider_ims.emulator.store import Filter, Job
from airflow_provider_ims.emulator.wire import dump

ACTION = "SubmitBatchMediaProducingJob"


def submit(jobs: Jobs, parameters: dict[str, str]) -> tuple[dict[str, Any], Job]:
    """Take a batch, or find the one that the ClientToken already made."""
    job = jobs.submit(ACTION, parameters, job_type_of_batch(parameters))
    return {"JobId": job.job_id}, job


def get(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer GetBatchMediaProducingJob."""
    job = jobs.asked_for(parameters["JobId"], ACTION)
    if job is None:
        return {}
    # The extended fields speak of job types that other actions submit; these have nothing to say there.
    return {
        "EditingBatchJob": {
            **_main(jobs, job),
            "ExtendInput": "{}",
            "ExtendOutput": "{}",
            "SubJobList": sub_jobs(jobs, job),
        }
    }


def list_jobs(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer ListBatchMediaProducingJobs."""
    status = parameters.get("Status")
    wanted = Filter(
        actions=(ACTION,),
        job_id=parameters.get("JobId"),
        job_type=parameters.get("JobType"),
        shown=(Phase(BATCH.index(status)), status) if status else None,
        created_from=from_iso(parameters["StartTime"]) if "StartTime" in parameters else None,
        # Times are told in whole seconds: a job made within the last one belongs to the range.
        created_to=from_iso(parameters["EndTime"]) + 1 if "EndTime" in parameters else None,
    )
    page = Page.of(parameters, oldest_first="asc")
    found, token = page.take(jobs.store, wanted, jobs.clock.now())
    return {
        "EditingBatchJobList": [_main(jobs, job) for job in found],
        "MaxResults": page.size,
        "NextToken": token,
    }


def sub_jobs(jobs: Jobs, job: Job) -> list[dict[str, Any]]:
    """Return the sub-jobs of a batch, one per video."""
    count = results.video_count(job.parameters)
    return [_sub_job(jobs, job, index, count) for index in range(count)]


def _sub_job(jobs: Jobs, job: Job, index: int, count: int) -> dict[str, Any]:
    phase = jobs.part_phase(job, index, count)
    sub_job: dict[str, Any] = {
        "JobId": results.stable_id(job.job_id, index),
        "ProjectId": results.stable_id(job.job_id, index, "project"),
        "Status": SUB_JOB[phase],
    }
    if phase is Phase.SUCCEEDED:
        sub_job.update(results.video(job.job_id, job.parameters, index, jobs.settings.region_id))
    if phase is Phase.FAILED:
        sub_job["ErrorCode"], sub_job["ErrorMessage"] = jobs.part_error(job, index) or ("", "")
    return sub_job


def _main(jobs: Jobs, job: Job) -> dict[str, Any]:
    phase = jobs.phase(job)
    main: dict[str, Any] = {
        "JobId": job.job_id,
        "JobType": job.job_type,
        "Status": jobs.state(job),
        "CreateTime": iso(job.created),
        "ModifiedTime": iso(jobs.modified(job)),
        "Extend": "{}",
    }
    for name in ("InputConfig", "EditingConfig", "OutputConfig", "UserData"):
        if name in job.parameters:
            main[name] = job.parameters[name]
    if phase >= Phase.SUCCEEDED:
        main["CompleteTime"] = iso(job.ends)
    if phase is Phase.FAILED:
        main["Extend"] = dump({"ErrorCode": job.error_code, "ErrorMessage": job.error_message})
    return main
