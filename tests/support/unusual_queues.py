"""Unusual requests to the emulator's SMQ queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from support.queues import QueueClient
from support.unusual_values import UNUSUAL_BYTES, UNUSUAL_HEADERS, UNUSUAL_TEXTS

METHODS = ("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "DELETE", "PATCH")
NAMES = ("ice-callback-a", "ice-callback-a", "b", "", "a_b", "é", "a/b", "%")
RESTS = ("", "/messages", "/messages", "/messages", "/messages/", "/other")
PARAMETERS = ("waitseconds", "numOfMessages", "peekonly", "ReceiptHandle", "VisibilityTimeout", "metaoverride", "other")
VALUES = ("0", "1", "16", "true", "8-MS0xLTE=", "43200", "99999999999999999999", "-1", "٣")
ELEMENTS = ("Message", "Messages", "MessageBody", "Priority", "Queue", "VisibilityTimeout", "ReceiptHandles", "a")
HEADERS = ("x-mns-prefix", "x-mns-marker", "x-mns-ret-number", "content-md5", "date", "x-mns-date", "security-token")
CLIENT = QueueClient("")

Choose = Callable[[Sequence[Any]], Any]


def queue_request(choose: Choose) -> tuple[str, str, bytes, list[tuple[bytes, bytes]], bytes]:
    """
    Return the method, the path, the query, the headers and the body of a correctly signed request.

    :param choose: Chooses an item at random.
    """
    method, path = choose(METHODS), f"/queues/{choose(NAMES)}{choose(RESTS)}"
    pairs = [(choose(PARAMETERS), choose((*VALUES, choose(UNUSUAL_TEXTS)))) for _ in range(choose((0, 1, 2)))]
    query = urlencode(pairs, quote_via=quote, errors="surrogatepass", safe="=")
    body = choose((b"", _xml(choose), _xml(choose), choose(UNUSUAL_BYTES)))
    changes: dict[str, str | None] = {}
    if choose((0, 0, 1)):
        changes[choose(HEADERS)] = choose((*VALUES, choose(UNUSUAL_HEADERS).decode("latin-1")))
    target = quote(path, safe="/%") + (f"?{query}" if query else "")
    headers = CLIENT.headers(method, target, changes, body)
    as_bytes = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    return method, path, query.encode(), [(b"host", b"127.0.0.1"), *as_bytes], body


def _xml(choose: Choose) -> bytes:
    texts = [choose(("one", "1", "8-MS0xLTE=", "", "&#0;", "&amp;", "<![CDATA[a]]>")) for _ in range(2)]
    root, *names = [choose(ELEMENTS) for _ in range(3)]
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in zip(names, texts, strict=True))
    inner = choose((inner, f"<Message>{inner}</Message>", f"<MessageBody>{texts[0]}</MessageBody>"))
    return choose(("", "", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-16"?>')).encode() + (
        f'<{root} xmlns="http://mns.aliyuncs.com/doc/v1/">{inner}</{root}>'.encode()
    )
