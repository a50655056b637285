"""Every morning, generate marketing copy, a voice-over, a batch of videos and cover images.

The voice-over and the videos use the generated copy. All tasks wait in the triggerer, so they occupy no worker slots
while the jobs run.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator

COPY = "{{ ti.xcom_pull(task_ids='copy')['texts'][%d] }}"

with DAG(
    dag_id="ims_content_pipeline",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims", "vod"],
    doc_md=__doc__,
    default_args={"deferrable": True, "poll_interval": 5, "timeout": 60 * 60, "retries": 2},
    params={
        "keywords": Param("New store cake,Animal cream", type="string"),
        "bucket": Param("your-bucket", type="string", description="An OSS bucket in the connection's region."),
        "storefront": Param(
            ["****9d46c886b45481030f6e****", "****6c886b4549d481030f6e****"],
            type="array",
            description="The ids of two media assets that show the shop.",
        ),
        "products": Param(
            ["****d46c886810b454930f6e****", "****4549d886810b46c30f6e****"],
            type="array",
            description="The ids of two media assets that show the products.",
        ),
        "video_id": Param(
            "357a8748c5774****89d2726e6436aa",
            type="string",
            description="The id of the VOD video for the cover images.",
        ),
        "ai_template_id": Param("ef1a8842cb9f****cea80cad902e416", type="string"),
    },
) as dag:
    copy = ImsSubmitTextGenerateJobOperator(
        task_id="copy",
        title="Copy of {{ ds }}",
        type="MarketingCopy",
        generate_config={"keywords": "{{ params.keywords }}", "textLength": 100, "targetCount": 3},
    )

    voice_over = ImsSubmitAudioProduceJobOperator(
        task_id="voice_over",
        title="Voice-over of {{ ds }}",
        input_config=COPY % 0,
        editing_config={"voice": "Siqi", "format": "MP3", "volume": 50},
        output_config={"bucket": "{{ params.bucket }}", "object": "voice-over/{{ ds }}"},
        overwrite=True,
    )

    videos = ImsSubmitBatchMediaProducingJobOperator(
        task_id="videos",
        input_config={
            "MediaGroupArray": [
                {"GroupName": "Storefront", "MediaArray": ["{{ params.storefront[0] }}", "{{ params.storefront[1] }}"]},
                {"GroupName": "Products", "MediaArray": ["{{ params.products[0] }}", "{{ params.products[1] }}"]},
            ],
            "TitleArray": ["回龙观盒马鲜生开业啦", "盒马鲜生开业啦"],
            "SpeechTextArray": [COPY % 0, COPY % 1, COPY % 2],
        },
        editing_config={
            "MediaConfig": {"Volume": 0},
            "SpeechConfig": {"Volume": 1},
            "BackgroundMusicConfig": {"Volume": 0.3},
        },
        output_config={
            "MediaURL": "http://{{ params.bucket }}.oss-cn-shanghai.aliyuncs.com/videos/{{ ds }}_{index}.mp4",
            "Count": 3,
            "MaxDuration": 15,
            "Width": 1080,
            "Height": 1920,
            "Video": {"Crf": 27},
        },
    )

    covers = VodSubmitAIImageJobOperator(
        task_id="covers",
        video_id="{{ params.video_id }}",
        ai_template_id="{{ params.ai_template_id }}",
        user_data={"Extend": {"localId": "{{ ds }}", "test": "www"}},
    )

    copy >> voice_over >> videos >> covers
