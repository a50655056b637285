"""Every example DAG runs with ``dag.test()``, without a scheduler or a triggerer."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk import ObjectStoragePath
from support.compat import DagBag
from support.dags import DagRunner

from airflow_provider_ims.emulator import ImsEmulator

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "example_dags"


@pytest.fixture
def run(airflow_db: None, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs an example DAG and returns its XComs by task and map index."""
    return DagRunner(EXAMPLES, monkeypatch).run


def submits(ims_emulator: ImsEmulator) -> Counter[str]:
    return Counter(request["action"] for request in ims_emulator.requests() if request["action"].startswith("Submit"))


def test_the_content_pipeline_submits_each_job_once_and_reuses_the_copy(run: Any, ims_emulator: ImsEmulator) -> None:
    xcoms = run("ims_content_pipeline")
    assert submits(ims_emulator) == {
        "SubmitTextGenerateJob": 1,
        "SubmitAudioProduceJob": 1,
        "SubmitBatchMediaProducingJob": 1,
        "SubmitAIImageJob": 1,
    }
    texts = xcoms["copy", -1]["texts"]
    (audio,) = ims_emulator.requests("SubmitAudioProduceJob")
    assert audio["parameters"]["InputConfig"] == texts[0]
    (batch,) = ims_emulator.requests("SubmitBatchMediaProducingJob")
    assert all(text in batch["parameters"]["InputConfig"] for text in texts)
    assert len(xcoms["videos", -1]["videos"]) == 3
    assert xcoms["covers", -1]["images"]


def test_each_product_of_the_mapped_dag_has_its_own_jobs(run: Any, ims_emulator: ImsEmulator) -> None:
    xcoms = run("ims_product_videos")
    assert submits(ims_emulator) == {"SubmitTextGenerateJob": 3, "SubmitAudioProduceJob": 3}
    job_ids = [xcoms[task_id, index]["job_id"] for task_id in ("copy", "voice_over") for index in range(3)]
    assert len(set(job_ids)) == 6


def test_the_sensors_wait_for_jobs_that_were_submitted_elsewhere(run: Any, ims_emulator: ImsEmulator) -> None:
    xcoms = run("ims_await_jobs")
    assert len(xcoms["titles", -1]["texts"]) == 5
    assert xcoms["covers", -1][0]["images"]
    assert submits(ims_emulator) == {"SubmitTextGenerateJob": 1, "SubmitAIImageJob": 1}


def test_the_localised_video_requires_five_kinds_of_jobs(run: Any, ims_emulator: ImsEmulator) -> None:
    xcoms = run("ims_localise_video")
    assert submits(ims_emulator) == {
        "SubmitASRJob": 1,
        "SubmitVideoTranslationJob": 1,
        "SubmitTranscodeJob": 1,
        "SubmitSnapshotJob": 1,
        "SubmitMediaCensorJob": 1,
    }
    (translation,) = ims_emulator.requests("SubmitVideoTranslationJob")
    spoken = "".join(sentence["content"] for sentence in xcoms["subtitles", -1]["sentences"])
    assert spoken.startswith(translation["parameters"]["Title"].removesuffix("..."))
    srt, webvtt = (ObjectStoragePath(path).read_text() for path in xcoms["subtitle_files", -1])
    assert srt.startswith("1\n00:00:00,000 --> ")
    assert webvtt.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert all(sentence["content"] in srt for sentence in xcoms["subtitles", -1]["sentences"])
    assert xcoms["moderation", -1]["suggestion"] == "pass"
    (published,) = xcoms["publish", -1]
    assert re.fullmatch(r"http://your-bucket\.oss-cn-shanghai\.aliyuncs\.com/\d{4}-\d\d-\d\d/en-720p\.mp4", published)


def test_media_from_a_public_address_becomes_a_published_video(run: Any, ims_emulator: ImsEmulator) -> None:
    xcoms = run("ims_media_in_and_out")
    actions = Counter(request["action"] for request in ims_emulator.requests() if request["status"] == 200)
    for action in ("UploadMediaByURL", "RegisterMediaInfo", "SubmitSnapshotJob", "SubmitMediaProducingJob"):
        assert actions[action] == 1, action
    clip, opening = xcoms["upload", -1]["media_id"], xcoms["register", -1]["media_id"]
    (produced,) = ims_emulator.requests("SubmitMediaProducingJob")
    clips = json.loads(produced["parameters"]["Timeline"])["VideoTracks"][0]["VideoTrackClips"]
    assert clips == [{"MediaId": opening}, {"MediaId": clip}]
    (snapshot,) = ims_emulator.requests("SubmitSnapshotJob")
    assert json.loads(snapshot["parameters"]["Input"]) == {"Type": "Media", "Media": clip}
    published = xcoms["publish", -1]
    assert urlsplit(published["video"]).path.endswith("/video.mp4")
    assert urlsplit(published["cover"]).path.endswith("/cover.jpg")


def test_the_dag_with_an_asset_alias_returns_the_voice_over(run: Any, ims_emulator: ImsEmulator) -> None:
    result = run("ims_voice_over", "ims_asset_events.py")["voice_over", -1]
    assert result["media_url"].startswith("http://your-bucket.oss-cn-shanghai.aliyuncs.com/voice/")


def test_the_dag_of_a_queue_runs_without_events(run: Any) -> None:
    assert run("ims_publish_produced_videos", "ims_media_events.py")["publish", -1] == []


def test_the_catalogue_contains_a_copy_and_a_voice_over_for_each_product(run: Any, ims_emulator: ImsEmulator) -> None:
    xcoms = run("ims_catalogue")
    assert submits(ims_emulator) == {"SubmitTextGenerateJob": 25, "SubmitAudioProduceJob": 25}
    assert (xcoms["copy", -1]["succeeded"], xcoms["voice_overs", -1]["succeeded"]) == (25, 25)


def test_all_example_dags_are_known_and_scheduled() -> None:
    bag = DagBag(EXAMPLES)
    assert bag.import_errors == {}
    assert set(bag.dags) == {
        "ims_catalogue",
        "ims_content_pipeline",
        "ims_localise_video",
        "ims_media_in_and_out",
        "ims_product_videos",
        "ims_await_jobs",
        "ims_publish_produced_videos",
        "ims_publish_voice_over",
        "ims_voice_over",
    }
    assert all(dag.schedule is not None for dag in bag.dags.values())
    assert "AIRFLOW_CONN_IMS_DEFAULT" not in os.environ
