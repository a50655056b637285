"""Bring a video to another language: subtitles, translation, transcoding, a cover, and moderation before it goes out.

Any job of IMS is submitted by the name of its action, with the API's own parameters.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_ims.operators.ims import ImsSubmitJobOperator

BUCKET = "your-bucket"
HOST = f"https://{BUCKET}.oss-cn-shanghai.aliyuncs.com"


def file(key: str) -> dict[str, str]:
    """Return an object as the API's files are named."""
    return {"Type": "OSS", "Media": f"oss://{BUCKET}/{key}"}


with DAG(
    dag_id="ims_localise_video",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
    default_args={"deferrable": True},
) as dag:
    subtitles = ImsSubmitJobOperator(
        task_id="subtitles",
        job="SubmitASRJob",
        parameters={"InputFile": f"oss://{BUCKET}/in/clip.mp4"},
    )
    translation = ImsSubmitJobOperator(
        task_id="translation",
        job="SubmitVideoTranslationJob",
        parameters={
            "InputConfig": {"Type": "Video", "Video": f"oss://{BUCKET}/in/clip.mp4"},
            "OutputConfig": {"MediaURL": f"{HOST}/en/clip.mp4"},
            "EditingConfig": {"SourceLanguage": "zh", "TargetLanguage": "en"},
            "Title": "{{ ti.xcom_pull(task_ids='subtitles')['sentences'][0]['content'] | truncate(30) }}",
        },
    )
    transcode = ImsSubmitJobOperator(
        task_id="transcode",
        job="SubmitTranscodeJob",
        parameters={
            "InputGroup": [file("en/clip.mp4")],
            "OutputGroup": [
                {
                    "Output": file("en/clip-720p.mp4"),
                    "ProcessConfig": {"Transcode": {"TemplateId": "your-transcoding-template"}},
                }
            ],
        },
    )
    cover = ImsSubmitJobOperator(
        task_id="cover",
        job="SubmitSnapshotJob",
        parameters={
            "Input": file("en/clip-720p.mp4"),
            "Output": file("en/cover.jpg"),
            "TemplateConfig": {"TemplateId": "your-snapshot-template"},
        },
    )
    moderation = ImsSubmitJobOperator(
        task_id="moderation",
        job="SubmitMediaCensorJob",
        parameters={"Input": file("en/clip-720p.mp4"), "Title": "clip"},
    )

    subtitles >> translation >> transcode >> cover >> moderation
