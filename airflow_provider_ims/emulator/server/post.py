"""Sends HTTP requests on the event loop. This module requires only the standard library."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, urlsplit


async def post(url: str, body: bytes, headers: Mapping[str, str], *, limit: float) -> int:
    """
    Send a POST request and return the status of the response, without reading its body or following redirects.

    :param limit: Seconds within which the status of the response must arrive, including the time to connect.
    :raises OSError: If the connection fails; TimeoutError if the limit is exceeded.
    :raises ValueError: If the URL is invalid, or the connection is closed without a valid HTTP response.
    """
    parts = urlsplit(url)
    host, port = host_of(url), parts.port
    is_https = parts.scheme == "https"
    context = ssl.create_default_context() if is_https else None
    async with asyncio.timeout(limit):
        reader, writer = await asyncio.open_connection(host, port or (443 if is_https else 80), ssl=context)
        try:
            writer.write(_head(parts, host, len(body), headers) + body)
            await writer.drain()
            return _status(await reader.readline())
        finally:
            writer.transport.abort()


def host_of(url: str) -> str:
    """
    Return the host of an HTTP or HTTPS URL, in lowercase and in ASCII.

    :raises ValueError: If the URL is invalid.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{url!r} is not a valid HTTP or HTTPS URL")
    return parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()


def is_loopback(host: str) -> bool:
    """Return whether a host is ``localhost`` or a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _head(parts: SplitResult, host: str, size: int, headers: Mapping[str, str]) -> bytes:
    # Characters that are not allowed in a request line are percent-encoded; existing escapes remain.
    target = quote(f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", safe="/?%:@!$&'()*+,;=-._~[]")
    name = f"[{host}]" if ":" in host else host
    lines = {
        "Host": f"{name}:{parts.port}" if parts.port else name,
        "Content-Type": "application/json",
        "Content-Length": str(size),
        "Connection": "close",
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target} HTTP/1.1\r\n{text}\r\n".encode("ascii")


def _status(line: bytes) -> int:
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not (words[1].isdigit() and len(words[1]) == 3):
        raise ValueError("the response is not HTTP" if line else "the connection was closed without a response")
    return int(words[1])
