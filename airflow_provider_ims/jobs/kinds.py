"""
The catalogue of job kinds: what each submit action takes, and which family its jobs belong to.

The limits are the documented ones on which the documents agree; everything else the service decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.jobs.ai_image import AI_IMAGE
from airflow_provider_ims.jobs.batch import BATCH
from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.parameters import Parameter
from airflow_provider_ims.jobs.smart import SMART


@dataclass(frozen=True, slots=True)
class JobKind:
    """
    A kind of job that can be submitted.

    :param title: What it is called in logs.
    :param submit_action: The API action that submits it.
    :param family: How its jobs are asked for.
    :param parameters: What the action takes.
    :param search_proves: Whether a job that a search does not show, after its lag, was surely not accepted.
    :param marker_under: The field of UserData that takes the marker; ``None`` for the top.
    """

    title: str
    submit_action: str
    family: JobFamily
    parameters: tuple[Parameter, ...]
    search_proves: bool = False
    marker_under: str | None = None

    @property
    def takes_client_token(self) -> bool:
        """Whether the service answers a submit that it knows by its ClientToken with the job it already has."""
        return any(parameter.name == "ClientToken" for parameter in self.parameters)


TITLE = Parameter("title", "Title", max_bytes=128)
DESCRIPTION = Parameter("description", "Description", max_bytes=1024)
USER_DATA = Parameter("user_data", "UserData", is_json=True, max_bytes=512, schema={"type": "object"})

TEXT_GENERATE = JobKind(
    title="text generation",
    submit_action="SubmitTextGenerateJob",
    family=SMART,
    parameters=(
        TITLE,
        DESCRIPTION,
        Parameter("type", "Type", choices=("MarketingCopy", "Title", "StoryboardScript")),
        Parameter(
            "generate_config",
            "GenerateConfig",
            is_json=True,
            schema={
                "type": "object",
                "properties": {
                    "keywords": {"type": "string"},
                    "textLength": {"type": "integer", "minimum": 5, "maximum": 1000},
                    "targetCount": {"type": "integer", "minimum": 1, "maximum": 1000},
                    "originText": {"type": "string"},
                },
                "anyOf": [
                    {"required": ["keywords", "textLength", "targetCount"]},
                    {"required": ["originText"]},
                ],
            },
        ),
        USER_DATA,
    ),
)

AUDIO_PRODUCE = JobKind(
    title="audio production",
    submit_action="SubmitAudioProduceJob",
    family=SMART,
    search_proves=True,
    parameters=(
        Parameter(
            "editing_config",
            "EditingConfig",
            required=True,
            is_json=True,
            schema={
                "type": "object",
                "properties": {
                    "voice": {"type": "string"},
                    "customizedVoice": {"type": "string"},
                    "format": {"enum": ["PCM", "WAV", "MP3"]},
                    "volume": {"type": "integer", "minimum": 0, "maximum": 100},
                    "speech_rate": {"type": "integer", "minimum": -500, "maximum": 500},
                    "pitch_rate": {"type": "integer", "minimum": -500, "maximum": 500},
                },
            },
        ),
        Parameter(
            "output_config",
            "OutputConfig",
            required=True,
            is_json=True,
            schema={
                "type": "object",
                "properties": {"bucket": {"type": "string"}, "object": {"type": "string"}},
                "required": ["bucket", "object"],
            },
        ),
        Parameter("input_config", "InputConfig", required=True),
        TITLE,
        DESCRIPTION,
        USER_DATA,
        Parameter("overwrite", "Overwrite", is_flag=True),
    ),
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
    search_proves=True,
    parameters=(
        Parameter(
            "input_config",
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
        Parameter("editing_config", "EditingConfig", is_json=True, schema={"type": "object"}),
        Parameter(
            "output_config",
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
        Parameter("template_config", "TemplateConfig", is_json=True, schema={"type": "array"}),
        USER_DATA,
        Parameter("client_token", "ClientToken"),
    ),
)

AI_IMAGE_JOB = JobKind(
    title="AI image",
    submit_action="SubmitAIImageJob",
    family=AI_IMAGE,
    marker_under="Extend",
    parameters=(
        Parameter("video_id", "VideoId", required=True),
        Parameter("ai_template_id", "AITemplateId", required=True),
        Parameter("ai_pipeline_id", "AIPipelineId"),
        Parameter(
            "user_data",
            "UserData",
            is_json=True,
            max_bytes=512,
            schema={
                "type": "object",
                "anyOf": [{"required": ["MessageCallback"]}, {"required": ["Extend"]}],
            },
        ),
    ),
)
