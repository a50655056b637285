"""Localise a video: subtitles, translation, transcoding, a cover image, and moderation before it is published."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_ims.operators.ims import (
    ImsSubmitASRJobOperator,
    ImsSubmitMediaCensorJobOperator,
    ImsSubmitSnapshotJobOperator,
    ImsSubmitTranscodeJobOperator,
    ImsSubmitVideoTranslationJobOperator,
)
from airflow_provider_ims.subtitles import to_srt, to_webvtt

BUCKET = "your-bucket"
HOST = f"{BUCKET}.oss-cn-shanghai.aliyuncs.com"


def file(key: str) -> dict[str, str]:
    """Return a reference to an OSS object, in the format of the API's file parameters."""
    return {"Type": "OSS", "Media": f"oss://{BUCKET}/{key}"}


with DAG(
    dag_id="ims_localise_video",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
    default_args={"deferrable": True, "retries": 2},
    params={"folder": Param("file:///tmp/subtitles", type="string", description="A folder for the subtitle files.")},
) as dag:
    subtitles = ImsSubmitASRJobOperator(task_id="subtitles", input_file=f"oss://{HOST}/in/clip.mp4")
    translation = ImsSubmitVideoTranslationJobOperator(
        task_id="translation",
        input_config={"Type": "Video", "Video": "your-media-id"},
        output_config={"MediaURL": f"https://{HOST}/{{{{ ds }}}}/en.mp4"},
        editing_config={"SourceLanguage": "zh", "TargetLanguage": "en"},
        # If the video has no speech, the title is empty and is not sent.
        title="{{ ti.xcom_pull(task_ids='subtitles')['sentences'] | map(attribute='content') | join | truncate(30) }}",
    )
    transcode = ImsSubmitTranscodeJobOperator(
        task_id="transcode",
        input_group=[file("{{ ds }}/en.mp4")],
        output_group=[
            {
                "Output": file("{{ ds }}/en-720p.mp4"),
                "ProcessConfig": {"Transcode": {"TemplateId": "your-transcoding-template"}},
            }
        ],
        fail_on_partial_failure=True,
    )
    cover = ImsSubmitSnapshotJobOperator(
        task_id="cover",
        input=file("{{ ds }}/en-720p.mp4"),
        output_file=file("{{ ds }}/cover.jpg"),
        template_config={"TemplateId": "your-snapshot-template"},
    )
    moderation = ImsSubmitMediaCensorJobOperator(
        task_id="moderation",
        input=file("{{ ds }}/en-720p.mp4"),
        cover_images=[{"Bucket": BUCKET, "Location": "oss-cn-shanghai", "Object": "{{ ds }}/cover.jpg"}],
        title="clip",
    )

    @task
    def subtitle_files(recognised: dict[str, Any], params: dict[str, Any], ds: str | None = None) -> list[str]:
        """Write the subtitle files. The folder can have any scheme that an installed provider supports."""
        folder = ObjectStoragePath(params["folder"]) / str(ds)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "clip.srt").write_text(to_srt(recognised["sentences"]), encoding="utf-8")
        (folder / "clip.vtt").write_text(to_webvtt(recognised["sentences"]), encoding="utf-8")
        return [str(folder / "clip.srt"), str(folder / "clip.vtt")]

    @task.short_circuit
    def is_approved(moderation_result: dict[str, Any]) -> bool:
        """Continue only if the moderation approved the video. The job succeeds even if it finds a violation."""
        return bool(moderation_result["suggestion"] == "pass")

    @task
    def publish(transcoded: dict[str, Any]) -> list[str]:
        """Return the URLs of the videos. Replace this with your own code."""
        return [output["url"] for output in transcoded["outputs"]]

    subtitle_files(subtitles.output)
    subtitles >> translation >> transcode >> cover >> moderation
    is_approved(moderation.output) >> publish(transcode.output)
