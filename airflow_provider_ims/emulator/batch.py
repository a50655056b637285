"""Batches of videos: SubmitBatchMediaProducingJob, GetBatchMediaProducingJob, ListBatchMediaProducingJobs."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.emulator import results
from airflow_provider_ims.emulator.actions import BATCH, SUB_JOB, Phase
from airflow_provider_ims.emulator.clock import from_iso, iso
from airflow_provider_ims.emulator.jobs import Jobs, job_type_of_batch, part_count
from airflow_provider_ims.emulator.listing import Page
from airflow_provider_ims.emulator.store import Filter, Job
from airflow_provider_ims.emulator.wire import dump

ACTION = "SubmitBatchMediaProducingJob"
ORGANIZATION = "SubmitSceneTimelineOrganizationJob"
ACTIONS = (
    ACTION,
    "SubmitSceneMediaSelectionJob",
    ORGANIZATION,
    "SubmitSceneBatchEditingJob",
    "SubmitScreenMediaHighlightsJob",
    "SubmitSportsHighlightsJob",
)


def submit(jobs: Jobs, parameters: dict[str, str], action: str = ACTION) -> tuple[dict[str, Any], Job]:
    """Take a batch, or find the one that the ClientToken already made."""
    job = jobs.submit(action, parameters, job_type_of_batch(action, parameters))
    return {"JobId": job.job_id}, job


def get(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer GetBatchMediaProducingJob."""
    job = jobs.asked_for(parameters["JobId"], *ACTIONS)
    if job is None:
        return {}
    return {
        "EditingBatchJob": {
            **_main(jobs, job),
            "ExtendInput": job.parameters.get("MediaSelectResult") or dump(_projects(job)),
            "ExtendOutput": dump(_selected(jobs, job)),
            "SubJobList": sub_jobs(jobs, job),
        }
    }


def list_jobs(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer ListBatchMediaProducingJobs."""
    status = parameters.get("Status")
    wanted = Filter(
        actions=ACTIONS,
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
    count = part_count(job) or 0
    if job.action == ORGANIZATION:
        # It makes a project, and no video.
        count = 1
    return [_sub_job(jobs, job, index, count) for index in range(count)]


def _projects(job: Job) -> dict[str, Any]:
    ids = job.parameters.get("ProjectIds")
    return {"ProjectIds": ids.split(",")} if ids else {}


def _selected(jobs: Jobs, job: Job) -> dict[str, Any]:
    chosen = job.action == "SubmitSceneMediaSelectionJob" and jobs.phase(job) is Phase.SUCCEEDED
    return results.media_selection(job.parameters) if chosen else {}


def _sub_job(jobs: Jobs, job: Job, index: int, count: int) -> dict[str, Any]:
    phase = jobs.part_phase(job, index, count)
    sub_job: dict[str, Any] = {
        "JobId": results.stable_id(job.job_id, index),
        "ProjectId": results.stable_id(job.job_id, index, "project"),
        "Status": SUB_JOB[phase],
    }
    if phase is Phase.SUCCEEDED and job.action != ORGANIZATION:
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
