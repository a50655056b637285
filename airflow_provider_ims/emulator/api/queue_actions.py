"""
The actions of SMQ, as in version 2015-06-06 of its HTTP API.

Documentation: https://help.aliyun.com/document_detail/27491.html. Topics and subscriptions are not emulated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiResponse
from airflow_provider_ims.emulator.api.queue_errors import NAMESPACE, not_in_schema, queue_error
from airflow_provider_ims.emulator.api.queues import ATTRIBUTES, LOGGING, PRIORITY, Queues, Range
from airflow_provider_ims.emulator.api.xml import parse_xml, xml_body
from airflow_provider_ims.emulator.state.queues import Queue, QueueMessage, ReceiptHandleError

PREFIX = "smq:"
"""The prefix that distinguishes the actions of SMQ from those of IMS and VOD in recorded requests and in faults."""

MAX_BATCH = 16
_BATCH = Range(1, MAX_BATCH, 1)
_PAGE = Range(1, 1_000, 1_000)
_WAIT = ATTRIBUTES["PollingWaitSeconds"]


@dataclass
class QueueCall:
    """
    A request to SMQ.

    :param queues: The queues of the region to which the request was sent.
    :param queue_name: The name of the queue in the path; empty if the path contains none.
    :param query: The decoded query parameters, by lowercase name. The case of the names in the documentation varies.
    :param headers: The headers, by lowercase name.
    :param url: The URL of the endpoint.
    :param received: The messages that the request has received from the queue.
    """

    queues: Queues
    queue_name: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    url: str
    received: list[QueueMessage] = field(default_factory=list)

    @property
    def queue(self) -> Queue:
        """The queue that the path identifies."""
        return self.queues.find(self.queue_name)

    @property
    def wait_seconds(self) -> int:
        """The maximum number of seconds for which the request waits for a message."""
        text = self.query.get("waitseconds")
        return int(self.queue.attributes[_POLLING]) if text is None else _WAIT.parse("waitseconds", text)

    def xml(self, root: str) -> ElementTree.Element:
        """
        Return the root element of the body.

        :param root: The expected name of the root element.
        :raises ApiError: If the body is not well-formed XML, or has another root element.
        """
        try:
            element = parse_xml(self.body)
        except ValueError:
            raise queue_error("MalformedXML") from None
        if element.tag != root:
            raise not_in_schema(element.tag)
        return element


_POLLING = "PollingWaitSeconds"


def _create(call: QueueCall) -> ApiResponse:
    queue, is_new = call.queues.create(call.queue_name, _attributes(call))
    return ApiResponse(201 if is_new else 204, b"", {"location": f"{call.url}/queues/{queue.name}"})


def _set_attributes(call: QueueCall) -> ApiResponse:
    queue = call.queue
    queue.attributes |= _attributes(call)
    queue.modified = call.queues.now()
    call.queues.table.save_queue(queue)
    return ApiResponse(204, b"")


def _attributes(call: QueueCall) -> dict[str, Any]:
    values = {element.tag: (element.text or "").strip() for element in call.xml("Queue")} if call.body else {}
    attributes: dict[str, Any] = {
        name: ATTRIBUTES[name].parse(name, text) for name, text in values.items() if name in ATTRIBUTES
    }
    if LOGGING in values:
        if values[LOGGING].lower() not in ("true", "false"):
            raise not_in_schema(LOGGING)
        attributes[LOGGING] = values[LOGGING].capitalize()
    return attributes


def _get_attributes(call: QueueCall) -> ApiResponse:
    return _xml(200, "Queue", _meta(call, call.queue))


def _meta(call: QueueCall, queue: Queue) -> dict[str, Any]:
    counts = call.queues.table.counts(queue, call.queues.now())
    return {
        "QueueName": queue.name,
        "CreateTime": int(queue.created),
        "LastModifyTime": int(queue.modified),
        **queue.attributes,
        "ActiveMessages": counts.active,
        "InactiveMessages": counts.inactive,
        "DelayMessages": counts.delayed,
    }


def _delete_queue(call: QueueCall) -> ApiResponse:
    # The documentation does not list an error for an unknown queue.
    if queue := call.queues.table.queue(call.queues.region, call.queue_name):
        call.queues.table.delete_queue(queue)
    return ApiResponse(204, b"")


def _list_queues(call: QueueCall) -> ApiResponse:
    prefix, marker = (call.headers.get(f"x-mns-{name}", "") for name in ("prefix", "marker"))
    limit = _PAGE.parse("x-mns-ret-number", call.headers.get("x-mns-ret-number", str(_PAGE.default)))
    with_meta = call.headers.get("x-mns-with-meta", "").lower() == "true"
    found = [queue for queue in call.queues.table.queues(call.queues.region) if queue.name.startswith(prefix)]
    # The marker is the name of the first queue of the requested page.
    page = [queue for queue in found if queue.name >= marker]
    rows = [
        {"QueueURL": f"{call.url}/queues/{queue.name}", **(_meta(call, queue) if with_meta else {})}
        for queue in page[:limit]
    ]
    following = page[limit].name if len(page) > limit else None
    return _xml(200, "Queues", {"Queue": rows, "NextMarker": following})


def _send(call: QueueCall) -> ApiResponse:
    return _xml(201, "Message", _put(call, _parse(call, call.xml("Message"))))


def _send_batch(call: QueueCall) -> ApiResponse:
    elements = list(call.xml("Messages"))
    if not 0 < len(elements) <= MAX_BATCH:
        raise not_in_schema("Messages")
    # If one message is invalid, the emulator rejects the whole batch. The behaviour of the service is not documented.
    messages = [_parse(call, element) for element in elements]
    return _xml(201, "Messages", {"Message": [_put(call, message) for message in messages]})


def _parse(call: QueueCall, element: ElementTree.Element) -> dict[str, Any]:
    values = {child.tag: child.text or "" for child in element}
    if element.tag != "Message" or "MessageBody" not in values:
        raise not_in_schema("MessageBody")
    call.queues.check_body(call.queue, values["MessageBody"])
    delay = values.get("DelaySeconds")
    return {
        "body": values["MessageBody"],
        "priority": PRIORITY.parse("Priority", values.get("Priority", str(PRIORITY.default))),
        "delay": None if delay is None else ATTRIBUTES["DelaySeconds"].parse("DelaySeconds", delay),
    }


def _put(call: QueueCall, options: dict[str, Any]) -> dict[str, Any]:
    message = call.queues.put(call.queue, **options)
    handle = {"ReceiptHandle": message.receipt_handle} if message.receipts else {}
    return {"MessageId": message.message_id, "MessageBodyMD5": _md5(message.body), **handle}


def _receive(call: QueueCall) -> ApiResponse:
    call.received = call.queues.table.receive(call.queue, _limit(call), call.queues.now())
    return _messages(call, [_fields(message) for message in call.received])


def _peek(call: QueueCall) -> ApiResponse:
    rows = [_fields(message) for message in call.queues.table.peek(call.queue, _limit(call), call.queues.now())]
    for row in rows:
        del row["ReceiptHandle"], row["NextVisibleTime"]
    return _messages(call, rows)


def _limit(call: QueueCall) -> int:
    return _BATCH.parse("numOfMessages", call.query.get("numofmessages", "1"))


def _messages(call: QueueCall, rows: list[dict[str, Any]]) -> ApiResponse:
    if not rows:
        raise queue_error("MessageNotExist")
    is_batch = "numofmessages" in call.query
    return _xml(200, "Messages", {"Message": rows}) if is_batch else _xml(200, "Message", rows[0])


def _fields(message: QueueMessage) -> dict[str, Any]:
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "MessageBody": message.body,
        "MessageBodyMD5": _md5(message.body),
        "EnqueueTime": _milliseconds(message.enqueued),
        "NextVisibleTime": _milliseconds(message.visible),
        "FirstDequeueTime": _milliseconds(message.first_received or 0),
        "DequeueCount": message.received,
        "Priority": message.priority,
    }


def _delete(call: QueueCall) -> ApiResponse:
    call.queues.table.delete(_of_receipt(call, call.query.get("receipthandle", "")))
    return ApiResponse(204, b"")


def _delete_batch(call: QueueCall) -> ApiResponse:
    handles = [(element.text or "").strip() for element in call.xml("ReceiptHandles") if element.tag == "ReceiptHandle"]
    if not 0 < len(handles) <= MAX_BATCH:
        raise not_in_schema("ReceiptHandles")
    errors = []
    for handle in handles:
        try:
            call.queues.table.delete(_of_receipt(call, handle))
        except ApiError as error:
            if error.code == "QueueNotExist":
                raise
            errors.append({"ErrorCode": error.code, "ErrorMessage": error.message, "ReceiptHandle": handle})
    # The status is 404, as in the documented example of a partial failure.
    return _xml(404, "Errors", {"Error": errors}, errors[0]["ErrorCode"]) if errors else ApiResponse(204, b"")


def _change_visibility(call: QueueCall) -> ApiResponse:
    if "visibilitytimeout" not in call.query:
        raise queue_error("MissingVisibilityTimeout")
    seconds = ATTRIBUTES["VisibilityTimeout"].parse("VisibilityTimeout", call.query["visibilitytimeout"])
    message = _of_receipt(call, call.query.get("receipthandle", ""))
    call.queues.table.hide(message, call.queues.now() + seconds)
    fields = {"ReceiptHandle": message.receipt_handle, "NextVisibleTime": _milliseconds(message.visible)}
    return _xml(200, "ChangeVisibility", fields)


def _of_receipt(call: QueueCall, handle: str) -> QueueMessage:
    if not handle:
        raise queue_error("MissingReceiptHandle")
    try:
        message = call.queues.table.of_receipt(call.queue, handle, call.queues.now())
    except ReceiptHandleError:
        raise queue_error("ReceiptHandleError") from None
    if message is None:
        raise queue_error("MessageNotExist")
    return message


def _xml(status: int, root: str, content: dict[str, Any], error_code: str | None = None) -> ApiResponse:
    return ApiResponse(status, xml_body(root, content, NAMESPACE), error_code=error_code)


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest().upper()


def _milliseconds(moment: float) -> int:
    return int(moment * 1000)


@dataclass(frozen=True)
class QueueAction:
    """
    An action of SMQ.

    :param respond: A function that returns the response to a request.
    :param query: The names of the query parameters that the action accepts, in lowercase.
    """

    respond: Callable[[QueueCall], ApiResponse]
    query: frozenset[str] = frozenset()


QUEUE_ACTIONS: Mapping[str, QueueAction] = {
    f"{PREFIX}{name}": QueueAction(respond, frozenset(query.split()))
    for name, respond, query in (
        ("ListQueue", _list_queues, ""),
        ("CreateQueue", _create, "metaoverride"),
        ("SetQueueAttributes", _set_attributes, "metaoverride"),
        ("GetQueueAttributes", _get_attributes, ""),
        ("DeleteQueue", _delete_queue, ""),
        ("SendMessage", _send, ""),
        ("BatchSendMessage", _send_batch, ""),
        ("ReceiveMessage", _receive, "peekonly waitseconds"),
        ("BatchReceiveMessage", _receive, "peekonly numofmessages waitseconds"),
        ("PeekMessage", _peek, "peekonly"),
        ("BatchPeekMessage", _peek, "peekonly numofmessages"),
        ("DeleteMessage", _delete, "receipthandle"),
        ("BatchDeleteMessage", _delete_batch, ""),
        ("ChangeMessageVisibility", _change_visibility, "receipthandle visibilitytimeout"),
    )
}
RECEIVES = frozenset({f"{PREFIX}ReceiveMessage", f"{PREFIX}BatchReceiveMessage"})
