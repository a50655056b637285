"""
Serves objects in OSS, such as the outputs of jobs, under ``/<bucket>/<key>`` and ``/<host of the bucket>/<key>``.

As in a private bucket of OSS, requests must be signed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Match, Route

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.files import FileIndex, ObjectName
from airflow_provider_ims.emulator.api.signing import SERVICE_KEY_ID, service_secret
from airflow_provider_ims.emulator.api.xml import xml_body
from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.media.file import MediaFile
from airflow_provider_ims.emulator.media.formats import FORMATS, UnsupportedFileError, make
from airflow_provider_ims.emulator.server.encoding import new_request_id
from airflow_provider_ims.emulator.server.object_signature import ObjectError, ObjectRequest, check_signature
from airflow_provider_ims.emulator.server.verifier import Verifier

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

log = logging.getLogger("airflow_provider_ims.emulator")

_HOST = re.compile(r"([^.]+)\.oss-[a-z0-9-]+\.aliyuncs\.com")
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})(?:,.*)?")


class ObjectRoute(Route):
    """
    Routes requests for objects in OSS, except those with ``x-acs-*`` headers, which are for IMS or VOD.

    :param service: The state of the emulator, which contains the jobs.
    :param verifier: The object that provides the secrets of the accepted credentials.
    """

    def __init__(self, service: EmulatedService, verifier: Verifier) -> None:
        objects = _Objects(service, verifier)
        super().__init__("/{bucket}/{key:path}", objects.respond, methods=["GET", "HEAD"])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return a full match for a request for an object, and no match for any other request."""
        match, child_scope = super().matches(scope)
        is_api_request = any(name.startswith(b"x-acs-") for name, _ in scope.get("headers", ()))
        is_object = match is Match.FULL and child_scope["path_params"]["key"] and not is_api_request
        return (match, child_scope) if is_object else (Match.NONE, {})


class _Objects:
    def __init__(self, service: EmulatedService, verifier: Verifier) -> None:
        self._service = service
        self._verifier = verifier
        self._index = FileIndex(service.jobs)

    async def respond(self, request: Request) -> Response:
        host, key = request.path_params["bucket"], request.path_params["key"]
        match = _HOST.fullmatch(host)
        name = ObjectName(match[1] if match else host, key)
        headers = {"x-oss-request-id": new_request_id().replace("-", "")[:24], "date": formatdate(usegmt=True)}
        try:
            response = await self._object(request, name)
        except ObjectError as error:
            log.info("%s %s -> %s %s", request.method, request.url.path, error.status, error.body["Code"])
            body = {**error.body, "RequestId": headers["x-oss-request-id"], "HostId": request.headers.get("host", "")}
            response = Response(xml_body("Error", body), error.status, media_type="application/xml")
        else:
            log.info("%s %s -> %s", request.method, request.url.path, response.status_code)
        response.headers.update(headers)
        return response

    async def _object(self, request: Request, name: ObjectName) -> Response:
        signed = ObjectRequest(
            request.method, name.bucket, name.key, dict(request.headers.items()), dict(request.query_params)
        )
        key_id = check_signature(signed, self._secret)
        more = True
        while more:
            more = self._index.read_jobs()
            await asyncio.sleep(0)
        found = self._index.find(name)
        # The services sign only URLs of objects that exist, such as those of registered media assets. So if the
        # emulator signed the URL, it generates a file even if no job has produced the object.
        file, job = found or (MediaFile(name.key, name.key.rpartition("/")[2]), None)
        if job is None and key_id != SERVICE_KEY_ID:
            raise ObjectError(404, "NoSuchKey", "The specified key does not exist.", Key=name.key)
        try:
            # Generate the file in a thread, because this can take up to a second.
            body = await asyncio.to_thread(make, file)
        except UnsupportedFileError as error:
            raise ObjectError(501, "EmulatorNotImplemented", str(error)) from None
        headers = _object_headers(file, body, dict(request.query_params))
        if job is not None:
            headers["last-modified"] = formatdate(min(job.ends, 2**40), usegmt=True)
        return _part(request, body, headers)

    def _secret(self, key_id: str, token: str | None) -> str:
        if key_id == SERVICE_KEY_ID:
            return service_secret(self._service.settings)
        try:
            return self._verifier.secret(key_id, token)
        except ApiError as error:
            code = "InvalidAccessKeyId" if error.code == "InvalidAccessKeyId.NotFound" else "SecurityTokenExpired"
            raise ObjectError(403, code, str(error)) from None


def _object_headers(file: MediaFile, body: bytes, query: dict[str, str]) -> dict[str, str]:
    return {
        "accept-ranges": "bytes",
        "content-type": query.get("response-content-type") or FORMATS[file.suffix].content_type,
        "etag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest().upper()}"',
        "x-content-type-options": "nosniff",
        "x-oss-object-type": "Normal",
    }


def _part(request: Request, body: bytes, headers: dict[str, Any]) -> Response:
    """
    Return the response with an object, or with the range of bytes that the request selects.

    As in OSS, only the first of several ranges is returned, and a range that is not within the object is ignored. With
    the header ``x-oss-range-behavior: standard``, a range that is too long is shortened, and a range outside the object
    is an error.
    """
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range", "")
    is_standard = request.headers.get("x-oss-range-behavior") == "standard"
    selected = _range(wanted, len(body), is_standard=is_standard)
    if selected is None:
        if is_standard and _RANGE.fullmatch(wanted):
            raise ObjectError(416, "InvalidRange", "The requested range cannot be satisfied")
        return Response(body, headers=headers)
    start, end = selected
    headers["content-range"] = f"bytes {start}-{end - 1}/{len(body)}"
    return Response(body[start:end], 206, headers=headers)


def _range(text: str, size: int, *, is_standard: bool) -> tuple[int, int] | None:
    """
    Return the start and the exclusive end of a range; None if it is malformed or not within the object.

    With ``is_standard``, a range that is partly within the object is shortened.
    """
    match = _RANGE.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        start, end = int(match[1]), int(match[2]) + 1 if match[2] else size
    else:
        start, end = size - int(match[2]), size
    if is_standard:
        start, end = max(start, 0), min(end, size)
    return (start, end) if 0 <= start < end <= size else None
