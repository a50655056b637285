"""Tasks that fail in different ways, with three retries and the default retry policy, and mapped tasks in a pool."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitTextGenerateJobOperator,
)

START = datetime(2026, 1, 1)
TEXT = {"type": "MarketingCopy", "generate_config": {"keywords": "lamp", "textLength": 100, "targetCount": 1}}
SPEECH = {"editing_config": {"voice": "zhichu"}, "input_config": "A lamp."}


class ImpatientHook(ImsHook):
    """A hook that does not retry throttled requests, which hooks retry for ten minutes by default."""

    def call(self, action, params, **options):
        return super().call(action, params, **{**options, "throttle_timeout": 0.0})


class ImpatientOperator(ImsSubmitTextGenerateJobOperator):
    """An operator whose task fails when its submit request is throttled."""

    def new_hook(self):
        return ImpatientHook(self.ims_conn_id, region_id=self.region_id)


with DAG("policies", schedule=None, start_date=START, default_args={"retries": 3, "poll_interval": 1}):
    ImsSubmitTextGenerateJobOperator(task_id="wrong_title", title="x" * 129, **TEXT)
    ImsSubmitTextGenerateJobOperator(task_id="wrong_title_without_policy", title="x" * 129, retry_policy=None, **TEXT)
    ImpatientOperator(task_id="throttled", **TEXT)
    ImsSubmitAudioProduceJobOperator.partial(task_id="bad_content", deferrable=True).expand_kwargs(
        [{**SPEECH, "output_config": {"bucket": "b", "object": name}} for name in ("first", "second")]
    )

with DAG("suspended", schedule=None, start_date=START, default_args={"retries": 3}):
    ImsSubmitTextGenerateJobOperator(task_id="suspended", **TEXT)

with DAG("pools", schedule=None, start_date=START, default_args={"pool": "ims_jobs", "retries": 3}):
    ImsSubmitTextGenerateJobOperator.partial(task_id="text", deferrable=True, poll_interval=1, type="Title").expand(
        generate_config=[{**TEXT["generate_config"], "keywords": f"lamp {number}"} for number in range(5)]
    )
