"""Operators of Intelligent Media Services."""

from __future__ import annotations

from airflow_provider_ims.operators.ims.analysis import ImsSubmitMediaCensorJobOperator, ImsSubmitSmarttagJobOperator
from airflow_provider_ims.operators.ims.any_job import ImsSubmitJobOperator
from airflow_provider_ims.operators.ims.batch import (
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitScreenMediaHighlightsJobOperator,
    ImsSubmitSportsHighlightsJobOperator,
)
from airflow_provider_ims.operators.ims.processing import ImsSubmitSnapshotJobOperator, ImsSubmitTranscodeJobOperator
from airflow_provider_ims.operators.ims.producing import ImsSubmitMediaProducingJobOperator
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
    "ImsSubmitASRJobOperator",
    "ImsSubmitAudioProduceJobOperator",
    "ImsSubmitAvatarVideoJobOperator",
    "ImsSubmitBatchMediaProducingJobOperator",
    "ImsSubmitDynamicChartJobOperator",
    "ImsSubmitHighlightExtractionJobOperator",
    "ImsSubmitJobOperator",
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
]
