"""AI images of VOD: SubmitAIImageJob, GetAIImageJobs, ListAIImageInfo."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from airflow_provider_ims.emulator import results
from airflow_provider_ims.emulator.actions import Phase
from airflow_provider_ims.emulator.clock import iso
from airflow_provider_ims.emulator.jobs import Jobs
from airflow_provider_ims.emulator.store import Job
from airflow_provider_ims.emulator.wire import dump

ACTION = "SubmitAIImageJob"
LINK_SECONDS = 3600
_TEMPLATE_CONFIG = {"Format": "gif", "SetDefaultCover": "true"}


def submit(jobs: Jobs, parameters: dict[str, str]) -> tuple[dict[str, Any], Job]:
    """Take an AI image job."""
    job = jobs.submit(ACTION, parameters, "AIImage")
    return {"JobId": job.job_id}, job


def get(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer GetAIImageJobs; what it does not know, it leaves out."""
    asked = dict.fromkeys(job_id.strip() for job_id in parameters["JobIds"].split(","))
    found = (jobs.store.job(job_id) for job_id in asked)
    return {"AIImageJobList": [_entry(jobs, job) for job in found if job is not None and job.action == ACTION]}


def list_info(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer ListAIImageInfo, with links that are good for an hour."""
    entries: list[dict[str, Any]] = []
    for job in jobs.store.jobs_of_video(parameters["VideoId"]):
        if jobs.phase(job) is Phase.SUCCEEDED:
            entries.extend(_info(jobs, job, number, image) for number, image in enumerate(found(jobs, job)))
    return {"AIImageInfoList": entries}


def found(jobs: Jobs, job: Job) -> list[dict[str, Any]]:
    """Return the scored images of a job."""
    return results.images(job.job_id, job.parameters["VideoId"], jobs.settings.region_id)


def _entry(jobs: Jobs, job: Job) -> dict[str, Any]:
    phase = jobs.phase(job)
    entry: dict[str, Any] = {
        "JobId": job.job_id,
        "VideoId": job.parameters["VideoId"],
        "TemplateId": job.parameters["AITemplateId"],
        "TemplateConfig": dump(_TEMPLATE_CONFIG),
        "CreationTime": iso(job.created),
    }
    if "UserData" in job.parameters:
        entry["UserData"] = job.parameters["UserData"]
    status = jobs.state(job)
    if phase < Phase.SUCCEEDED and job.pinned is None:
        status = jobs.settings.image_running_status or ""
    if status:
        entry["Status"] = status
    if phase is Phase.SUCCEEDED:
        entry.update(Code="Success", Message="success", AIImageResult=dump(found(jobs, job)))
    if phase is Phase.FAILED:
        entry.update(Code=job.error_code, Message=job.error_message)
    return entry


def _info(jobs: Jobs, job: Job, number: int, image: dict[str, Any]) -> dict[str, Any]:
    signature = results.stable_id(job.job_id, number, "signature")[:27] + "="
    query = {
        "Expires": int(jobs.clock.now()) + LINK_SECONDS,
        "OSSAccessKeyId": "LTAI" + results.stable_id("oss")[:16],
        "Signature": signature,
    }
    return {
        "AIImageInfoId": results.stable_id(job.job_id, number, "info"),
        "CreationTime": iso(job.ends),
        "FileURL": f"{image['Url']}?{urlencode(query)}",
        "Format": image["Url"].rpartition(".")[2],
        "JobId": job.job_id,
        "Score": str(image["Score"]),
        "Version": str(number + 1),
        "VideoId": job.parameters["VideoId"],
    }
