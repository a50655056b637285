"""Sensors for jobs of Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims.hooks._actions import ICE
from airflow_provider_ims.sensors.base import AnyJobSensor, SingleJobSensor


class ImsSmartHandleJobSensor(SingleJobSensor):
    """
    Wait for a smart job (``GetSmartHandleJob``): text generation, audio production or another kind.

    Returns the same result as the operator for the job's kind, or ``{"job_id", "state", "media_id", "media_url",
    "ai_result", "usage"}`` for a kind without its own operator.

    .. seealso:: https://help.aliyun.com/document_detail/440953.html

    :param job_id: The job id. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    family = SMART


class ImsBatchMediaProducingJobSensor(SingleJobSensor):
    """
    Wait for a job that produces a batch of videos (``GetBatchMediaProducingJob``).

    Returns ``{"job_id", "state", "videos": [{"job_id", "media_id", "media_url", "duration"}],
    "failed": [{"index", "job_id", "error_code", "error_message"}]}``; durations are in seconds.

    .. seealso:: https://help.aliyun.com/document_detail/2692547.html

    :param job_id: The job id. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    family = BATCH


class ImsJobSensor(AnyJobSensor):
    """
    Wait for Intelligent Media Services jobs of any kind until all of them have ended.

    Returns a list of the jobs' results in the order of the ids, each in the format of the operator for the job kind.

    :param job: The submit action, the query action or the family of the jobs, such as ``SubmitASRJob``,
        ``GetSmartHandleJob`` or ``smart``. A family is a group of job kinds with the same query action. (templated)
    :param job_ids: The job ids: a list, or a string in which they are separated by commas or spaces. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    product = ICE
