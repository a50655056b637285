"""
Signed URLs, with which the services give access to a file for a limited time.

They have a V1 signature of OSS, as in the examples of the services. They begin with the URL of the emulator, and the
host of the bucket is the first part of the path.
"""

from __future__ import annotations

import hmac
import time
from base64 import b64encode
from urllib.parse import quote, unquote, urlencode, urlsplit

from airflow_provider_ims.emulator.api.addresses import public_url, split_oss
from airflow_provider_ims.emulator.api.model import stable_id
from airflow_provider_ims.emulator.settings import Settings

URL_SECONDS = 3600
"""Seconds for which a signed URL is valid by default. The services do not document them for all actions."""

SERVICE_KEY_ID = "LTAI" + stable_id("oss")[:16]
"""The ID of the AccessKey with which the services sign. They sign only URLs of objects that exist."""


def signed_url(address: str, settings: Settings, region: str, *, expires: float | None = None) -> str:
    """
    Return the signed URL of an object; a URL that is not in OSS is returned unchanged.

    :param address: The ``oss://`` or ``http(s)://`` URL of the object.
    :param region: The region of the bucket in an ``oss://`` URL.
    :param expires: When it expires, in seconds since the epoch in real time; default: after an hour.
    """
    url, found = public_url(address, region), split_oss(address)
    if url is None or found is None:
        return address
    parts = urlsplit(url)
    key = unquote(parts.path.removeprefix("/"))
    moment = int(time.time() + URL_SECONDS if expires is None else expires)
    query = {
        "Expires": moment,
        "OSSAccessKeyId": SERVICE_KEY_ID,
        "Signature": v1_signature(service_secret(settings), f"GET\n\n\n{moment}\n/{found[0]}/{key}"),
    }
    return f"{settings.public_url}/{parts.netloc}/{quote(key)}?{urlencode(query)}"


def service_secret(settings: Settings) -> str:
    """Return the secret of :data:`SERVICE_KEY_ID`, which stays the same after a restart."""
    secret = next(iter(settings.access_keys.values()))
    return hmac.digest(secret.encode(), b"signed URLs", "sha256").hex()


def v1_signature(secret: str, text: str) -> str:
    """Return the V1 signature of OSS."""
    return b64encode(hmac.digest(secret.encode(), text.encode(errors="replace"), "sha1")).decode()
