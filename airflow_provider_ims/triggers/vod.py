"""Triggers of ApsaraVideo VOD."""

from __future__ import annotations

from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.jobs.ai_image import AI_IMAGE
from airflow_provider_ims.triggers.base import FamilyTrigger, JobTrigger


class VodAIImageJobTrigger(JobTrigger):
    """
    Wait for AI image jobs (``GetAIImageJobs``, ten ids a call), until the last of them has ended.

    :param job_ids: The jobs.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param ims_conn_id: The connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's.
    :param poll_interval: Seconds between two looks at a job. Default: 10.
    :param started: When the jobs were submitted, in epoch seconds, for the log. Default: now.
    """

    family = AI_IMAGE
    hook_class = VodHook


class VodJobTrigger(FamilyTrigger):
    """
    Wait for jobs of any family of ApsaraVideo VOD.

    :param family: The family's name, such as ``vod_transcode``, or its query action.
    :param job_ids: The jobs.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param ims_conn_id: The connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's.
    :param poll_interval: Seconds between two looks at a job. Default: 10.
    :param started: When the jobs were submitted, in epoch seconds, for the log. Default: now.
    """

    hook_class = VodHook
