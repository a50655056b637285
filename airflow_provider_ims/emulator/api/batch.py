"""
Batch jobs, which are queried with ``GetBatchMediaProducingJob``.

A batch job (the main job) has one sub-job for each video or project that it creates. See
https://help.aliyun.com/document_detail/2692547.html.
"""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid, missing
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import (
    VIDEO_SECONDS,
    Fields,
    JobFamily,
    JobKind,
    JobView,
    Listing,
    stable_id,
)
from airflow_provider_ims.emulator.api.parameters import (
    MAX_NUMBER,
    Parameters,
    declare,
    integer_field,
    is_number,
    string_field,
    strings,
)
from airflow_provider_ims.emulator.api.parts import Part, Parts
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

MAX_GROUPS = 40
MAX_MEDIA_PER_GROUP = 200
MAX_GROUP_NAME = 50
MAX_SPEECH_TEXTS = 50
MAX_SPEECH_TEXT = 1_000
MAX_TITLES = 50
MAX_VIDEOS = 100
CLIP_SECONDS = 3.0

STATES = ("Init", "Processing", "Finished", "Failed")
SUB_JOB_STATES = ("Init", "Processing", "Success", "Failed")


def _check_input_config(config: Fields, name: str, _: Parameters) -> None:
    if config.get("MediaGroupArray"):
        _check_groups(config["MediaGroupArray"], f"{name}.MediaGroupArray", bool(config.get("SpeechTextArray")))
    elif config.get("MediaArray"):
        strings(config["MediaArray"], f"{name}.MediaArray")
    elif not config.get("MediaSearchInput"):
        raise missing(name, detail="MediaGroupArray, MediaArray or MediaSearchInput is required.")
    if config.get("SpeechTextArray"):
        _check_speech(config["SpeechTextArray"], f"{name}.SpeechTextArray")
    if config.get("TitleArray"):
        strings(config["TitleArray"], f"{name}.TitleArray", MAX_TITLES)


def _check_groups(groups: Any, name: str, has_global_speech: bool) -> None:
    if not isinstance(groups, list) or len(groups) > MAX_GROUPS:
        raise invalid(name, f"It must be an array of up to {MAX_GROUPS} groups.")
    group_names: set[str] = set()
    for number, group in enumerate(groups):
        path = f"{name}[{number}]"
        if not isinstance(group, dict):
            raise invalid(path, "It must be an object.")
        group_name = string_field(group, "GroupName", path)
        if group_name is not None:
            if len(group_name) > MAX_GROUP_NAME:
                raise invalid(f"{path}.GroupName", f"It can contain up to {MAX_GROUP_NAME} characters.")
            if group_name in group_names:
                raise invalid(f"{path}.GroupName", f"Another group has the name {group_name}.")
            group_names.add(group_name)
        if not group.get("MediaArray"):
            raise missing(f"{path}.MediaArray")
        strings(group["MediaArray"], f"{path}.MediaArray", MAX_MEDIA_PER_GROUP)
        if group.get("SpeechTextArray"):
            if has_global_speech:
                raise invalid(f"{path}.SpeechTextArray", "It cannot be combined with InputConfig.SpeechTextArray.")
            _check_speech(group["SpeechTextArray"], f"{path}.SpeechTextArray")


def _check_speech(value: Any, name: str) -> None:
    strings(value, name, MAX_SPEECH_TEXTS)
    for number, text in enumerate(value):
        if len(text) > MAX_SPEECH_TEXT:
            raise invalid(f"{name}[{number}]", f"It can contain up to {MAX_SPEECH_TEXT} characters.")


def _check_output_config(config: Fields, name: str, _: Parameters) -> None:
    count = integer_field(config, "Count", name, 1, MAX_VIDEOS)
    for field in ("Width", "Height"):
        integer_field(config, field, name, 1)
    for field in ("MaxDuration", "FixedDuration"):
        if config.get(field) is not None and (not is_number(config[field]) or float(config[field]) <= 0):
            raise invalid(
                f"{name}.{field}", f"It must be a number of seconds greater than 0 and less than {MAX_NUMBER}."
            )
    if not config.get("MediaURL"):
        # MediaURL is not required if the videos are stored in VOD, or if the job only creates projects for a preview.
        if config.get("GeneratePreviewOnly") is True or (config.get("StorageLocation") and config.get("FileName")):
            return
        raise missing(f"{name}.MediaURL")
    string_field(config, "MediaURL", name)
    if (count or 1) > 1 and "{index}" not in config["MediaURL"]:
        raise invalid(f"{name}.MediaURL", "It must contain the placeholder {index} if Count is greater than 1.")


def _check_template_config(template_ids: list[Any], name: str, _: Parameters) -> None:
    strings(template_ids, name)


def _main_job(view: JobView) -> Fields:
    return {
        "JobType": view.job.job_type,
        "ModifiedTime": iso(view.modified),
        "Extend": "{}",
        **view.given("InputConfig", "EditingConfig", "OutputConfig"),
        "ExtendInput": _extend_input(view.parameters),
        "ExtendOutput": "{}",
    }


def _extend_input(parameters: Parameters) -> str:
    """Return the project ids or the selected media in the request, which are the output of an earlier job."""
    if "ProjectIds" in parameters:
        return dump(parameters["ProjectIds"].split(","))
    return parameters.get("MediaSelectResult") or "{}"


def _selected_media(view: JobView) -> Fields:
    """Return the selected media: for each video, one clip for each item of ``SpeechTextArray``, but at least one."""
    config = view.json("InputConfig")
    media = config.get("MediaArray")
    media = media if isinstance(media, list) and media else [stable_id("media")]
    speech = config.get("SpeechTextArray")
    texts = [str(text) for text in speech] if isinstance(speech, list) else []
    sentences = [{"text": text, "textId": str(index)} for index, text in enumerate(texts)] or [{"textId": "0"}]
    chosen = [
        {**sentence, "duration": CLIP_SECONDS, "matchClipList": [_clip(str(media[index % len(media)]), index)]}
        for index, sentence in enumerate(sentences)
    ]
    count = view.json("OutputConfig").get("Count")
    videos = [{"textMatchMediaSentenceOutputList": chosen}] * (min(count, MAX_VIDEOS) if type(count) is int else 1)
    return {"ExtendOutput": dump({"textMatchMediaOutputList": videos})}


def _clip(media_id: str, index: int) -> Fields:
    start = index * CLIP_SECONDS
    clip = {"clipId": f"null-{index}", "mediaId": media_id, "startTime": start, "endTime": start + CLIP_SECONDS}
    return {**clip, "score": 0.5}


def _project(view: JobView, part: Part) -> Fields:
    return {
        "JobId": view.id(part.index),
        "ProjectId": view.id(part.index, "project"),
        "Status": SUB_JOB_STATES[part.phase],
        **part.error_fields(),
    }


def _video(view: JobView, part: Part) -> Fields:
    sub_job = _project(view, part)
    if part.phase is not Phase.SUCCEEDED:
        return sub_job
    config = view.json("OutputConfig")
    url = view.output_url(config, f"{view.job_id}/preview_{{index}}.mp4")
    return {
        **sub_job,
        "MediaId": view.id(part.index, "media"),
        "MediaURL": url.replace("{index}", str(part.index)),
        "Duration": float(config.get("FixedDuration") or config.get("MaxDuration") or VIDEO_SECONDS),
    }


def _video_count(parameters: Parameters) -> int:
    return int(float(json.loads(parameters.get("OutputConfig") or "{}").get("Count") or 1))


def _videos(count: Any = _video_count) -> Parts:
    return Parts("SubJobList", count, _video)


def _requested_job_type(parameters: Parameters) -> str:
    return parameters["JobType"]


def _input_job_type(parameters: Parameters) -> str:
    return "Script" if json.loads(parameters["InputConfig"]).get("MediaGroupArray") else "Smart_Mix"


BATCH = JobFamily(
    "GetBatchMediaProducingJob",
    STATES,
    "EditingBatchJob",
    error=("ErrorCode", "ErrorMessage"),
    error_in="Extend",
    times=("CreateTime", "CompleteTime"),
    render=_main_job,
    result="SubJobList",
    listing=Listing(
        "ListBatchMediaProducingJobs",
        "EditingBatchJobList",
        STATES,
        hidden=("ExtendInput", "ExtendOutput", "SubJobList"),
        order="SortBy",
        orders=("desc", "asc"),
        page_size="MaxResults",
        token="NextToken",
        times=("StartTime", "EndTime"),
        filters={"JobId": "job_id", "JobType": "job_type"},
        token_at="NextToken",
        max_results=int,
    ),
    id_optional=True,
)

_SCENE = "JobType* InputConfig*{} OutputConfig*{} EditingConfig{} UserData{}<512"

BATCH_KINDS = (
    JobKind(
        "SubmitBatchMediaProducingJob",
        BATCH,
        declare(
            "InputConfig*{} EditingConfig{} OutputConfig{} UserData{}<512 TemplateConfig[] ClientToken<64",
            InputConfig=_check_input_config,
            OutputConfig=_check_output_config,
            TemplateConfig=_check_template_config,
        ),
        job_type=_input_job_type,
        parts=_videos(),
        seconds=6.0,
    ),
    JobKind(
        "SubmitSceneMediaSelectionJob",
        BATCH,
        declare(_SCENE),
        job_type=_requested_job_type,
        result=_selected_media,
        parts=Parts("SubJobList", lambda _: 0, _project),
        seconds=3.0,
    ),
    JobKind(
        "SubmitSceneTimelineOrganizationJob",
        BATCH,
        declare(f"{_SCENE} MediaSelectResult*{{}}"),
        job_type=_requested_job_type,
        # The job creates a project but no video.
        parts=Parts("SubJobList", lambda _: 1, _project),
        seconds=3.0,
    ),
    JobKind(
        "SubmitSceneBatchEditingJob",
        BATCH,
        declare("ProjectIds* OutputConfig*{} UserData{}<512", OutputConfig=_check_output_config),
        job_type="Scene_Batch_Editing",
        parts=_videos(lambda parameters: len(parameters["ProjectIds"].split(","))),
        seconds=6.0,
    ),
    JobKind(
        "SubmitScreenMediaHighlightsJob",
        BATCH,
        declare("InputConfig{} EditingConfig{} OutputConfig{} UserData{}<512", OutputConfig=_check_output_config),
        job_type="Screen_Media_Highlights",
        parts=_videos(),
        seconds=6.0,
    ),
    JobKind(
        "SubmitSportsHighlightsJob",
        BATCH,
        declare("InputConfig{} OutputConfig{} UserData{}<512 ClientToken<64", OutputConfig=_check_output_config),
        job_type="Sports_Highlights",
        parts=_videos(),
        seconds=6.0,
    ),
)
