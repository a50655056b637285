"""A DAG that the messages of a queue start."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_ims.triggers.smq import SmqEventTrigger

trigger = SmqEventTrigger("ice-callback-dags", event_types=["ProduceMediaComplete"], user_data={"project": "shop"})
VIDEOS = Asset("videos", watchers=[AssetWatcher("queue", trigger=trigger)])

with DAG("events", schedule=[VIDEOS], start_date=datetime(2026, 1, 1), catchup=False):

    @task
    def collect(triggering_asset_events=None):
        """Return the payloads of the events."""
        return [event.extra["payload"] for event in triggering_asset_events[VIDEOS]]

    collect()
