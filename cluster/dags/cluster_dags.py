"""
DAGs of mapped tasks with one job each. The UserData of a job identifies its task instance.

- ``waits_N``: N deferrable tasks with audio jobs.
- ``cancellable_100``: 100 deferrable tasks with IProduction jobs, a kind of job that the service can cancel.
- ``held_4`` and ``held_1``: 4 tasks and 1 task with IProduction jobs. A task occupies a worker until its job ends.
- ``submits_4``: 4 tasks with audio jobs. A task occupies a worker until its job ends.
- ``secrets_20``: 20 deferrable tasks with audio jobs and a connection from the secrets backend.
- ``notified_100``: 100 deferrable tasks with audio jobs, a connection with a queue, and a long poll interval.

In addition, the messages of another queue start the DAG ``watched``, which has one task.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ims.operators.ims import ImsSubmitAudioProduceJobOperator, ImsSubmitJobOperator
from airflow_provider_ims.triggers.smq import SmqEventTrigger

TASK = "{{ run_id }} {{ ti.map_index }}"


def dag(dag_id: str, **arguments: Any) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        default_args={
            "retries": 3,
            "retry_delay": timedelta(seconds=10),
            "poll_interval": 10,
            "timeout": 3600,
            "deferrable": True,
            **arguments,
        },
    )


def audio_jobs(dag_id: str, count: int, **arguments: Any) -> None:
    with dag(dag_id, **arguments):
        ImsSubmitAudioProduceJobOperator.partial(
            task_id="job",
            editing_config={"voice": "Siqi", "format": "MP3"},
            output_config={"bucket": "bucket", "object": "speech"},
            user_data={"Task": TASK},
        ).expand(input_config=[f"Product {number} is new." for number in range(count)])


def iproduction_jobs(dag_id: str, count: int, **arguments: Any) -> None:
    with dag(dag_id, **arguments):
        ImsSubmitJobOperator.partial(task_id="job", job="SubmitIProductionJob").expand(
            parameters=[
                {
                    "FunctionName": "Cover",
                    "Input": {"Type": "OSS", "Media": f"oss://bucket/{number}.mp4"},
                    "Output": {"Type": "OSS", "Media": f"oss://bucket/{number}.jpg"},
                    "UserData": json.dumps({"Task": TASK}),
                }
                for number in range(count)
            ]
        )


for count in (20, 50, 100, 300):
    audio_jobs(f"waits_{count}", count)
audio_jobs("secrets_20", 20, ims_conn_id="from_secrets_backend")
audio_jobs("submits_4", 4, deferrable=False, poll_interval=2)
audio_jobs("notified_100", 100, ims_conn_id="with_queue", poll_interval=600)
iproduction_jobs("cancellable_100", 100)
iproduction_jobs("held_4", 4, deferrable=False, poll_interval=2)
iproduction_jobs("held_1", 1, deferrable=False, poll_interval=2)

VIDEOS = Asset("videos", watchers=[AssetWatcher("events", trigger=SmqEventTrigger("ice-callback-dags"))])

with DAG("watched", schedule=[VIDEOS], start_date=datetime(2026, 1, 1), catchup=False):

    @task
    def message_ids(triggering_asset_events: Any = None) -> list[str]:
        return [event.extra["payload"]["message_id"] for event in triggering_asset_events[VIDEOS]]

    message_ids()
