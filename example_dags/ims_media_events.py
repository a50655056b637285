"""Run a DAG when a video has been produced: in the console, by another system or by another DAG.

IMS writes an event to a queue of SMQ when a job ends. The watcher of the asset reads the queue. For each event that
meets the conditions of the watcher, Airflow stores an asset event. Set `smq_endpoint` in the connection, and install
`airflow-provider-ims[smq]`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ims.triggers.smq import SmqEventTrigger

PRODUCED_VIDEOS = Asset(
    "produced-videos",
    watchers=[
        AssetWatcher(
            name="ims-events",
            trigger=SmqEventTrigger(
                "ice-callback-dags",
                event_types=["ProduceMediaComplete"],
                statuses=["success"],
            ),
        )
    ],
)

with DAG(
    dag_id="ims_publish_produced_videos",
    schedule=[PRODUCED_VIDEOS],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
):

    @task
    def publish(triggering_asset_events: Any = None) -> list[dict[str, Any]]:
        """Return the videos to publish. Replace this with your own code."""
        events = [event for events in triggering_asset_events.values() for event in events]
        payloads = [event.extra["payload"] for event in events]
        return [
            {"job_ids": payload["job_ids"], "media_url": payload["message"]["MessageBody"]["MediaURL"]}
            for payload in payloads
        ]

    publish()
