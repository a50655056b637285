"""Reads a file from a signed URL. Only the API server uses this module."""

from __future__ import annotations

import asyncio
import logging
import ssl
from urllib.parse import unquote

import httpx

from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.hooks._settings import Settings

#: The time limit for the whole download, in seconds. It is short, because a user waits for the response.
SECONDS = 10.0


def _has_no_signature(record: logging.LogRecord) -> bool:
    # At level INFO, httpx logs the URL of each request, including its signature.
    return "ignature=" not in record.getMessage()


logging.getLogger("httpx").addFilter(_has_no_signature)


def download(settings: Settings, address: str, limit: int) -> bytes:
    """
    Return the first bytes of a file. Redirects are not followed.

    :param settings: The settings of the connection, whose proxy and CA are used.
    :param address: The signed URL. Error messages contain only the name of the file.
    :param limit: The maximum number of bytes.
    :raises ImsUnavailableError: if the file cannot be read.
    """
    try:
        status, content = asyncio.run(_read(settings, address, limit))
        problem = "" if status == httpx.codes.OK else f"HTTP status {status}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        problem = type(error).__name__
    if problem:
        name = unquote(address.partition("?")[0]).rpartition("/")[2]
        raise ImsUnavailableError(f"{name} could not be read ({problem})")
    return content


async def _read(settings: Settings, address: str, limit: int) -> tuple[int, bytes]:
    is_https = address.startswith("https://")
    # Without HTTPS, no certificates are loaded.
    verify = ssl.create_default_context(cafile=settings.ca) if is_https and settings.ca else is_https
    client = httpx.AsyncClient(verify=verify, proxy=settings.https_proxy if is_https else None, timeout=SECONDS)
    content = bytearray()
    # The timeout of httpx limits each network operation, not the whole download.
    async with asyncio.timeout(SECONDS), client, client.stream("GET", address) as response:
        async for part in response.aiter_bytes():
            content += part
            if len(content) >= limit:
                break
        return response.status_code, bytes(content[:limit])
