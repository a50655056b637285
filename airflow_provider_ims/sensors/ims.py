"""Sensors of Intelligent Media Services."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.sensors.base import AnyJobSensor, SingleJobSensor
from airflow_provider_ims.triggers.ims import (
    ImsBatchMediaProducingJobTrigger,
    ImsJobTrigger,
    ImsSmartHandleJobTrigger,
)


class ImsSmartHandleJobSensor(SingleJobSensor):
    """
    Wait for a smart job (``GetSmartHandleJob``): text generation, audio production and others.

    Returns what the operator of the job's kind returns; of kinds without one ``{"job_id", "state", "media_id",
    "media_url", "ai_result", "usage"}``.

    .. seealso:: https://help.aliyun.com/document_detail/440953.html

    :param job_id: The job. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`: ``ims_conn_id``, ``region_id``,
        ``deferrable``, and Airflow's ``poke_interval``, ``timeout``, ``soft_fail``, ``mode``.
    """

    trigger_class = ImsSmartHandleJobTrigger


class ImsBatchMediaProducingJobSensor(SingleJobSensor):
    """
    Wait for a batch job (``GetBatchMediaProducingJob``).

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}],
    "failed": [{"job_id", "error_code", "error_message"}]}``, durations in seconds.

    .. seealso:: https://help.aliyun.com/document_detail/2692547.html

    :param job_id: The job. (templated)
    :param fail_on_partial_failure: Fail the task when any video failed. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`: ``ims_conn_id``, ``region_id``,
        ``deferrable``, and Airflow's ``poke_interval``, ``timeout``, ``soft_fail``, ``mode``.
    """

    trigger_class = ImsBatchMediaProducingJobTrigger

    def __init__(self, *, job_id: str, fail_on_partial_failure: bool = False, **kwargs: Any) -> None:
        super().__init__(job_id=job_id, **kwargs)
        self.fail_on_partial_failure = fail_on_partial_failure


class ImsJobSensor(AnyJobSensor):
    """
    Wait for jobs of any kind that Intelligent Media Services has, until the last of them has ended.

    Returns a list of what the operators of their kind return, in the order of the ids.

    :param job: Their submit action, query action or family, such as ``SubmitASRJob``. (templated)
    :param job_ids: The jobs: a list, or a string with the ids separated by commas or spaces. (templated)
    :param fail_on_partial_failure: Fail the task when any part failed of a job that makes several things. Default:
        false.
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`: ``ims_conn_id``, ``region_id``,
        ``deferrable``, and Airflow's ``poke_interval``, ``timeout``, ``soft_fail``, ``mode``.
    """

    trigger_class = ImsJobTrigger
