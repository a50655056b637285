"""
Batch jobs: batch video production, scene editing and highlights, queried with ``GetBatchMediaProducingJob``.

See https://help.aliyun.com/document_detail/2692547.html.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.kind import CLIENT_TOKEN, USER_DATA, JobKind
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.parameters import Parameter, declare
from airflow_provider_ims._jobs.payload import first_text, parse_json, read_fields, require_objects


def _refine(job: Job, entry: Mapping[str, Any]) -> Job:
    """
    Add the videos to the result, and correct the state of the job according to its sub-jobs.

    The status ``Finished`` of a job does not mean that all of its sub-jobs have ended.
    """
    by_status: dict[str, list[dict[str, Any]]] = {}
    # An unexpected format must not be read as an empty list. If it were, the job would count as failed, and a retry of
    # the task would submit a second batch.
    for index, sub_job in enumerate(require_objects(entry.get("SubJobList"), "SubJobList")):
        by_status.setdefault(str(sub_job.get("Status")).lower(), []).append({"index": index, **sub_job})
    succeeded, failed = by_status.pop("success", []), by_status.pop("failed", [])
    if by_status and job.state is JobState.SUCCEEDED:
        return replace(job, state=JobState.RUNNING)
    videos = [read_fields(one, "JobId", "MediaId", "MediaURL", "Duration") for one in succeeded]
    failures = [read_fields(one, "index", "JobId", "ErrorCode", "ErrorMessage") for one in failed]
    output = parse_json(entry.get("ExtendOutput"))
    result = {"videos": videos, **({"output": output} if output else {})}
    job = job.with_parts(result, failures, len(videos) + len(failures))
    if job.state is JobState.FAILED or videos or output:
        return job
    code, message = (first_text(entry, path) for path in BATCH.error)
    return replace(job, error_code=code, error_message=message).without_output("videos")


BATCH = JobFamily(
    name="batch",
    query_action="GetBatchMediaProducingJob",
    running=("Init", "Processing"),
    succeeded=("Finished",),
    failed=("Failed",),
    jobs="EditingBatchJob",
    error=("Extend.ErrorCode", "Extend.ErrorMessage"),
    parts="videos",
    refine=_refine,
    listing=Listing(
        action="ListBatchMediaProducingJobs",
        items="EditingBatchJobList",
        unfinished=("Init", "Processing"),
        newest_first="desc",
        oldest_first="asc",
        since="StartTime",
    ),
)


#: The fields that select the media; at least one is required.
_MEDIA = ("MediaGroupArray", "MediaArray", "MediaSearchInput")
# The keys are documented in https://help.aliyun.com/document_detail/2692547.html and on the page of each production
# mode.
_INPUT_KEYS = "MediaSearchInput SceneInfo Title SpeechText BackgroundMusic BackgroundMusicArray BackgroundImageArray"
_OUTPUT_KEYS = "FileName StorageLocation VodTemplateGroupId GeneratePreviewOnly Bitrate ..."
_STICKER = {"type": "object", "known": "MediaId MediaURL X Y Width Height DyncFrames Opacity"}
_SUB_HEADING = {"type": "object", "known": "Level TitleArray"}


def _check_batch_input(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    groups = content.get("MediaGroupArray") or []
    if not any(content.get(name) for name in _MEDIA):
        yield f".{next(name for name in _MEDIA if name in content)}", "is empty"
    for name, count in Counter(group.get("GroupName") for group in groups).items():
        if name is not None and count > 1:
            yield ".MediaGroupArray", f"GroupName {name!r} occurs {count} times; it must be unique"
    for index, group in enumerate(groups):
        if content.get("SpeechTextArray") and group.get("SpeechTextArray"):
            problem = "is set both here and in InputConfig.SpeechTextArray; set only one of them"
            yield f".MediaGroupArray[{index}].SpeechTextArray", problem


def _check_batch_output(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if content.get("Count", 1) > 1 and "MediaURL" in content and "{index}" not in content["MediaURL"]:
        yield ".MediaURL", "must contain {index} if Count is above 1; otherwise, the videos would overwrite each other"


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
                                "MediaArray": {"type": "array", "minItems": 1, "maxItems": 200},
                                "SpeechTextArray": _SPEECH_TEXTS,
                            },
                            "known": "Duration Volume SplitMode ...",
                        },
                    },
                    "MediaArray": {"type": "array"},
                    "SpeechTextArray": _SPEECH_TEXTS,
                    "TitleArray": {"type": "array", "maxItems": 50, "items": {"type": "string"}},
                    "SubHeadingArray": {"type": "array", "items": _SUB_HEADING},
                    "Sticker": _STICKER,
                    "StickerArray": {"type": "array", "items": _STICKER},
                },
                "anyOf": [{"required": [name]} for name in _MEDIA],
                "known": _INPUT_KEYS,
            },
            check=_check_batch_input,
        ),
        "EditingConfig:json{MediaConfig,TitleConfig,SubHeadingConfig,SpeechConfig,BackgroundMusicConfig,"
        "BackgroundImageConfig,ProcessConfig,...}",
        Parameter(
            "OutputConfig",
            is_json=True,
            required=True,
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
                "known": _OUTPUT_KEYS,
            },
            check=_check_batch_output,
        ),
        Parameter("TemplateConfig", is_json=True, schema={"type": "array"}),
        USER_DATA,
        CLIENT_TOKEN,
    ),
)

# It is not documented whether the listing contains the jobs of actions other than SubmitBatchMediaProducingJob.
# Therefore, if a search does not find such a job, the job may still exist.
BATCH_KINDS = (
    BATCH_MEDIA_PRODUCING,
    JobKind(
        title="scene media selection",
        submit_action="SubmitSceneMediaSelectionJob",
        family=BATCH,
        parameters=declare("JobType* InputConfig*:json OutputConfig*:json EditingConfig:json", USER_DATA),
    ),
    JobKind(
        title="scene timeline organization",
        submit_action="SubmitSceneTimelineOrganizationJob",
        family=BATCH,
        parameters=declare(
            "JobType* InputConfig*:json MediaSelectResult*:json OutputConfig*:json EditingConfig:json", USER_DATA
        ),
    ),
    JobKind(
        title="scene batch editing",
        submit_action="SubmitSceneBatchEditingJob",
        family=BATCH,
        parameters=declare("ProjectIds* OutputConfig*:json", USER_DATA),
    ),
    JobKind(
        title="screen media highlights",
        submit_action="SubmitScreenMediaHighlightsJob",
        family=BATCH,
        parameters=declare("InputConfig*:json EditingConfig:json OutputConfig*:json", USER_DATA),
    ),
    JobKind(
        title="sports highlights",
        submit_action="SubmitSportsHighlightsJob",
        family=BATCH,
        parameters=declare("InputConfig*:json OutputConfig*:json", USER_DATA, CLIENT_TOKEN),
    ),
)
