"""
The media assets of IMS: registration, uploads, information, search, playback and marks.

The emulator does not store the files of media assets. It derives the information about a file from its URL.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from airflow_provider_ims.emulator.api.addresses import public_url
from airflow_provider_ims.emulator.api.errors import ApiError, missing
from airflow_provider_ims.emulator.api.families.categories import category_name
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.families.media_files import (
    file_info,
    media_type,
    play_info,
    upload_fields,
    upload_status,
    upload_url,
)
from airflow_provider_ims.emulator.api.families.outputs import output_of
from airflow_provider_ims.emulator.api.families.responses import Moment
from airflow_provider_ims.emulator.api.families.search import search
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.families.verbs import list_resources
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, Fields
from airflow_provider_ims.emulator.api.parameters import parse_object, parse_objects
from airflow_provider_ims.emulator.state.resources import Resource

#: The documented objects of a media asset that the emulator omits from responses.
_ABSENT = frozenset({"AiRoughData", "AiData", "MediaDynamicInfo"})


def _prepare(jobs: Jobs, fields: Fields) -> Fields:
    url = str(fields["InputURL"])
    return {
        "Address": _address(jobs, url),
        "MediaType": media_type(url),
        "Source": "vod" if url.startswith("vod://") else "oss",
        "Biz": "ICE",
        "Title": url.rpartition("/")[2],
        "BusinessType": "general",
    }


def _derived(jobs: Jobs, media: Resource) -> Fields:
    times = {"CreateTime": Moment(media.created), "ModifiedTime": Moment(media.modified)}
    return {
        "CateName": category_name(jobs, ICE, media.fields.get("CateId")),
        "Status": upload_status(jobs, media, "Init"),
        "FileInfoList": [file_info(jobs, media.fields, times)],
    }


MEDIA = ResourceKind(
    "media asset",
    ICE,
    id="MediaId",
    prepare=_prepare,
    derived=_derived,
    elsewhere=partial(output_of, ICE),
    objects=_ABSENT,
    names={"Tags": "MediaTags"},
)


def _address(jobs: Jobs, url: str) -> str:
    """Normalize the URL of a file, so that ``oss://``, ``http://`` and ``https://`` URLs of an OSS object are equal."""
    return (public_url(url, jobs.region) or url).replace("https://", "http://", 1)


def _with_url(jobs: Jobs, url: str) -> Resource | None:
    found = (media for media in Collection(MEDIA, jobs).all() if media.fields["Address"] == _address(jobs, url))
    return next(found, None)


def find_media(jobs: Jobs, media_id: str | None, url: str | None) -> Resource | None:
    """Return a media asset by its id or, without an id, by its URL; None if it does not exist."""
    if media_id:
        return Collection(MEDIA, jobs).get(media_id)
    return _with_url(jobs, url) if url else None


def _named(jobs: Jobs, parameters: dict[str, str]) -> Resource:
    media_id, url = parameters.get("MediaId"), parameters.get("InputURL")
    if not media_id and not url:
        raise missing("MediaId")
    media = find_media(jobs, media_id, url)
    if media is None:
        raise ApiError("ResourceNotFound")
    return media


def register(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """
    Register a file as a media asset.

    There is only one media asset for each URL. If the URL is already registered and ``Overwrite`` is true, a new media
    asset replaces the registered one. Without ``Overwrite``, the emulator returns the id of the registered media asset.
    The documentation does not describe this case.
    """
    existing = _with_url(jobs, parameters["InputURL"])
    if existing is not None and parameters.get("Overwrite", "").lower() != "true":
        return {"MediaId": existing.id}
    if existing is not None:
        Collection(MEDIA, jobs).delete(existing)
    return {"MediaId": Collection(MEDIA, jobs).create(parameters).id}


def create_upload(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create a media asset for a file, and return the URL and a credential for the upload of the file."""
    file = parse_object(parameters.get("FileInfo", "{}"), "FileInfo")
    metadata = parse_object(parameters.get("MediaMetaData", "{}"), "MediaMetaData")
    media_id = uuid.uuid4().hex
    url = upload_url(jobs, parameters.get("UploadTargetConfig"), media_id, str(file.get("Ext", "mp4")))
    fields = {"MediaId": media_id, "InputURL": url, "Uploaded": True, "UploadSource": "general", **metadata}
    if file.get("Type"):
        fields["MediaType"] = file["Type"]
    media = Collection(MEDIA, jobs).create({**fields, "UserData": parameters.get("UserData")})
    return {"MediaId": media.id, "FileURL": url, "MediaURL": url, **upload_fields(jobs, url)}


def refresh_upload(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return a new credential for the upload of a media asset."""
    media = _named(jobs, parameters)
    return {"MediaId": media.id, **upload_fields(jobs, media.fields["InputURL"])}


def create_upload_stream(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Add a stream to a media asset, and return the URL and a credential for the upload of the stream."""
    media = _named(jobs, parameters)
    url = upload_url(jobs, None, uuid.uuid4().hex, parameters.get("FileExtension", "mp4"))
    _add_stream(jobs, media, {**parameters, "FileURL": url})
    return {"MediaId": media.id, "FileURL": url, **upload_fields(jobs, url)}


def register_stream(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Add a stream that is already in OSS to a media asset."""
    media = _named(jobs, {"MediaId": parameters.get("MediaId", "")})
    if "InputURL" not in parameters:
        raise missing("InputURL")
    _add_stream(jobs, media, {**parameters, "FileURL": parameters["InputURL"]})
    return {"MediaId": media.id}


def _add_stream(jobs: Jobs, media: Resource, stream: Fields) -> None:
    Collection(MEDIA, jobs).update(media, {"Streams": [*media.fields.get("Streams", []), stream]})


def show_media(jobs: Jobs, media: Resource, *, files: bool = True) -> Fields:
    """
    Return a media asset in the format of the responses.

    :param files: Whether to include ``FileInfoList``.
    """
    lookup = Collection(MEDIA, jobs).view(media)
    shape = documented(ICE, "GetMediaInfo").response["MediaInfo"]["MediaBasicInfo"]
    basic = {name: value for name in shape if (value := lookup(name)) is not None}
    shown = {"MediaId": media.id, "MediaBasicInfo": basic}
    return {**shown, "FileInfoList": lookup("FileInfoList")} if files else shown


def get_info(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return a media asset."""
    return {"MediaInfo": show_media(jobs, _named(jobs, parameters))}


def batch_get_infos(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return several media assets by their ids, and the ids that do not exist."""
    found = {media_id: find_media(jobs, media_id, None) for media_id in split(parameters, "MediaIds")}
    return {
        "MediaInfos": [show_media(jobs, media) for media in found.values() if media is not None],
        "IgnoredList": [media_id for media_id, media in found.items() if media is None],
    }


def list_infos(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return one page of the media assets. ``FileInfoList`` is included only if ``IncludeFileBasicInfo`` is true."""
    content = list_resources(MEDIA, "ListMediaBasicInfos", jobs, parameters)
    if parameters.get("IncludeFileBasicInfo", "").lower() != "true":
        content["MediaInfos"] = [
            {name: value for name, value in media.items() if name != "FileInfoList"} for media in content["MediaInfos"]
        ]
    return content


def update_info(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Change the fields of a media asset. If ``AppendTags`` is true, keep the existing tags."""
    media = _named(jobs, parameters)
    changes: Fields = {name: value for name, value in parameters.items() if name != "InputURL"}
    if parameters.get("AppendTags", "").lower() == "true":
        tags = [*split(media.fields, "MediaTags"), *split(parameters, "MediaTags")]
        changes["MediaTags"] = ",".join(dict.fromkeys(tags))
    Collection(MEDIA, jobs).update(media, changes)
    return {"MediaId": media.id}


def delete_infos(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Delete media assets by their ids or URLs."""
    named = {media_id: find_media(jobs, media_id, None) for media_id in split(parameters, "MediaIds")}
    named |= {url: _with_url(jobs, url) for url in split(parameters, "InputURLs")}
    if not named:
        raise missing("MediaIds")
    for media in named.values():
        if media is not None:
            Collection(MEDIA, jobs).delete(media)
    return {"IgnoredList": [name for name, media in named.items() if media is None], "ForbiddenList": []}


def split(values: Any, name: str) -> list[str]:
    return [part for text in str(values.get(name) or "").split(",") if (part := text.strip(' []"'))]


def get_play_info(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """
    Return the streams of a media asset: the registered file, and the streams that were added to the media asset.

    The response contains no streams unless the status of the media asset is ``Normal``.
    """
    media = _named(jobs, parameters)
    lookup = Collection(MEDIA, jobs).view(media)
    names = ("CateId", "CoverURL", "Description", "MediaId", "MediaTags", "MediaType", "Status", "Title")
    base = {name: lookup(name) for name in (*names, "CreationTime")}
    source = {"FileURL": media.fields["InputURL"], "Definition": "OD"}
    streams = [source, *media.fields.get("Streams", [])] if base["Status"] == "Normal" else []
    return {"MediaBase": base, "PlayInfoList": [play_info(jobs, media, stream) for stream in streams]}


def delete_play_info(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Delete streams that were added to a media asset, by their URLs."""
    media = _named(jobs, parameters)
    urls = split(parameters, "FileURLs")
    streams = media.fields.get("Streams", [])
    known = {stream["FileURL"] for stream in streams}
    Collection(MEDIA, jobs).update(media, {"Streams": [one for one in streams if one["FileURL"] not in urls]})
    return {"IgnoredList": [url for url in urls if url not in known], "ForbiddenList": []}


def search_media(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return one page of the media assets that match a search expression."""
    found, page = search(Collection(MEDIA, jobs), documented(ICE, "SearchMedia"), parameters)
    return {**page, "MediaInfoList": [show_media(jobs, media) for media in found]}


def _marks(jobs: Jobs, parameters: dict[str, str]) -> tuple[Resource, list[Fields]]:
    media = _named(jobs, {"MediaId": parameters.get("MediaId", "")})
    return media, media.fields.get("MediaMarks", [])


def save_marks(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Add marks to a media asset, and change those marks whose ids the request contains."""
    media, marks = _marks(jobs, parameters)
    sent = [
        {**mark, "MediaMarkId": str(mark.get("MediaMarkId") or uuid.uuid4().hex)}
        for mark in parse_objects(parameters["MediaMarks"], "MediaMarks")
    ]
    merged = {mark["MediaMarkId"]: mark for mark in marks}
    for mark in sent:
        merged[mark["MediaMarkId"]] = {**merged.get(mark["MediaMarkId"], {}), **mark}
    Collection(MEDIA, jobs).update(media, {"MediaMarks": list(merged.values())})
    return {"MediaId": media.id, "MediaMarkIds": ",".join(mark["MediaMarkId"] for mark in sent)}


def get_marks(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the requested marks of a media asset; all marks if the request contains no ids."""
    media, marks = _marks(jobs, parameters)
    ids = split(parameters, "MediaMarkIds")
    return {"MediaId": media.id, "MediaMarks": [mark for mark in marks if not ids or mark["MediaMarkId"] in ids]}


def delete_marks(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Delete the requested marks of a media asset."""
    media, marks = _marks(jobs, parameters)
    ids = split(parameters, "MediaMarkIds")
    Collection(MEDIA, jobs).update(media, {"MediaMarks": [mark for mark in marks if mark["MediaMarkId"] not in ids]})
    return {"MediaId": media.id, "MediaMarkIds": ",".join(ids)}


MEDIA_FAMILIES = (
    Family(
        ICE,
        "media assets",
        (MEDIA,),
        {
            "RegisterMediaInfo": register,
            "GetMediaInfo": get_info,
            "BatchGetMediaInfos": batch_get_infos,
            "ListMediaBasicInfos": list_infos,
            "UpdateMediaInfo": update_info,
            "DeleteMediaInfos": delete_infos,
            "SearchMedia": search_media,
        },
    ),
    Family(
        ICE,
        "uploads",
        other={
            "CreateUploadMedia": create_upload,
            "RefreshUploadMedia": refresh_upload,
            "CreateUploadStream": create_upload_stream,
        },
    ),
    Family(
        ICE,
        "playback",
        other={
            "GetPlayInfo": get_play_info,
            "DeletePlayInfo": delete_play_info,
            "RegisterMediaStream": register_stream,
        },
    ),
    Family(
        ICE,
        "media marks",
        other={
            "AddMediaMarks": save_marks,
            "UpdateMediaMarks": save_marks,
            "GetMediaMarks": get_marks,
            "ListMediaMarks": get_marks,
            "DeleteMediaMarks": delete_marks,
        },
    ),
)
