"""
Batch jobs: quick video production, told of by ``GetBatchMediaProducingJob``.

See https://help.aliyun.com/document_detail/2692547.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.listing import Listing
from airflow_provider_ims.jobs.payload import number, objects, parsed, text
from airflow_provider_ims.jobs.search import search_in

SUB_JOB_SUCCEEDED = "success"
SUB_JOB_FAILED = "failed"


def _video(sub_job: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "job_id": text(sub_job.get("JobId")),
        "media_id": text(sub_job.get("MediaId")),
        "media_url": text(sub_job.get("MediaURL")),
        "duration": number(sub_job.get("Duration")),
    }


def _failure(sub_job: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "job_id": text(sub_job.get("JobId")),
        "error_code": text(sub_job.get("ErrorCode")),
        "error_message": text(sub_job.get("ErrorMessage")),
    }


def _read(family: JobFamily, body: Mapping[str, Any]) -> Iterator[Job]:
    job = body["EditingBatchJob"]
    status = text(job["Status"]) or ""
    state = family.state_of(status)
    error = parsed(job.get("Extend"))
    error = error if isinstance(error, dict) else {}
    error_code, error_message = text(error.get("ErrorCode")), text(error.get("ErrorMessage"))
    sub_jobs = objects(job.get("SubJobList") or [])
    if sub_jobs is None:
        # Not read as "no videos": that is a failure, after which a retry pays for the batch again.
        raise TypeError("SubJobList is no list of objects")
    by_status: dict[str, list[dict[str, Any]]] = {}
    for sub_job in sub_jobs:
        by_status.setdefault(str(sub_job.get("Status")).lower(), []).append(sub_job)
    videos = [_video(sub_job) for sub_job in by_status.pop(SUB_JOB_SUCCEEDED, ())]
    failed = [_failure(sub_job) for sub_job in by_status.pop(SUB_JOB_FAILED, ())]
    result: dict[str, Any] = {"videos": videos, "failed": failed}
    output = parsed(job.get("ExtendOutput"))
    if output:
        result["output"] = output
    if state is JobState.SUCCEEDED:
        # Finished says that the main job ended; what came of it only the sub-jobs say.
        if by_status:
            state = JobState.RUNNING
        elif not videos and not output:
            state = JobState.FAILED
            error_code = error_code or next((item["error_code"] for item in failed), None)
            reasons = "; ".join(sorted({item["error_message"] or "no reason given" for item in failed}))
            error_message = error_message or f"none of {len(failed)} videos was produced: {reasons or 'none was begun'}"
    yield Job(
        id=text(job["JobId"]) or "",
        state=state,
        status=status,
        result=result if state is not JobState.RUNNING else {},
        error_code=error_code,
        error_message=error_message,
        request_id=text(body.get("RequestId")),
    )


_LISTING = Listing(
    action="ListBatchMediaProducingJobs",
    items="EditingBatchJobList",
    status="Status",
    with_status="Status",
    newest_first="desc",
    oldest_first="asc",
    since="StartTime",
)

BATCH = JobFamily(
    name="batch",
    query_action="GetBatchMediaProducingJob",
    id_parameter="JobId",
    ids_per_query=1,
    first_status="Init",
    end_states=MappingProxyType({"finished": JobState.SUCCEEDED, "failed": JobState.FAILED}),
    read=_read,
    search=search_in(_LISTING),
    search_lag=30,
    listing=_LISTING,
    unfinished=("Init", "Processing"),
)
