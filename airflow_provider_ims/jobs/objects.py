"""Objects in OSS, as requests and results name them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airflow_provider_ims.jobs.payload import parsed

_HOST = r"\.oss[a-z0-9-]*\.aliyuncs\.com"
#: ``oss://bucket/key``, also with the bucket's host for the bucket, or the object's address at that host; a CDN's does
#: not tell the bucket.
_ADDRESS = re.compile(
    rf"(?:oss://(?P<bucket>[\w-]+)(?:{_HOST})?|https?://(?P<host>[\w-]+){_HOST})/(?P<key>[^?#\s{{}}]+)(?:[?#]\S*)?"
)
_ANY_ADDRESS = re.compile(r"https?://\S+")
#: Every sign of ASCII, so that what is percent-encoded stays what it is.
_KEPT = "".join(map(chr, range(33, 127)))
#: What an address is signed with: by OSS in its two ways, or by a CDN. Whoever has it has the file.
_SIGNATURE = re.compile(
    r"(https?://[^\s?\"']+)\?[^\s\"']*?\b(?:signature|x-oss-signature|ossaccesskeyid|x-oss-credential|security-token|"
    r"x-oss-security-token|auth_key)=[^\s\"']*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class OssObject:
    """
    An object.

    :param bucket: Its bucket.
    :param key: Its key, as it was named.
    """

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """``oss://bucket/key``, percent-encoded as in the object's address, however it was named."""
        return f"oss://{self.bucket}/{quote(self.key, safe=_KEPT)}"


def oss_objects(value: Any, *, without: str | None = None) -> dict[OssObject, None]:
    """
    Return the objects that a result or a request names, each once, in their order.

    :param value: Anything made of dicts, lists and strings; JSON inside strings is read.
    :param without: A part of the names, in lower case, of the fields to leave out.
    """
    matches = (_ADDRESS.fullmatch(text) for text in _texts(value, without))
    return {OssObject(match["bucket"] or match["host"], match["key"]): None for match in matches if match}


def first_address(value: Any) -> str | None:
    """
    Return the first web address that a result names, without what signs it.

    :param value: As of :func:`oss_objects`.
    """
    return next((unsigned(text) for text in _texts(value, None) if _ANY_ADDRESS.fullmatch(text)), None)


def unsigned(value: Any) -> Any:
    """
    Return a result with its addresses without what signs them: it ends, and until then it is a key to the file.

    :param value: Anything made of dicts, lists and strings.
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
        read = parsed(value) if value.lstrip()[:1] in ("{", "[") else value
        if isinstance(read, str):
            yield read.strip()
        else:
            yield from _texts(read, without)
