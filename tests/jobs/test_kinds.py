"""Every documented limit of the job kinds with a schema: a value at the limit, and a value beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ims._jobs.ai_image import AI_IMAGE_JOB
from airflow_provider_ims._jobs.batch import BATCH_MEDIA_PRODUCING
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.smart import AUDIO_PRODUCE, TEXT_GENERATE
from airflow_provider_ims.exceptions import ImsRequestError

KINDS = [TEXT_GENERATE, AUDIO_PRODUCE, BATCH_MEDIA_PRODUCING, AI_IMAGE_JOB]
MEDIA_URL = "http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{index}.mp4"

#: Valid values of all arguments of each kind, from the API documentation.
GOOD: dict[str, dict[str, Any]] = {
    TEXT_GENERATE.submit_action: {
        "title": "Test Title",
        "description": "Test Description",
        "type": "MarketingCopy",
        "generate_config": {"keywords": "New store cake,Animal cream", "textLength": 100, "targetCount": 3},
        "user_data": {"NotifyAddress": "ice-callback-demo"},
    },
    AUDIO_PRODUCE.submit_action: {
        "editing_config": {"voice": "Siqi", "format": "MP3", "volume": 50},
        "output_config": {"bucket": "my_bucket", "object": "target_audio"},
        "input_config": "Test text",
        "title": "标题",
        "description": "描述",
        "user_data": {"NotifyAddress": "http://xx.xx.xxx"},
        "overwrite": True,
    },
    BATCH_MEDIA_PRODUCING.submit_action: {
        "input_config": {
            "MediaGroupArray": [
                {"GroupName": "MediaGroup1", "MediaArray": ["****9d46c8****", "****6c886b****"]},
                {"GroupName": "MediaGroup2", "MediaArray": ["****d46c88****", "****4549d8****"]},
            ],
            "TitleArray": ["回龙观盒马鲜生开业啦", "盒马鲜生开业啦"],
            "SpeechTextArray": [
                "附近的商场新开了一家盒马鲜生，今天是第一天开业",
                "商场里的人不少，零食、酒水都比较便宜大家也快来看看呀",
            ],
        },
        "editing_config": {
            "MediaConfig": {"Volume": 0},
            "SpeechConfig": {"Volume": 1},
            "BackgroundMusicConfig": {"Volume": 0.3},
        },
        "output_config": {
            "MediaURL": MEDIA_URL,
            "Count": 20,
            "MaxDuration": 15,
            "Width": 1080,
            "Height": 1920,
            "Video": {"Crf": 27},
        },
        "user_data": {"NotifyAddress": "https://xx.xx.xxx"},
        "template_config": ["****b4549d46c88681030f6e****", "****549d46c88b4681030f6e****"],
        "client_token": "****12e8864746a0a398****",
    },
    AI_IMAGE_JOB.submit_action: {
        "video_id": "357a8748c5774*****89d2726e6436aa",
        "ai_template_id": "ef1a8842cb9f*****cea80cad902e416",
        "ai_pipeline_id": "6492025b8f*****6ba5bb755a33438",
        "user_data": {"Extend": {"localId": "****", "test": "www"}},
    },
}


def user_data(size: int, name: str = "a") -> dict[str, str]:
    return {name: "x" * (size - len(json.dumps({name: ""}, separators=(",", ":"))))}


def text(**changes: Any) -> dict[str, Any]:
    return {"keywords": "k", "textLength": 100, "targetCount": 3, **changes}


def groups(*group: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"MediaGroupArray": list(group), **more}


def media(count: int) -> list[str]:
    return ["m"] * count


def speech(count: int, characters: int = 1) -> list[str]:
    return ["字" * characters] * count


def url(**more: Any) -> dict[str, Any]:
    return {"MediaURL": MEDIA_URL, **more}


def output(**more: Any) -> dict[str, Any]:
    return {"bucket": "b", "object": "o", **more}


def image_data(size: int) -> dict[str, Any]:
    return {"Extend": "x" * (size - len('{"Extend":""}'))}


TITLES = [
    (kind, "title", good, bad, problem)
    for kind in (TEXT_GENERATE, AUDIO_PRODUCE)
    for good, bad, problem in (
        ("x" * 128, "x" * 129, "title: 129 bytes in UTF-8; the limit is 128"),
        ("店" * 42 + "ab", "店" * 43, "title: 129 bytes in UTF-8; the limit is 128"),
        ("🎂" * 32, "🎂" * 32 + "x", "title: 129 bytes in UTF-8; the limit is 128"),
    )
]
DESCRIPTIONS = [
    (kind, "description", "店" * 341 + "x", "店" * 341 + "xy", "description: 1025 bytes in UTF-8; the limit is 1024")
    for kind in (TEXT_GENERATE, AUDIO_PRODUCE)
]
USER_DATA = [
    (kind, "user_data", user_data(512), user_data(513), "user_data: 513 bytes in UTF-8; the limit is 512")
    for kind in (TEXT_GENERATE, AUDIO_PRODUCE, BATCH_MEDIA_PRODUCING)
] + [
    (AI_IMAGE_JOB, "user_data", image_data(512), image_data(513), "user_data: 513 bytes in UTF-8; the limit is 512"),
    (
        AI_IMAGE_JOB,
        "user_data",
        {"MessageCallback": {}},
        {"Other": 1},
        "user_data: requires MessageCallback, or",
    ),
]
CONFIG = "generate_config"
TEXTS = [
    (TEXT_GENERATE, "type", "StoryboardScript", "Poem", "type: 'Poem' is not one of MarketingCopy, Title, Storyboard"),
    (TEXT_GENERATE, "type", "Title", "title", "type: 'title' is not one of"),
    (TEXT_GENERATE, CONFIG, text(textLength=5), text(textLength=4), "generate_config.textLength: 4 is below 5"),
    (TEXT_GENERATE, CONFIG, text(textLength=1000), text(textLength=1001), "textLength: 1001 is above 1000"),
    (TEXT_GENERATE, CONFIG, text(textLength="1000"), text(textLength="1001"), "textLength: 1001 is above 1000"),
    (TEXT_GENERATE, CONFIG, text(targetCount=1), text(targetCount=0), "targetCount: 0 is below 1"),
    (TEXT_GENERATE, CONFIG, text(targetCount=1000), text(targetCount=1001), "targetCount: 1001 is above 1000"),
    (TEXT_GENERATE, CONFIG, {"originText": "a"}, {}, "requires keywords and textLength and targetCount, or"),
    (
        TEXT_GENERATE,
        CONFIG,
        text(),
        {"keywords": "k"},
        "requires keywords and textLength and targetCount, or",
    ),
    (TEXT_GENERATE, CONFIG, text(), text(keywords=["k"]), "keywords: must be of JSON type string, not list"),
]
EDIT = "editing_config"
AUDIO = [
    (AUDIO_PRODUCE, "input_config", "x", None, "input_config is required"),
    # The documentation contradicts itself about the maximum length, so the service decides.
    (AUDIO_PRODUCE, "input_config", "字" * 10_001, "", "input_config is required"),
    (AUDIO_PRODUCE, EDIT, {}, None, "editing_config is required"),
    (AUDIO_PRODUCE, EDIT, {"customizedVoice": "v"}, {"voice": []}, "voice: must be of JSON type string, not list"),
    (AUDIO_PRODUCE, EDIT, {"format": "PCM"}, {"format": "mp3"}, "format: 'mp3' is not one of PCM, WAV, MP3"),
    (AUDIO_PRODUCE, EDIT, {"volume": 0}, {"volume": -1}, "volume: -1 is below 0"),
    (AUDIO_PRODUCE, EDIT, {"volume": 100}, {"volume": 101}, "volume: 101 is above 100"),
    (AUDIO_PRODUCE, EDIT, {"speech_rate": -500}, {"speech_rate": -501}, "speech_rate: -501 is below -500"),
    (AUDIO_PRODUCE, EDIT, {"speech_rate": 500}, {"speech_rate": 501}, "speech_rate: 501 is above 500"),
    (AUDIO_PRODUCE, EDIT, {"pitch_rate": "-500"}, {"pitch_rate": "-501"}, "pitch_rate: -501 is below -500"),
    (AUDIO_PRODUCE, EDIT, {"pitch_rate": 500}, {"pitch_rate": 501}, "pitch_rate: 501 is above 500"),
    (AUDIO_PRODUCE, "output_config", output(), None, "output_config is required"),
    (AUDIO_PRODUCE, "output_config", output(), {"bucket": "b"}, "output_config: requires object"),
    (AUDIO_PRODUCE, "output_config", output(more=1), {"object": "o"}, "output_config: requires bucket"),
    (AUDIO_PRODUCE, "overwrite", "True", "yes", "overwrite: 'yes' is neither true nor false"),
]
INPUT = "input_config"
ONE = {"GroupName": "a", "MediaArray": ["m"]}
BATCHES = [
    (BATCH_MEDIA_PRODUCING, INPUT, groups(ONE), None, "input_config is required"),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        {"MediaArray": ["m"]},
        {},
        "requires MediaGroupArray, or MediaArray, or",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        {"MediaSearchInput": {"Text": "cake"}},
        {"TitleArray": []},
        "requires MediaGroupArray, or",
    ),
    (BATCH_MEDIA_PRODUCING, INPUT, groups(*[{}] * 40), groups(*[{}] * 41), "MediaGroupArray: 41 entries; the limit is"),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups({"MediaArray": media(200)}),
        groups({"MediaArray": media(201)}),
        "input_config.MediaGroupArray[0].MediaArray: 201 entries; the limit is 200",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups({"GroupName": "组" * 50}),
        groups({"GroupName": "组" * 51}),
        "input_config.MediaGroupArray[0].GroupName: 51 characters; the limit is 50",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups(ONE, {**ONE, "GroupName": "b"}),
        groups(ONE, ONE),
        "input_config.MediaGroupArray: GroupName 'a' occurs 2 times; it must be unique",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups(ONE, SpeechTextArray=speech(50, 1000)),
        groups(ONE, SpeechTextArray=speech(51)),
        "input_config.SpeechTextArray: 51 entries; the limit is 50",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups({**ONE, "SpeechTextArray": speech(50, 1000)}),
        groups({**ONE, "SpeechTextArray": ["ok", *speech(1, 1001)]}),
        "input_config.MediaGroupArray[0].SpeechTextArray[1]: 1001 characters; the limit is 1000",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups({**ONE, "SpeechTextArray": speech(1)}, SpeechTextArray=[]),
        groups({**ONE, "SpeechTextArray": speech(1)}, SpeechTextArray=speech(1)),
        "input_config.MediaGroupArray[0].SpeechTextArray: is set both here and in InputConfig.SpeechTextArray",
    ),
    (
        BATCH_MEDIA_PRODUCING,
        INPUT,
        groups(ONE, TitleArray=["t"] * 50),
        groups(ONE, TitleArray=["t"] * 51),
        "input_config.TitleArray: 51 entries; the limit is 50",
    ),
    (BATCH_MEDIA_PRODUCING, "output_config", url(Count=1), url(Count=0), "output_config.Count: 0 is below 1"),
    # The limit of 100 is not documented, and only client programs enforce it, so the service decides.
    (BATCH_MEDIA_PRODUCING, "output_config", url(Count=101), url(Count="many"), "Count: must be of JSON type integer"),
    (
        BATCH_MEDIA_PRODUCING,
        "output_config",
        {"MediaURL": "http://a/b.mp4", "Count": "1"},
        {"MediaURL": "http://a/b.mp4", "Count": "2"},
        "output_config.MediaURL: must contain {index} if Count is above 1",
    ),
    (BATCH_MEDIA_PRODUCING, "output_config", url(MaxDuration=1.5), url(Width="wide"), "Width: must be of JSON type"),
    (
        BATCH_MEDIA_PRODUCING,
        "output_config",
        url(Video={"Crf": "27"}),
        url(Video={"Crf": 2.5}),
        "Video.Crf: must be of",
    ),
    (BATCH_MEDIA_PRODUCING, "template_config", [], {}, "template_config: must be of JSON type array, not dict"),
    (BATCH_MEDIA_PRODUCING, EDIT, {}, [], "editing_config: must be of JSON type object, not list"),
    (BATCH_MEDIA_PRODUCING, "client_token", "t", True, "client_token: must be a string, not bool"),
]
IMAGES = [
    (AI_IMAGE_JOB, "video_id", "v", None, "video_id is required"),
    (AI_IMAGE_JOB, "ai_template_id", "t", " ", "ai_template_id is required"),
    (AI_IMAGE_JOB, "ai_pipeline_id", None, True, "ai_pipeline_id: must be a string, not bool"),
]
LIMITS = [*TITLES, *DESCRIPTIONS, *USER_DATA, *TEXTS, *AUDIO, *BATCHES, *IMAGES]


def encoded(kind: JobKind, **changes: Any) -> dict[str, str]:
    return kind.encode({**GOOD[kind.submit_action], **changes})


def as_json(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, (dict, list)) else value


@pytest.mark.parametrize("given_as", [lambda value: value, as_json], ids=["value", "json"])
@pytest.mark.parametrize(("kind", "argument", "good", "bad", "problem"), LIMITS)
def test_a_value_at_a_limit_is_accepted_and_a_value_beyond_it_is_rejected(
    kind: JobKind, argument: str, good: Any, bad: Any, problem: str, given_as: Callable[[Any], Any]
) -> None:
    encoded(kind, **{argument: given_as(good)})
    with pytest.raises(ImsRequestError) as refused:
        encoded(kind, **{argument: given_as(bad)})
    assert problem in str(refused.value)
    assert (refused.value.field or "").split(".")[0] == argument


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.submit_action)
def test_the_documented_arguments_are_sent_unchanged(kind: JobKind) -> None:
    given = GOOD[kind.submit_action]
    sent = encoded(kind)
    assert len(sent) == len(given) == len(kind.parameters)
    for parameter in kind.parameters:
        value = given[parameter.argument]
        if parameter.is_json:
            assert json.loads(sent[parameter.name]) == value
            assert "\\u" not in sent[parameter.name]
        else:
            assert sent[parameter.name] == (str(value).lower() if parameter.is_flag else value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.submit_action)
def test_only_the_required_arguments_must_be_set(kind: JobKind) -> None:
    required = {parameter.argument for parameter in kind.parameters if parameter.required}
    given = {argument: value for argument, value in GOOD[kind.submit_action].items() if argument in required}
    assert len(kind.encode(given)) == len(required)
    for argument in required:
        with pytest.raises(ImsRequestError, match=f"{argument} is required"):
            kind.encode({**given, argument: None})
