"""
Jobs that fetch a file from a URL and register it as a media asset, or add a stream from a URL to a media asset.

Both products have such jobs. A job is queried by its id. If the id is unknown, a search finds the job by its URL. The
documentation of both query actions refers to the list of statuses under "Basic structures" in the documentation of VOD.
The status ``Normal`` occurs in the example in the documentation of the query action of IMS. The status of a cancelled
job is not documented. According to the documentation of VOD, the jobs of UploadStreamByURL are queried with
GetURLUploadInfos. For IMS, it is assumed that they are queried with GetUrlUploadInfos.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from airflow_provider_ims._jobs.api_caller import ApiCaller
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.listing import listed
from airflow_provider_ims._jobs.parameters import Parameter, declare
from airflow_provider_ims._jobs.search import Search
from airflow_provider_ims.exceptions import ImsResourceNotFoundError
from airflow_provider_ims.hooks._actions import ICE, VOD, Product

#: The qualities of a stream.
_DEFINITIONS = ("FD", "LD", "SD", "HD", "OD", "2K", "4K", "SQ", "HQ")
#: The submit parameters that contain the URL.
_URLS = ("UploadURLs", "StreamURL")
#: The characters of a URL that are not percent-encoded, including ``%``, so that nothing is encoded twice.
_IN_A_URL = "%:/?#[]@!$&'()*+;="


def _search(action: str, hook: ApiCaller, submitted: Mapping[str, str], since: float) -> Iterator[tuple[Any, str]]:
    """Find the jobs for a URL. The service returns at most 100 of them, and requires a percent-encoded URL."""
    url = next(submitted[name] for name in _URLS if name in submitted)
    try:
        found = hook.call(action, {"UploadURLs": quote(url.strip(), safe=_IN_A_URL)})
    except ImsResourceNotFoundError:
        return
    # If there is no job for the URL, the response lists the URL in NonExists.
    body = {"URLUploadInfoList": [], **found} if found.get("NonExists") else found
    for job in listed(body, "URLUploadInfoList", action):
        yield job.get("UserData"), str(job.get("JobId"))


def _family(name: str, product: Product, query_action: str, **options: Any) -> JobFamily:
    return JobFamily(
        name=name,
        product=product,
        query_action=query_action,
        id_parameter="JobIds",
        ids_per_query=10,
        running=("PENDING", "PROCESSING", "DOWNLOADING", "DOWNLOAD_SUCCESS", "UPLOADING", "UPLOAD_SUCCESS"),
        succeeded=("SUCCESS", "Normal"),
        # Only the first two of these statuses are documented.
        failed=("DOWNLOAD_FAIL", "UPLOAD_FAIL", "FAIL", "FAILED", "CANCELED", "CANCELLED"),
        jobs="URLUploadInfoList[]",
        error=("ErrorCode", "ErrorMessage"),
        result=("MediaId", "FileSize"),
        search=Search(query_action, partial(_search, query_action), parameters=_URLS),
        **options,
    )


URL_UPLOAD = _family("url_upload", ICE, "GetUrlUploadInfos")
VOD_URL_UPLOAD = _family(
    "vod_url_upload",
    VOD,
    "GetURLUploadInfos",
    cancel_action="CancelUrlUploadJobs",
    cancel_parameter="JobIds",
    cancelled="CanceledJobs[]",
    cancel_while=("PENDING",),
)


def _one_url(urls: str) -> Iterator[tuple[str, str]]:
    if "," in urls:
        yield (
            "",
            "contains a comma, which separates URLs, and the service creates a job for each URL. Submit one job per"
            " URL, for example with an operator for many jobs. Write a comma in a URL as %2C",
        )


def _no_comma(url: str) -> Iterator[tuple[str, str]]:
    if "," in url:
        yield "", "contains a comma, which separates the URLs of a query. Write a comma in a URL as %2C"


_FILE_URL = Parameter("UploadURLs", required=True, check=_one_url)
_STREAM_URL = Parameter("StreamURL", required=True, check=_no_comma)

UPLOAD_KINDS = (
    JobKind(
        title="URL upload",
        submit_action="UploadMediaByURL",
        family=URL_UPLOAD,
        job_id="UploadJobs[].JobId",
        marker_under="Extend",
        parameters=declare(
            _FILE_URL,
            "MediaMetaData:json UploadTargetConfig:json PostProcessConfig:json AppId EntityId UserData:json",
        ),
    ),
    JobKind(
        title="URL upload of a stream",
        submit_action="UploadStreamByURL",
        family=URL_UPLOAD,
        marker_under="Extend",
        parameters=declare(
            "MediaId*",
            _STREAM_URL,
            Parameter("Definition", choices=_DEFINITIONS),
            "FileExtension HDRType UserData:json",
        ),
    ),
    JobKind(
        title="URL upload",
        submit_action="UploadMediaByURL",
        family=VOD_URL_UPLOAD,
        job_id="UploadJobs[].JobId",
        marker_under="Extend",
        # SessionId is not used to reject duplicates: the service rejects a repeated value for only ten minutes, and a
        # task may be retried later.
        parameters=declare(
            _FILE_URL,
            "UploadMetadatas:json StorageLocation TemplateGroupId WorkflowId GenerateThumbnail:flag",
            "EnableFirstFrameCover:flag AppId SessionId UserData:json",
        ),
    ),
    JobKind(
        title="URL upload of a stream",
        submit_action="UploadStreamByURL",
        family=VOD_URL_UPLOAD,
        job_id="StreamJobId",
        marker_under="Extend",
        parameters=declare(
            "MediaId*",
            _STREAM_URL,
            "Definition* FileExtension HDRType UploadMetadata:json UserData:json",
        ),
    ),
)
