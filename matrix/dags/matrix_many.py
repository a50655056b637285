"""A DAG with hundreds of triggers of this provider, and triggers of another provider, in one triggerer."""

from __future__ import annotations

import os

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import DAG, task

from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.sensors.ims import ImsSmartHandleJobSensor

OURS, FOREIGN = int(os.environ.get("MATRIX_OURS", "500")), int(os.environ.get("MATRIX_FOREIGN", "50"))

with DAG(dag_id="matrix_many", schedule=None):

    @task
    def submit() -> list[str]:
        """Submit a job for each sensor of this provider, and return the job ids."""
        hook = ImsHook()
        request = {
            "EditingConfig": {"voice": "Siqi", "format": "MP3"},
            "OutputConfig": {"bucket": "bucket", "object": "speech"},
        }
        return [
            hook.call("SubmitAudioProduceJob", {"InputConfig": f"Product {number}.", **request})["JobId"]
            for number in range(OURS)
        ]

    ImsSmartHandleJobSensor.partial(task_id="ours", deferrable=True, poke_interval=10, timeout=6 * 3600).expand(
        job_id=submit()
    )
    DateTimeSensorAsync.partial(task_id="foreign").expand(
        target_time=["{{ dag_run.conf['moment'] }}"] * FOREIGN,
    )
