"""Triggers of Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.jobs.batch import BATCH
from airflow_provider_ims.jobs.smart import SMART
from airflow_provider_ims.triggers.base import FamilyTrigger, SingleJobTrigger


class ImsSmartHandleJobTrigger(SingleJobTrigger):
    """
    Wait for a smart job (``GetSmartHandleJob``): text generation, audio production and others.

    :param job_id: The job.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param ims_conn_id: The connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's.
    :param poll_interval: Seconds between two looks at the job. Default: 10.
    :param started: When the job was submitted, in epoch seconds, for the log. Default: now.
    """

    family = SMART
    hook_class = ImsHook


class ImsBatchMediaProducingJobTrigger(SingleJobTrigger):
    """
    Wait for a batch job (``GetBatchMediaProducingJob``).

    :param job_id: The job.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param ims_conn_id: The connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's.
    :param poll_interval: Seconds between two looks at the job. Default: 10.
    :param started: When the job was submitted, in epoch seconds, for the log. Default: now.
    """

    family = BATCH
    hook_class = ImsHook


class ImsJobTrigger(FamilyTrigger):
    """
    Wait for jobs of any family of Intelligent Media Services.

    :param family: The family's name, such as ``transcode``, or its query action.
    :param job_ids: The jobs.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param ims_conn_id: The connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's.
    :param poll_interval: Seconds between two looks at a job. Default: 10.
    :param started: When the jobs were submitted, in epoch seconds, for the log. Default: now.
    """

    hook_class = ImsHook
