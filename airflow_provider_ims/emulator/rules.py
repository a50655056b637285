"""
What the services refuse: the parameters of each action and their limits, as data.

Sources: the API pages of the four submits and the docstrings of the product SDKs. Limits that documents
disagree on, such as the length of the text to be spoken, are not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from airflow_provider_ims.emulator import families, kinds
from airflow_provider_ims.emulator.clock import from_iso
from airflow_provider_ims.emulator.configs import (
    Check,
    audio_editing_config,
    audio_output_config,
    batch_input_config,
    batch_output_config,
    generate_config,
    image_user_data,
    json_array,
    json_object,
    template_config,
)
from airflow_provider_ims.emulator.errors import invalid, missing

MAX_JOB_IDS = 10


@dataclass(frozen=True)
class Rule:
    """
    What one parameter must be.

    :param max_bytes: how long it may be, in bytes of UTF-8.
    :param check: raises an ApiError for what is wrong with the value.
    """

    required: bool = False
    max_bytes: int | None = None
    check: Check | None = None

    def apply(self, name: str, parameters: Mapping[str, str]) -> None:
        """Raise an ApiError if the parameter breaks the rule."""
        value = parameters.get(name, "")
        if not value:
            if self.required:
                raise missing(name)
            return
        if self.max_bytes is not None and (size := len(value.encode())) > self.max_bytes:
            raise invalid(name, f"It is {size} bytes of UTF-8, {self.max_bytes} are allowed.")
        if self.check is not None:
            self.check(value, name, parameters)


def one_of(*words: str) -> Check:
    """Return a check that takes only these words."""

    def check(value: str, name: str, _: Mapping[str, str]) -> None:
        if value not in words:
            raise invalid(name, f"Valid values: {', '.join(words)}.")

    return check


def whole_number(low: int, high: int | None = None) -> Check:
    """Return a check that takes a whole number in a range."""

    def check(value: str, name: str, _: Mapping[str, str]) -> None:
        if not (value.isascii() and value.isdigit()) or int(value) < low or (high is not None and int(value) > high):
            raise invalid(name, f"Valid values: {low} to {high}." if high else f"It must be {low} or more.")

    return check


def _moment(value: str, name: str, _: Mapping[str, str]) -> None:
    try:
        from_iso(value)
    except ValueError:
        raise invalid(name, "The format is yyyy-MM-ddTHH:mm:ssZ, in UTC.") from None


def _job_ids(value: str, name: str, _: Mapping[str, str]) -> None:
    if len(value.split(",")) > MAX_JOB_IDS:
        raise invalid(name, f"A maximum of {MAX_JOB_IDS} IDs are supported.")


TITLE = Rule(max_bytes=128)
DESCRIPTION = Rule(max_bytes=1024)
USER_DATA = Rule(max_bytes=512, check=json_object)
PAGE = whole_number(1, 100)

RULES: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "SubmitTextGenerateJob": {
            "Title": TITLE,
            "Description": DESCRIPTION,
            "Type": Rule(check=one_of("MarketingCopy", "Title", "StoryboardScript")),
            "GenerateConfig": Rule(required=True, check=generate_config),
            "UserData": USER_DATA,
        },
        "SubmitAudioProduceJob": {
            "EditingConfig": Rule(required=True, check=audio_editing_config),
            "OutputConfig": Rule(required=True, check=audio_output_config),
            "InputConfig": Rule(required=True),
            "Title": TITLE,
            "Description": DESCRIPTION,
            "UserData": USER_DATA,
            "Overwrite": Rule(check=one_of("true", "false", "True", "False")),
        },
        "SubmitBatchMediaProducingJob": {
            "InputConfig": Rule(required=True, check=batch_input_config),
            "EditingConfig": Rule(check=json_object),
            "OutputConfig": Rule(required=True, check=batch_output_config),
            "UserData": USER_DATA,
            "TemplateConfig": Rule(check=template_config),
            "ClientToken": Rule(),
        },
        "GetSmartHandleJob": {"JobId": Rule(required=True)},
        "GetBatchMediaProducingJob": {"JobId": Rule(required=True)},
        "ListSmartJobs": {
            "JobState": Rule(check=one_of("Created", "Executing", "Finished", "Failed")),
            "JobType": Rule(),
            "SortBy": Rule(check=one_of("CreationTime:Asc", "CreationTime:Desc")),
            "MaxResults": Rule(check=PAGE),
            "PageNo": Rule(check=whole_number(1)),
            "PageSize": Rule(check=PAGE),
            "NextToken": Rule(),
        },
        "ListBatchMediaProducingJobs": {
            "JobId": Rule(),
            "JobType": Rule(),
            "Status": Rule(check=one_of("Init", "Processing", "Finished", "Failed")),
            "SortBy": Rule(check=one_of("desc", "asc")),
            "StartTime": Rule(check=_moment),
            "EndTime": Rule(check=_moment),
            "MaxResults": Rule(check=PAGE),
            "NextToken": Rule(),
        },
        "SubmitAIImageJob": {
            "VideoId": Rule(required=True),
            "AITemplateId": Rule(required=True),
            "UserData": Rule(max_bytes=512, check=image_user_data),
            "AIPipelineId": Rule(),
        },
        "GetAIImageJobs": {"JobIds": Rule(required=True, check=_job_ids)},
        "ListAIImageInfo": {"VideoId": Rule(required=True)},
    }
)


def _declared(takes: str) -> dict[str, Rule]:
    """Return the rules of an action out of its line in the table of kinds."""
    rules = {}
    for declared in takes.split():
        text, _, most = declared.partition("<")
        name = text.rstrip("*{}[]#")
        checks = {"{}": json_object, "[]": json_array, "#": whole_number(0)}
        check = next((check for mark, check in checks.items() if text.endswith(mark)), None)
        rules[name] = Rule("*" in text, int(most) if most else None, check)
    return rules


def _listed(listing: families.Listing) -> dict[str, Rule]:
    status, order, oldest_first, size, token, since, until = listing.parameters
    checks: dict[str, Check | None] = {
        status: one_of(*listing.words),
        size: PAGE,
        token: None,
        since: _moment,
        until: _moment,
    }
    if order:
        checks[order] = one_of(oldest_first, oldest_first.replace("Asc", "Desc"))
    return {name: Rule(check=check) for name, check in checks.items()}


def _asked(family: families.Family) -> dict[str, Rule]:
    several = family.asks.endswith("s")
    asked = Rule(
        required=family.asks != "JobIds" or family.version == families.VOD, check=_job_ids if several else None
    )
    return {family.asks: asked, **{name: Rule(required=True) for name in family.also}}


_SMART_FILES = "InputConfig{} OutputConfig{} UserData{}<512 ClientToken"
_VIDEOS = {"OutputConfig": Rule(check=batch_output_config)}
_SCENE = "InputConfig*{} OutputConfig*{} EditingConfig{} UserData{}<512"

ALL_RULES: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        **RULES,
        "SubmitASRJob": _declared(
            "InputFile StartTime Duration EditingConfig{} Title<128 Description<128 UserData{}<512"
        ),
        "SubmitVideoTranslationJob": _declared(f"{_SMART_FILES} EditingConfig{{}} Title Description"),
        "SubmitAvatarVideoJob": _declared(
            "InputConfig{} EditingConfig{} OutputConfig{} Title<128 Description<128 UserData{}<512"
        ),
        "SubmitSegmentationJob": _declared(f"{_SMART_FILES} JobParams{{}}"),
        "SubmitHighlightExtractionJob": _declared(_SMART_FILES),
        "SubmitDynamicChartJob": _declared(
            "ChartType* Input*{} OutputConfig*{} ChartConfig{} ChartTitle{} Subtitle{} AxisParams{} Background{}"
            " DataSource{} Unit{} Title Description UserData{}<512"
        ),
        "SubmitSceneMediaSelectionJob": _declared(f"JobType* {_SCENE}"),
        "SubmitSceneTimelineOrganizationJob": _declared(f"JobType* MediaSelectResult*{{}} {_SCENE}"),
        "SubmitSceneBatchEditingJob": _declared("ProjectIds* OutputConfig*{} UserData{}<512") | _VIDEOS,
        "SubmitScreenMediaHighlightsJob": _declared("InputConfig{} EditingConfig{} UserData{}<512") | _VIDEOS,
        "SubmitSportsHighlightsJob": _declared("InputConfig{} UserData{}<512 ClientToken") | _VIDEOS,
        **{kind.key: _declared(kind.takes) for kind in kinds.KINDS},
        **{kind.family.query: _asked(kind.family) for kind in kinds.KINDS},
        **{
            kind.family.listing.action: _listed(kind.family.listing)
            for kind in kinds.KINDS
            if kind.family.listing is not None
        },
        **{action: {"JobId": Rule(required=True)} for action in kinds.CANCELS},
    }
)


def check_parameters(action: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """
    Return those parameters that the action knows; others are ignored, as the gateway does.

    :raises ApiError: naming the first parameter that breaks a rule.
    """
    rules = ALL_RULES[action]
    for name, rule in rules.items():
        rule.apply(name, parameters)
    return {name: parameters[name] for name in rules if parameters.get(name)}
