from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.parameters import check_parameters

TEXT, AUDIO = "SubmitTextGenerateJob", "SubmitAudioProduceJob"
BATCH, IMAGE = "SubmitBatchMediaProducingJob", "SubmitAIImageJob"


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def keywords(**changes: Any) -> str:
    return dump({"keywords": "蛋糕", "textLength": 100, "targetCount": 3, **changes})


def groups(*, speech: list[str] | None = None, **group: Any) -> str:
    config = {"MediaGroupArray": [{"GroupName": "a", "MediaArray": ["m"], **group}]}
    return dump({**config, **({"SpeechTextArray": speech} if speech else {})})


def media(**more: Any) -> str:
    return dump({"MediaArray": ["m"], **more})


def output(**changes: Any) -> str:
    return dump({"MediaURL": "http://b.oss-cn-shanghai.aliyuncs.com/{index}.mp4", "Count": 2, **changes})


REJECTED: list[tuple[str, dict[str, str], str, str]] = [
    # required
    (TEXT, {"GenerateConfig": ""}, "MissingParameter", "GenerateConfig"),
    (AUDIO, {"EditingConfig": ""}, "MissingParameter", "EditingConfig"),
    (AUDIO, {"OutputConfig": ""}, "MissingParameter", "OutputConfig"),
    (AUDIO, {"InputConfig": ""}, "MissingParameter", "InputConfig"),
    (BATCH, {"InputConfig": ""}, "MissingParameter", "InputConfig"),
    (IMAGE, {"VideoId": ""}, "MissingParameter", "VideoId"),
    (IMAGE, {"AITemplateId": ""}, "MissingParameter", "AITemplateId"),
    ("GetSnapshotJob", {}, "MissingParameter", "JobId"),
    ("QueryIProductionJob", {}, "MissingParameter", "JobId"),
    ("GetAIImageJobs", {}, "MissingParameter", "JobIds"),
    ("ListAIImageInfo", {}, "MissingParameter", "VideoId"),
    # lengths in bytes of UTF-8
    (TEXT, {"Title": "字" * 42 + "abc"}, "InvalidParameter", "Title"),
    (TEXT, {"Description": "字" * 342}, "InvalidParameter", "Description"),
    (TEXT, {"UserData": dump({"a": "字" * 170})}, "InvalidParameter", "UserData"),
    (AUDIO, {"Title": "a" * 129}, "InvalidParameter", "Title"),
    (AUDIO, {"Description": "a" * 1025}, "InvalidParameter", "Description"),
    (AUDIO, {"UserData": dump({"a": "b" * 512})}, "InvalidParameter", "UserData"),
    (BATCH, {"UserData": dump({"a": "b" * 512})}, "InvalidParameter", "UserData"),
    (IMAGE, {"UserData": dump({"Extend": "b" * 512})}, "InvalidParameter", "UserData"),
    # JSON
    (TEXT, {"GenerateConfig": "{"}, "InvalidParameter", "GenerateConfig"),
    (TEXT, {"GenerateConfig": "[" * 100_000}, "InvalidParameter", "GenerateConfig"),
    (TEXT, {"GenerateConfig": "[1]"}, "InvalidParameter", "GenerateConfig"),
    (TEXT, {"UserData": "callback"}, "InvalidParameter", "UserData"),
    (AUDIO, {"EditingConfig": "Siqi"}, "InvalidParameter", "EditingConfig"),
    (AUDIO, {"OutputConfig": "[]"}, "InvalidParameter", "OutputConfig"),
    (BATCH, {"InputConfig": "m1"}, "InvalidParameter", "InputConfig"),
    (BATCH, {"EditingConfig": "m1"}, "InvalidParameter", "EditingConfig"),
    (BATCH, {"TemplateConfig": "{}"}, "InvalidParameter", "TemplateConfig"),
    (BATCH, {"TemplateConfig": "[1]"}, "InvalidParameter", "TemplateConfig"),
    # text
    (TEXT, {"Type": "Poem"}, "InvalidParameter", "Type"),
    (TEXT, {"GenerateConfig": keywords(keywords="")}, "MissingParameter", "GenerateConfig.keywords"),
    (TEXT, {"GenerateConfig": keywords(keywords=["a"])}, "InvalidParameter", "GenerateConfig.keywords"),
    (TEXT, {"GenerateConfig": keywords(textLength=4)}, "InvalidParameter", "GenerateConfig.textLength"),
    (TEXT, {"GenerateConfig": keywords(textLength=1001)}, "InvalidParameter", "GenerateConfig.textLength"),
    (TEXT, {"GenerateConfig": keywords(textLength=None)}, "MissingParameter", "GenerateConfig.textLength"),
    (TEXT, {"GenerateConfig": keywords(textLength="long")}, "InvalidParameter", "GenerateConfig.textLength"),
    (TEXT, {"GenerateConfig": keywords(textLength=True)}, "InvalidParameter", "GenerateConfig.textLength"),
    (TEXT, {"GenerateConfig": keywords(targetCount=0)}, "InvalidParameter", "GenerateConfig.targetCount"),
    (TEXT, {"GenerateConfig": keywords(targetCount=1001)}, "InvalidParameter", "GenerateConfig.targetCount"),
    (TEXT, {"GenerateConfig": keywords(targetCount=1.5)}, "InvalidParameter", "GenerateConfig.targetCount"),
    (TEXT, {"Type": "StoryboardScript", "GenerateConfig": keywords()}, "MissingParameter", "originText"),
    (TEXT, {"Type": "Title", "GenerateConfig": '{"originText":"a"}'}, "MissingParameter", "keywords"),
    # audio
    (AUDIO, {"EditingConfig": '{"voice":1}'}, "InvalidParameter", "EditingConfig.voice"),
    (AUDIO, {"EditingConfig": '{"format":"OGG"}'}, "InvalidParameter", "EditingConfig.format"),
    (AUDIO, {"EditingConfig": '{"volume":101}'}, "InvalidParameter", "EditingConfig.volume"),
    (AUDIO, {"EditingConfig": '{"volume":-1}'}, "InvalidParameter", "EditingConfig.volume"),
    (AUDIO, {"EditingConfig": '{"speech_rate":501}'}, "InvalidParameter", "EditingConfig.speech_rate"),
    (AUDIO, {"EditingConfig": '{"pitch_rate":-501}'}, "InvalidParameter", "EditingConfig.pitch_rate"),
    (AUDIO, {"EditingConfig": '{"pitch_rate":{}}'}, "InvalidParameter", "EditingConfig.pitch_rate"),
    (AUDIO, {"OutputConfig": '{"object":"o"}'}, "MissingParameter", "OutputConfig.bucket"),
    (AUDIO, {"OutputConfig": '{"bucket":"b"}'}, "MissingParameter", "OutputConfig.object"),
    (AUDIO, {"Overwrite": "yes"}, "InvalidParameter", "Overwrite"),
    # batch
    (BATCH, {"InputConfig": "{}"}, "MissingParameter", "MediaGroupArray"),
    (BATCH, {"InputConfig": dump({"MediaGroupArray": {"a": 1}})}, "InvalidParameter", "MediaGroupArray"),
    (BATCH, {"InputConfig": dump({"MediaGroupArray": ["a"]})}, "InvalidParameter", "MediaGroupArray[0]"),
    (
        BATCH,
        {"InputConfig": dump({"MediaGroupArray": [{"GroupName": str(n), "MediaArray": ["m"]} for n in range(41)]})},
        "InvalidParameter",
        "MediaGroupArray",
    ),
    (BATCH, {"InputConfig": groups(MediaArray=["m"] * 201)}, "InvalidParameter", "MediaGroupArray[0].MediaArray"),
    (BATCH, {"InputConfig": groups(MediaArray=[])}, "MissingParameter", "MediaGroupArray[0].MediaArray"),
    (BATCH, {"InputConfig": groups(GroupName="n" * 51)}, "InvalidParameter", "GroupName"),
    (
        BATCH,
        {"InputConfig": dump({"MediaGroupArray": [{"GroupName": "a", "MediaArray": ["m"]}] * 2})},
        "InvalidParameter",
        "MediaGroupArray[1].GroupName",
    ),
    (
        BATCH,
        {"InputConfig": groups(speech=["hello"], SpeechTextArray=["hi"])},
        "InvalidParameter",
        "MediaGroupArray[0].SpeechTextArray",
    ),
    (BATCH, {"InputConfig": media(SpeechTextArray=["a"] * 51)}, "InvalidParameter", "SpeechTextArray"),
    (BATCH, {"InputConfig": media(SpeechTextArray=["字" * 1001])}, "InvalidParameter", "SpeechTextArray[0]"),
    (BATCH, {"InputConfig": media(SpeechTextArray="a")}, "InvalidParameter", "SpeechTextArray"),
    (BATCH, {"InputConfig": media(TitleArray=["a"] * 51)}, "InvalidParameter", "TitleArray"),
    (BATCH, {"InputConfig": dump({"MediaArray": [1]})}, "InvalidParameter", "MediaArray"),
    (BATCH, {"OutputConfig": output(Count=0)}, "InvalidParameter", "OutputConfig.Count"),
    (BATCH, {"OutputConfig": output(Count=101)}, "InvalidParameter", "OutputConfig.Count"),
    (BATCH, {"OutputConfig": output(Width=0)}, "InvalidParameter", "OutputConfig.Width"),
    (BATCH, {"OutputConfig": output(MaxDuration=0)}, "InvalidParameter", "OutputConfig.MaxDuration"),
    (BATCH, {"OutputConfig": output(FixedDuration="x")}, "InvalidParameter", "OutputConfig.FixedDuration"),
    (BATCH, {"OutputConfig": output(MediaURL="")}, "MissingParameter", "OutputConfig.MediaURL"),
    (BATCH, {"OutputConfig": output(MediaURL="http://b/one.mp4")}, "InvalidParameter", "OutputConfig.MediaURL"),
    # AI image
    (IMAGE, {"UserData": '{"other":1}'}, "InvalidParameter", "UserData"),
    ("GetAIImageJobs", {"JobIds": ",".join("abcdefghijk")}, "InvalidParameter", "JobIds"),
    # listings
    ("ListSmartJobs", {"MaxResults": "0"}, "InvalidParameter", "MaxResults"),
    ("ListSmartJobs", {"MaxResults": "101"}, "InvalidParameter", "MaxResults"),
    ("ListSmartJobs", {"PageSize": "101"}, "InvalidParameter", "PageSize"),
    ("ListSmartJobs", {"PageNo": "0"}, "InvalidParameter", "PageNo"),
    ("ListSmartJobs", {"PageNo": "²"}, "InvalidParameter", "PageNo"),
    ("ListSmartJobs", {"JobState": "Success"}, "InvalidParameter", "JobState"),
    ("ListSmartJobs", {"SortBy": "desc"}, "InvalidParameter", "SortBy"),
    ("ListBatchMediaProducingJobs", {"SortBy": "CreationTime:Desc"}, "InvalidParameter", "SortBy"),
    ("ListBatchMediaProducingJobs", {"Status": "Success"}, "InvalidParameter", "Status"),
    ("ListBatchMediaProducingJobs", {"StartTime": "2022-02-02"}, "InvalidParameter", "StartTime"),
    ("ListBatchMediaProducingJobs", {"EndTime": "now"}, "InvalidParameter", "EndTime"),
]

ACCEPTED: list[tuple[str, dict[str, str]]] = [
    (TEXT, {"Title": "字" * 42 + "ab"}),
    (TEXT, {"GenerateConfig": keywords(textLength=5, targetCount=1000)}),
    (TEXT, {"GenerateConfig": keywords(textLength="1000", targetCount=1.0)}),
    (TEXT, {"Type": "", "GenerateConfig": '{"originText":"a new cake shop"}'}),
    (AUDIO, {"EditingConfig": '{"format":null,"volume":null}'}),
    (BATCH, {"OutputConfig": output(MaxDuration=None)}),
    (TEXT, {"Type": "StoryboardScript", "GenerateConfig": '{"originText":"a new cake shop"}'}),
    (AUDIO, {"EditingConfig": '{"customizedVoice":"v","format":"pcm","volume":0,"speech_rate":-500,"pitch_rate":500}'}),
    (AUDIO, {"InputConfig": "字" * 10_000}),
    (AUDIO, {"Overwrite": "true"}),
    (BATCH, {"InputConfig": media(SpeechTextArray=["字" * 1000] * 50, TitleArray=["a"] * 50)}),
    (BATCH, {"InputConfig": dump({"MediaSearchInput": {"Text": "cake"}})}),
    (BATCH, {"InputConfig": groups(SpeechTextArray=["hi"])}),
    (BATCH, {"InputConfig": dump({"MediaGroupArray": [{"MediaArray": ["m"]}] * 40})}),
    (BATCH, {"OutputConfig": output(Count=100, Width=1080, Height=1920, FixedDuration=7.5, Video={"Crf": 27})}),
    (BATCH, {"OutputConfig": output(Width=2**63 - 1, Height=str(2**63 - 1))}),
    (BATCH, {"OutputConfig": output(Width="1080.0", Height=1920.0)}),
    ("ListSmartJobs", {"PageNo": str(2**63 - 1)}),
    (BATCH, {"OutputConfig": dump({"MediaURL": "http://b/one.mp4"})}),
    (BATCH, {"OutputConfig": dump({"StorageLocation": "b", "FileName": "v_{index}.mp4", "Count": 2})}),
    (BATCH, {"OutputConfig": dump({"GeneratePreviewOnly": True})}),
    (BATCH, {"OutputConfig": ""}),
    (BATCH, {"TemplateConfig": '["t1","t2"]'}),
    (IMAGE, {"UserData": '{"MessageCallback":{"CallbackURL":"http://a"}}'}),
    (IMAGE, {"AIPipelineId": "p"}),
    ("GetAIImageJobs", {"JobIds": ",".join("abcdefghij")}),
    ("ListSmartJobs", {"MaxResults": "100", "JobType": "TextGenerate"}),
]


def checked(action: str, parameters: dict[str, str]) -> dict[str, str]:
    return check_parameters(ACTIONS[action].parameters, parameters)


@pytest.mark.parametrize(("action", "changes", "code", "field"), REJECTED)
def test_the_error_for_an_invalid_parameter_contains_its_name(
    action: str, changes: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(ApiError) as caught:
        checked(action, {**GOOD_REQUESTS.get(action, {}), **changes})
    assert caught.value.code == code
    assert caught.value.status == 400
    assert field in caught.value.message


@pytest.mark.parametrize(("action", "changes"), ACCEPTED)
def test_a_parameter_within_the_limits_is_accepted(action: str, changes: dict[str, str]) -> None:
    parameters = {**GOOD_REQUESTS.get(action, {}), **changes}
    assert checked(action, parameters) == {name: value for name, value in parameters.items() if value}


@pytest.mark.parametrize("value", [0, 2**63])
def test_the_error_for_an_integer_out_of_range_contains_the_range(value: int) -> None:
    for action, name, text in (
        ("ListSmartJobs", "PageNo", str(value)),
        (BATCH, "OutputConfig", output(Width=value)),
        (BATCH, "OutputConfig", output(Width=str(value))),
    ):
        with pytest.raises(ApiError, match=f"from 1 to {2**63 - 1}"):
            checked(action, {**GOOD_REQUESTS.get(action, {}), name: text})


@pytest.mark.parametrize("field", ["MaxDuration", "FixedDuration"])
def test_the_error_for_a_duration_out_of_range_contains_the_range(field: str) -> None:
    for value in (0, 1e15, "long"):
        with pytest.raises(ApiError, match="greater than 0 and less than 1000000000000000"):
            checked(BATCH, {**GOOD_REQUESTS[BATCH], "OutputConfig": output(**{field: value})})


def test_unknown_parameters_are_ignored() -> None:
    assert checked("ListSmartJobs", {"RegionId": "cn-shanghai", "MaxResults": "1"}) == {"MaxResults": "1"}


def test_a_rejected_request_creates_no_job(emulator: ImsEmulator, send: SignedClient) -> None:
    status, body = send(TEXT, {**GOOD_REQUESTS[TEXT], "Title": "x" * 129})
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert body["HostId"] == emulator.endpoint
    assert emulator.jobs() == []


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    *("keywords", "textLength", "targetCount", "originText", "voice", "format", "volume", "speech_rate"),
    *("bucket", "object", "MediaURL", "Count", "Width", "MaxDuration", "MediaGroupArray", "MediaArray"),
    *("MediaSearchInput", "SpeechTextArray", "TitleArray", "Extend"),
)


def error_code(action: str, parameters: dict[str, str]) -> str | None:
    try:
        checked(action, parameters)
    except ApiError as error:
        return error.code
    return None


@given(st.sampled_from([*GOOD_REQUESTS, "ListSmartJobs", "ListBatchMediaProducingJobs"]), st.data())
def test_any_parameters_are_accepted_or_rejected_and_raise_no_other_error(action: str, data: st.DataObject) -> None:
    configs = st.dictionaries(st.sampled_from(FIELDS), ANY_JSON).map(json.dumps)
    values = st.text(max_size=20) | ANY_JSON.map(json.dumps) | configs
    parameters = data.draw(st.dictionaries(st.sampled_from(sorted(ACTIONS[action].parameters)), values))
    assert error_code(action, parameters) in (None, "MissingParameter", "InvalidParameter")
