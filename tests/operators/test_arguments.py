"""Arguments that would lead to a wrong but billed result are rejected before any request."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from airflow.sdk import DAG
from support.cases import AUDIO, BATCH, IMAGE, TEXT, Case
from support.running import TaskLog, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.operators.ims import (
    ImsSubmitASRJobOperator,
    ImsSubmitJobOperator,
    ImsSubmitMediaCensorJobOperator,
    ImsSubmitMediaProducingJobOperator,
    ImsSubmitSegmentationJobOperator,
    ImsSubmitTranscodeJobOperator,
)
from airflow_provider_ims.operators.vod import (
    VodSubmitAIImageJobOperator,
    VodSubmitJobOperator,
    VodSubmitSnapshotJobOperator,
    VodSubmitTranscodeJobsOperator,
)

KEYWORDS = {"keywords": "new store", "textLength": 20, "targetCount": 2}
STICKER = "input_config.StickerArray[0].MediaId"
VIDEOS = {"MediaURL": "http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4"}
MISSING = "{{ ti.xcom_pull(task_ids='x') }}"
FILE = {"Type": "OSS", "Media": "oss://bucket/in.mp4"}


def refused(task: Any, emulator: ImsEmulator) -> ImsRequestError:
    with pytest.raises(ImsRequestError) as caught:
        run_task(task)
    assert emulator.requests() == []
    return caught.value


@pytest.mark.parametrize(
    ("task", "name", "sent"),
    [
        (AUDIO.task(input_config=20260101), "InputConfig", "20260101"),
        (AUDIO.task(title=7.5), "Title", "7.5"),
        (
            VodSubmitTranscodeJobsOperator(task_id="job", video_id="v", template_group_id="g", priority=6),
            "Priority",
            "6",
        ),
        (VodSubmitSnapshotJobOperator(task_id="job", video_id=20260101, width=1080), "Width", "1080"),
        (VodSubmitSnapshotJobOperator(task_id="job", video_id=20260101, width=1080), "VideoId", "20260101"),
    ],
)
def test_a_number_is_sent_as_text(task: Any, name: str, sent: str, ims_emulator: ImsEmulator) -> None:
    task.wait_for_completion = False
    run_task(task)
    (request,) = ims_emulator.requests()
    assert request["parameters"][name] == sent


def test_a_number_inside_json_is_sent_as_text(ims_emulator: ImsEmulator) -> None:
    run_task(AUDIO.task(output_config={"bucket": "b", "object": 20260101}, wait_for_completion=False))
    (request,) = ims_emulator.requests()
    assert json.loads(request["parameters"]["OutputConfig"]) == {"bucket": "b", "object": "20260101"}


@pytest.mark.parametrize("name", ["voice-over/o.mp3", "o.WAV", "o.pcm"])
def test_an_audio_object_with_a_file_extension_is_rejected(name: str, ims_emulator: ImsEmulator) -> None:
    error = refused(AUDIO.task(output_config={"bucket": "b", "object": name}), ims_emulator)
    assert error.field == "output_config.object"
    assert "the service appends" in str(error)


class XComs:
    """A task instance without XComs."""

    def xcom_pull(self, **_: Any) -> None: ...


def rendered(task: Any, *, native: bool) -> Any:
    dag = DAG("dag", schedule=None, render_template_as_native_obj=native)
    dag.add_task(task)
    task.render_template_fields({"ds_nodash": "20260101", "ti": XComs()})
    return task


@pytest.mark.parametrize("native", [True, False])
def test_a_rendered_number_is_sent_as_text(native: bool, ims_emulator: ImsEmulator) -> None:
    files = {"bucket": "b", "object": "{{ ds_nodash }}"}
    task = AUDIO.task(input_config="{{ ds_nodash }}", output_config=files, wait_for_completion=False)
    run_task(rendered(task, native=native))
    (request,) = ims_emulator.requests()
    assert request["parameters"]["InputConfig"] == "20260101"
    assert json.loads(request["parameters"]["OutputConfig"]) == {"bucket": "b", "object": "20260101"}


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(
    ("case", "arguments", "path"),
    [
        (AUDIO, {"input_config": MISSING}, "input_config"),
        (AUDIO, {"output_config": {"bucket": "b", "object": MISSING}}, "output_config.object"),
        (TEXT, {"generate_config": {**KEYWORDS, "keywords": MISSING}}, "generate_config.keywords"),
        (BATCH, {"input_config": {"MediaArray": ["m", MISSING]}}, "input_config.MediaArray[1]"),
    ],
)
def test_a_missing_xcom_is_rejected(
    case: Case, arguments: dict[str, Any], path: str, native: bool, ims_emulator: ImsEmulator
) -> None:
    assert refused(rendered(case.task(**arguments), native=native), ims_emulator).field == path


@pytest.mark.parametrize("nothing", ["None", "null", "[None]", "[None, None]", "", " None\n"])
@pytest.mark.parametrize(
    ("case", "arguments", "path"),
    [
        (AUDIO, lambda value: {"input_config": value}, "input_config"),
        (AUDIO, lambda value: {"output_config": {"bucket": value, "object": "o"}}, "output_config.bucket"),
        (AUDIO, lambda value: {"output_config": {"bucket": "b", "object": value}}, "output_config.object"),
        (TEXT, lambda value: {"generate_config": {**KEYWORDS, "keywords": value}}, "generate_config.keywords"),
        (TEXT, lambda value: {"generate_config": {"originText": value}}, "generate_config.originText"),
        (TEXT, lambda value: {"generate_config": json.dumps({"originText": value})}, "generate_config.originText"),
        (TEXT, lambda value: {"generate_config": value}, "generate_config"),
        (BATCH, lambda value: {"input_config": {"MediaArray": ["m", value]}}, "input_config.MediaArray[1]"),
        (
            BATCH,
            lambda value: {"input_config": {"MediaGroupArray": [{"MediaArray": [value]}]}},
            "input_config.MediaGroupArray[0].MediaArray[0]",
        ),
        (
            BATCH,
            lambda value: {"input_config": {"MediaArray": ["m"], "SpeechTextArray": [value]}},
            "input_config.SpeechTextArray[0]",
        ),
        (BATCH, lambda value: {"output_config": {"MediaURL": value}}, "output_config.MediaURL"),
        (IMAGE, lambda value: {"video_id": value}, "video_id"),
    ],
)
def test_content_that_renders_as_none_or_as_empty_is_rejected(
    case: Case, arguments: Any, path: str, nothing: str, ims_emulator: ImsEmulator
) -> None:
    assert refused(case.task(**arguments(nothing)), ims_emulator).field == path


@pytest.mark.parametrize(
    ("task", "path"),
    [
        (ImsSubmitASRJobOperator(task_id="job", input_file="None"), "input_file"),
        (ImsSubmitSegmentationJobOperator(task_id="job", input_config={"Media": "None"}), "input_config.Media"),
        (
            ImsSubmitTranscodeJobOperator(task_id="job", input_group=[{**FILE, "Media": "null"}], output_group=[{}]),
            "input_group[0].Media",
        ),
        (ImsSubmitTranscodeJobOperator(task_id="job", input_group=[], output_group=[{}]), "input_group"),
        # Native rendering converts the text to None.
        (ImsSubmitSegmentationJobOperator(task_id="job", input_config={"Media": None}), "input_config.Media"),
        (BATCH.task(input_config={"MediaArray": ["m", None]}), "input_config.MediaArray[1]"),
        (AUDIO.task(input_config=None), "input_config"),
        (
            ImsSubmitMediaProducingJobOperator(
                task_id="job",
                output_media_config=VIDEOS,
                timeline={"VideoTracks": [{"VideoTrackClips": [{"MediaId": "None"}]}]},
            ),
            "timeline.VideoTracks[0].VideoTrackClips[0].MediaId",
        ),
        (ImsSubmitJobOperator(task_id="job", job="SubmitASRJob", parameters={"InputFile": "None"}), "InputFile"),
        (ImsSubmitSegmentationJobOperator(task_id="job", input_config="None"), "input_config"),
        (ImsSubmitSegmentationJobOperator(task_id="job", input_config=""), "input_config"),
        (TEXT.task(generate_config={**KEYWORDS, "keywords": "None,None"}), "generate_config.keywords"),
        (BATCH.task(input_config={"MediaArray": ["m"], "StickerArray": [{"MediaId": "None"}]}), STICKER),
        (VodSubmitSnapshotJobOperator(task_id="job", video_id="null"), "video_id"),
        (BATCH.task(template_config=["t", "None"]), "template_config[1]"),
        (ImsSubmitMediaCensorJobOperator(task_id="job", input={"Media": ""}), "input.Media"),
        (
            ImsSubmitMediaCensorJobOperator(task_id="job", cover_images=[{"Bucket": "b", "Object": ""}]),
            "cover_images[0].Object",
        ),
        (BATCH.task(input_config={"MediaArray": []}), "input_config.MediaArray"),
        (
            BATCH.task(input_config={"MediaGroupArray": [{"MediaArray": []}]}),
            "input_config.MediaGroupArray[0].MediaArray",
        ),
        (BATCH.task(client_token="None"), "client_token"),
        (TEXT.task(generate_config="null"), "generate_config"),
    ],
)
def test_a_reference_that_renders_as_none_or_as_empty_is_rejected(
    task: Any, path: str, ims_emulator: ImsEmulator
) -> None:
    assert refused(task, ims_emulator).field == path


@pytest.mark.parametrize(
    "task",
    [
        TEXT.task(title="None", description="null", user_data={"Extend": {"url": "None"}}),
        AUDIO.task(input_config="None of these shops is open."),
        BATCH.task(input_config={"MediaArray": ["m"], "SpeechTextArray": [], "TitleArray": []}),
        ImsSubmitMediaProducingJobOperator(
            task_id="job",
            output_media_config=VIDEOS,
            timeline={"VideoTracks": [{"VideoTrackClips": [{"MediaId": "", "MediaURL": "oss://b/m", "Fill": "None"}]}]},
        ),
    ],
)
def test_labels_options_and_optional_content_may_be_empty(task: Any, ims_emulator: ImsEmulator) -> None:
    task.wait_for_completion = False
    assert run_task(task)["job_id"]


def test_an_empty_optional_parameter_is_omitted(ims_emulator: ImsEmulator) -> None:
    run_task(VodSubmitSnapshotJobOperator(task_id="job", video_id="v", reference_id="", wait_for_completion=False))
    run_task(BATCH.task(editing_config="", template_config=" ", client_token="", wait_for_completion=False))
    snapshot, batch = ims_emulator.requests()
    assert "ReferenceId" not in snapshot["parameters"]
    assert batch["parameters"].keys().isdisjoint({"EditingConfig", "TemplateConfig"})


@pytest.mark.parametrize(
    ("task", "path", "meant"),
    [
        (AUDIO.task(editing_config={"voise": "Siqi"}), "editing_config.voise", "voice"),
        (AUDIO.task(editing_config={"Voice": "Siqi"}), "editing_config.Voice", "voice"),
        (AUDIO.task(editing_config='{"voice": "Siqi", "formet": "MP3"}'), "editing_config.formet", "format"),
        (AUDIO.task(editing_config={"speechRate": 100}), "editing_config.speechRate", "speech_rate"),
        (AUDIO.task(output_config={"buckt": "b", "object": "o"}), "output_config.buckt", "bucket"),
        (AUDIO.task(output_config={"Bucket": "b", "object": "o"}), "output_config.Bucket", "bucket"),
        (TEXT.task(generate_config={**KEYWORDS, "keyword": "a"}), "generate_config.keyword", "keywords"),
        (BATCH.task(input_config={"MediaArrays": ["m"]}), "input_config.MediaArrays", "MediaArray"),
        (
            BATCH.task(input_config={"MediaArray": ["m"], "StickerArray": [{"MediaId": "s", "Opacty": 1}]}),
            "input_config.StickerArray[0].Opacty",
            "Opacity",
        ),
        (
            ImsSubmitMediaProducingJobOperator(task_id="job", timeline={}, output_media_config={"MediaUrl": "u"}),
            "output_media_config.MediaUrl",
            "MediaURL",
        ),
        (ImsSubmitMediaCensorJobOperator(task_id="job", input={"Medai": "m"}), "input.Medai", "Media"),
        (BATCH.task(output_config={**VIDEOS, "Widht": 1080}), "output_config.Widht", "Width"),
        (BATCH.task(output_config={**VIDEOS, "mediaUrl": "u"}), "output_config.mediaUrl", "MediaURL"),
        (BATCH.task(editing_config={"SpechConfig": {}}), "editing_config.SpechConfig", "SpeechConfig"),
    ],
)
def test_the_error_for_a_misspelt_key_suggests_the_documented_key(
    task: Any, path: str, meant: str, ims_emulator: ImsEmulator
) -> None:
    error = refused(task, ims_emulator)
    assert error.field == path
    assert f"Did you mean {meant!r}?" in str(error)


@pytest.mark.parametrize(
    ("task", "argument", "key"),
    [
        (AUDIO.task(editing_config={"voice": "Siqi", "emotion": "happy"}), "editing_config", "emotion"),
        (TEXT.task(generate_config={**KEYWORDS, "language": "zh"}), "generate_config", "language"),
        (BATCH.task(output_config={**VIDEOS, "Watermark": {}}), "output_config", "Watermark"),
        # The documentation does not list all keys of this object, so this one may exist.
        (BATCH.task(output_config={**VIDEOS, "MinDuration": 5}), "output_config", "MinDuration"),
    ],
)
def test_an_unknown_key_that_may_exist_is_sent_with_a_warning(
    task: Any, argument: str, key: str, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    task.wait_for_completion = False
    assert run_task(task)["job_id"]
    assert any(line.startswith(f"{argument}.{key}: undocumented key") for line in task_log.lines("warning"))
    # The emulator also logs the key.
    assert any("ignored keys" in line and line.endswith(f"Config.{key}") for line in task_log.lines("warning"))


def test_documented_keys_are_sent_without_a_warning(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    for case in (TEXT, AUDIO, BATCH, IMAGE):
        run_task(case.task(wait_for_completion=False))
    # These keys are similar to other documented keys.
    similar = {"SpeechText": "s", "BackgroundMusic": "m", "BackgroundImageArray": ["m"], "Title": "t"}
    run_task(BATCH.task(input_config={"MediaArray": ["m"], **similar}, wait_for_completion=False))
    file = {"Bucket": "example-bucket", "Location": "oss-cn-shanghai", "Object": "example.mp4"}
    watermark = {"Input": file, "Output": file, "Message": "mine"}
    run_task(ImsSubmitJobOperator(task_id="job", job="SubmitCopyrightJob", parameters=watermark))
    assert [line for line in task_log.lines("warning") if "key" in line] == []


@pytest.mark.parametrize(
    "task",
    [
        IMAGE.task(region_id="cn-hangzhou"),
        VodSubmitJobOperator(
            task_id="job",
            job="SubmitAIImageJob",
            parameters={"VideoId": "v", "AITemplateId": "t"},
            region_id="cn-hangzhou",
        ),
    ],
)
def test_ai_images_are_rejected_in_a_region_that_does_not_support_them(
    task: Any, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "alibabacloud_ims", "login": "id", "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", json.dumps(connection))
    error = refused(task, ims_emulator)
    assert error.field == "region_id"
    assert str(error).endswith("SubmitAIImageJob is available only in cn-beijing and cn-shanghai, not in cn-hangzhou")


def test_with_a_custom_endpoint_the_service_decides_whether_a_region_has_ai_images(ims_emulator: ImsEmulator) -> None:
    # The connection of the emulator sets both endpoints.
    with pytest.raises(ImsRequestError, match="available only in cn-beijing and cn-shanghai"):
        run_task(VodSubmitAIImageJobOperator(**{"task_id": "job", **IMAGE.arguments, "region_id": "cn-hangzhou"}))
    (request,) = ims_emulator.requests("SubmitAIImageJob")
    assert request["error_code"] == "InvalidParameter"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"template_id": "t", "output_file": "oss://b/{Count}.jpg"},
        {"cover_images": []},
        {"title": ""},
        {"title": "None"},
    ],
)
def test_moderation_without_content_is_rejected(arguments: dict[str, Any], ims_emulator: ImsEmulator) -> None:
    error = refused(ImsSubmitMediaCensorJobOperator(task_id="job", **arguments), ims_emulator)
    assert "at least one of input, cover_images, title, description, barrages" in str(error)


@pytest.mark.parametrize(
    ("arguments", "path", "missing"),
    [
        ({"input": {"Type": "OSS"}}, "input", "Media"),
        ({"cover_images": [{"Bucket": "b", "Location": "oss-cn-shanghai"}]}, "cover_images[0]", "Object"),
    ],
)
def test_moderation_of_a_file_without_a_name_is_rejected(
    arguments: dict[str, Any], path: str, missing: str, ims_emulator: ImsEmulator
) -> None:
    error = refused(ImsSubmitMediaCensorJobOperator(task_id="job", **arguments), ims_emulator)
    assert error.field == path
    assert str(error).endswith(f"requires {missing}")


@pytest.mark.parametrize("verdict", ["pass", "review", "block"])
def test_moderation_returns_verdicts_only_for_the_sent_content(verdict: str, ims_emulator: ImsEmulator) -> None:
    covers = [{"Bucket": "b", "Location": "oss-cn-shanghai", "Object": f"{verdict}.jpg"}]
    result = run_task(ImsSubmitMediaCensorJobOperator(task_id="job", cover_images=covers, poll_interval=0.05))
    assert result["suggestion"] == verdict
    assert result["covers"]
    assert [result[part] for part in ("video", "title", "description", "barrages")] == [None] * 4


def all_operators(base: type[JobOperator] = JobOperator) -> list[type[JobOperator]]:
    return [one for sub in base.__subclasses__() for one in (sub, *all_operators(sub))]


@pytest.mark.parametrize("operator", [one for one in all_operators() if "kind" in vars(one)])
def test_parameters_that_the_service_requires_are_required_arguments(operator: type[JobOperator]) -> None:
    arguments = inspect.signature(operator.__init__).parameters
    optional = [
        one.argument
        for one in operator.kind.parameters
        if one.required and arguments[one.argument].default is not inspect.Parameter.empty
    ]
    assert optional == []
