"""Sensors for jobs of ApsaraVideo VOD."""

from __future__ import annotations

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims.hooks._actions import VOD
from airflow_provider_ims.sensors.base import AnyJobSensor, JobsSensor


class VodAIImageJobSensor(JobsSensor):
    """
    Wait for AI image jobs (``GetAIImageJobs``, ten ids per request) until all of them have ended.

    Returns a list with ``{"job_id", "state", "video_id", "images": [{"score", "url"}]}`` for each job, in the order
    of ``job_ids``.

    .. seealso:: https://help.aliyun.com/document_detail/186923.html

    :param job_ids: The job ids: a list, or a string in which they are separated by commas or spaces. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    family = AI_IMAGE


class VodJobSensor(AnyJobSensor):
    """
    Wait for ApsaraVideo VOD jobs of any kind until all of them have ended.

    Returns a list of the jobs' results in the order of the ids, each in the format of the operator for the job kind.

    :param job: The submit action, the query action or the family of the jobs, such as ``SubmitAIJob``, ``ListAIJob``
        or ``vod_ai``. A family is a group of job kinds with the same query action. (templated)
    :param job_ids: The job ids: a list, or a string in which they are separated by commas or spaces. (templated)
    :param kwargs: Arguments of :class:`~airflow_provider_ims.sensors.base.JobSensor`.
    """

    product = VOD
