"""Four job kinds: how each is submitted, with the inputs from the API examples, and the expected result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator
from airflow_provider_ims.sensors.base import JobSensor
from airflow_provider_ims.sensors.ims import ImsBatchMediaProducingJobSensor, ImsSmartHandleJobSensor
from airflow_provider_ims.sensors.vod import VodAIImageJobSensor


@dataclass(frozen=True)
class Case:
    """
    One job kind.

    :param ended: The state of a successful job.
    :param accepted: The state that the operator returns if it does not wait.
    :param result: The keys of the operator's result in addition to job_id and state.
    """

    operator: type[JobOperator]
    arguments: dict[str, Any]
    sensor: type[JobSensor]
    submit: str
    query: str
    ended: str
    accepted: str
    result: frozenset[str]

    def task(self, **overrides: Any) -> Any:
        return self.operator(**{"task_id": "job", "poll_interval": 0.05, **self.arguments, **overrides})

    def sensor_of(self, job_id: str, **overrides: Any) -> Any:
        awaited = {"job_ids": [job_id]} if self.sensor is VodAIImageJobSensor else {"job_id": job_id}
        return self.sensor(**{"task_id": "sensor", "poke_interval": 0.05, **awaited, **overrides})


TEXT = Case(
    operator=ImsSubmitTextGenerateJobOperator,
    arguments={
        "type": "MarketingCopy",
        "generate_config": {"keywords": "New store cake,Animal cream", "textLength": 100, "targetCount": 3},
    },
    sensor=ImsSmartHandleJobSensor,
    submit="SubmitTextGenerateJob",
    query="GetSmartHandleJob",
    ended="Finished",
    accepted="Created",
    result=frozenset({"texts", "usage"}),
)
AUDIO = Case(
    operator=ImsSubmitAudioProduceJobOperator,
    arguments={
        "input_config": "测试文本。第二句。",
        "editing_config": {"voice": "Siqi", "format": "MP3", "volume": 50},
        "output_config": {"bucket": "my_bucket", "object": "target_audio"},
        "overwrite": True,
    },
    sensor=ImsSmartHandleJobSensor,
    submit="SubmitAudioProduceJob",
    query="GetSmartHandleJob",
    ended="Finished",
    accepted="Created",
    result=frozenset({"media_id", "media_url", "sentences"}),
)
BATCH = Case(
    operator=ImsSubmitBatchMediaProducingJobOperator,
    arguments={
        "input_config": {
            "MediaGroupArray": [{"GroupName": "MediaGroup1", "MediaArray": ["****9d46c886b45481030f6e****"]}],
            "TitleArray": ["回龙观盒马鲜生开业啦"],
            "SpeechTextArray": ["附近的商场新开了一家盒马鲜生,今天是第一天开业"],
        },
        "output_config": {"MediaURL": "http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{index}.mp4", "Count": 2},
    },
    sensor=ImsBatchMediaProducingJobSensor,
    submit="SubmitBatchMediaProducingJob",
    query="GetBatchMediaProducingJob",
    ended="Finished",
    accepted="Init",
    result=frozenset({"videos", "failed"}),
)
IMAGE = Case(
    operator=VodSubmitAIImageJobOperator,
    arguments={"video_id": "357a8748c5774", "ai_template_id": "ef1a8842cb9f", "user_data": {"Extend": {"test": "www"}}},
    sensor=VodAIImageJobSensor,
    submit="SubmitAIImageJob",
    query="GetAIImageJobs",
    ended="success",
    accepted="submitted",
    result=frozenset({"video_id", "images"}),
)
CASES = {"text": TEXT, "audio": AUDIO, "batch": BATCH, "image": IMAGE}
