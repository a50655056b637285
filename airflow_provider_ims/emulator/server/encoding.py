"""Encodes responses as JSON or XML. XML is the default for requests with a V1 signature."""

from __future__ import annotations

import uuid
from email.utils import formatdate

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiRequest, ApiResponse, json_body
from airflow_provider_ims.emulator.api.xml import xml_body

JSON_TYPE = "application/json;charset=utf-8"
XML_TYPE = "text/xml;charset=utf-8"


def encode(request: ApiRequest, response: ApiResponse) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a response."""
    headers = {"date": formatdate(usegmt=True), **response.headers}
    if isinstance(response.content, bytes):
        return response.content, headers
    if request.wants_xml:
        root = "Error" if response.error_code is not None else f"{request.action}Response"
        return xml_body(root, response.content), {"content-type": XML_TYPE, **headers}
    return json_body(response.content), {"content-type": JSON_TYPE, **headers}


def rejection(error: ApiError, host: str = "") -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of the JSON response to a request that cannot be processed."""
    request_id = new_request_id()
    headers = {"date": formatdate(usegmt=True), "content-type": JSON_TYPE, "x-acs-request-id": request_id}
    return json_body(error.body(request_id=request_id, host=host, product="")), headers


def new_request_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4()).upper()
