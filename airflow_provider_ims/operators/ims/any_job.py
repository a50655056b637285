"""The operator that submits any kind of job of Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims.hooks.actions import ICE
from airflow_provider_ims.operators.any_job import AnyJobOperator


class ImsSubmitJobOperator(AnyJobOperator):
    """
    Submit a job of any kind of Intelligent Media Services, and wait for its end.

    Returns ``{"job_id", "state", ...}``; the other keys depend on the job kind.

    :param kwargs: As of :class:`~airflow_provider_ims.operators.any_job.AnyJobOperator`.
    """

    product = ICE
