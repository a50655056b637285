"""Reports the outputs of jobs as asset events to Airflow, and their inputs and outputs as datasets to OpenLineage."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_ims._jobs.objects import OssObject

log = logging.getLogger(__name__)


def emit_asset_events(context: Context, outlets: Iterable[Any], outputs: Iterable[OssObject], job_id: str) -> None:
    """For each output of a job, add an event with the job id to each asset alias among the task's outlets."""
    from airflow.providers.common.compat.sdk import Asset, AssetAlias

    events: Any = context.get("outlet_events")
    for alias in outlets:
        if isinstance(alias, AssetAlias) and events is not None:
            for one in outputs:
                try:
                    asset = Asset(one.uri)
                except ValueError as error:
                    # An invalid asset must not make the task lose the result of a billed job.
                    log.warning("Output %s of job %s cannot be an asset: %s", one.uri, job_id, error)
                else:
                    events[alias].add(asset, extra={"job_id": job_id})


def operator_lineage(
    inputs: Iterable[OssObject], outputs: Iterable[OssObject], job_id: str | None
) -> OperatorLineage[Any, Any]:
    """Return the lineage of a task: the inputs and outputs of its jobs and, if known, the id of one of these jobs."""
    from airflow.providers.common.compat.openlineage.facet import ExternalQueryRunFacet
    from airflow.providers.openlineage.extractors import OperatorLineage

    facets = {"externalQuery": ExternalQueryRunFacet(externalQueryId=job_id, source="ims")} if job_id else {}
    return OperatorLineage(
        inputs=[dataset(one) for one in inputs], outputs=[dataset(one) for one in outputs], run_facets=facets
    )


def dataset(one: OssObject) -> Dataset:
    """Return the dataset of an OSS object. The dataset's name is the object's key, without percent-encoding."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    return Dataset(namespace=f"oss://{one.bucket}", name=unquote(one.key) or "/")
