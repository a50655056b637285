"""
Batch jobs: quick video production, queried with ``GetBatchMediaProducingJob``.

See https://help.aliyun.com/document_detail/2692547.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ims.hooks.actions import ICE
from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.kind import CLIENT_TOKEN, USER_DATA, JobKind
from airflow_provider_ims.jobs.listing import Listing
from airflow_provider_ims.jobs.parameters import Parameter, declare
from airflow_provider_ims.jobs.payload import first, number, objects, parsed, text
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


def _by_its_videos(job: Job, entry: Mapping[str, Any]) -> Job:
    """Set the state from the sub-jobs, because ``Finished`` means only that the main job has ended."""
    sub_jobs = objects(entry.get("SubJobList") or [])
    if sub_jobs is None:
        # Without sub-jobs the batch would fail, and a retry would pay for it again. This is a malformed response.
        raise TypeError("SubJobList is no list of objects")
    if job.state is JobState.RUNNING:
        return job
    by_status: dict[str, list[dict[str, Any]]] = {}
    for sub_job in sub_jobs:
        by_status.setdefault(str(sub_job.get("Status")).lower(), []).append(sub_job)
    videos = [_video(sub_job) for sub_job in by_status.pop(SUB_JOB_SUCCEEDED, ())]
    failed = [_failure(sub_job) for sub_job in by_status.pop(SUB_JOB_FAILED, ())]
    result: dict[str, Any] = {"videos": videos, "failed": failed}
    if output := parsed(entry.get("ExtendOutput")):
        result["output"] = output
    if job.state is JobState.FAILED:
        return replace(job, result=result)
    if by_status:
        return replace(job, state=JobState.RUNNING)
    if videos or output:
        return replace(job, result=result)
    code, message = first(entry, BATCH.error_code), first(entry, BATCH.error_message)
    reasons = "; ".join(sorted({item["error_message"] or "no reason given" for item in failed}))
    return replace(
        job,
        state=JobState.FAILED,
        result=result,
        error_code=code or next((item["error_code"] for item in failed), None),
        error_message=message or f"none of {len(failed)} videos was produced: {reasons or 'none was begun'}",
    )


_LISTING = Listing(
    action="ListBatchMediaProducingJobs",
    items="EditingBatchJobList",
    unfinished=("Init", "Processing"),
    newest_first="desc",
    oldest_first="asc",
    since="StartTime",
)

BATCH = JobFamily(
    name="batch",
    product=ICE,
    query_action="GetBatchMediaProducingJob",
    running=("Init", "Processing"),
    succeeded=("Finished",),
    failed=("Failed",),
    jobs="EditingBatchJob",
    error_code="Extend.ErrorCode",
    error_message="Extend.ErrorMessage",
    parts="videos",
    refine=_by_its_videos,
    search=search_in(_LISTING),
    listing=_LISTING,
)


def _check_batch_input(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    groups = content.get("MediaGroupArray") or []
    names = [group.get("GroupName") for group in groups if group.get("GroupName") is not None]
    for name in names:
        if names.count(name) > 1:
            yield (
                "MediaGroupArray",
                f"GroupName {name!r} stands there {names.count(name)} times, it must be unique",
            )
    if content.get("SpeechTextArray"):
        for index, group in enumerate(groups):
            if group.get("SpeechTextArray"):
                yield (
                    f"MediaGroupArray.{index}.SpeechTextArray",
                    "speech is given both for all and in this group; only one of them is allowed",
                )


def _check_batch_output(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if content.get("Count", 1) > 1 and "MediaURL" in content and "{index}" not in content["MediaURL"]:
        yield "MediaURL", "needs {index} when Count is above 1, or the videos overwrite each other"


_SPEECH_TEXTS = {"type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 1000}}

BATCH_MEDIA_PRODUCING = JobKind(
    title="batch video production",
    submit_action="SubmitBatchMediaProducingJob",
    family=BATCH,
    parameters=declare(
        Parameter(
            "InputConfig",
            is_json=True,
            required=True,
            schema={
                "type": "object",
                "properties": {
                    "MediaGroupArray": {
                        "type": "array",
                        "maxItems": 40,
                        "items": {
                            "type": "object",
                            "properties": {
                                "GroupName": {"type": "string", "maxLength": 50},
                                "MediaArray": {"type": "array", "maxItems": 200},
                                "SpeechTextArray": _SPEECH_TEXTS,
                            },
                        },
                    },
                    "MediaArray": {"type": "array"},
                    "SpeechTextArray": _SPEECH_TEXTS,
                    "TitleArray": {"type": "array", "maxItems": 50, "items": {"type": "string"}},
                },
                "anyOf": [
                    {"required": ["MediaGroupArray"]},
                    {"required": ["MediaArray"]},
                    {"required": ["MediaSearchInput"]},
                ],
            },
            check=_check_batch_input,
        ),
        Parameter("EditingConfig", is_json=True, schema={"type": "object"}),
        Parameter(
            "OutputConfig",
            is_json=True,
            schema={
                "type": "object",
                "properties": {
                    "MediaURL": {"type": "string"},
                    "Count": {"type": "integer", "minimum": 1},
                    "Width": {"type": "integer"},
                    "Height": {"type": "integer"},
                    "MaxDuration": {"type": "number"},
                    "FixedDuration": {"type": "number"},
                    "Video": {"type": "object", "properties": {"Crf": {"type": "integer"}}},
                },
            },
            check=_check_batch_output,
        ),
        Parameter("TemplateConfig", is_json=True, schema={"type": "array"}),
        USER_DATA,
        CLIENT_TOKEN,
    ),
)

# It is not documented whether the listing contains the jobs of the other actions, so a search for them is inconclusive.
BATCH_KINDS = (
    BATCH_MEDIA_PRODUCING,
    JobKind(
        title="scene media selection",
        submit_action="SubmitSceneMediaSelectionJob",
        family=BATCH,
        parameters=declare("JobType*", "InputConfig*:json", "OutputConfig*:json", "EditingConfig:json", USER_DATA),
    ),
    JobKind(
        title="scene timeline organization",
        submit_action="SubmitSceneTimelineOrganizationJob",
        family=BATCH,
        parameters=declare(
            "JobType*",
            "InputConfig*:json",
            "MediaSelectResult*:json",
            "OutputConfig*:json",
            "EditingConfig:json",
            USER_DATA,
        ),
    ),
    JobKind(
        title="scene batch editing",
        submit_action="SubmitSceneBatchEditingJob",
        family=BATCH,
        parameters=declare("ProjectIds*", "OutputConfig*:json", USER_DATA),
    ),
    JobKind(
        title="screen media highlights",
        submit_action="SubmitScreenMediaHighlightsJob",
        family=BATCH,
        parameters=declare("InputConfig:json", "EditingConfig:json", "OutputConfig:json", USER_DATA),
    ),
    JobKind(
        title="sports highlights",
        submit_action="SubmitSportsHighlightsJob",
        family=BATCH,
        parameters=declare("InputConfig:json", "OutputConfig:json", USER_DATA, CLIENT_TOKEN),
    ),
)
