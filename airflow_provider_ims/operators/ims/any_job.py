"""The operator that submits any kind of job of Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims.operators.any_job import AnyJobOperator
from airflow_provider_ims.triggers.ims import ImsJobTrigger


class ImsSubmitJobOperator(AnyJobOperator):
    """
    Submit a job of any kind of Intelligent Media Services, and wait for its end.

    Returns ``{"job_id", "state", ...}``; the other keys depend on the job kind.

    :param job: The submit action, such as ``SubmitASRJob``. (templated)
    :param parameters: The parameters of the action under the API's names. A parameter that is a JSON string in the API
        may be a dict or a list. (templated)
    :param fail_on_partial_failure: Fail the task if any part of the job failed, such as an output of a transcoding.
        Default: false.
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`.
    """

    trigger_class = ImsJobTrigger
