"""Operators of ApsaraVideo VOD."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_ims.jobs.kinds import AI_IMAGE_JOB
from airflow_provider_ims.operators.any_job import AnyJobOperator
from airflow_provider_ims.operators.base import JobOperator
from airflow_provider_ims.triggers.vod import VodAIImageJobTrigger, VodJobTrigger


class VodSubmitAIImageJobOperator(JobOperator):
    """
    Make AI images, such as covers, from a video (``SubmitAIImageJob``; regions cn-beijing and cn-shanghai).

    The API has no client token, so only ``durable`` keeps a retry from submitting again.

    Returns ``{"job_id", "state", "video_id", "images": [{"score", "url"}]}``; the addresses are unsigned,
    ``ListAIImageInfo`` gives signed ones.

    .. seealso:: https://help.aliyun.com/document_detail/186922.html

    :param video_id: The video in VOD. (templated)
    :param ai_template_id: The AI image template. (templated)
    :param ai_pipeline_id: A pipeline of your own, for bulk work. (templated)
    :param user_data: Your own data and callback: an object with ``MessageCallback`` or ``Extend``, up to 512 bytes
        as JSON. A dict or a JSON string. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``.
    """

    kind = AI_IMAGE_JOB
    trigger_class = VodAIImageJobTrigger
    template_fields: Sequence[str] = (
        "video_id",
        "ai_template_id",
        "ai_pipeline_id",
        "user_data",
        *JobOperator.template_fields,
    )
    template_fields_renderers = {"user_data": "json"}

    def __init__(
        self,
        *,
        video_id: str,
        ai_template_id: str,
        ai_pipeline_id: str | None = None,
        user_data: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.ai_template_id = ai_template_id
        self.ai_pipeline_id = ai_pipeline_id
        self.user_data = user_data

    def _awaited(self, job_id: str) -> dict[str, Any]:
        return {"job_ids": [job_id]}


class VodSubmitJobOperator(AnyJobOperator):
    """
    Submit a job of any kind that ApsaraVideo VOD has, and wait for its end.

    Returns ``{"job_id", "state", ...}`` with what came out, by the kind of job.

    :param job: The submit action, such as ``SubmitAIJob``. (templated)
    :param parameters: The action's parameters under their own names; where the action takes a JSON string, a dict or
        a list will do. (templated)
    :param kwargs: As of :class:`~airflow_provider_ims.operators.base.JobOperator`: ``ims_conn_id``, ``region_id``,
        ``wait_for_completion``, ``deferrable``, ``poll_interval``, ``timeout``, ``durable``.
    """

    trigger_class = VodJobTrigger
