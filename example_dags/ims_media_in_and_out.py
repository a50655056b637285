"""Upload a clip from a public URL, produce a video with it, and publish the video.

The upload stores the clip as a media asset of IMS. The DAG also registers an opening clip, a file in your own bucket,
as a media asset. The timeline refers to both by their media ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_ims.operators.ims import (
    ImsApiOperator,
    ImsSubmitMediaProducingJobOperator,
    ImsSubmitSnapshotJobOperator,
    ImsUploadMediaByURLOperator,
)

CLIP = "https://example.com/clips/cake.mp4"
HOST = "your-bucket.oss-cn-shanghai.aliyuncs.com"
CLIP_ID = "{{ ti.xcom_pull(task_ids='upload')['media_id'] }}"
OPENING_ID = "{{ ti.xcom_pull(task_ids='register')['media_id'] }}"
VIDEO_ID = "{{ ti.xcom_pull(task_ids='video')['media_id'] }}"

with DAG(
    dag_id="ims_media_in_and_out",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
    default_args={"retries": 2},
) as dag:
    upload = ImsUploadMediaByURLOperator(
        task_id="upload",
        upload_urls=CLIP,
        media_meta_data=[{"SourceURL": CLIP, "Title": "New store cake"}],
        deferrable=True,
        # The service queues uploads, so they may take hours.
        timeout=24 * 3600,
    )
    register = ImsApiOperator(
        task_id="register",
        action="RegisterMediaInfo",
        parameters={"InputURL": f"https://{HOST}/brand/opening.mp4", "Title": "Opening", "BusinessType": "opening"},
    )
    snapshot = ImsSubmitSnapshotJobOperator(
        task_id="snapshot",
        input={"Type": "Media", "Media": CLIP_ID},
        output_file={"Type": "OSS", "Media": "oss://your-bucket/out/{{ ds }}/cover.jpg"},
        template_config={"TemplateId": "your-snapshot-template"},
        deferrable=True,
    )
    video = ImsSubmitMediaProducingJobOperator(
        task_id="video",
        timeline={"VideoTracks": [{"VideoTrackClips": [{"MediaId": OPENING_ID}, {"MediaId": CLIP_ID}]}]},
        output_media_config={"MediaURL": f"https://{HOST}/out/{{{{ ds }}}}/video.mp4"},
        deferrable=True,
    )
    playback = ImsApiOperator(task_id="playback", action="GetPlayInfo", parameters={"MediaId": VIDEO_ID})

    @task
    def publish(cover: dict[str, Any], played: dict[str, Any]) -> dict[str, str]:
        """Return the URLs of the video and its cover. Replace this with your own code."""
        return {"video": played["play_info_list"][0]["play_url"], "cover": cover["output"]["media"]}

    upload >> [snapshot, video]
    register >> video >> playback
    publish(snapshot.output, playback.output)
