"""The files that a job creates, and their content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from support.emulated import GOOD_REQUESTS, open_jobs, queried, submitted
from support.requests import documented_requests
from support.submits import SUBMITS, encoded

from airflow_provider_ims._jobs.objects import oss_objects
from airflow_provider_ims.emulator.api.files import BATCH_SIZE, FileIndex, ObjectName, file_of, object_name, outputs_of
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.media.file import DEFAULT_SIZE, MediaFile
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.store import Job

BATCH, AUDIO = "SubmitBatchMediaProducingJob", "SubmitAudioProduceJob"

#: Kind -> the extensions of objects in its responses that are not outputs, or that the emulator does not create.
OTHER_OBJECTS = {
    "ProduceEditingProjectVideo": {"png"},
    "SubmitDNAJob": {"json"},
    "SubmitIProductionJob": {"object"},
    "SubmitMediaInfoJob": {"mp4"},
    "SubmitProjectExportJob": {"mp4", "zip"},
    "SubmitSceneMediaSelectionJob": {"mp4"},
    "SubmitTranscodeJob": {"mp4"},
    "SubmitYikeStoryboardJob": {"mp4", "txt"},
}


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with open_jobs(Settings(speech_media_url=False)) as jobs:
        yield jobs


def finished(jobs: Jobs, action: str, **changes: Any) -> Job:
    product = JOB_KINDS[action].family.product.ram_code
    parameters = encoded({**SUBMITS[product, JOB_KINDS[action].submit], **changes})
    return jobs.finish(submitted(jobs, action, parameters).job_id)


def files(jobs: Jobs, job: Job) -> list[MediaFile]:
    view = jobs.view(job)
    return [file for name in outputs_of(view) if (file := file_of(view, name))]


def index_of(jobs: Jobs) -> FileIndex:
    index = FileIndex(jobs)
    while index.read_jobs():
        pass
    return index


@pytest.mark.parametrize("key", JOB_KINDS)
def test_each_output_in_a_response_is_a_file(jobs: Jobs, key: str) -> None:
    kind = JOB_KINDS[key]
    for parameters in (*documented_requests(kind), encoded(SUBMITS[kind.family.product.ram_code, kind.submit])):
        jobs.store.reset()
        job = submitted(jobs, key, parameters)
        assert files(jobs, job) == [], "the job is running"
        job = jobs.finish(job.job_id)
        shown = {ObjectName(one.bucket, unquote(one.key)) for one in oss_objects(queried(jobs, job), without="input")}
        absent = {name.key.rpartition(".")[2] for name in shown - set(outputs_of(jobs.view(job)))}
        assert absent <= OTHER_OBJECTS.get(key, set())
        index = index_of(jobs)
        for name, file in zip(outputs_of(jobs.view(job)), files(jobs, job), strict=True):
            assert index.find(name) == (file, job)
        jobs.store.reset()
        assert files(jobs, jobs.fail(submitted(jobs, key, parameters).job_id)) == []


def test_the_videos_of_a_batch_have_the_size_duration_titles_and_speech_of_the_request(jobs: Jobs) -> None:
    config = {"MediaArray": ["m"], "TitleArray": ["开业啦", "Open"], "SpeechTextArray": ["One.", "Two.", "Three."]}
    output = {"MediaURL": "oss://b/v_{index}.mp4", "Count": 3, "Width": 360, "Height": 640, "FixedDuration": 7}
    made = files(jobs, finished(jobs, BATCH, InputConfig=config, OutputConfig=output))
    assert [(file.name, file.title) for file in made] == [
        ("v_0.mp4", "开业啦"),
        ("v_1.mp4", "Open"),
        ("v_2.mp4", "开业啦"),
    ]
    assert {(file.size, file.seconds) for file in made} == {((360, 640), 7.0)}
    assert [file.sentences for file in made] == [((text, 0.0, 7.0),) for text in config["SpeechTextArray"]]


def test_the_videos_of_a_running_batch_exist_one_after_the_other(jobs: Jobs) -> None:
    job = submitted(jobs, BATCH, GOOD_REQUESTS[BATCH])
    jobs.clock.advance(job.starts - job.created + (job.ends - job.starts) / 3)
    assert [file.name for file in files(jobs, job)] == ["v_0.mp4"]
    index = index_of(jobs)
    assert index.find(ObjectName("b", "v_0.mp4")) is not None
    assert index.find(ObjectName("b", "v_1.mp4")) is None
    jobs.finish(job.job_id)
    assert index.find(ObjectName("b", "v_1.mp4")) is not None


def test_speech_has_the_sentences_and_the_duration_of_the_result(jobs: Jobs) -> None:
    # The file exists although the settings omit its address from the response.
    job = finished(jobs, AUDIO, InputConfig="Talking about it. Tickets are expensive!", Title="Trailer")
    sentences = json.loads(queried(jobs, job)["JobResult"]["AiResult"])
    (file,) = files(jobs, job)
    assert file.sentences == tuple((one["content"], one["from"], one["to"]) for one in sentences)
    assert (file.seconds, file.title, file.suffix) == (sentences[-1]["to"], "Trailer", "mp3")


def test_the_video_of_an_avatar_has_its_text_as_speech(jobs: Jobs) -> None:
    (file,) = files(jobs, finished(jobs, "SubmitAvatarVideoJob", InputConfig={"Text": "Welcome"}))
    assert [one.text for one in file.sentences] == ["Welcome"]


def test_the_title_of_a_project_is_that_of_its_video(jobs: Jobs) -> None:
    for name in ("ProjectMetadata", "MediaMetadata"):
        (file,) = files(jobs, finished(jobs, "SubmitMediaProducingJob", **{name: {"Title": "Opening"}}))
        assert file.title == "Opening"
    (file,) = files(jobs, finished(jobs, "SubmitMediaProducingJob"))
    assert file.title == "out.mp4"


def test_a_clip_has_the_duration_of_its_range(jobs: Jobs) -> None:
    job = finished(jobs, "SubmitSegmentationJob", JobParams={"Ranges": [{"In": 2, "Out": 5.5}, {"In": 9, "Out": 3}]})
    assert [file.seconds for file in files(jobs, job)[1:]] == [3.5, 15.0]


def test_an_output_that_was_not_saved_does_not_exist(jobs: Jobs) -> None:
    job = finished(jobs, "SubmitIProductionJob")
    assert len(files(jobs, job)) == 1
    assert files(jobs, jobs.fail_videos(job.job_id, 1)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Width": "x", "Height": None},
        {"Width": -5, "Height": 10**400},
        {"Width": 1e308, "Height": 1e-308},
        {"Width": 0, "Height": 100},
        {"Width": 0.5, "Height": 1},
    ],
)
def test_an_unusual_size_is_ignored(jobs: Jobs, changes: dict[str, Any]) -> None:
    output = {"MediaURL": "oss://b/v.mp4", **changes}
    (file,) = files(jobs, finished(jobs, "SubmitMediaProducingJob", OutputMediaConfig=json.dumps(output)))
    assert file.size == DEFAULT_SIZE


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("oss://b/a%20b.mp4", ("b", "a b.mp4")),
        ("https://b.oss-cn-shanghai.aliyuncs.com/新店.mp4", ("b", "新店.mp4")),
        ("oss://b/v_{index}.mp4", None),
        ("oss://b/", None),
        ("http://cdn.example.com/a.mp4", None),
        (f"oss://b/{'新' * 342}", None),
        ("media-id", None),
    ],
)
def test_the_name_of_an_object_is_read_from_its_address(address: str, name: tuple[str, str] | None) -> None:
    assert object_name(address) == name


def test_a_file_belongs_to_the_last_job_with_its_address(jobs: Jobs) -> None:
    index = FileIndex(jobs)
    name = ObjectName("b", "o.mp3")
    for text in ("One.", "Two, three."):
        job = finished(jobs, AUDIO, InputConfig=text)
        assert index.read_jobs() is False
        assert index.find(name) == (files(jobs, job)[0], job)
    jobs.store.reset()
    assert index.find(name) is None


def test_many_jobs_are_read_in_steps(jobs: Jobs) -> None:
    ids = [finished(jobs, AUDIO).job_id for _ in range(BATCH_SIZE + 1)]
    index = FileIndex(jobs)
    assert index.read_jobs() is True
    assert index.read_jobs() is False
    found = index.find(ObjectName("b", "o.mp3"))
    assert found is not None
    assert found[1].job_id == ids[-1]
