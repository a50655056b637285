"""Hook of Simple Message Queue (SMQ, formerly MNS)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import methodcaller
from typing import Any

from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.hooks._connected import ConnectedHook
from airflow_provider_ims.hooks._errors import MESSAGE_GONE

#: The maximum number of messages in one request.
BATCH = 16
INSTALL = 'pip install "airflow-provider-ims[smq]"'
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class SmqMessage:
    """
    A received message.

    :param id: The message's id, which stays the same when the message is received again.
    :param body: The text that was sent, decoded if it was encoded as base64.
    :param receipt_handle: The handle with which the message can be deleted or its visibility changed, until the message
        is visible again.
    :param received_count: The number of times that the message was received, including this time.
    :param enqueued_at: When the message was sent, in epoch seconds.
    :param visible_at: When the message can be received again, in epoch seconds.
    """

    id: str
    body: str
    receipt_handle: str
    received_count: int
    enqueued_at: float
    visible_at: float


class SmqHook(ConnectedHook):
    """
    Receives and deletes the messages of a queue of Simple Message Queue (SMQ, formerly MNS).

    The hook is thread-safe: each thread sends its requests over its own network connection. No request is retried.

    :param ims_conn_id: The id of the Airflow connection of IMS and VOD, whose extra must contain
        ``smq_endpoint``. Default: ``ims_default``.
    :param region_id: A region that overrides the connection's. It does not change the region of the queue, which
        ``smq_endpoint`` determines. If it differs from the connection's region, ``smq_queue`` is ignored.
    """

    @cached_property
    def _clients(self) -> Any:
        try:
            from airflow_provider_ims.hooks import _mns as mns
        except ImportError as error:
            problem = f"SMQ requires a library that is not installed here ({error.name}). To install it: {INSTALL}"
            raise ImsRequestError(problem) from None
        return mns.Clients(self.settings, self.settings.endpoint("mns"))

    def connect(self) -> None:
        """
        Read the connection and import the SDK, without sending a request.

        :raises ImsError: if the connection is incomplete or invalid, or if the package extra ``smq`` is not installed.
        """
        _ = self._clients

    def receive(self, queue: str, *, max_messages: int = BATCH, wait_seconds: int = 20) -> list[SmqMessage]:
        """
        Receive the next messages, which are then hidden from other receivers until the queue's visibility timeout ends.

        :param queue: The name of the queue.
        :param max_messages: The maximum number of messages, from 1 to 16. Default: 16.
        :param wait_seconds: Seconds to wait for a message if there is none, from 0 to 30. Default: 20.
        :return: The messages; empty if there are none.
        :raises ImsError: the subclass depends on the service's error code.
        """
        from_queue = self._send(
            "BatchReceiveMessage",
            queue,
            lambda smq: smq.batch_receive_message(max_messages, wait_seconds),
            if_gone=[],
            wait=wait_seconds,
        )
        return [
            SmqMessage(
                id=one.message_id,
                body=decode_body(one.message_body),
                receipt_handle=one.receipt_handle,
                received_count=one.dequeue_count,
                enqueued_at=one.enqueue_time / 1000,
                visible_at=one.next_visible_time / 1000,
            )
            for one in from_queue
        ]

    def delete(self, queue: str, receipt_handles: Sequence[str]) -> list[str]:
        """
        Delete messages, in batches of 16.

        :param queue: The name of the queue.
        :param receipt_handles: The receipt handles of the messages.
        :return: The handles that were no longer valid, because their messages were received again or deleted, or
            because their visibility was changed.
        :raises ImsError: the subclass depends on the service's error code.
        """
        invalid: list[str] = []
        for start in range(0, len(receipt_handles), BATCH):
            batch = receipt_handles[start : start + BATCH]
            invalid += self._send("BatchDeleteMessage", queue, methodcaller("delete_messages", batch))
        return invalid

    def change_visibility(self, queue: str, receipt_handle: str, seconds: int) -> str | None:
        """
        Set the time after which a message becomes visible again.

        :param queue: The name of the queue.
        :param receipt_handle: The receipt handle of the message.
        :param seconds: Seconds from now, from 1 to 43,200.
        :return: The new receipt handle, which replaces the old one; ``None`` if the old one was no longer valid.
        :raises ImsError: the subclass depends on the service's error code.
        """
        handle: str | None = self._send(
            "ChangeMessageVisibility",
            queue,
            lambda smq: smq.change_message_visibility(receipt_handle, seconds).receipt_handle,
        )
        return handle

    def peek(self, queue: str) -> None:
        """
        Send a PeekMessage request, to test access to a queue. The request does not consume a message.

        :param queue: The name of the queue.
        :raises ImsError: the subclass depends on the service's error code.
        """
        self._send("PeekMessage", queue, lambda smq: smq.peek_message())

    def test_connection(self) -> tuple[bool, str]:
        """
        Send a PeekMessage request to the connection's queue. The request does not consume a message.

        :return: Whether the test succeeded, and a message that describes the outcome and contains no secrets.
        """
        try:
            endpoint, queue = self.settings.endpoint("mns"), self.settings.smq_queue
            if queue is None:
                problem = f"No queue for {self.settings.region_id}: set smq_queue in the connection's extra"
                raise ImsRequestError(f"{problem}. It applies only to the connection's region", field="smq_queue")
            self.peek(queue)
        except ImsError as error:
            return False, str(error)
        return True, f"PeekMessage of {queue} succeeded at {endpoint}"

    def _send(self, action: str, queue: str, call: Callable[[Any], Any], *, if_gone: Any = None, wait: int = 0) -> Any:
        """
        Call a method of the SDK's queue, and return its result.

        :param if_gone: The value to return if there is no message, or if the receipt handle is no longer valid.
        :param wait: Seconds for which the service may keep the request open.
        """
        if not isinstance(queue, str) or not _NAME.fullmatch(queue):
            raise ImsRequestError(f"{queue!r} is not the name of a queue", field="queue")
        client = self._clients.of_this_thread()
        client.http.wait = wait
        try:
            return call(client.queue(queue))
        except Exception as error:  # noqa: BLE001
            # A malformed response can make the SDK raise almost any exception.
            failure = client.convert(error, action, queue)
        if failure.code in MESSAGE_GONE:
            return if_gone
        # Raised outside of the except block: the request with its signature must not become the context.
        raise failure


def decode_body(text: str) -> str:
    """Return the body of a message, decoded from base64 if it is base64-encoded text."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return text
