"""Presigned URLs of objects in OSS. The library ``alibabacloud-oss-v2`` is optional (package extra ``media``)."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.util import find_spec

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError
from airflow_provider_ims.hooks._settings import Settings

#: The region in the host of a URL, such as ``https://b.oss-cn-shanghai-internal.aliyuncs.com/a.mp4``.
_REGION = re.compile(r"\w+://[\w-]+\.oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com", re.IGNORECASE)


def can_presign() -> bool:
    """Return whether the library ``alibabacloud-oss-v2`` is installed."""
    return find_spec("alibabacloud_oss_v2") is not None


def presign(settings: Settings, address: str, bucket: str, key: str, lifetime: timedelta) -> str:
    """
    Return a URL with which a browser can read an object. No request is sent to OSS.

    :param settings: The settings of the connection whose identity signs the URL.
    :param address: The URL of the object, whose host may contain the region of the bucket.
    :param bucket: The bucket of the object.
    :param key: The key of the object, not percent-encoded.
    :param lifetime: The time for which the URL is valid.
    :raises ImsRequestError: if the region is unknown, or the bucket or the key is not valid.
    :raises ImsError: if no credentials can be obtained, or if they cannot sign URLs.
    """
    import alibabacloud_oss_v2 as oss

    from airflow_provider_ims.hooks._sdk import credential_client

    match = _REGION.match(address)
    region = match[1] if match else settings.region_id
    if not region:
        raise ImsRequestError(f"No region: set region_id in the connection to open {address}", field="region_id")
    credential = credential_client(settings).get_credential()
    if not credential.access_key_id or not credential.access_key_secret:
        raise ImsCredentialsError("The credential type of the connection cannot presign URLs of OSS objects")
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        credential.access_key_id, credential.access_key_secret, credential.security_token or None
    )
    config.region = region
    # Browsers cannot reach the internal endpoint of a VPC.
    host = settings.endpoints.get("oss") or f"oss-{region}.aliyuncs.com"
    config.endpoint = f"{settings.protocol}://{host}"
    try:
        result = oss.Client(config).presign(oss.GetObjectRequest(bucket=bucket, key=key), expires=lifetime)
    except oss.exceptions.BaseError as error:
        raise ImsRequestError(f"{address} cannot be presigned: {error}") from None
    return str(result.url)
