"""What a job read and made: asset events for Airflow, datasets for OpenLineage."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_ims.jobs.objects import OssObject

log = logging.getLogger(__name__)


def emit_asset_events(context: Context, outlets: Iterable[Any], made: Iterable[OssObject], job_id: str) -> None:
    """
    Tell of the objects that a job made, by each asset alias among the task's outlets.

    :param context: The task's context.
    :param outlets: The task's outlets.
    :param made: The objects.
    :param job_id: The job, for the events' extra.
    """
    from airflow.providers.common.compat.sdk import Asset, AssetAlias

    events: Any = context.get("outlet_events")
    for alias in outlets:
        if isinstance(alias, AssetAlias) and events is not None:
            for one in made:
                try:
                    asset = Asset(one.uri)
                except ValueError as error:
                    # The job is done and paid for; its result is handed on all the same.
                    log.warning("Job %s made %s, which cannot be an asset: %s", job_id, one.uri, error)
                else:
                    events[alias].add(asset, extra={"job_id": job_id})


def operator_lineage(
    read: Iterable[OssObject], made: Iterable[OssObject], job_id: str | None
) -> OperatorLineage[Any, Any]:
    """
    Return what OpenLineage is told of a task.

    :param read: The objects that the job read.
    :param made: The objects that it made.
    :param job_id: The job.
    """
    from airflow.providers.common.compat.openlineage.facet import ExternalQueryRunFacet
    from airflow.providers.openlineage.extractors import OperatorLineage

    facets = {"externalQuery": ExternalQueryRunFacet(externalQueryId=job_id, source="ims")} if job_id else {}
    return OperatorLineage(
        inputs=[_dataset(one) for one in read], outputs=[_dataset(one) for one in made], run_facets=facets
    )


def _dataset(one: OssObject) -> Dataset:
    from airflow.providers.common.compat.openlineage.facet import Dataset

    return Dataset(namespace=f"oss://{one.bucket}", name=one.key)
