"""
Uploads of files and streams from a URL, in both products.

The documentation of both query actions refers to the list of job states on VOD's page "Basic structures". For IMS, the
state of a successful job is ``Normal``, as in the documented example. The documentation does not describe how a
cancelled job is reported; the emulator reports it as failed. In the emulator, stream uploads are queried with the same
action as file uploads, although this is documented only for VOD.
"""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.fields import fields
from airflow_provider_ims.emulator.api.model import ICE, VOD, Fields, JobFamily, JobKind, JobView, Product
from airflow_provider_ims.emulator.api.parameters import Parameters, declare, one_of

MAX_URLS = 20
"""The maximum number of URLs in a submit request."""

MAX_UPLOADS = 100
"""The maximum number of jobs that a query by URL returns."""

RUNNING = ("PROCESSING", "DOWNLOADING", "DOWNLOAD_SUCCESS", "UPLOADING", "UPLOAD_SUCCESS")
FILE_SIZE = "64610"
DEFINITIONS = ("FD", "LD", "SD", "HD", "OD", "2K", "4K", "SQ", "HQ")


def _family(product: Product, query: str, succeeded: str, also_succeeded: str) -> JobFamily:
    return JobFamily(
        query,
        ("PENDING", RUNNING[0], succeeded, "DOWNLOAD_FAIL"),
        "URLUploadInfoList[]",
        product,
        error=("ErrorCode", "ErrorMessage"),
        times=("CreationTime", "CompleteTime"),
        id_parameter="JobIds",
        id_optional=True,
        succeeded=(also_succeeded,),
        running=RUNNING,
        failed=("UPLOAD_FAIL",),
        unknown_ids_at="NonExists",
        url_parameter="UploadURLs",
    )


URL_UPLOAD = _family(ICE, "GetUrlUploadInfos", "Normal", "SUCCESS")
VOD_URL_UPLOAD = _family(VOD, "GetURLUploadInfos", "SUCCESS", "Normal")


def plain_url(url: str) -> str:
    """Decode the percent-encoding of a URL. The documentation requires encoded URLs, but shows unencoded examples."""
    return unquote(url.strip())


def _check_urls(urls: str, name: str, _: Parameters) -> None:
    if len(urls.split(",")) > MAX_URLS:
        raise invalid(name, f"It can contain at most {MAX_URLS} URLs.")
    for url in urls.split(","):
        _check_url(url, name, {})


def _check_url(url: str, name: str, _: Parameters) -> None:
    try:
        parts = urlsplit(plain_url(url))
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise invalid(name, "It must be an HTTP or HTTPS URL.")


def stored_url(view: JobView) -> str:
    """Return the URL at which an uploaded stream is stored."""
    source = urlsplit(plain_url(view.parameters["StreamURL"])).path
    extension = view.parameters.get("FileExtension") or posixpath.splitext(source)[1].removeprefix(".") or "mp4"
    return view.url(f"stream/{view.job_id}.{extension}", "outin-emulated")


def _uploaded(view: JobView) -> Fields:
    """Return the fields of a successful job, which include ErrorCode, as in the documented examples."""
    return {"MediaId": _media_id(view), "FileSize": FILE_SIZE, "ErrorCode": "200", "ErrorMessage": "Success"}


def _media_id(view: JobView) -> str:
    """Return the id of the media asset: for a stream, the id in the request; for a file, a new id."""
    return view.parameters.get("MediaId") or view.id("media")


def _accepted_file(view: JobView) -> Fields:
    # The submit response of IMS contains the id of the media asset. VOD returns it only after the upload.
    media = {"MediaId": _media_id(view)} if view.kind.family is URL_UPLOAD else {}
    return {"UploadJobs": [{"SourceURL": _url(view), **media}]}


def _accepted_stream(view: JobView) -> Fields:
    media = {"MediaId": _media_id(view)} if view.kind.family is URL_UPLOAD else {}
    return {"FileURL": stored_url(view), "SourceURL": _url(view), **media}


def _url(view: JobView) -> str:
    return plain_url(view.parameters[view.kind.url_in])


def _kind(submit: str, family: JobFamily, declaration: str, **options: Any) -> JobKind:
    is_stream = submit == "UploadStreamByURL"
    url_in = "StreamURL" if is_stream else "UploadURLs"
    checks = {url_in: _check_url if is_stream else _check_urls, **options.pop("checks", {})}
    return JobKind(
        submit,
        family,
        declare(declaration, **checks),
        accepted=_accepted_stream if is_stream else _accepted_file,
        render=fields(UploadURL=_url),
        result=_uploaded,
        seconds=3.0,
        split_by="" if is_stream else url_in,
        url_in=url_in,
        **options,
    )


# The documentation of IMS marks UploadURLs, StreamURL and MediaId as optional, but the actions that have
# these parameters cannot work without them.
UPLOAD_KINDS = (
    _kind(
        "UploadMediaByURL",
        URL_UPLOAD,
        "UploadURLs* MediaMetaData[] UploadTargetConfig{} PostProcessConfig{} AppId EntityId UserData{}",
        job_id_at="UploadJobs[].JobId",
    ),
    _kind(
        "UploadStreamByURL",
        URL_UPLOAD,
        "MediaId* StreamURL* Definition FileExtension HDRType UserData{}",
        checks={"Definition": one_of(*DEFINITIONS)},
    ),
    _kind(
        "UploadMediaByURL",
        VOD_URL_UPLOAD,
        "UploadURLs* UploadMetadatas[] StorageLocation TemplateGroupId WorkflowId AppId SessionId UserData{}"
        " GenerateThumbnail? EnableFirstFrameCover?",
        job_id_at="UploadJobs[].JobId",
        session_seconds=600.0,
    ),
    _kind(
        "UploadStreamByURL",
        VOD_URL_UPLOAD,
        "MediaId* StreamURL* Definition* FileExtension HDRType UploadMetadata{} UserData{}",
        job_id_at="StreamJobId",
    ),
)
