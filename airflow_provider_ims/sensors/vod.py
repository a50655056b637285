"""Sensors of ApsaraVideo VOD."""

from __future__ import annotations

from airflow_provider_ims.sensors.base import AnyJobSensor, JobsSensor
from airflow_provider_ims.triggers.vod import VodAIImageJobTrigger, VodJobTrigger


class VodAIImageJobSensor(JobsSensor):
    """
    Wait for AI image jobs (``GetAIImageJobs``, ten ids a call), until the last of them has ended.

    Returns a list with ``{"job_id", "state", "video_id", "images": [{"score", "url"}]}`` for each job, in the order
    of ``job_ids``.

    .. seealso:: https://help.aliyun.com/document_detail/186923.html

    :param job_ids: The jobs: a list, or a string with the ids separated by commas or spaces. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`: ``ims_conn_id``, ``region_id``,
        ``deferrable``, and Airflow's ``poke_interval``, ``timeout``, ``soft_fail``, ``mode``.
    """

    trigger_class = VodAIImageJobTrigger


class VodJobSensor(AnyJobSensor):
    """
    Wait for jobs of any kind that ApsaraVideo VOD has, until the last of them has ended.

    Returns a list of what the operators of their kind return, in the order of the ids.

    :param job: Their submit action, query action or family, such as ``SubmitAIJob``. (templated)
    :param job_ids: The jobs: a list, or a string with the ids separated by commas or spaces. (templated)
    :param fail_on_partial_failure: Fail the task when any part failed of a job that makes several things. Default:
        false.
    :param kwargs: As of :class:`~airflow_provider_ims.sensors.base.JobSensor`: ``ims_conn_id``, ``region_id``,
        ``deferrable``, and Airflow's ``poke_interval``, ``timeout``, ``soft_fail``, ``mode``.
    """

    trigger_class = VodJobTrigger
