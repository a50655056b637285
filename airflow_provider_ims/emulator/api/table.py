"""The table of all job kinds. Each job kind is declared in the module of its family."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from airflow_provider_ims.emulator.api.algorithms import ALGORITHM_KINDS
from airflow_provider_ims.emulator.api.analysis import ANALYSIS_KINDS
from airflow_provider_ims.emulator.api.batch import BATCH_KINDS
from airflow_provider_ims.emulator.api.editing import EDITING_KINDS
from airflow_provider_ims.emulator.api.images import AI_IMAGE_KIND
from airflow_provider_ims.emulator.api.model import JobKind
from airflow_provider_ims.emulator.api.processing import PROCESSING_KINDS
from airflow_provider_ims.emulator.api.smart import SMART_KINDS
from airflow_provider_ims.emulator.api.training import TRAINING_KINDS
from airflow_provider_ims.emulator.api.transcoding import TRANSCODING_KINDS
from airflow_provider_ims.emulator.api.uploads import UPLOAD_KINDS
from airflow_provider_ims.emulator.api.vod import VOD_KINDS
from airflow_provider_ims.emulator.api.workflow import WORKFLOW_KINDS

#: Key -> job kind.
JOB_KINDS: Mapping[str, JobKind] = MappingProxyType(
    {
        kind.key: kind
        for kind in (
            *SMART_KINDS,
            *BATCH_KINDS,
            AI_IMAGE_KIND,
            *EDITING_KINDS,
            *ALGORITHM_KINDS,
            *TRANSCODING_KINDS,
            *PROCESSING_KINDS,
            *ANALYSIS_KINDS,
            *TRAINING_KINDS,
            *WORKFLOW_KINDS,
            *VOD_KINDS,
            *UPLOAD_KINDS,
        )
    }
)
