"""Operators for Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims.hooks._actions import ICE
from airflow_provider_ims.operators._any_job import AnyJobOperator
from airflow_provider_ims.operators._api import ApiOperator
from airflow_provider_ims.operators._many_jobs import ManyJobsOperator
from airflow_provider_ims.operators.ims.media import (
    ImsStartWorkflowOperator,
    ImsUploadMediaByURLOperator,
    ImsUploadStreamByURLOperator,
)
from airflow_provider_ims.operators.ims.processing import (
    ImsSubmitMediaCensorJobOperator,
    ImsSubmitSmarttagJobOperator,
    ImsSubmitSnapshotJobOperator,
    ImsSubmitTranscodeJobOperator,
)
from airflow_provider_ims.operators.ims.producing import (
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitMediaProducingJobOperator,
    ImsSubmitScreenMediaHighlightsJobOperator,
    ImsSubmitSportsHighlightsJobOperator,
)
from airflow_provider_ims.operators.ims.smart import (
    ImsSubmitASRJobOperator,
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.ims.smart_video import (
    ImsSubmitAvatarVideoJobOperator,
    ImsSubmitDynamicChartJobOperator,
    ImsSubmitHighlightExtractionJobOperator,
    ImsSubmitSegmentationJobOperator,
    ImsSubmitVideoTranslationJobOperator,
)

__all__ = [
    "ImsApiOperator",
    "ImsStartWorkflowOperator",
    "ImsSubmitASRJobOperator",
    "ImsSubmitAudioProduceJobOperator",
    "ImsSubmitAvatarVideoJobOperator",
    "ImsSubmitBatchMediaProducingJobOperator",
    "ImsSubmitDynamicChartJobOperator",
    "ImsSubmitHighlightExtractionJobOperator",
    "ImsSubmitJobOperator",
    "ImsSubmitJobsOperator",
    "ImsSubmitMediaCensorJobOperator",
    "ImsSubmitMediaProducingJobOperator",
    "ImsSubmitScreenMediaHighlightsJobOperator",
    "ImsSubmitSegmentationJobOperator",
    "ImsSubmitSmarttagJobOperator",
    "ImsSubmitSnapshotJobOperator",
    "ImsSubmitSportsHighlightsJobOperator",
    "ImsSubmitTextGenerateJobOperator",
    "ImsSubmitTranscodeJobOperator",
    "ImsSubmitVideoTranslationJobOperator",
    "ImsUploadMediaByURLOperator",
    "ImsUploadStreamByURLOperator",
]


class ImsSubmitJobOperator(AnyJobOperator):
    """
    Submit any kind of Intelligent Media Services job, and wait until it ends.

    Returns ``{"job_id", "state", ...}``; the other keys depend on the job kind.

    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._any_job.AnyJobOperator`.
    """

    product = ICE


class ImsSubmitJobsOperator(ManyJobsOperator):
    """
    Submit many Intelligent Media Services jobs of one kind in one task, and wait until all have ended.

    Returns ``{"total", "succeeded", "failed", "jobs": [{"index", "job_id", "state"}], "results": [..]}``. ``jobs`` and
    ``results`` are in the order of the requests. With ``results_path``, the result contains this path instead of
    ``results``.

    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._many_jobs.ManyJobsOperator`.
    """

    product = ICE


class ImsApiOperator(ApiOperator):
    """
    Call any action of Intelligent Media Services, except the actions that submit a job of a supported kind.

    To submit a job, use ``ImsSubmitJobOperator``.

    Returns the response, with its keys in snake_case: ``{"request_id", ...}``.

    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._api.ApiOperator`.
    """

    product = ICE
    job_operator = "ImsSubmitJobOperator"
