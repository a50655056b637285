"""Encodes responses as JSON, or as the XML that is the default of V1."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any
from xml.sax.saxutils import escape

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiRequest, ApiResponse, json_body

JSON_TYPE = "application/json;charset=utf-8"
XML_TYPE = "text/xml;charset=utf-8"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAME = re.compile(r"\W|^(?=[\d])", re.ASCII)


def encode(request: ApiRequest, response: ApiResponse) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a response."""
    headers = {"date": formatdate(usegmt=True), **response.headers}
    if isinstance(response.content, bytes):
        return response.content, headers
    if request.wants_xml:
        root = "Error" if response.error_code is not None else f"{request.action}Response"
        return xml_body(root, response.content), {"content-type": XML_TYPE, **headers}
    return json_body(response.content), {"content-type": JSON_TYPE, **headers}


def xml_body(root: str, content: Any) -> bytes:
    """
    Return the XML of a response.

    Each item of a list is an element with the name of the list, as in the documented XML of GetAIImageJobs.

    :param root: The name of the root element.
    """
    elements = "".join(_elements(root, {} if content is None or content == [] else content))
    return f'<?xml version="1.0" encoding="UTF-8"?>{elements}'.encode()


def _elements(name: str, value: Any) -> Iterator[str]:
    tag = _NOT_IN_NAME.sub("_", name)
    if isinstance(value, list):
        for item in value:
            yield from _elements(name, item)
    elif isinstance(value, dict):
        children = (element for key, item in value.items() for element in _elements(str(key), item))
        yield f"<{tag}>{''.join(children)}</{tag}>"
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        # XML cannot represent some control characters.
        yield f"<{tag}>{escape(_NOT_IN_XML.sub('?', text), {chr(13): '&#13;'})}</{tag}>"


def rejection(error: ApiError, host: str = "") -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of the response to a request that cannot be processed."""
    request_id = new_request_id()
    headers = {"date": formatdate(usegmt=True), "content-type": JSON_TYPE, "x-acs-request-id": request_id}
    return json_body(error.body(request_id=request_id, host=host, product="")), headers


def new_request_id() -> str:
    """Return the id of a request."""
    return str(uuid.uuid4()).upper()
