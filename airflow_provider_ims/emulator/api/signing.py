"""
Signed URLs, with which the services give access to a file for a limited time.

The URLs have a V1 signature of OSS, as in the documented examples. They begin with the URL of the emulator. The first
segment of the path is the host name of the bucket in OSS, and the key of the object follows.
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
"""The default number of seconds for which a signed URL is valid. The period is documented only for some actions."""

SERVICE_KEY_ID = "LTAI" + stable_id("oss")[:16]
"""
The AccessKey ID in signed URLs of the services.

The services sign only URLs of objects that exist. Therefore, the emulator returns a file for each URL that is signed
with this AccessKey, even if no job has produced the file.
"""


def signed_url(address: str, settings: Settings, region: str, *, expires: float | None = None) -> str:
    """
    Return the signed URL of an object in OSS. A URL that does not refer to OSS is returned unchanged.

    :param address: The ``oss://`` or ``http(s)://`` URL of the object.
    :param region: The region of the bucket, if the URL begins with ``oss://``.
    :param expires: The time at which the signed URL expires, in seconds since the epoch (real time, not the job clock);
        default: one hour from now.
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
    """
    Return the AccessKey secret of :data:`SERVICE_KEY_ID`.

    It is derived from the secret of the first accepted AccessKey pair, so that signed URLs remain valid after the
    emulator has restarted.
    """
    secret = next(iter(settings.access_keys.values()))
    return hmac.digest(secret.encode(), b"signed URLs", "sha256").hex()


def v1_signature(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA1 signature of a string, as in signature V1 of OSS and in SMQ."""
    return b64encode(hmac.digest(secret.encode(), text.encode(errors="replace"), "sha1")).decode()
