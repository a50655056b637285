"""The operator of every kind of job that Intelligent Media Services has."""

from __future__ import annotations

from airflow_provider_ims.hooks.actions import ICE
from airflow_provider_ims.operators.any_job import AnyJobOperator


class ImsSubmitJobOperator(AnyJobOperator):
    """
    Submit a job of any kind that Intelligent Media Services has, and wait for its end.

    Returns ``{"job_id", "state", ...}`` with what came out, by the kind of job.

    :param job: The submit action, such as ``SubmitASRJob``. (templated)
    :param parameters: The action's parameters under their own names; where the action takes a JSON string, a dict or
        a list will do. (templated)
    :param fail_on_partial_failure: Fail the task when any part failed of a job that makes several things, such as
        the outputs of a transcoding. Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``, ``on_uncertain``.
    """

    product = ICE
