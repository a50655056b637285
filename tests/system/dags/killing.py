"""Deferred tasks: two whose jobs the service can cancel, and one whose job it cannot cancel."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_ims.operators.ims import ImsSubmitJobOperator

OSS = {"Type": "OSS", "Media": "oss://bucket.oss-cn-shanghai.aliyuncs.com/video.mp4"}
PARAMETERS = {
    "SubmitIProductionJob": {"FunctionName": "Cover", "Input": OSS, "Output": {**OSS, "Media": f"{OSS['Media']}.png"}},
    "SubmitDNAJob": {"DBId": "2288c6ca184c0e47098a5b665e2a12****", "PrimaryKey": "key", "Input": OSS},
    "SubmitMediaInfoJob": {"Input": OSS},
}

with DAG("killing", schedule=None, start_date=datetime(2026, 1, 1)):
    for action, parameters in PARAMETERS.items():
        ImsSubmitJobOperator(
            task_id=action.removeprefix("Submit").removesuffix("Job").lower(),
            job=action,
            parameters=parameters,
            deferrable=True,
            poll_interval=1,
            # Airflow may fail a task whose deferral ends within seconds. The next try then joins its job.
            retries=3,
        )
