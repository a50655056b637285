"""
Smart jobs: text generation, audio production and the other jobs that ``GetSmartHandleJob`` queries.

``JobResult.AiResult`` is a JSON string whose format depends on the job type. For examples, see
https://help.aliyun.com/document_detail/440953.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.kind import CLIENT_TOKEN, TITLE, USER_DATA, JobKind
from airflow_provider_ims._jobs.listing import Listing
from airflow_provider_ims._jobs.parameters import Parameter, declare
from airflow_provider_ims._jobs.payload import as_objects, as_text, parse_json, read_fields, token_usage


def _refine(job: Job, entry: Mapping[str, Any]) -> Job:
    """Add the result, which depends on the job type."""
    if job.state is JobState.FAILED:
        return job
    job_type = (entry.get("SmartJobInfo") or {}).get("JobType")
    job_result = entry.get("JobResult") or {}
    ai_result = parse_json(job_result.get("AiResult"))
    usage = token_usage(job_result.get("Usage"))
    if job_type == "TextGenerate":
        items = ai_result if isinstance(ai_result, list) else [ai_result] if ai_result else []
        texts = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in items]
        return replace(job, result={"texts": texts, "usage": usage}, usage=usage)
    media = read_fields(job_result, "MediaId", "MediaUrl")
    if job_type not in ("TextToSpeech", "ASR"):
        return replace(job, result={**media, "ai_result": ai_result, "usage": usage}, usage=usage)
    sentences = as_objects(ai_result)
    unread = {"ai_result": ai_result} if sentences is None and ai_result else {}
    return replace(job, result={**media, "sentences": [_sentence(one) for one in sentences or ()], **unread})


def _check_audio_output(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if content["object"].lower().endswith(_AUDIO_EXTENSIONS):
        yield (
            ".object",
            f"{content['object']!r} must not have a file extension, because the service appends one",
        )


def _sentence(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": as_text(fields.get("content")) or "", **read_fields(fields, "from", "to")}


SMART = JobFamily(
    name="smart",
    query_action="GetSmartHandleJob",
    running=("Created", "Executing"),
    succeeded=("Finished",),
    failed=("Failed",),
    status="State",
    error=("ErrorCode", "ErrorMessage"),
    refine=_refine,
    # According to the documentation, the listing contains only jobs of certain types. A search in it does not find jobs
    # of the other types.
    listing=Listing(
        action="ListSmartJobs",
        items="SmartJobList",
        unfinished=("Created", "Executing"),
        newest_first="CreationTime:Desc",
        oldest_first="CreationTime:Asc",
        status="JobState",
        with_status="JobState",
    ),
)

_AUDIO_FORMATS = ("PCM", "WAV", "MP3")
_AUDIO_EXTENSIONS = tuple(f".{one.lower()}" for one in _AUDIO_FORMATS)
_DESCRIPTION = Parameter("Description", max_bytes=1024)
_SHORT_DESCRIPTION = Parameter("Description", max_bytes=128)

TEXT_GENERATE = JobKind(
    title="text generation",
    submit_action="SubmitTextGenerateJob",
    family=SMART,
    parameters=declare(
        TITLE,
        _DESCRIPTION,
        Parameter("Type", choices=("MarketingCopy", "Title", "StoryboardScript")),
        Parameter(
            "GenerateConfig",
            required=True,
            is_json=True,
            schema={
                "type": "object",
                "properties": {
                    "keywords": {"type": "string"},
                    "textLength": {"type": "integer", "minimum": 5, "maximum": 1000},
                    "targetCount": {"type": "integer", "minimum": 1, "maximum": 1000},
                    "originText": {"type": "string"},
                },
                "anyOf": [{"required": ["keywords", "textLength", "targetCount"]}, {"required": ["originText"]}],
                "known": "",
            },
        ),
        USER_DATA,
    ),
)

AUDIO_PRODUCE = JobKind(
    title="audio production",
    submit_action="SubmitAudioProduceJob",
    family=SMART,
    search_is_conclusive=True,
    parameters=declare(
        Parameter(
            "EditingConfig",
            required=True,
            is_json=True,
            schema={
                "type": "object",
                "properties": {
                    "voice": {"type": "string"},
                    "customizedVoice": {"type": "string"},
                    "format": {"enum": list(_AUDIO_FORMATS)},
                    "volume": {"type": "integer", "minimum": 0, "maximum": 100},
                    "speech_rate": {"type": "integer", "minimum": -500, "maximum": 500},
                    "pitch_rate": {"type": "integer", "minimum": -500, "maximum": 500},
                },
                # Responses contain this key, but the documentation does not list it for requests.
                "known": "sample_rate",
            },
        ),
        Parameter(
            "OutputConfig",
            required=True,
            is_json=True,
            schema={
                "type": "object",
                "properties": {"bucket": {"type": "string"}, "object": {"type": "string"}},
                "required": ["bucket", "object"],
                "known": "",
            },
            check=_check_audio_output,
        ),
        "InputConfig*:script",
        TITLE,
        _DESCRIPTION,
        USER_DATA,
        "Overwrite:flag",
    ),
)

SMART_KINDS = (
    TEXT_GENERATE,
    AUDIO_PRODUCE,
    JobKind(
        title="speech recognition",
        submit_action="SubmitASRJob",
        family=SMART,
        search_is_conclusive=True,
        parameters=declare("InputFile* StartTime Duration EditingConfig:json", TITLE, _SHORT_DESCRIPTION, USER_DATA),
    ),
    JobKind(
        title="video translation",
        submit_action="SubmitVideoTranslationJob",
        family=SMART,
        job_id="Data.JobId",
        parameters=declare(
            "InputConfig*:json EditingConfig:json OutputConfig*:json Title Description", USER_DATA, CLIENT_TOKEN
        ),
    ),
    JobKind(
        title="avatar video",
        submit_action="SubmitAvatarVideoJob",
        family=SMART,
        parameters=declare(
            "InputConfig*:json EditingConfig:json OutputConfig:json", TITLE, _SHORT_DESCRIPTION, USER_DATA
        ),
    ),
    JobKind(
        title="segmentation",
        submit_action="SubmitSegmentationJob",
        family=SMART,
        parameters=declare("InputConfig*:json JobParams:json OutputConfig:json", USER_DATA, CLIENT_TOKEN),
    ),
    JobKind(
        title="highlight extraction",
        submit_action="SubmitHighlightExtractionJob",
        family=SMART,
        parameters=declare("InputConfig*:json OutputConfig:json", USER_DATA, CLIENT_TOKEN),
    ),
    JobKind(
        title="dynamic chart",
        submit_action="SubmitDynamicChartJob",
        family=SMART,
        search_is_conclusive=True,
        parameters=declare(
            "ChartType* Input*:json OutputConfig*:json ChartConfig:json ChartTitle:json Subtitle:json AxisParams:json",
            "Background:json DataSource:json Unit:json Title Description",
            USER_DATA,
        ),
    ),
)
