"""The media assets of VOD (videos, images and attached media): uploads, information, search, playback and review."""

from __future__ import annotations

import base64
import uuid
from functools import partial
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError, missing
from airflow_provider_ims.emulator.api.families.categories import category_name
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.families.media import split
from airflow_provider_ims.emulator.api.families.media_files import (
    FILE_SIZE,
    file_fields,
    media_type,
    play_info,
    upload_fields,
    upload_status,
    upload_url,
)
from airflow_provider_ims.emulator.api.families.outputs import output_of
from airflow_provider_ims.emulator.api.families.search import search
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.media_info import VOD_AUDIO_STREAM, VOD_VIDEO_STREAM
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VOD, Fields
from airflow_provider_ims.emulator.api.parameters import Parameters, parse_objects, string_field
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.resources import Resource

APP_ID = "app-1000000"
PLAY_AUTH_SECONDS = 100
_MEDIA = {"AppId": APP_ID}


def _derived(jobs: Jobs, media: Resource) -> Fields:
    fields = file_fields(jobs, media.fields)
    category = media.fields.get("CateId")
    has_sound = "Duration" in fields
    return {
        **fields,
        "MediaId": media.id,
        "FileURL": fields["FileUrl"],
        "URL": fields["FileUrl"],
        "OriginalFileName": media.fields.get("OriginalFileName") or fields["FileName"],
        "Status": upload_status(jobs, media, "Uploading"),
        "UploadStatus": upload_status(jobs, media, "Uploading"),
        "UploadSize": FILE_SIZE,
        "UploadRatio": 1.0,
        "CateName": category_name(jobs, VOD, category),
        "RegionId": jobs.region,
        "StorageClass": media.fields.get("StorageClass") or "Standard",
        "Snapshots": [],
        "AudioStreamList": [VOD_AUDIO_STREAM] if has_sound else None,
        "VideoStreamList": [VOD_VIDEO_STREAM] if has_sound and "Height" in fields else None,
        "Fps": VOD_VIDEO_STREAM["Fps"] if has_sound else None,
    }


def update_contents(kind: ResourceKind, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Change several resources. ``UpdateContent`` is an array of objects, each with an id and the changed fields."""
    resources = Collection(kind, jobs)
    unknown = []
    for changes in parse_objects(parameters["UpdateContent"], "UpdateContent"):
        resource = resources.get(str(changes.get(kind.id)))
        if resource is None:
            unknown.append(str(changes.get(kind.id)))
        else:
            resources.update(resource, changes)
    return {"NonExistVideoIds": unknown, "NonExistImageIds": unknown, "NonExistMediaIds": unknown}


VIDEO: ResourceKind = ResourceKind(
    "video",
    VOD,
    id="VideoId",
    get="GetVideoInfo GetMezzanineInfo",
    find="GetVideoInfos BatchGetMediaInfos GetUploadDetails",
    list="GetVideoList",
    update="UpdateVideoInfo",
    delete="DeleteVideo",
    ids={
        "GetVideoInfos": "VideoIds",
        "BatchGetMediaInfos": "MediaIds",
        "GetUploadDetails": "MediaIds",
        "DeleteVideo": "VideoIds",
    },
    alternatives={
        **{
            action: {"ReferenceId": "ReferenceId"} for action in ("GetVideoInfo", "GetMezzanineInfo", "UpdateVideoInfo")
        },
        **{
            action: {"ReferenceIds": "ReferenceId"} for action in ("GetVideoInfos", "BatchGetMediaInfos", "DeleteVideo")
        },
    },
    other={"UpdateVideoInfos": lambda jobs, parameters: update_contents(VIDEO, jobs, parameters)},
    initial=_MEDIA,
    derived=_derived,
    elsewhere=partial(output_of, VOD),
    unknown="InvalidVideo.NotFound",
)
IMAGE: ResourceKind = ResourceKind(
    "image",
    VOD,
    id="ImageId",
    get="GetImageInfo",
    find="GetImageInfos",
    delete="DeleteImage",
    ids={"GetImageInfos": "ImageIds", "DeleteImage": "ImageIds"},
    other={"UpdateImageInfos": lambda jobs, parameters: update_contents(IMAGE, jobs, parameters)},
    initial=_MEDIA,
    derived=_derived,
    unknown="NoSuchResource",
)
ATTACHED: ResourceKind = ResourceKind(
    "attached media",
    VOD,
    id="MediaId",
    find="GetAttachedMediaInfo",
    delete="DeleteAttachedMedia",
    ids={"GetAttachedMediaInfo": "MediaIds", "DeleteAttachedMedia": "MediaIds"},
    names={"Type": "BusinessType"},
    other={"UpdateAttachedMediaInfos": lambda jobs, parameters: update_contents(ATTACHED, jobs, parameters)},
    initial=_MEDIA,
    derived=_derived,
    unknown="NoSuchResource",
)


def _upload(kind: ResourceKind, extension: str, jobs: Jobs, parameters: Parameters) -> Fields:
    media_id = uuid.uuid4().hex
    location = parameters.get("StorageLocation")
    target = dump({"StorageLocation": location}) if location else None
    url = upload_url(jobs, target, media_id, extension)
    fields = {**parameters, kind.id: media_id, "InputURL": url, "Uploaded": True}
    media = Collection(kind, jobs).create({"Title": url.rpartition("/")[2], **fields})
    return {kind.id: media.id, "FileURL": url, "ImageURL": url, "MediaURL": url, **upload_fields(jobs, url)}


def create_upload_video(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create a video, and return the URL and a credential for the upload of the file."""
    return _upload(VIDEO, parameters["FileName"].rpartition(".")[2], jobs, parameters)


def create_upload_image(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create an image, and return the URL and a credential for the upload of the file."""
    return _upload(IMAGE, parameters.get("ImageExt", "png"), jobs, parameters)


def create_upload_attached(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create an attached media asset, and return the URL and a credential for the upload of the file."""
    name = parameters.get("FileName", "file.png")
    return _upload(ATTACHED, parameters.get("MediaExt") or name.rpartition(".")[2], jobs, parameters)


def refresh_upload_video(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return a new credential for the upload of a video."""
    video = _video(jobs, parameters)
    return {"VideoId": video.id, **upload_fields(jobs, video.fields["InputURL"])}


def delete_multipart_upload(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Check that the media asset exists. The emulator does not store the parts of uploads, so it deletes nothing."""
    media_id = parameters["MediaId"]
    if all(Collection(kind, jobs).get(media_id) is None for kind in (VIDEO, IMAGE, ATTACHED)):
        raise ApiError("InvalidVideo.NotFound")
    return {}


def register_media(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Register files in OSS as media assets. For a file that is already registered, return the existing media asset."""
    videos = Collection(VIDEO, jobs)
    registered = []
    for metadata in parse_objects(parameters["RegisterMetadatas"], "RegisterMetadatas"):
        url = str(string_field(metadata, "FileURL", "RegisterMetadatas", required=True))
        existing = videos.first(InputURL=url)
        more: Fields = {name: value for name, value in parameters.items() if name != "RegisterMetadatas"}
        video = existing or videos.create({**metadata, **more, "InputURL": url})
        registered.append({"FileURL": url, "MediaId": video.id, "NewRegister": existing is None})
    return {"RegisteredMediaList": registered, "FailedFileURLs": []}


def _video(jobs: Jobs, parameters: Parameters) -> Resource:
    return Collection(VIDEO, jobs).named("GetVideoInfo", parameters)


def get_play_info(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return a video and, if its status is ``Normal``, its playback URL."""
    video = _video(jobs, parameters)
    lookup = Collection(VIDEO, jobs).view(video)
    names = ("CoverURL", "CreationTime", "Duration", "Status", "StorageClass", "Title", "VideoId")
    base = {**{name: lookup(name) for name in names}, "MediaType": media_type(video.fields["InputURL"])}
    info = play_info(jobs, video, {"FileURL": video.fields["InputURL"], "Definition": "OD"})
    streams = [info] if base["Status"] == "Normal" else []
    return {"VideoBase": base, "PlayInfoList": {"PlayInfo": streams}}


def get_play_auth(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the credential with which a player requests the playback URL of a video."""
    video = _video(jobs, parameters)
    lookup = Collection(VIDEO, jobs).view(video)
    meta = {name: lookup(name) for name in ("CoverURL", "Duration", "Status", "Title", "VideoId")}
    expires = jobs.clock.now() + int(parameters.get("AuthInfoTimeout", PLAY_AUTH_SECONDS))
    credential = {
        "AuthInfo": dump({"MediaId": video.id, "ExpireTime": iso(expires)}),
        "VideoMeta": {name: value for name, value in meta.items() if value is not None},
        "Region": jobs.region,
    }
    return {"PlayAuth": base64.b64encode(dump(credential).encode()).decode(), "VideoMeta": meta}


_SEARCHED = {
    "video": (VIDEO, "Video"),
    "audio": (VIDEO, "Audio"),
    "image": (IMAGE, "Image"),
    "attached": (ATTACHED, ""),
}


def search_media(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return one page of the media assets of one type that match a search expression."""
    kind, name = _SEARCHED.get(parameters.get("SearchType", "video"), (VIDEO, "Video"))
    found, page = search(Collection(kind, jobs), documented(VOD, "SearchMedia"), parameters)
    shape = documented(VOD, "SearchMedia").response["MediaList"][0]
    media = []
    for resource in found:
        lookup = Collection(kind, jobs).view(resource)
        fields: dict[str, Any] = {field: lookup(field) for field in shape[name]}
        top = {"MediaId": resource.id, "MediaType": name.lower(), "CreationTime": lookup("CreationTime")}
        media.append({**top, name: {field: value for field, value in fields.items() if value is not None}})
    return {**page, "MediaList": media}


def set_storage_class(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Change the storage class of videos, and return the ids that do not exist."""
    videos = Collection(VIDEO, jobs)
    ignored = []
    for media_id in split(parameters, "MediaIds"):
        video = videos.get(media_id)
        if video is None:
            ignored.append(media_id)
        else:
            videos.update(video, {"StorageClass": parameters["StorageClass"]})
    return {"Status": "Processing", "IgnoredList": {"MediaId": ignored}}


def create_audit(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Store the results of manual reviews of videos."""
    videos = Collection(VIDEO, jobs)
    reviews = [
        (videos.get(str(review.get("VideoId"))), review)
        for review in parse_objects(parameters["AuditContent"], "AuditContent")
    ]
    for video, review in reviews:
        if video is None:
            raise ApiError("InvalidVideo.NotFound")
        entry = {"CreationTime": iso(jobs.clock.now()), "Auditor": jobs.settings.account_id, **review}
        changes = {"AuditStatus": review.get("Status"), "Status": review.get("Status")}
        videos.update(video, {**changes, "Audits": [*video.fields.get("Audits", []), entry]})
    return {}


def get_audit_history(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the manual reviews of a video."""
    if not parameters.get("VideoId"):
        raise missing("VideoId")
    audits = _video(jobs, parameters).fields.get("Audits", [])
    return {"Histories": audits, "Total": len(audits), "Status": audits[-1].get("Status") if audits else None}


REFRESH_JOB = ResourceKind(
    "playback URL refresh",
    VOD,
    id="MediaRefreshJobId",
    create="RefreshMediaPlayUrls",
    find="GetMediaRefreshJobs",
    ids={"GetMediaRefreshJobs": "MediaRefreshJobId"},
    names={"MediaIds": "MediaId"},
    initial={"Status": "success"},
)

VOD_MEDIA_FAMILIES = (
    Family(
        VOD,
        "uploads",
        other={
            "CreateUploadVideo": create_upload_video,
            "RefreshUploadVideo": refresh_upload_video,
            "CreateUploadImage": create_upload_image,
            "CreateUploadAttachedMedia": create_upload_attached,
            "DeleteMultipartUpload": delete_multipart_upload,
            "RegisterMedia": register_media,
        },
    ),
    Family(
        VOD,
        "media assets",
        (VIDEO, IMAGE, ATTACHED),
        {"SearchMedia": search_media, "UpdateMediaStorageClass": set_storage_class},
    ),
    Family(VOD, "playback", (REFRESH_JOB,), {"GetPlayInfo": get_play_info, "GetVideoPlayAuth": get_play_auth}),
    Family(VOD, "review", other={"CreateAudit": create_audit, "GetAuditHistory": get_audit_history}),
)
