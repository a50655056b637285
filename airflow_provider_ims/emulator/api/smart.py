"""
Smart jobs, which are queried with ``GetSmartHandleJob``.

``JobResult.AiResult`` is a JSON string whose content depends on the job type. For examples, see
https://help.aliyun.com/document_detail/440953.html.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.emulator.api.addresses import split_oss
from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.fields import without
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import (
    VIDEO_SECONDS,
    Fields,
    JobFamily,
    JobKind,
    JobView,
    Listing,
    Render,
    as_object,
)
from airflow_provider_ims.emulator.api.parameters import Parameters, declare, integer_field, one_of, string_field
from airflow_provider_ims.emulator.api.texts import sentences, texts, total_tokens
from airflow_provider_ims.emulator.state.clock import iso

STATES = ("Created", "Executing", "Finished", "Failed")
MAX_CLIPS = 100


def _check_generate_config(config: Fields, name: str, parameters: Parameters) -> None:
    text_type = parameters.get("Type") or ("MarketingCopy" if "keywords" in config else "StoryboardScript")
    if text_type == "StoryboardScript":
        string_field(config, "originText", name, required=True)
        return
    string_field(config, "keywords", name, required=True)
    integer_field(config, "textLength", name, 5, 1_000, required=True)
    integer_field(config, "targetCount", name, 1, 1_000, required=True)


def _check_editing_config(config: Fields, name: str, _: Parameters) -> None:
    string_field(config, "voice", name)
    string_field(config, "customizedVoice", name)
    if config.get("format") is not None and str(config["format"]).upper() not in ("PCM", "WAV", "MP3"):
        raise invalid(f"{name}.format", "Valid values: PCM, WAV, MP3.")
    integer_field(config, "volume", name, 0, 100)
    integer_field(config, "speech_rate", name, -500, 500)
    integer_field(config, "pitch_rate", name, -500, 500)


def _check_output_config(config: Fields, name: str, _: Parameters) -> None:
    string_field(config, "bucket", name, required=True)
    string_field(config, "object", name, required=True)


def _job_info(configs: Render) -> Render:
    def render(view: JobView) -> Fields:
        info = {
            "Title": view.parameters.get("Title") or f"default_title_{iso(view.job.created)}",
            "JobType": view.job.job_type,
            "CreateTime": iso(view.job.created),
            "ModifiedTime": iso(view.modified),
            **view.given("Description"),
            **configs(view),
            "UserId": view.settings.account_id,
        }
        return {"SmartJobInfo": info}

    return render


def _job_result(content: Render) -> Render:
    return lambda view: {"JobResult": content(view), "Output": "{}"}


def _list_item(view: JobView) -> Fields:
    item: Fields = {
        "JobId": view.job_id,
        "JobState": view.state,
        **view.kind.render(view)["SmartJobInfo"],
        # UserId is a string in the query response, but a number in the listing.
        "UserId": int(view.settings.account_id),
        **view.given("UserData"),
    }
    item = without(item, ("InputConfig.JobParameters",))
    if "GenerateConfig" in view.parameters:
        config = view.json("GenerateConfig")
        item["InputConfig"] = {"Keyword": config["keywords"]} if "keywords" in config else {}
    return item


def _media_id(view: JobView) -> Fields:
    return {"MediaId": view.id("media")}


def _text_configs(view: JobView) -> Fields:
    return {"EditingConfig": dump(view.given("Type", "GenerateConfig"))}


def _generated_texts(view: JobView) -> Fields:
    generated = texts(view.parameters)
    return {"AiResult": dump(generated), "Usage": dump({"total_tokens": total_tokens(generated)})}


def _speech_config(view: JobView) -> dict[str, Any]:
    """Return the editing configuration of an audio job, with default values for missing fields."""
    config = view.json("EditingConfig")
    # A customized voice overrides a standard voice.
    voice = "customizedVoice" if config.get("customizedVoice") else "voice"
    complete = {
        voice: config.get(voice) or "Siqi",
        "format": str(config.get("format") or "MP3").upper(),
        "pitch_rate": int(float(config.get("pitch_rate") or 0)),
        "sample_rate": 16000,
        "speech_rate": int(float(config.get("speech_rate") or 0)),
        "volume": int(float(50 if config.get("volume") is None else config["volume"])),
    }
    return dict(sorted(complete.items()))


def _speech_configs(view: JobView) -> Fields:
    return {
        "InputConfig": {"InputFile": view.parameters["InputConfig"]},
        "EditingConfig": dump(_speech_config(view)),
        **_output(view),
    }


def _speech(view: JobView) -> Fields:
    config, output = _speech_config(view), view.json("OutputConfig")
    spoken = {**_media_id(view), "AiResult": dump(sentences(view.parameters["InputConfig"], config["speech_rate"]))}
    if view.settings.speech_media_url:
        spoken["MediaUrl"] = view.url(f"{output['object']}.{config['format'].lower()}", output["bucket"])
    return spoken


def _output(view: JobView) -> Fields:
    """
    Return the bucket and the key of the requested output.

    The names of these fields in the request depend on the job kind. Some job kinds accept a URL instead.
    """
    config = view.json("OutputConfig")
    bucket, key = config.get("bucket") or config.get("Bucket"), config.get("object") or config.get("ObjectKey")
    found = (bucket, key) if bucket and key else split_oss(str(config.get("MediaURL") or ""))
    return {"OutputConfig": {"Bucket": str(found[0]), "Object": str(found[1])}} if found else {}


def _configs(view: JobView) -> Fields:
    inputs = (view.parameters[name] for name in ("InputFile", "InputConfig", "Input") if name in view.parameters)
    return {"InputConfig": {"InputFile": next(inputs, "")}, **view.given("EditingConfig"), **_output(view)}


def _recognition_configs(view: JobView) -> Fields:
    parameters = {
        "duration": view.parameters.get("Duration", ""),
        "start_time": view.parameters.get("StartTime", "00:00:00"),
        "request_params": "",
    }
    configs = _configs(view)
    configs["InputConfig"]["JobParameters"] = dump(parameters)
    return configs


def _recognized_speech(view: JobView) -> Fields:
    return {"AiResult": dump(sentences(f"欢迎光临新店，今天开业。{view.parameters.get('Title', '')}"))}


def _video(view: JobView) -> Fields:
    return {**_media_id(view), "MediaUrl": view.output_url(view.json("OutputConfig"), f"{view.job_id}.mp4")}


def _translations(view: JobView) -> Fields:
    """
    Return the result of a video translation, with one translated video for each language.

    ``VideoTranslationAiResultMap`` is not documented. The emulator returns the fields that existing client
    programs read.
    """
    video = _video(view)
    base = video["MediaUrl"].rpartition(".")[0]
    languages = str(view.json("EditingConfig").get("TargetLanguage") or "en").split(",")
    translations = {
        language: {
            "MediaId": view.id("media", language) if len(languages) > 1 else video["MediaId"],
            "MediaURL": video["MediaUrl"].replace("{language_id}", language),
            "TranslatedAudioMediaURL": f"{base}-{language}.wav",
            "SpeechTranslatedSubtitleURL": f"{base}-{language}.srt",
        }
        for language in (name.strip() for name in languages)
    }
    ai_result = {"DetextVideoURL": f"{base}-detext.mp4", "VideoTranslationAiResultMap": translations}
    return {**video, "AiResult": dump(ai_result)}


def _clips(view: JobView) -> Fields:
    """Return the clips of a video: one for each requested range or, without ranges, the requested number of clips."""
    ranges, strategy = view.json("JobParams").get("Ranges"), as_object(view.json("InputConfig").get("Strategy"))
    if not isinstance(ranges, list) or not all(isinstance(one, dict) for one in ranges):
        count, seconds = strategy.get("Count"), strategy.get("ClipDuration")
        seconds = seconds if isinstance(seconds, (int, float)) else VIDEO_SECONDS
        count = min(count, MAX_CLIPS) if isinstance(count, int) else 2
        ranges = [{"In": index * seconds, "Out": (index + 1) * seconds} for index in range(count)]
    output = view.json("OutputConfig")
    key = str(output.get("ObjectKey") or f"{view.job_id}-{{index}}.mp4")
    clips = [
        {
            "MediaId": view.id(index, "media"),
            "MediaURL": view.url(key.replace("{index}", str(index)), str(output.get("Bucket") or "emulated")),
            "From": one.get("In"),
            "To": one.get("Out"),
        }
        for index, one in enumerate(ranges)
    ]
    return {**_video(view), "AiResult": dump(clips)}


SMART = JobFamily(
    "GetSmartHandleJob",
    STATES,
    state="State",
    error=("ErrorCode", "ErrorMessage"),
    times=("", ""),
    result="JobResult",
    listing=Listing(
        "ListSmartJobs",
        "SmartJobList",
        STATES,
        render=_list_item,
        state="JobState",
        order="SortBy",
        orders=("CreationTime:Desc", "CreationTime:Asc"),
        page_size="MaxResults",
        token="NextToken",
        times=("", ""),
        filters={"JobType": "job_type"},
        token_at="NextToken",
        max_results=str,
        numbered=True,
    ),
    id_optional=True,
)

_FILES = "InputConfig{} OutputConfig{} UserData{}<512 ClientToken<64"

# The documentation does not specify whether the listing includes the jobs of the kinds with listed=False.
SMART_KINDS = (
    JobKind(
        "SubmitTextGenerateJob",
        SMART,
        declare(
            "Title<128 Description<1024 Type GenerateConfig*{} UserData{}<512",
            Type=one_of("MarketingCopy", "Title", "StoryboardScript"),
            GenerateConfig=_check_generate_config,
        ),
        render=_job_info(_text_configs),
        result=_job_result(_generated_texts),
        seconds=2.0,
        listed=False,
    ),
    JobKind(
        "SubmitAudioProduceJob",
        SMART,
        declare(
            "EditingConfig*{} OutputConfig*{} InputConfig* Title<128 Description<1024 UserData{}<512 Overwrite?",
            EditingConfig=_check_editing_config,
            OutputConfig=_check_output_config,
        ),
        accepted=lambda view: {"State": STATES[0], **_media_id(view)},
        job_type="TextToSpeech",
        render=_job_info(_speech_configs),
        result=_job_result(_speech),
        seconds=3.0,
    ),
    JobKind(
        "SubmitASRJob",
        SMART,
        declare("InputFile StartTime Duration EditingConfig{} Title<128 Description<128 UserData{}<512"),
        accepted=lambda view: {"State": STATES[0]},
        render=_job_info(_recognition_configs),
        result=_job_result(_recognized_speech),
        seconds=3.0,
    ),
    JobKind(
        "SubmitVideoTranslationJob",
        SMART,
        declare(f"{_FILES} EditingConfig{{}} Title Description"),
        "Data.JobId",
        accepted=lambda view: {"Success": True},
        render=_job_info(_configs),
        result=_job_result(_translations),
        seconds=6.0,
    ),
    JobKind(
        "SubmitAvatarVideoJob",
        SMART,
        declare("InputConfig{} EditingConfig{} OutputConfig{} Title<128 Description<128 UserData{}<512"),
        accepted=_media_id,
        render=_job_info(_configs),
        result=_job_result(_video),
        seconds=6.0,
        listed=False,
    ),
    JobKind(
        "SubmitSegmentationJob",
        SMART,
        declare(f"{_FILES} JobParams{{}}"),
        render=_job_info(_configs),
        result=_job_result(_clips),
        listed=False,
    ),
    JobKind(
        "SubmitHighlightExtractionJob",
        SMART,
        declare(_FILES),
        render=_job_info(_configs),
        result=_job_result(_clips),
        listed=False,
    ),
    JobKind(
        "SubmitDynamicChartJob",
        SMART,
        declare(
            "ChartType* Input*{} OutputConfig*{} ChartConfig{} ChartTitle{} Subtitle{} AxisParams{} Background{}"
            " DataSource{} Unit{} Title Description UserData{}<512"
        ),
        render=_job_info(_configs),
        result=_job_result(_video),
        seconds=3.0,
    ),
)
