"""Jobs of different kinds and end states, on connections whose secrets must not appear anywhere."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from airflow.sdk import DAG, task

from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator

TEXT = {"type": "Title", "generate_config": {"keywords": "cake", "textLength": 20, "targetCount": 2}}
AUDIO = {
    "input_config": "One. Two.",
    "editing_config": {"voice": "Siqi", "format": "MP3"},
    "output_config": {"bucket": "b", "object": "o"},
}
BATCH = {
    "input_config": {"MediaArray": ["m"], "SpeechTextArray": ["s"]},
    "output_config": {"MediaURL": "http://b.oss-cn-shanghai.aliyuncs.com/{index}.mp4", "Count": 2},
}
IMAGE = {"video_id": "v", "ai_template_id": "t"}
# A busy scheduler may treat a deferral as a failure, so tasks that must succeed have retries.
TRIES = {"poll_interval": 0.5, "retries": 2, "retry_delay": timedelta(seconds=0.1)}
COMMON = {"start_date": datetime(2026, 1, 1), "schedule": None, "default_args": TRIES}

with DAG("all_types", **COMMON):
    for deferrable in (True, False):
        for kind, operator, arguments in (
            ("text", ImsSubmitTextGenerateJobOperator, TEXT),
            ("audio", ImsSubmitAudioProduceJobOperator, AUDIO),
            ("batch", ImsSubmitBatchMediaProducingJobOperator, BATCH),
            ("image", VodSubmitAIImageJobOperator, IMAGE),
        ):
            operator(task_id=f"{kind}_{'deferred' if deferrable else 'blocking'}", deferrable=deferrable, **arguments)

    @task
    def control(secret: str = "control-canary-6e1f") -> str:
        """Log and return a string that the search must find."""
        logging.getLogger("airflow.task").info("%s", secret)
        return secret

    control()

with DAG("sts", **COMMON):
    ImsSubmitTextGenerateJobOperator(task_id="text", ims_conn_id="canary_sts", deferrable=True, **TEXT)

with DAG("waiting", **COMMON):
    ImsSubmitJobOperator(
        task_id="asr",
        ims_conn_id="canary_sts",
        job="SubmitASRJob",
        parameters={"InputFile": "oss://b/a.mp4"},
        deferrable=True,
    )

with DAG("wrong_secret", **COMMON):
    ImsSubmitTextGenerateJobOperator(task_id="text", ims_conn_id="canary_wrong", retries=0, **TEXT)

with DAG("bearer", **COMMON):
    ImsSubmitTextGenerateJobOperator(task_id="text", ims_conn_id="canary_bearer", **TEXT)

with DAG("queue", **COMMON):

    @task
    def receive() -> list[str]:
        """Call SMQ with each connection; log and return the errors."""
        from airflow_provider_ims.hooks.smq import SmqHook

        errors = []
        for conn_id in ("ims_default", "canary_sts", "canary_wrong", "canary_bearer", "canary_proxy"):
            try:
                SmqHook(conn_id).receive("ice-callback-canary", wait_seconds=0)
            except ImsError as error:
                logging.getLogger("airflow.task").error("%s", error, exc_info=error)
                errors.append(f"{conn_id}: {error!r}")
        assert len(errors) == 3
        return errors

    receive()

with DAG("proxy", **COMMON):
    ImsSubmitTextGenerateJobOperator(task_id="text", ims_conn_id="canary_proxy", durable=False, retries=0, **TEXT)

with DAG("failing_job", **COMMON):
    ImsSubmitTextGenerateJobOperator(task_id="text", deferrable=True, retries=0, **TEXT)

with DAG("lost_response", **COMMON):
    ImsSubmitAudioProduceJobOperator(task_id="audio", **AUDIO)
