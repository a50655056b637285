"""Run a DAG when a job of another DAG has produced a file.

The task of the first DAG has an asset alias as an outlet. For each object that its job produced, the task emits an
asset event. The second DAG is scheduled on the alias, so it runs for the new objects of all DAGs that use the alias.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, AssetAlias, task

from airflow_provider_ims.operators.ims import ImsSubmitAudioProduceJobOperator

VOICE_OVERS = AssetAlias("voice-overs")

with DAG(
    dag_id="ims_voice_over",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
):
    ImsSubmitAudioProduceJobOperator(
        task_id="voice_over",
        input_config="The new store opens today.",
        editing_config={"voice": "Siqi", "format": "MP3"},
        output_config={"bucket": "your-bucket", "object": "voice/{{ run_id | replace(':', '') }}"},
        overwrite=True,
        deferrable=True,
        outlets=[VOICE_OVERS],
    )

with DAG(
    dag_id="ims_publish_voice_over",
    schedule=[VOICE_OVERS],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
):

    @task
    def publish(triggering_asset_events=None) -> list[str]:
        """Return the objects to publish. Replace this with your own code."""
        return [event.asset.uri for event in triggering_asset_events[VOICE_OVERS]]

    publish()
