"""The URLs of OSS objects: ``oss://bucket/key`` and ``http(s)://bucket.oss-<region>.aliyuncs.com/key``."""

from __future__ import annotations

from urllib.parse import urlsplit


def split_oss(address: str) -> tuple[str, str] | None:
    """Return the bucket and the key in the URL of an OSS object; None for other URLs and for ids of media assets."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    bucket, _, domain = parts.netloc.partition(".")
    is_oss = parts.scheme == "oss" or (parts.scheme in ("http", "https") and "aliyuncs" in domain)
    return (bucket, parts.path.removeprefix("/")) if bucket and is_oss else None


def oss_url(bucket: object, region_id: str, key: str) -> str:
    """Return the public URL of an OSS object."""
    return f"http://{bucket}.oss-{region_id}.aliyuncs.com/{key}"


def public_url(address: str, region_id: str) -> str | None:
    """
    Return the HTTP URL of a file.

    An ``oss://`` URL is converted, and an HTTP or HTTPS URL is returned unchanged. For any other string, such as the id
    of a media asset, return None.
    """
    if address.startswith(("http://", "https://")):
        return address
    found = split_oss(address)
    return oss_url(found[0], region_id, found[1]) if found else None


def numbered(address: str, count: int) -> list[str]:
    """
    Return the URLs of the output files of a job.

    If ``address`` contains the placeholder ``{Count}``, return ``count`` URLs with the numbers 00001, 00002 and so on.
    Otherwise, return only ``address``.
    """
    if "{Count}" not in address:
        return [address]
    return [address.replace("{Count}", f"{number:05}") for number in range(1, count + 1)]
