"""Sensors of Intelligent Media Services."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims.hooks._actions import ICE
from airflow_provider_ims.sensors.base import AnyJobSensor, SingleJobSensor


class ImsSmartHandleJobSensor(SingleJobSensor):
    """
    Wait for a smart job (``GetSmartHandleJob``): text generation, audio production and others.

    Returns the result of the operator for the job's kind, or ``{"job_id", "state", "media_id", "media_url",
    "ai_result", "usage"}`` for a kind without an operator.

    .. seealso:: https://help.aliyun.com/document_detail/440953.html

    :param job_id: The job. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    family = SMART


class ImsBatchMediaProducingJobSensor(SingleJobSensor):
    """
    Wait for a batch job (``GetBatchMediaProducingJob``).

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}],
    "failed": [{"job_id", "error_code", "error_message"}]}``, durations in seconds.

    .. seealso:: https://help.aliyun.com/document_detail/2692547.html

    :param job_id: The job. (templated)
    :param fail_on_partial_failure: Fail the task if any video failed. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    family = BATCH

    def __init__(self, *, job_id: str, fail_on_partial_failure: bool = False, **kwargs: Any) -> None:
        super().__init__(job_id=job_id, **kwargs)
        self.fail_on_partial_failure = fail_on_partial_failure


class ImsJobSensor(AnyJobSensor):
    """
    Wait for jobs of any kind of Intelligent Media Services, until all have ended.

    Returns a list of the results that the operators of their kind return, in the order of the ids.

    :param job: Their submit action, query action or family, such as ``SubmitASRJob``. (templated)
    :param job_ids: The jobs: a list, or a string with the ids separated by commas or spaces. (templated)
    :param fail_on_partial_failure: Fail the task if any part of a job with several parts failed. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    product = ICE
