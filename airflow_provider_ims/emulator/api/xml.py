"""Parses the XML of requests and generates the XML of responses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_NAME = re.compile(r"\W|^(?=[\d])", re.ASCII)


def xml_text(text: str) -> str:
    """Return a text in which a question mark replaces each character that XML cannot represent."""
    return _NOT_IN_XML.sub("?", text)


def xml_body(root: str, content: Any, namespace: str = "") -> bytes:
    """
    Return the XML of a response.

    Each item of a list becomes an element with the name of the list, as in the documented XML of GetAIImageJobs.

    :param root: The name of the root element.
    :param content: The content of the root element, as a JSON value.
    :param namespace: The default XML namespace; empty for no namespace.
    """
    elements = "".join(_elements(root, {} if content is None or content == [] else content))
    if namespace:
        elements = elements.replace(f"<{root}>", f"<{root} xmlns={quoteattr(namespace)}>", 1)
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
        yield f"<{tag}>{escape(xml_text(text), {chr(13): '&#13;'})}</{tag}>"


def parse_xml(body: bytes) -> ElementTree.Element:
    """
    Parse a request body and return its root element. The namespaces are removed from the names of all elements.

    :raises ValueError: If the body is not well-formed XML, or contains a document type declaration.
    """
    if b"<!DOCTYPE" in body:
        raise ValueError("a document type declaration is not accepted")
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ValueError(str(error)) from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root
