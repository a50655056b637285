"""
The queues of SMQ in a region: their attributes, names and messages.

Documentation: https://help.aliyun.com/document_detail/27414.html
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.queue_errors import out_of_range, queue_error
from airflow_provider_ims.emulator.api.xml import xml_text
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.queues import Queue, QueueMessage
from airflow_provider_ims.emulator.state.store import Store

MAX_NAME = 256
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class Range(NamedTuple):
    """The smallest and the largest accepted value of an integer, and its default."""

    low: int
    high: int
    default: int

    def parse(self, name: str, text: str) -> int:
        """
        Convert a string to an integer.

        :param name: The name of the attribute or parameter, for the error message.
        :raises ApiError: If the string is not an integer in this range.
        """
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
        if not self.low <= number <= self.high:
            raise out_of_range(name, self.low, self.high)
        return number


#: The attributes of a queue that a client can set, except LoggingEnabled. Sizes are in bytes, times in seconds.
ATTRIBUTES: Mapping[str, Range] = {
    "DelaySeconds": Range(0, 604_800, 0),
    "MaximumMessageSize": Range(1_024, 65_536, 65_536),
    "MessageRetentionPeriod": Range(60, 604_800, 345_600),
    "PollingWaitSeconds": Range(0, 30, 0),
    "VisibilityTimeout": Range(1, 43_200, 30),
}
PRIORITY = Range(1, 16, 8)
LOGGING = "LoggingEnabled"
DEFAULTS: Mapping[str, Any] = {**{name: values.default for name, values in ATTRIBUTES.items()}, LOGGING: "False"}


class Queues:
    """
    The queues of one region.

    In the service, a queue must be created before it is used. The emulator creates a queue when it is first used. If
    the setting ``queues`` contains names, the emulator creates only queues with these names; clients must create all
    other queues.

    :param region: The id of the region; default: the region in the settings.
    :param now: A function that returns the current time in epoch seconds. The times of messages follow this clock, not
        the job clock.
    """

    def __init__(
        self, store: Store, settings: Settings, region: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self.table = store.queues
        self.settings = settings
        self.region = region or settings.region_id
        self.now = now

    def in_region(self, region: str) -> Queues:
        """Return the queues of another region."""
        return Queues(self._store, self.settings, region, self.now)

    def find(self, name: str) -> Queue:
        """
        Return a queue. If the queue does not exist and the setting ``queues`` allows it, create the queue.

        :raises ApiError: If the queue does not exist and is not created, or the name is invalid.
        """
        if queue := self.table.queue(self.region, name):
            return queue
        check_name(name)
        if self.settings.queues and name not in self.settings.queues:
            raise queue_error("QueueNotExist")
        return self.table.add_queue(self.region, name, dict(DEFAULTS), self.now())

    def create(self, name: str, attributes: Mapping[str, Any]) -> tuple[Queue, bool]:
        """
        Create a queue, or return an existing queue with the same name and attributes.

        :param attributes: The attributes that differ from :data:`DEFAULTS`.
        :return: The queue, and whether it is new.
        :raises ApiError: If a queue with this name has other attributes, or the name is invalid.
        """
        check_name(name)
        wanted = {**DEFAULTS, **attributes}
        if queue := self.table.queue(self.region, name):
            if queue.attributes != wanted:
                raise queue_error("QueueAlreadyExist")
            return queue, False
        return self.table.add_queue(self.region, name, wanted, self.now()), True

    def put(
        self, queue: Queue, body: str, *, priority: int = PRIORITY.default, delay: float | None = None
    ) -> QueueMessage:
        """
        Add a message to a queue.

        :param delay: The number of seconds after which the message becomes visible; by default, the attribute
            ``DelaySeconds`` of the queue.
        :raises ApiError: If the body is empty or too large.
        """
        text = xml_text(body)
        self.check_body(queue, text)
        seconds = queue.attributes["DelaySeconds"] if delay is None else delay
        return self.table.put(queue, text, priority=priority, now=self.now(), delay=seconds)

    def check_body(self, queue: Queue, body: str) -> None:
        """
        Check the size of a message body.

        :raises ApiError: If the body is empty or exceeds the ``MaximumMessageSize`` of the queue.
        """
        largest = queue.attributes["MaximumMessageSize"]
        if not 0 < len(body.encode()) <= largest:
            raise out_of_range("MessageBody", 1, largest)

    def deliver(self, name: str, text: str) -> QueueMessage:
        """
        Add the message of a callback to a queue.

        The documentation does not specify whether the services encode the message in base64, as some SDKs do. The
        emulator encodes it only if the setting ``queue_base64`` is true.

        :param name: The name of the queue.
        :param text: The message.
        :raises ValueError: If the queue does not exist and is not created, its name is invalid, or the message is empty
            or too large.
        """
        body = base64.b64encode(text.encode()).decode() if self.settings.queue_base64 else text
        try:
            return self.put(self.find(name), body)
        except ApiError as error:
            raise ValueError(str(error)) from None


def is_queue_name(name: str) -> bool:
    """Return whether a string is a valid name for a queue."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """
    Check the name of a queue.

    :raises ApiError: If it is invalid.
    """
    if not is_queue_name(name):
        raise queue_error("InvalidQueueName" if 0 < len(name) <= MAX_NAME else "QueueNameLengthError")
