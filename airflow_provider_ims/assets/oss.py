"""
Assets with the scheme ``oss``, for all DAGs of an Airflow installation.

Airflow finds these functions through the provider's metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_ims._jobs.objects import OssObject, parse_oss
from airflow_provider_ims._lineage import dataset

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Asset


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Return the URI of an asset as ``oss://bucket/key``.

    :param uri: The URI. Instead of the bucket name, it may contain the host name of the bucket, such as
        ``bucket.oss-cn-shanghai.aliyuncs.com``.
    :raises ValueError: if the URI has no bucket, or its bucket is not valid.
    """
    one = parse_oss(uri)
    return urlsplit(one.uri)._replace(query=uri.query)


def create_asset(*, bucket: str, key: str, extra: dict[str, Any] | None = None) -> Asset:
    """
    Return the asset of an OSS object.

    :param bucket: The bucket of the object.
    :param key: The key of the object.
    :param extra: The ``extra`` of the asset, a dict with custom metadata. Default: none.
    """
    from airflow.providers.common.compat.sdk import Asset

    return Asset(uri=OssObject(bucket, key).uri, extra=extra)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """
    Return the OpenLineage dataset of an asset, with the namespace ``oss://bucket`` and the name ``key``.

    :param asset: The asset.
    :param lineage_context: Not used.
    """
    return dataset(parse_oss(urlsplit(asset.uri)))
