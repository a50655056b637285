"""Wait for jobs that were submitted elsewhere: by another system, in the console, or by a task that does not wait.

Here, two tasks submit jobs without waiting, and two sensors wait for these jobs.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_ims.operators.ims import ImsSubmitTextGenerateJobOperator
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator
from airflow_provider_ims.sensors.ims import ImsSmartHandleJobSensor
from airflow_provider_ims.sensors.vod import VodAIImageJobSensor

with DAG(
    dag_id="ims_await_jobs",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims", "vod"],
    doc_md=__doc__,
    default_args={"deferrable": True},
) as dag:
    submit_titles = ImsSubmitTextGenerateJobOperator(
        task_id="submit_titles",
        type="Title",
        generate_config={"keywords": "New store cake,Animal cream", "textLength": 20, "targetCount": 5},
        wait_for_completion=False,
    )
    titles = ImsSmartHandleJobSensor(
        task_id="titles",
        job_id="{{ ti.xcom_pull(task_ids='submit_titles')['job_id'] }}",
        poke_interval=5,
        timeout=60 * 60,
    )

    submit_covers = VodSubmitAIImageJobOperator(
        task_id="submit_covers",
        video_id="357a8748c5774****89d2726e6436aa",
        ai_template_id="ef1a8842cb9f****cea80cad902e416",
        wait_for_completion=False,
    )
    covers = VodAIImageJobSensor(
        task_id="covers",
        job_ids=["{{ ti.xcom_pull(task_ids='submit_covers')['job_id'] }}"],
        poke_interval=5,
        timeout=60 * 60,
        soft_fail=True,
    )

    submit_titles >> titles
    submit_covers >> covers
