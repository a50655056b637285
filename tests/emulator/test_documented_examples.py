"""The documented example requests are accepted, and the responses contain all fields of the example responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator

if TYPE_CHECKING:
    from support.emulated import SignedClient

USER_DATA = (
    '{"NotifyAddress":"http://xx.xx.xxx"}',
    '{"NotifyAddress":"https://xx.xx.xxx"}',
    '{"NotifyAddress":"ice-callback-demo"}',
)
TEXT_REQUEST = {
    "Title": "Test Title",
    "Description": "Test Description",
    "Type": "MarketingCopy",
    "GenerateConfig": '{"keywords":"New store cake,Animal cream","textLength":100,"targetCount":3}',
}
STORY = (
    '{"originText": "A new cake shop has opened on the street,Selling cream cakes,Fruit cake,Bread,Muffins, etc..'
    'A coffee shop has opened across from the cake shop,An endless stream of customers."}'
)
SPEECH = (
    "Talking about Guo Degang, he is now incredibly popular. Although ticket prices are high, his shows often sell out"
    " instantly. In addition, he frequently appears on various comedy programs, where he judges performances by new"
    " comedians."
)
AUDIO_REQUEST = {
    "EditingConfig": '{"voice":"Siqi","format":"MP3","volume":50}',
    "OutputConfig": '{ "bucket": "my_bucket", "object": "target_audio" }',
    "InputConfig": "Test text",
    "Overwrite": "true",
}
BATCH_REQUEST = {
    "ClientToken": "****12e8864746a0a398****",
    "InputConfig": """{ "MediaGroupArray": [{ "GroupName": "MediaGroup1", "MediaArray": [
        "****9d46c886b45481030f6e****", "****6c886b4549d481030f6e****" ] }, { "GroupName": "MediaGroup2",
        "MediaArray": [ "****d46c886810b454930f6e****", "****4549d886810b46c30f6e****" ] }],
        "TitleArray": [ "回龙观盒马鲜生开业啦", "盒马鲜生开业啦" ],
        "SpeechTextArray": [ "附近的商场新开了一家盒马鲜生,今天是第一天开业",
        "商场里的人不少,零食、酒水都比较便宜大家也快来看看呀" ] }""",
    "EditingConfig": '{ "MediaConfig": { "Volume": 0 }, "SpeechConfig": { "Volume": 1 },'
    ' "BackgroundMusicConfig": { "Volume": 0.3 } }',
    "OutputConfig": '{ "MediaURL": "http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{index}.mp4", "Count": 20,'
    ' "MaxDuration": 15, "Width": 1080, "Height": 1920, "Video": {"Crf": 27} }',
    "TemplateConfig": '["****b4549d46c88681030f6e****","****549d46c88b4681030f6e****"]',
}
IMAGE_REQUEST = {
    "VideoId": "357a8748c5774*****89d2726e6436aa",
    "AITemplateId": "ef1a8842cb9f*****cea80cad902e416",
    "UserData": '{"Extend":{"localId":"****","test":"www"}}',
    "AIPipelineId": "6492025b8f*****6ba5bb755a33438",
}

TEXT_RESPONSE: dict[str, Any] = {
    "RequestId": "******AC-5A01-1116-87A4-BF86F2******",
    "UserData": '{"NotifyAddress":"https://****"}',
    "JobResult": {
        "AiResult": '["Try the cakes from our new store","Explore a new world"]',
        "Usage": '{"total_tokens":200}',
    },
    "State": "Finished",
    "JobId": "******8c784f461db57c99c9d9******",
    "SmartJobInfo": {
        "JobType": "TextGenerate",
        "ModifiedTime": "2024-01-17T08:46:17Z",
        "CreateTime": "2024-01-17T08:46:17Z",
        "Title": "default_title_2024-01-17T08:46:17Z",
        "EditingConfig": r'{"Type":"MarketingCopy","GenerateConfig":"{\"keywords\":\"new cake shop, real cream\",'
        r'\"textLength\":100,\"targetCount\":3}"}',
    },
}
AUDIO_RESPONSE: dict[str, Any] = {
    "RequestId": "******2D-443C-5043-B0E4-867070******",
    "JobId": "******042d5e4db6866f6289d1******",
    "State": "Finished",
    "SmartJobInfo": {
        "Title": "default_title_2022-01-21T06:15:07Z",
        "JobType": "TextToSpeech",
        "CreateTime": "2022-01-21T06:15:07Z",
        "ModifiedTime": "2022-01-21T06:15:07Z",
        "InputConfig": {"InputFile": SPEECH},
        "EditingConfig": '{"format":"MP3","pitch_rate":0,"sample_rate":16000,"speech_rate":0,"voice":"Siqi",'
        '"volume":50}',
        "OutputConfig": {"Bucket": "your-bucket", "Object": "your-audio"},
    },
    "JobResult": {
        "MediaId": "******bf47c94e82b3b2014361******",
        "AiResult": '[{"content":"Talking about","from":0.0,"to":0.846},{"content":"he","from":0.846,"to":3.386}]',
    },
}
CAPTION_RESPONSE: dict[str, Any] = {
    "RequestId": "******2D-443C-5043-B0E4-867070******",
    "JobId": "******042d5e4db6866f6289d1******",
    "State": "Finished",
    "SmartJobInfo": {
        "JobType": "ASR",
        "ModifiedTime": "2022-01-21T06:15:08Z",
        "CreateTime": "2022-01-21T06:15:02Z",
        "Title": "default_title_2022-01-21T06:15:02Z",
        "InputConfig": {
            "JobParameters": '{"duration":"00:30:00","start_time":"00:00:00",'
            '"request_params":"&enable_word_level_result=true"}',
            "InputFile": "oss://your-bucket.oss-cn-shanghai.aliyuncs.com/your-video.mp4",
        },
    },
    "JobResult": {"AiResult": '[{"content":"Speaking of which, he","from":0.0,"to":0.846}]'},
}
IMAGE_RESPONSE: dict[str, Any] = {
    "RequestId": "7721B494-1F78-4E*****E8-A7CEE7315BFA",
    "AIImageJobList": [
        {
            "Status": "success",
            "CreationTime": "2020-10-15T03:30:03Z",
            "AIImageResult": '[{"Score":5.035636554444242,"Url":"http://outin-1.oss-cn-shanghai.aliyuncs.com/1.gif"}]',
            "VideoId": "357a8748c577*****789d2726e6436aa",
            "JobId": "cf08a2c6e11e*****de1711b738b9067",
            "UserData": '{"Extend":{"localId":"****","test":"www"}}',
            "Code": "Success",
            "Message": "success",
            "TemplateConfig": '{"Format":"gif","SetDefaultCover":"true"}',
            "TemplateId": "5a86a00f15194*****d7fe7de1b4a173",
        }
    ],
}


def shape(value: Any) -> Any:
    """Return the types in a value and in the JSON of its strings. For a list, return the types of its first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])]
    if isinstance(value, str) and value[:1] in ("{", "["):
        return ("json", shape(json.loads(value)))
    return type(value)


def lacks(expected: Any, found: Any, path: str = "") -> list[str]:
    """Return the paths that are missing from a response, or whose types differ from those of the example."""
    if isinstance(expected, tuple) and isinstance(found, tuple):
        return lacks(expected[1], found[1], f"{path}*")
    if isinstance(expected, list) and isinstance(found, list):
        return lacks(expected[0], found[0], f"{path}[]")
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = [f"{path}.{name}" for name in expected if name not in found]
        both = (name for name in expected if name in found)
        return missing + [place for name in both for place in lacks(expected[name], found[name], f"{path}.{name}")]
    return [] if expected == found else [f"{path}: {found} for {expected}"]


@pytest.mark.parametrize("user_data", USER_DATA)
@pytest.mark.parametrize("config", [TEXT_REQUEST["GenerateConfig"], STORY], ids=["keywords", "story"])
def test_the_text_examples_are_accepted(send: SignedClient, emulator: ImsEmulator, config: str, user_data: str) -> None:
    text_type = "StoryboardScript" if config is STORY else "MarketingCopy"
    request = {**TEXT_REQUEST, "Type": text_type, "GenerateConfig": config, "UserData": user_data}
    status, submitted = send("SubmitTextGenerateJob", request)
    assert (status, set(submitted)) == (200, {"RequestId", "JobId"})
    emulator.finish(submitted["JobId"])
    body = send("GetSmartHandleJob", {"JobId": submitted["JobId"]})[1]
    assert body["UserData"] == user_data
    assert (body["SmartJobInfo"]["Title"], body["SmartJobInfo"]["Description"]) == ("Test Title", "Test Description")
    assert lacks(shape(TEXT_RESPONSE), shape({**body, "UserData": USER_DATA[1]})) == (
        []
        if text_type == "MarketingCopy"
        else [
            ".SmartJobInfo.EditingConfig*.GenerateConfig*.keywords",
            ".SmartJobInfo.EditingConfig*.GenerateConfig*.textLength",
            ".SmartJobInfo.EditingConfig*.GenerateConfig*.targetCount",
        ]
    )


def test_the_editing_config_of_a_text_job_is_that_of_the_example(send: SignedClient) -> None:
    editing_config = TEXT_RESPONSE["SmartJobInfo"]["EditingConfig"]
    inner = json.loads(editing_config)
    job_id = send("SubmitTextGenerateJob", inner)[1]["JobId"]
    info = send("GetSmartHandleJob", {"JobId": job_id})[1]["SmartJobInfo"]
    assert info["EditingConfig"] == editing_config


def test_the_audio_example_is_accepted(send: SignedClient, emulator: ImsEmulator) -> None:
    status, submitted = send("SubmitAudioProduceJob", AUDIO_REQUEST)
    assert status == 200
    assert set(submitted) == {"RequestId", "JobId", "State", "MediaId"}
    assert submitted["State"] == "Created"
    emulator.finish(submitted["JobId"])
    result = send("GetSmartHandleJob", {"JobId": submitted["JobId"]})[1]["JobResult"]
    assert result["MediaUrl"].endswith("my_bucket.oss-cn-shanghai.aliyuncs.com/target_audio.mp3")


def test_the_result_of_the_speech_example_has_the_documented_format(send: SignedClient, emulator: ImsEmulator) -> None:
    output = '{"bucket":"your-bucket","object":"your-audio"}'
    request = {**AUDIO_REQUEST, "InputConfig": SPEECH, "OutputConfig": output}
    job_id = send("SubmitAudioProduceJob", request)[1]["JobId"]
    emulator.finish(job_id)
    body = send("GetSmartHandleJob", {"JobId": job_id})[1]
    assert lacks(shape(AUDIO_RESPONSE), shape(body)) == []
    for name in ("InputConfig", "EditingConfig", "OutputConfig"):
        assert body["SmartJobInfo"][name] == AUDIO_RESPONSE["SmartJobInfo"][name]
    assert json.loads(body["JobResult"]["AiResult"])[0]["content"] == "Talking about Guo Degang"


def test_the_result_of_the_caption_example_has_the_documented_format(send: SignedClient, emulator: ImsEmulator) -> None:
    request = {
        "InputFile": CAPTION_RESPONSE["SmartJobInfo"]["InputConfig"]["InputFile"],
        "StartTime": "00:00:00",
        "Duration": "00:30:00",
    }
    status, submitted = send("SubmitASRJob", request)
    assert (status, set(submitted)) == (200, {"RequestId", "JobId", "State"})
    emulator.finish(submitted["JobId"])
    body = send("GetSmartHandleJob", {"JobId": submitted["JobId"]})[1]
    assert lacks(shape(CAPTION_RESPONSE), shape(body)) == []
    assert body["SmartJobInfo"]["InputConfig"]["InputFile"] == request["InputFile"]


@pytest.mark.parametrize("user_data", USER_DATA)
def test_the_batch_example_is_accepted(send: SignedClient, emulator: ImsEmulator, user_data: str) -> None:
    status, submitted = send("SubmitBatchMediaProducingJob", {**BATCH_REQUEST, "UserData": user_data})
    assert (status, set(submitted)) == (200, {"RequestId", "JobId"})
    emulator.finish(submitted["JobId"])
    job = send("GetBatchMediaProducingJob", {"JobId": submitted["JobId"]})[1]["EditingBatchJob"]
    assert job["InputConfig"] == BATCH_REQUEST["InputConfig"]
    assert (job["Status"], job["JobType"], job["UserData"]) == ("Finished", "Script", user_data)
    assert [video["MediaURL"] for video in job["SubJobList"]] == [
        f"http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{number}.mp4" for number in range(20)
    ]


def test_the_image_example_is_accepted(send: SignedClient, emulator: ImsEmulator) -> None:
    status, submitted = send("SubmitAIImageJob", IMAGE_REQUEST)
    assert (status, set(submitted)) == (200, {"RequestId", "JobId"})
    emulator.finish(submitted["JobId"])
    body = send("GetAIImageJobs", {"JobIds": submitted["JobId"]})[1]
    assert lacks(shape(IMAGE_RESPONSE), shape(body)) == []
    assert body["AIImageJobList"][0]["UserData"] == IMAGE_REQUEST["UserData"]
