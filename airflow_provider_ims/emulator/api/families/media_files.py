"""The metadata, uploads and playback URLs of the files of media assets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from airflow_provider_ims.emulator.api.addresses import oss_url, public_url, split_oss
from airflow_provider_ims.emulator.api.families.responses import Moment
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.media_info import HEIGHT, VOD_AUDIO_STREAM, VOD_VIDEO_STREAM, WIDTH
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS, Fields, stable_id
from airflow_provider_ims.emulator.api.parameters import parse_object
from airflow_provider_ims.emulator.api.signing import signed_url
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.resources import Resource

UPLOAD_SECONDS = 4.0
"""
The duration after which an upload counts as complete, in seconds of the job clock.

The emulator does not receive the file, and assumes that the client uploads it.
"""

CREDENTIAL_SECONDS = 3000
"""The validity period of the credential for an upload, in seconds."""

FILE_SIZE = 1891290

_TYPES: Mapping[str, frozenset[str]] = {
    "image": frozenset({"png", "jpg", "jpeg", "gif", "webp", "heic", "bmp"}),
    "audio": frozenset({"mp3", "wav", "aac", "m4a", "flac", "wma", "ape", "pcm"}),
    "text": frozenset({"srt", "ass", "vtt", "stl", "ttml", "txt", "ttf", "otf"}),
}


def media_type(url: str) -> str:
    """Return the type of a file according to the extension in its URL; ``video`` for an unknown extension."""
    extension = url.partition("?")[0].rpartition(".")[2].lower()
    return next((name for name, extensions in _TYPES.items() if extension in extensions), "video")


def upload_url(jobs: Jobs, target: str | None, media_id: str, extension: str) -> str:
    """
    Return the URL at which an uploaded file is stored.

    :param target: The parameter ``UploadTargetConfig`` as JSON, which can contain the storage location.
    """
    location = parse_object(target or "{}", "UploadTargetConfig").get("StorageLocation")
    key = f"sv/{media_id}.{extension.lstrip('.')}"
    return f"http://{location}/{key}" if location else oss_url(f"outin-{stable_id('bucket')}", jobs.region, key)


def upload_fields(jobs: Jobs, url: str) -> Fields:
    """Return the response fields with the address and the credential for an upload, both as base64-encoded JSON."""
    bucket, key = split_oss(url) or ("outin", url)
    expires = iso(jobs.clock.now() + CREDENTIAL_SECONDS)
    address = {"Endpoint": f"https://oss-{jobs.region}.aliyuncs.com", "Bucket": bucket, "FileName": key}
    credential = {
        "SecurityToken": stable_id("upload token", url, expires),
        "AccessKeyId": f"STS.{stable_id('upload key', url)[:24]}",
        "AccessKeySecret": stable_id("upload secret", url, expires),
        "ExpireUTCTime": expires,
        "Expiration": str(CREDENTIAL_SECONDS),
        "Region": jobs.region,
    }
    return {"UploadAddress": _encoded(address), "UploadAuth": _encoded(credential)}


def _encoded(value: Fields) -> str:
    return base64.b64encode(dump(value).encode()).decode()


def upload_status(jobs: Jobs, media: Resource, status: str) -> str:
    """
    Return the stored status of a media asset or, if there is none, the status of the upload.

    :param status: The status to return while the upload is in progress. Afterwards, the status is ``Normal``.
    """
    stored = media.fields.get("Status")
    is_uploading = media.fields.get("Uploaded") and jobs.clock.now() < media.created + UPLOAD_SECONDS
    return str(stored) if stored else status if is_uploading else "Normal"


def file_fields(jobs: Jobs, media: Mapping[str, Any]) -> Fields:
    """Return the metadata of a file. The size is included twice: as ``FileSize`` and as ``Size``."""
    url = str(media.get("InputURL") or media.get("FileURL") or "")
    kind = media.get("MediaType") or media_type(url)
    name = url.partition("?")[0].rpartition("/")[2]
    fields: Fields = {
        "FileName": name,
        "FileSize": media.get("FileSize") or FILE_SIZE,
        "Size": media.get("FileSize") or FILE_SIZE,
        "FileStatus": "Normal",
        "FileType": "source_file",
        "FileUrl": signed_url(url, jobs.settings, jobs.region),
        "FormatName": name.rpartition(".")[2] or "mp4",
        "Region": jobs.region,
    }
    if kind in ("video", "audio"):
        fields |= {"Duration": VIDEO_SECONDS, "Bitrate": "1008.688"}
    if kind in ("video", "image"):
        fields |= {"Height": HEIGHT, "Width": WIDTH}
    return fields


def file_info(jobs: Jobs, media: Mapping[str, Any], times: Fields) -> Fields:
    """
    Return the metadata of a file and its streams, as an item of ``FileInfoList``.

    :param media: The stored fields of the media asset.
    :param times: The fields with the creation time and the modification time.
    """
    fields = file_fields(jobs, media)
    info: Fields = {"FileBasicInfo": {**fields, **times}}
    if "Duration" in fields:
        info["AudioStreamInfoList"] = [VOD_AUDIO_STREAM]
    if "Duration" in fields and "Height" in fields:
        info["VideoStreamInfoList"] = [VOD_VIDEO_STREAM]
    return info


def play_info(jobs: Jobs, media: Resource, stream: Mapping[str, Any]) -> Fields:
    """
    Return a stream of a media asset, as an item of ``PlayInfoList``.

    :param stream: The stored fields of the stream: ``FileURL`` and, if they are known, other fields such as
        ``Definition``.
    """
    fields = file_fields(jobs, {**media.fields, "InputURL": stream["FileURL"]})
    return {
        **fields,
        "Format": fields["FormatName"],
        "PlayURL": fields["FileUrl"],
        "Fps": VOD_VIDEO_STREAM["Fps"] if "Height" in fields else None,
        "Encrypt": 0,
        "Status": "Normal",
        "StreamType": media.fields.get("MediaType") or "video",
        "CreationTime": Moment(media.created),
        "ModificationTime": Moment(media.modified),
        "NarrowBandType": "0",
        "JobId": stable_id("stream", media.id, stream["FileURL"]),
        **stream,
        "FileURL": public_url(stream["FileURL"], jobs.region) or stream["FileURL"],
    }
