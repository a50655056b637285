"""
AI image jobs of ApsaraVideo VOD, told of by ``GetAIImageJobs``, ten at a time.

See https://help.aliyun.com/document_detail/186923.html. What the service says of a job that runs, and of an id
that it does not know, is not documented: every word but the two documented ones means running, and an id that is
absent from the answer is unknown for now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsResourceNotFoundError
from airflow_provider_ims.hooks.actions import VOD
from airflow_provider_ims.jobs.family import JobFamily, chunks
from airflow_provider_ims.jobs.kind import JobKind
from airflow_provider_ims.jobs.listing import listed
from airflow_provider_ims.jobs.marker import MAX_USER_DATA
from airflow_provider_ims.jobs.parameters import Parameter, declare
from airflow_provider_ims.jobs.payload import number, objects, parsed, text
from airflow_provider_ims.jobs.search import Search, earliest

if TYPE_CHECKING:
    from airflow_provider_ims.jobs.api_caller import ApiCaller


def _images(job: Mapping[str, Any]) -> dict[str, Any]:
    ai_result = parsed(job.get("AIImageResult"))
    images = objects(ai_result)
    result: dict[str, Any] = {
        "video_id": text(job.get("VideoId")),
        "images": [{"score": number(image.get("Score")), "url": text(image.get("Url"))} for image in images or ()],
    }
    if images is None and ai_result:
        result["ai_result"] = ai_result
    return result


def _search(hook: ApiCaller, submitted: Mapping[str, str], since: float) -> Iterator[tuple[Any, str]]:
    """Find the jobs that drew images of the video; one that still runs, or failed, cannot be found."""
    try:
        drawn = hook.call("ListAIImageInfo", {"VideoId": submitted["VideoId"]})
    except ImsResourceNotFoundError:
        return
    job_ids = {
        str(image.get("JobId"))
        # It has no other field by which an empty list could be told from nothing; a search here proves nothing anyway.
        for image in listed({"AIImageInfoList": [], **drawn}, "AIImageInfoList", "ListAIImageInfo")
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
    # Not documented; a word of ours for what was just accepted.
    running=("submitted",),
    succeeded=("success",),
    failed=("fail",),
    jobs="AIImageJobList[]",
    result=_images,
    search=Search("ListAIImageInfo", _search),
    # A job is found by its images, so not before they are drawn.
    search_lag=300,
)

AI_IMAGE_JOB = JobKind(
    title="AI image",
    submit_action="SubmitAIImageJob",
    family=AI_IMAGE,
    marker_under="Extend",
    parameters=declare(
        "VideoId*",
        "AITemplateId*",
        "AIPipelineId",
        Parameter(
            "UserData",
            is_json=True,
            max_bytes=MAX_USER_DATA,
            schema={"type": "object", "anyOf": [{"required": ["MessageCallback"]}, {"required": ["Extend"]}]},
        ),
    ),
)
