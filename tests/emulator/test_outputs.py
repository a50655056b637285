"""The results of jobs: ids in the response to a submit request, URLs of outputs, and results inside strings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.emulated import open_jobs, queried, response_of, submitted
from support.submits import FILE, SUBMITS, encoded

from airflow_provider_ims.emulator.api.addresses import public_url, split_oss
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.settings import Settings

OSS_FILE = {"Type": "OSS", "Media": "oss://bucket/path/out.gif"}
HTTP_FILE = "http://bucket.oss-cn-shanghai.aliyuncs.com/path/out.gif"


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with open_jobs() as jobs:
        yield jobs


def request_of(action: str, **changes: Any) -> dict[str, str]:
    return encoded({**SUBMITS["ice", action], **changes})


def finished(jobs: Jobs, action: str, **changes: Any) -> Any:
    """Submit a job with changed parameters, and return the response to its query after its end."""
    job = submitted(jobs, action, request_of(action, **changes))
    return queried(jobs, jobs.finish(job.job_id))


@pytest.mark.parametrize(
    ("address", "found", "url"),
    [
        ("oss://b/path/a.mp4", ("b", "path/a.mp4"), "http://b.oss-cn-beijing.aliyuncs.com/path/a.mp4"),
        ("oss://b.oss-cn-beijing.aliyuncs.com/a", ("b", "a"), "http://b.oss-cn-beijing.aliyuncs.com/a"),
        ("https://b.oss-cn-beijing.aliyuncs.com/a", ("b", "a"), "https://b.oss-cn-beijing.aliyuncs.com/a"),
        ("http://example.com/a", None, "http://example.com/a"),
        ("****96e8864746a0b6f3****", None, None),
        ("oss://", None, None),
        ("http://[", None, "http://["),
        ("", None, None),
    ],
)
def test_an_oss_address_has_a_bucket_and_a_url(address: str, found: tuple[str, str] | None, url: str | None) -> None:
    assert split_oss(address) == found
    assert public_url(address, "cn-beijing") == url


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("SubmitDynamicImageJob", ("DynamicImageJob", "OutputUrl")),
        ("SubmitPackageJob", ("PackageJob", "OutputUrl")),
    ],
)
def test_the_url_of_an_oss_output_is_an_http_url(jobs: Jobs, action: str, path: tuple[str, str]) -> None:
    job = finished(jobs, action, Output=OSS_FILE)[path[0]]
    assert job[path[1]] == HTTP_FILE
    assert job["Output"]["Media"] == OSS_FILE["Media"]


def test_an_animated_image_that_becomes_a_media_asset_is_a_gif(jobs: Jobs) -> None:
    job = finished(jobs, "SubmitDynamicImageJob", Output={"Type": "Media", "Media": "asset"})["DynamicImageJob"]
    assert job["OutputUrl"].startswith("http://")
    assert job["OutputUrl"].endswith(".gif")


def test_a_file_that_is_specified_by_its_bucket_has_an_address(jobs: Jobs) -> None:
    output = {"Bucket": "example-bucket", "Location": "oss-cn-shanghai", "Object": "example_result.mp4"}
    job = finished(jobs, "SubmitCopyrightJob", Output=output)["Data"][0]
    assert job["Output"] == {"Type": "OSS", "Media": "oss://example-bucket/example_result.mp4"}


def test_a_conversion_returns_the_requested_file(jobs: Jobs) -> None:
    output = {"Name": "hd", "OutputFile": {"Type": "OSS", "Media": "oss://bucket/hd.mp4"}}
    job = finished(jobs, "SubmitMediaConvertJob", Config={"Inputs": [{"InputFile": FILE}], "Outputs": [output]})["Job"]
    result = job["OutputDetails"][0]["Result"]
    assert result["OutputFile"] == {**output["OutputFile"], "Url": "oss://bucket/hd.mp4"}  # type: ignore[dict-item]
    basic = result["OutFileMeta"]["FileBasicInfo"]
    assert basic["FileUrl"] == "http://bucket.oss-cn-shanghai.aliyuncs.com/hd.mp4"


def test_transcoding_replaces_the_placeholders_of_an_output(jobs: Jobs) -> None:
    output = {"Type": "OSS", "Media": "oss://bucket/a.mp4", "OutputUrl": "oss://bucket/{MediaId}/{JobId}.mp4"}
    parent = finished(jobs, "SubmitTranscodeJob", OutputGroup=[{"Output": output}])["TranscodeParentJob"]
    (job,) = parent["TranscodeJobList"]
    basic = job["OutFileMeta"]["FileBasicInfo"]
    url = f"http://bucket.oss-cn-shanghai.aliyuncs.com/{basic['MediaId']}/{job['JobId']}.mp4"
    assert basic["FileUrl"] == url
    assert job["Output"] == output


@pytest.mark.parametrize("wanted", ["Normal", "Sprite", "WebVtt"])
def test_the_type_of_snapshots_is_that_of_the_request(jobs: Jobs, wanted: str) -> None:
    template = {"TemplateId": "t", "OverwriteParams": {"Type": wanted, "Count": 4}}
    job = finished(jobs, "SubmitSnapshotJob", TemplateConfig=template)["SnapshotJob"]
    assert (job["Type"], job["Count"]) == (wanted, 4)


def test_vod_snapshots_return_their_configuration(jobs: Jobs) -> None:
    request = {"VideoId": "v", "Count": "32", "Interval": "0", "SpecifiedOffsetTime": "5", "Width": "352"}
    job = submitted(jobs, "vod:SubmitSnapshotJob", {**request, "Height": "640"})
    detail = queried(jobs, jobs.finish(job.job_id))["SnapshotJobDetail"]
    config = {"inl": 0, "num": 32, "tm": 5, "wd": "352", "ft": "normal", "hg": "640"}
    assert json.loads(detail["NormalConfig"]) == config


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ({"MediaURL": "https://b.oss-cn-shanghai.aliyuncs.com/a.mp4"}, "https://b.oss-cn-shanghai.aliyuncs.com/a.mp4"),
        ({"MediaURL": "oss://b/a.mp4"}, "http://b.oss-cn-shanghai.aliyuncs.com/a.mp4"),
        (
            {"StorageLocation": "b.oss-cn-beijing.aliyuncs.com", "FileName": "a.mp4"},
            "http://b.oss-cn-beijing.aliyuncs.com/a.mp4",
        ),
    ],
)
def test_the_url_of_a_video_is_that_of_the_request(jobs: Jobs, target: dict[str, str], url: str) -> None:
    job = finished(jobs, "SubmitMediaProducingJob", OutputMediaConfig=target)["MediaProducingJob"]
    assert job["MediaURL"] == url


def test_a_submitted_video_has_the_ids_of_its_job(jobs: Jobs) -> None:
    accepted = response_of(jobs, "SubmitMediaProducingJob", request_of("SubmitMediaProducingJob"))
    job = queried(jobs, jobs.finish(accepted["JobId"]))["MediaProducingJob"]
    assert {name: job[name] for name in accepted} == accepted
    assert set(accepted) == {"JobId", "MediaId", "ProjectId"}


def test_a_traced_media_id_is_accepted_by_the_next_job(jobs: Jobs) -> None:
    accepted = response_of(jobs, "SubmitTraceAbJob", request_of("SubmitTraceAbJob"))
    trace_id = accepted["Data"]["TraceMediaId"]
    assert finished(jobs, "SubmitTraceM3u8Job", TraceMediaId=trace_id)["Data"][0]["TraceMediaId"] == trace_id


@pytest.mark.parametrize("action", ["SubmitCustomizedVoiceJob", "SubmitCosyVoiceCustomizedVoiceJob"])
def test_a_submitted_voice_has_the_id_of_its_job(jobs: Jobs, action: str) -> None:
    data = response_of(jobs, action, request_of(action))["Data"]
    assert queried(jobs, jobs.get(data["JobId"]))["Data"]["CustomizedVoiceJob"]["VoiceId"] == data["VoiceId"]


def test_transcoding_of_a_video_returns_the_ids_of_its_streams(jobs: Jobs) -> None:
    request = encoded(SUBMITS["vod", "SubmitTranscodeJobs"])
    accepted = response_of(jobs, "SubmitTranscodeJobs", request)
    task = queried(jobs, jobs.get(accepted["TranscodeTaskId"]))["TranscodeTask"]
    streams = [stream["TranscodeJobId"] for stream in task["TranscodeJobInfoList"]]
    assert [stream["JobId"] for stream in accepted["TranscodeJobs"]["TranscodeJob"]] == streams


def test_an_avatar_is_trained_with_the_job_id_in_the_request(jobs: Jobs) -> None:
    request = {"JobId": "my-avatar"}
    assert response_of(jobs, "SubmitAvatarTrainingJob", request)["Data"] == {"JobId": "my-avatar"}
    jobs.fail("my-avatar")
    jobs.clock.advance(3600)
    assert response_of(jobs, "SubmitAvatarTrainingJob", request)["Data"] == {"JobId": "my-avatar"}
    job = queried(jobs, jobs.get("my-avatar"))["Data"]["AvatarTrainingJob"]
    assert (job["Status"], job["LastTrainingTime"] > job["FirstTrainingTime"]) == ("Init", True)
    assert len(jobs.store.jobs()) == 1


def test_an_avatar_job_with_the_id_of_another_job_is_rejected(jobs: Jobs) -> None:
    other = submitted(jobs, "SubmitASRJob", request_of("SubmitASRJob"))
    with pytest.raises(ApiError, match="ResourceNotFound"):
        response_of(jobs, "SubmitAvatarTrainingJob", {"JobId": other.job_id})


def test_selected_media_are_clips_for_the_sentences_of_each_video(jobs: Jobs) -> None:
    config = {"MediaArray": ["m1", "m2"], "SpeechTextArray": ["One.", "Two.", "Three."]}
    job = finished(jobs, "SubmitSceneMediaSelectionJob", InputConfig=config)["EditingBatchJob"]
    videos = json.loads(job["ExtendOutput"])["textMatchMediaOutputList"]
    assert len(videos) == json.loads(job["OutputConfig"])["Count"]
    for video in videos:
        chosen = video["textMatchMediaSentenceOutputList"]
        assert [sentence["text"] for sentence in chosen] == config["SpeechTextArray"]
        assert [sentence["matchClipList"][0]["mediaId"] for sentence in chosen] == ["m1", "m2", "m1"]


def test_the_output_of_each_scene_job_is_the_input_of_the_next(jobs: Jobs) -> None:
    selected = finished(jobs, "SubmitSceneMediaSelectionJob")["EditingBatchJob"]["ExtendOutput"]
    organised = finished(jobs, "SubmitSceneTimelineOrganizationJob", MediaSelectResult=selected)["EditingBatchJob"]
    assert organised["ExtendInput"] == selected
    projects = [project["ProjectId"] for project in organised["SubJobList"]]
    edited = finished(jobs, "SubmitSceneBatchEditingJob", ProjectIds=",".join(projects))["EditingBatchJob"]
    assert json.loads(edited["ExtendInput"]) == projects


def test_a_translation_returns_each_language(jobs: Jobs) -> None:
    changes = {
        "EditingConfig": {"SourceLanguage": "zh", "TargetLanguage": "en,ja"},
        "OutputConfig": {"MediaURL": "https://b.oss-cn-shanghai.aliyuncs.com/{language_id}.mp4"},
    }
    ai_result = json.loads(finished(jobs, "SubmitVideoTranslationJob", **changes)["JobResult"]["AiResult"])
    translations = ai_result["VideoTranslationAiResultMap"]
    assert {name: one["MediaURL"] for name, one in translations.items()} == {
        "en": "https://b.oss-cn-shanghai.aliyuncs.com/en.mp4",
        "ja": "https://b.oss-cn-shanghai.aliyuncs.com/ja.mp4",
    }
    assert len({one["MediaId"] for one in translations.values()}) == 2
    names = {"MediaId", "MediaURL", "TranslatedAudioMediaURL", "SpeechTranslatedSubtitleURL"}
    assert all(set(one) == names for one in translations.values())


@pytest.mark.parametrize("with_url", [True, False])
def test_the_media_url_of_speech_is_an_option(with_url: bool) -> None:
    with open_jobs(Settings(speech_media_url=with_url)) as jobs:
        result = finished(jobs, "SubmitAudioProduceJob")["JobResult"]
    assert ("MediaUrl" in result) is with_url
    assert {"MediaId", "AiResult"} <= set(result)


@pytest.mark.parametrize("unknown_job_is_error", [True, False])
def test_a_query_without_an_optional_id_finds_no_job(unknown_job_is_error: bool) -> None:
    with open_jobs(Settings(unknown_job_is_error=unknown_job_is_error)) as jobs:
        if unknown_job_is_error:
            with pytest.raises(ApiError, match="ResourceNotFound"):
                response_of(jobs, "GetSmartHandleJob", {})
        else:
            assert response_of(jobs, "GetSmartHandleJob", {}) == {}


@pytest.mark.parametrize(
    ("action", "listing", "parameter"),
    [
        ("SubmitTranscodeJob", "ListTranscodeJobs", "ParentJobId"),
        ("SubmitMediaConvertJob", "ListMediaConvertJobs", "JobId"),
        ("SubmitSnapshotJob", "ListSnapshotJobs", "JobId"),
        ("SubmitMediaInfoJob", "ListMediaInfoJobs", "JobId"),
    ],
)
def test_a_listing_can_be_limited_to_one_job(jobs: Jobs, action: str, listing: str, parameter: str) -> None:
    wanted, _ = (submitted(jobs, action, request_of(action)) for _ in range(2))
    (listed,) = response_of(jobs, listing, {parameter: wanted.job_id})["Jobs"]
    assert listed[parameter] == wanted.job_id
    assert parameter in ACTIONS[listing].parameters


def test_the_requested_pipeline_is_returned(jobs: Jobs) -> None:
    schedule = {"PipelineId": "mine", "Priority": "3"}
    job = finished(jobs, "SubmitPackageJob", ScheduleConfig=schedule)["PackageJob"]
    assert (job["PipelineId"], job["Priority"]) == ("mine", 3)
    default = finished(jobs, "SubmitPackageJob")["PackageJob"]
    assert (len(default["PipelineId"]), default["Priority"]) == (32, 6)


def test_the_placeholders_in_the_output_of_an_algorithm_are_replaced(jobs: Jobs) -> None:
    changes = {
        "Input": {"Type": "OSS", "Media": "oss://bucket/in/clip.mp4"},
        "Output": {"Type": "OSS", "Media": "oss://bucket/cover/{source}-{sequenceId}.png"},
    }
    response = finished(jobs, "SubmitIProductionJob", **changes)
    keys = [f"cover/clip-0000{number}.png" for number in (1, 2, 3)]
    assert response["OutputFiles"] == [f"oss://bucket/{key}" for key in keys]
    assert [url.partition("?")[0] for url in response["OutputUrls"]] == [
        f"http://bucket.oss-cn-shanghai.aliyuncs.com/{key}" for key in keys
    ]
    assert all("x-oss-signature=" in url for url in response["OutputUrls"])
    assert [cover["Url"] for cover in json.loads(response["Result"])] == keys


def test_separated_music_consists_of_two_tracks_and_no_other_result(jobs: Jobs) -> None:
    output = {"Type": "OSS", "Media": "oss://bucket/{resultType}.wav"}
    response = finished(jobs, "SubmitIProductionJob", FunctionName="MusicDemix", Output=output)
    assert response["OutputFiles"] == ["oss://bucket/vocals.wav", "oss://bucket/accompaniment.wav"]
    assert response["Result"] == "{}"


def test_an_unknown_job_of_an_algorithm_has_its_own_error_code(jobs: Jobs) -> None:
    with pytest.raises(ApiError, match=r"^InvalidParameter\.JobNotFound"):
        response_of(jobs, "QueryIProductionJob", {"JobId": "unknown"})
