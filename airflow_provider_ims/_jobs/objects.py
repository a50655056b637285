"""Finds the OSS objects that requests and results refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from airflow_provider_ims._jobs.payload import parse_json

_HOST = r"\.oss[a-z0-9-]*\.aliyuncs\.com"
#: ``oss://bucket/key``, ``oss://<host name of the bucket>/key``, or a URL with this host name. A CDN URL does not
#: match, because it does not contain the bucket.
_OBJECT = re.compile(
    rf"(?:oss://(?P<bucket>[\w-]+)(?:{_HOST})?|https?://(?P<host>[\w-]+){_HOST})/(?P<key>[^?#\s{{}}]+)(?:[?#]\S*)?"
)
#: A bucket, or its host name. The documentation does not allow underscores, but its examples contain them.
_BUCKET = re.compile(rf"([a-z0-9](?:[a-z0-9_-]{{0,61}}[a-z0-9])?)(?:{_HOST})?")
_ADDRESS = re.compile(r"(?ai:https?|oss)://[A-Za-z0-9_.:@\[\]-]+/\S+")
#: All printable ASCII characters except the space, so that percent-encoded characters are not encoded again.
_SAFE = "".join(map(chr, range(33, 127)))
#: The query of a URL signed by OSS (either signature version) or by a CDN. It grants access to the file.
_SIGNATURE = re.compile(
    r"(https?://[^\s?\"']+)\?[^\s\"']*?\b(?:signature|x-oss-signature|ossaccesskeyid|x-oss-credential|security-token|"
    r"x-oss-security-token|auth_key)=[^\s\"']*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class OssObject:
    """An object in OSS: its bucket, and its key as written in the request or result."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """``oss://bucket/key``, percent-encoded as in a URL."""
        return f"oss://{self.bucket}/{quote(self.key, safe=_SAFE)}"


def oss_objects(value: Any, *, without: str | None = None) -> dict[OssObject, None]:
    """
    Return the objects that a result or a request refers to, without duplicates, in order.

    :param value: Dicts, lists and strings; JSON inside strings is parsed.
    :param without: Ignore fields whose names, in lowercase, contain this string.
    """
    matches = (_OBJECT.fullmatch(text) for text in _texts(value, without))
    return {OssObject(match["bucket"] or match["host"], match["key"]): None for match in matches if match}


def parse_oss(uri: SplitResult) -> OssObject:
    """
    Return the object that a URI with the scheme ``oss`` refers to; its key is empty if the URI refers to a bucket.

    :raises ValueError: if the URI has no bucket, or its bucket is not valid.
    """
    match = _BUCKET.fullmatch(uri.netloc)
    if match is None:
        raise ValueError(
            f"{uri.netloc!r} in an oss:// URI is not a bucket: the format is oss://bucket/key, and a bucket name"
            " consists of up to 63 lowercase letters, digits and hyphens"
        )
    return OssObject(match[1], uri.path.removeprefix("/"))


def first_url(value: Any) -> str | None:
    """Return the first http or https URL in a result, without its signature; ``None`` if there is none."""
    found = ((text, split_address(text)) for text in _texts(value, None))
    return next((unsigned(text) for text, parts in found if parts and parts.scheme != "oss"), None)


def split_address(text: str) -> SplitResult | None:
    """Return the parts of the address of a file, with the scheme http, https or oss; ``None`` for any other string."""
    if not _ADDRESS.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        # The host is not a valid IPv6 address, or the port is not a valid number.
        return None
    return parts


def content_of(text: str) -> Any:
    """Return the JSON object or list in a string; for any other string, the string without surrounding whitespace."""
    content = parse_json(text) if text.lstrip()[:1] in ("{", "[") else text
    return content.strip() if isinstance(content, str) else content


def unsigned(value: Any) -> Any:
    """
    Return a result in which signed URLs have no query.

    The query contains a signature, which grants access to the file until the signature expires.
    """
    if isinstance(value, dict):
        return {name: unsigned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [unsigned(inner) for inner in value]
    return _SIGNATURE.sub(r"\1", value) if isinstance(value, str) else value


def _texts(value: Any, without: str | None) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if without is None or without not in str(name).lower():
                yield from _texts(inner, without)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner, without)
    elif isinstance(value, str):
        content = content_of(value)
        if isinstance(content, str):
            yield content
        else:
            yield from _texts(content, without)
