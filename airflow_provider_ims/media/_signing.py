"""Finds the address at which a browser can open an output file of a job. This happens when a user opens the file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_ims._jobs.objects import oss_objects, split_address
from airflow_provider_ims._jobs.payload import as_text, walk_path
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError, ImsRequestError
from airflow_provider_ims.hooks._actions import ICE, VOD, Product
from airflow_provider_ims.hooks._download import download
from airflow_provider_ims.hooks._oss import can_presign, presign
from airflow_provider_ims.media._view import MediaFile

if TYPE_CHECKING:
    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

#: The time for which a presigned URL is valid. The time is long, because a player requests a video in parts while it
#: plays the video.
VALID = timedelta(hours=1)
#: Seconds for which a response is reused. One response may contain several addresses, such as those of all images of a
#: video.
REUSED = 60.0
#: The maximum number of attempts of a request, and the seconds for which a throttled request is retried. Both are low,
#: because a user waits for the response.
ATTEMPTS = 2
THROTTLE_TIMEOUT = 5.0
#: The maximum number of bytes of a subtitle file that are shown.
MAX_SUBTITLES = 512 * 1024

INSTALL = "pip install 'airflow-provider-ims[media]'"


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    An action that returns signed URLs.

    :param product: The product of the action.
    :param action: The name of the action.
    :param parameter: The parameter that identifies the file or its media asset.
    :param attribute: The attribute of :class:`MediaFile` that contains the value of the parameter.
    :param addresses: The path to the addresses of files in the response.
    :param poster: The path to the address of a video's poster in the response; empty if the response contains none.
    :param kinds: The kinds of files that the action finds; empty for all kinds.
    """

    product: Product
    action: str
    parameter: str
    attribute: str
    addresses: str
    poster: str = ""
    kinds: tuple[str, ...] = ()


_FILES = "MediaInfo.FileInfoList[].FileBasicInfo.FileUrl"
_COVER = "MediaInfo.MediaBasicInfo.CoverURL"
#: The lookups by an id, in the order in which they are tried.
BY_ID = (
    Lookup(VOD, "ListAIImageInfo", "VideoId", "video_id", "AIImageInfoList[].FileURL", kinds=("image",)),
    Lookup(VOD, "GetImageInfos", "ImageIds", "image_id", "ImageInfo[].URL"),
    Lookup(VOD, "GetPlayInfo", "VideoId", "video_id", "PlayInfoList.PlayInfo[].PlayURL", "VideoBase.CoverURL"),
    Lookup(ICE, "GetMediaInfo", "MediaId", "media_id", _FILES, _COVER),
)
#: The lookups by the address. They are tried after presigning, because they find only registered media assets.
BY_ADDRESS = (
    Lookup(ICE, "GetMediaInfo", "InputURL", "address", _FILES, _COVER),
    Lookup(ICE, "GetPlayInfo", "InputURL", "address", "PlayInfoList[].PlayURL", "MediaBase.CoverURL"),
)


def playable_address(hook: AlibabaCloudMediaHook, file: MediaFile) -> str:
    """
    Return an address at which a browser can open a file. Most addresses are valid only for a limited time.

    :raises ImsError: If no such address is found, or a service cannot be called.
    """
    problems: list[ImsRequestError] = []
    for found in _addresses(hook, file, problems):
        return _checked(found)
    raise _not_found(file, problems)


def read_subtitles(hook: AlibabaCloudMediaHook, file: MediaFile) -> str:
    """
    Return the text of a subtitle file. The API server downloads it, because a script on a page cannot read from OSS.

    :raises ImsError: If the file is not a subtitle file or cannot be read, or if its recorded address is not in OSS.
        No request is sent to such an address.
    """
    if file.kind != "subtitles" or (file.address is not None and not oss_objects(file.address)):
        raise ImsRequestError(f"{file.name} is not a subtitle file in OSS")
    content = download(hook.settings, playable_address(hook, file), MAX_SUBTITLES)
    return content.decode("utf-8-sig", errors="replace")


def poster_address(hook: AlibabaCloudMediaHook, file: MediaFile) -> str | None:
    """
    Return the address of the poster of a video; ``None`` if the service returns no poster or cannot find the video.

    :raises ImsError: If the service cannot be called.
    """
    for lookup in _lookups(hook, (*BY_ID, *BY_ADDRESS), file):
        try:
            response = _call(hook, lookup, file)
        except ImsRequestError:
            continue
        for address in walk_path(response, lookup.poster) if lookup.poster else ():
            if text := as_text(address):
                return _checked(text)
    return None


def _addresses(hook: AlibabaCloudMediaHook, file: MediaFile, problems: list[ImsRequestError]) -> Iterator[str]:
    """Yield the addresses of a file in the order of preference; add the errors of rejected requests to ``problems``."""
    yield from _found(hook, file, BY_ID, problems)
    if file.address is None:
        return
    if can_presign() and (signed := presigned(hook, file.address)):
        yield signed
    yield from _found(hook, file, BY_ADDRESS, problems)
    if not oss_objects(file.address):
        yield file.address


def _found(
    hook: AlibabaCloudMediaHook, file: MediaFile, lookups: tuple[Lookup, ...], problems: list[ImsRequestError]
) -> Iterator[str]:
    for lookup in _lookups(hook, lookups, file):
        try:
            response = _call(hook, lookup, file)
        except ImsRequestError as error:
            # For example, the service cannot find the file.
            problems.append(error)
        except ImsPermissionError:
            # For a file outside of OSS, the error is ignored, because the recorded address can be used instead.
            if file.address is None or oss_objects(file.address):
                raise
        else:
            yield from _matching(file, walk_path(response, lookup.addresses))


def presigned(hook: AlibabaCloudMediaHook, address: str) -> str | None:
    """Return the presigned URL of an object in OSS; ``None`` for any other address."""
    for found in oss_objects(address):
        key = found.key if address.startswith("oss://") else unquote(found.key)
        return presign(hook.settings, address, found.bucket, key, VALID)
    return None


def _lookups(hook: AlibabaCloudMediaHook, lookups: tuple[Lookup, ...], file: MediaFile) -> Iterator[Lookup]:
    for lookup in lookups:
        is_kind = not lookup.kinds or file.kind in lookup.kinds
        if lookup.product is hook.product and getattr(file, lookup.attribute) and is_kind:
            yield lookup


def _matching(file: MediaFile, addresses: Iterator[Any]) -> Iterator[str]:
    """Yield the addresses whose paths end with the path of the file. The hosts may differ."""
    own = split_address(file.address or "")
    path = unquote(own.path) if own else ""
    for text in addresses:
        address = as_text(text) or ""
        parts = split_address(address)
        if parts and unquote(parts.path).endswith(path):
            yield address


def _checked(address: str) -> str:
    """
    Return an address that is safe to redirect to.

    An ``http`` URL of ``aliyuncs.com`` is changed to HTTPS, because a browser blocks media over HTTP on a page that it
    has loaded over HTTPS.

    :raises ImsRequestError: If the address is not a valid ``http`` or ``https`` URL.
    """
    parts = split_address(address)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImsRequestError(f"The address is not a valid http or https URL; it begins with {address[:16]!r}")
    if parts.scheme == "http" and parts.hostname.endswith(".aliyuncs.com"):
        return parts._replace(scheme="https").geturl()
    return address


def _not_found(file: MediaFile, problems: list[ImsRequestError]) -> ImsError:
    if problems and can_presign():
        return problems[0]
    reason = f": {problems[0]}" if problems else ""
    if can_presign():
        return ImsRequestError(f"No address was found at which {file.name} can be opened")
    return ImsRequestError(
        f"{file.name} cannot be opened{reason}. To open files that are not registered as media assets, install the "
        f"package extra on the API server: {INSTALL}"
    )


@dataclass(slots=True)
class _Responses:
    """The latest responses. They contain signed URLs, so they are reused for only one minute."""

    size: int = 64
    _lock: Lock = field(default_factory=Lock)
    _found: dict[tuple[Any, ...], tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def get(self, key: tuple[Any, ...]) -> Mapping[str, Any] | None:
        with self._lock:
            self._expire()
            return self._found[key][1] if key in self._found else None

    def add(self, key: tuple[Any, ...], response: Mapping[str, Any]) -> None:
        with self._lock:
            self._expire()
            self._found[key] = time.monotonic(), response
            while len(self._found) > self.size:
                del self._found[next(iter(self._found))]

    def clear(self) -> None:
        with self._lock:
            self._found.clear()

    def _expire(self) -> None:
        now = time.monotonic()
        self._found = {key: one for key, one in self._found.items() if now - one[0] < REUSED}


_responses = _Responses()


def _call(hook: AlibabaCloudMediaHook, lookup: Lookup, file: MediaFile) -> Mapping[str, Any]:
    value = getattr(file, lookup.attribute)
    key = (hook.ims_conn_id, hook.region_id, hook.product.code, lookup.action, lookup.parameter, value)
    response = _responses.get(key)
    if response is None:
        response = hook.call(
            lookup.action, {lookup.parameter: value}, attempts=ATTEMPTS, throttle_timeout=THROTTLE_TIMEOUT
        )
        _responses.add(key, response)
    return response
