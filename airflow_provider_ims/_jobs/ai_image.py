"""
AI image jobs of ApsaraVideo VOD, queried with ``GetAIImageJobs``, at most ten per request.

See https://help.aliyun.com/document_detail/186923.html. The status of a running job and the response for an unknown id
are not documented. Any status other than ``Success`` and ``Fail`` is treated as running. A job that is missing from the
response is treated as not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.listing import listed
from airflow_provider_ims._jobs.marker import MAX_USER_DATA
from airflow_provider_ims._jobs.parameters import Parameter, declare
from airflow_provider_ims._jobs.payload import as_objects, parse_json, read_fields
from airflow_provider_ims._jobs.search import Search, earliest
from airflow_provider_ims.exceptions import ImsResourceNotFoundError
from airflow_provider_ims.hooks._actions import VOD


def _refine(job: Job, entry: Mapping[str, Any]) -> Job:
    """Add the images to the result."""
    if job.state is JobState.FAILED:
        return job
    ai_result = parse_json(entry.get("AIImageResult"))
    images = as_objects(ai_result)
    unread = {"ai_result": ai_result} if images is None and ai_result else {}
    return replace(
        job, result={**job.result, "images": [read_fields(one, "Score", "Url") for one in images or ()], **unread}
    )


def _search(hook: ApiCaller, submitted: Mapping[str, str], since: float) -> Iterator[tuple[Any, str]]:
    """
    Find the jobs that generated images from the video in the submit parameters.

    Running and failed jobs have no images and are not found.
    """
    try:
        listing = hook.call("ListAIImageInfo", {"VideoId": submitted["VideoId"]})
    except ImsResourceNotFoundError:
        return
    job_ids = {
        str(image.get("JobId"))
        # A response without the list is treated as an empty list, because the video may have no images. This is
        # acceptable, because a search for AI image jobs is never treated as proof that no job exists.
        for image in listed({"AIImageInfoList": [], **listing}, "AIImageInfoList", "ListAIImageInfo")
        if str(image.get("CreationTime") or "~") >= earliest(since)
    }
    for some in chunks(sorted(job_ids), AI_IMAGE.ids_per_query):
        jobs = hook.call("GetAIImageJobs", {"JobIds": ",".join(some)})
        for job in listed(jobs, "AIImageJobList", "GetAIImageJobs"):
            yield job.get("UserData"), str(job.get("JobId"))


AI_IMAGE = JobFamily(
    name="ai_image",
    product=VOD,
    query_action="GetAIImageJobs",
    id_parameter="JobIds",
    ids_per_query=10,
    # This status is not documented. The provider uses it for a job that was just accepted.
    running=("submitted",),
    jobs="AIImageJobList[]",
    result=("VideoId",),
    refine=_refine,
    search=Search("ListAIImageInfo", _search, parameters=("VideoId",)),
    # A search finds a job through its images, so it cannot find the job before they exist.
    search_lag=300,
)

AI_IMAGE_JOB = JobKind(
    title="AI image",
    submit_action="SubmitAIImageJob",
    family=AI_IMAGE,
    marker_under="Extend",
    regions=("cn-beijing", "cn-shanghai"),
    parameters=declare(
        "VideoId* AITemplateId* AIPipelineId",
        Parameter(
            "UserData",
            is_json=True,
            max_bytes=MAX_USER_DATA,
            schema={"type": "object", "anyOf": [{"required": ["MessageCallback"]}, {"required": ["Extend"]}]},
        ),
    ),
)
