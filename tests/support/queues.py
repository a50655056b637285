"""Clients of the emulator's SMQ queues: the SDK, and one that signs requests according to the documentation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from mns.account import Account
from mns.mns_exception import MNSExceptionBase, MNSServerException

from airflow_provider_ims.emulator import ImsEmulator
from support.emulated import _Client
from support.waiting import CEILING, wait_until

if TYPE_CHECKING:
    from mns.queue import Queue

QUEUE = "ice-callback-demo"
MESSAGES = f"/queues/{QUEUE}/messages"
NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"


def sdk_queue(emulator: ImsEmulator, name: str = QUEUE, **credential: str) -> Queue:
    """Return the SDK's client of a queue, which does not encode message bodies in base64."""
    keys = {"access_id": emulator.access_key_id, "access_key": emulator.access_key_secret, **credential}
    account = Account(emulator.url, **keys)
    account.mns_client.set_connection_timeout(CEILING)
    queue = account.get_queue(name)
    queue.set_encoding(False)
    return queue


def code_of(call: Callable[..., Any], *arguments: Any) -> str:
    """Return the error code of a call of the SDK; empty if it succeeds."""
    try:
        call(*arguments)
    except MNSServerException as error:
        return str(error.type)
    return ""


class QueueResponse(NamedTuple):
    """A response of SMQ."""

    status: int
    headers: dict[str, str]
    body: str

    def __getitem__(self, name: Any) -> Any:
        """Return the text of the first element with this name; an index selects a field of the tuple."""
        if not isinstance(name, str):
            return tuple.__getitem__(self, name)
        return next(ElementTree.fromstring(self.body).iter(f"{NAMESPACE}{name}")).text

    @property
    def code(self) -> str:
        """The error code."""
        return str(self["Code"])


class QueueClient(_Client):
    """Signs requests to SMQ according to the documentation, and sends them."""

    @classmethod
    def of(cls, emulator: ImsEmulator) -> QueueClient:
        """Return a client with the first AccessKey pair of an emulator."""
        return cls(emulator.endpoint, emulator.access_key_id, emulator.access_key_secret)

    def headers(self, method: str, target: str, changes: dict[str, str | None], body: bytes = b"") -> dict[str, str]:
        """
        Return the headers of a request.

        :param changes: Headers to set before signing; None removes a header.
        """
        headers: dict[str, str | None] = {"date": formatdate(usegmt=True), "x-mns-version": "2015-06-06"}
        if body:
            headers["content-type"] = "text/xml;charset=utf-8"
        headers |= changes
        signed = {name: value for name, value in headers.items() if value is not None}
        first = [signed.get(name, "") for name in ("content-md5", "content-type")]
        date = signed.get("x-mns-date") or signed.get("date", "")
        own = [f"{name}:{value}" for name, value in sorted(signed.items()) if name.startswith("x-mns-")]
        text = "\n".join([method, *first, date, *own, target])
        digest = hmac.digest(self.secret.encode(), text.encode(), hashlib.sha1)
        signature = f"MNS {self.key_id}:{base64.b64encode(digest).decode()}"
        return {"authorization": signature, **signed}

    def __call__(
        self, method: str, target: str = MESSAGES, body: str | bytes = b"", **changes: str | None
    ) -> QueueResponse:
        """
        Send a request.

        :param changes: Headers, with ``_`` instead of ``-``; None removes a header.
        """
        content = body.encode() if isinstance(body, str) else body
        by_name = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = self.headers(method, target, by_name, content)
        return self.send(method, target, content, {**headers, **{k: v for k, v in by_name.items() if v is not None}})

    def send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> QueueResponse:
        """Send a request with these headers."""
        connection = http.client.HTTPConnection(self.endpoint, timeout=CEILING)
        try:
            connection.request(method, target, body or None, headers)
            response = connection.getresponse()
            return QueueResponse(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()


@contextmanager
def polling(emulator: ImsEmulator, queue: Queue, seconds: int = 30) -> Iterator[Callable[[], list[Any]]]:
    """Receive messages in a thread, wait until the emulator has the request, and yield a function for the result."""
    received: list[Any] = []

    def receive() -> None:
        try:
            received.extend(queue.batch_receive_message(16, seconds))
        except MNSExceptionBase as error:
            received.append(error)

    action, held = "smq:BatchReceiveMessage", len(emulator.requests("smq:BatchReceiveMessage"))
    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    wait_until(lambda: len(emulator.requests(action)) > held)

    def result() -> list[Any]:
        thread.join(CEILING)
        assert not thread.is_alive()
        return received

    try:
        yield result
    finally:
        result()
