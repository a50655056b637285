"""A DAG of deferrable mapped tasks with one job each. The variable ``BENCH_TASKS`` contains the number of tasks."""

from __future__ import annotations

import os

from airflow.sdk import DAG

from airflow_provider_ims.operators.ims import ImsSubmitAudioProduceJobOperator

with DAG(dag_id="mapped_tasks", schedule=None):
    ImsSubmitAudioProduceJobOperator.partial(
        task_id="speech",
        editing_config={"voice": "Siqi", "format": "MP3"},
        output_config={"bucket": "bucket", "object": "speech"},
        deferrable=True,
        poll_interval=10,
        timeout=6 * 3600,
    ).expand(input_config=[f"Product {number} is new." for number in range(int(os.environ["BENCH_TASKS"]))])
