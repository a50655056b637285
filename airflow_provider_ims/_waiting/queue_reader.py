"""
The reader of a queue, which receives messages about jobs for all pollers of a connection in a triggerer.

A poller claims the messages about its jobs. The reader deletes claimed messages, and messages without a job id. It
releases other messages (makes them visible again), because another triggerer may wait for their jobs. Instead of
releasing a message, the reader deletes it if it has been received 15 times or is older than half an hour.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Set
from functools import partial
from typing import Protocol

from airflow_provider_ims._notifications.message import job_ids_in
from airflow_provider_ims._waiting.daemon_thread import DaemonThread
from airflow_provider_ims._waiting.discard import Discarder
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims._waiting.reader_metrics import REPORT_EVERY, ReaderMetrics
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError
from airflow_provider_ims.hooks.smq import SmqHook, SmqMessage

log = logging.getLogger(__name__)

#: The maximum number of seconds for which a request waits for a message.
LONG_POLL = 20
#: Seconds for which the reader counts as healthy after a successful request. This time exceeds two long polls.
HEALTHY = 45.0
#: The longest pause, in seconds, between a failed request and the next request. It doubles with each consecutive
#: failure, up to ``LONGEST_PAUSE``. The shortest pause is half as long.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
#: A message that no poller has claimed is deleted when it has been received this number of times.
MAX_RECEIVES = 15
#: A message that no poller has claimed is also deleted when it is older than this number of seconds, which exceeds the
#: 15 minutes by which the clocks of the service and of this machine may differ.
MAX_AGE = 1800.0
#: A message that has been received at most this number of times is visible again one second after its release, so that
#: the triggerer that waits for its job receives it quickly.
QUICK_RECEIVES = 6
#: Each further receipt of the message multiplies the time until it is visible again by this factor.
RELEASE_GROWTH = 1.5
#: The maximum number of seconds until a released message is visible again.
LONGEST_RELEASE = 30

#: A message, and the ids of the jobs in it.
_Received = tuple[SmqMessage, set[str]]


class HintReceiver(Protocol):
    """Receives the ids of the jobs in messages."""

    def claim(self, job_ids: Set[str]) -> set[str]:
        """Return the ids that belong to jobs of the receiver."""


class QueueReader:
    """
    Reads a queue as long as there are receivers. A separate thread sends the blocking requests.

    When the last receiver has left, the reader still waits for the response to its current request. Otherwise, the
    messages in this response would stay hidden until their visibility timeout ends.

    :param resolver: The resolver of the connection.
    :param ims_conn_id: The connection id, for the metrics.
    """

    def __init__(self, resolver: HookResolver[SmqHook], ims_conn_id: str) -> None:
        self._resolver = resolver
        self._metrics = ReaderMetrics(ims_conn_id)
        self._receivers: dict[HintReceiver, None] = {}
        self._started_at = self._received_at = float("-inf")
        self._pause = FIRST_PAUSE
        self._problem: str | None = None
        self._has_warned = False
        self._tasks: list[asyncio.Task[None]] = []

    def join(self, receiver: HintReceiver) -> None:
        """Start reading for a receiver."""
        self._receivers[receiver] = None
        if not self._tasks:
            self._started_at = time.monotonic()
            # The empty context keeps the reader's messages out of the log of the Airflow task that starts the reader.
            loop, context = asyncio.get_running_loop(), contextvars.Context()
            self._tasks = [loop.create_task(work(), context=context) for work in (self._read, self._report)]

    def leave(self, receiver: HintReceiver) -> None:
        """Stop reading for a receiver."""
        self._receivers.pop(receiver, None)

    def is_healthy(self) -> bool:
        """Return whether a request has succeeded in the last 45 s, even if it received no messages."""
        return time.monotonic() - self._received_at < HEALTHY

    async def _read(self) -> None:
        thread = DaemonThread("ims-smq-receive")
        discarder = Discarder(self._resolver)
        try:
            while self._receivers:
                try:
                    await self._read_once(thread, discarder)
                except Exception as error:  # noqa: BLE001 - the pollers continue to poll
                    self._failed(error)
                    await asyncio.sleep(self._pause * random.uniform(0.5, 1))
                    self._pause = min(2 * self._pause, LONGEST_PAUSE)
        finally:
            thread.stop()
            discarder.stop()
            _, report = self._tasks
            report.cancel()
            self._tasks = []

    async def _read_once(self, thread: DaemonThread, discarder: Discarder) -> None:
        await self._resolver.refresh()
        hook = self._resolver.hook
        queue = hook.settings.smq_queue
        if queue is None:
            raise LookupError("the connection no longer has an smq_queue")
        # While the reader is not healthy, a request does not wait for messages, so its success is known immediately.
        wait = LONG_POLL if self.is_healthy() else 0
        received = await thread.run(partial(_receive, hook, queue, wait))
        self._succeeded(queue)
        self._metrics.messages += len(received)
        job_ids = {job_id for _, ids in received for job_id in ids}
        claimed = {job_id for receiver in self._receivers for job_id in receiver.claim(job_ids)}
        for message, ids in received:
            if ids & claimed:
                self._metrics.used += 1
                discarder.delete(message.receipt_handle)
            elif not ids or message.received_count >= MAX_RECEIVES or time.time() - message.enqueued_at > MAX_AGE:
                self._metrics.unused += 1
                discarder.delete(message.receipt_handle)
            else:
                discarder.release(message.receipt_handle, release_seconds(message.received_count))

    def _succeeded(self, queue: str) -> None:
        self._received_at, self._pause, self._problem = time.monotonic(), FIRST_PAUSE, None
        if self._has_warned:
            self._has_warned = False
            log.info("Resumed reading the queue %s", queue)

    def _failed(self, error: Exception) -> None:
        self._problem = str(error)
        if isinstance(error, (ImsCredentialsError, ImsPermissionError)):
            self._resolver.expire()
        self._warn_unless_healthy()

    def _warn_unless_healthy(self) -> None:
        if not self._has_warned and not self.is_healthy():
            self._has_warned = True
            problem = self._problem or f"no response for {HEALTHY:.0f} s"
            log.warning("The queue cannot be read, so only polls detect when jobs end: %s", problem)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY)
            silent = time.monotonic() - max(self._received_at, self._started_at)
            if silent >= HEALTHY:
                # A request without a response fails only after its timeout, and the warning must not wait for this.
                self._warn_unless_healthy()
            self._metrics.report(silent)


def release_seconds(received_count: int) -> int:
    """Return the number of seconds until a released message is visible again."""
    # The exponent is limited to avoid an overflow, because a queue may have delivered a message thousands of times.
    slow = min(max(0, received_count - QUICK_RECEIVES), MAX_RECEIVES)
    return min(round(RELEASE_GROWTH**slow), LONGEST_RELEASE)


def _receive(hook: SmqHook, queue: str, wait: int) -> list[_Received]:
    """Receive messages, and find the ids of the jobs in them, outside of the event loop."""
    return [(one, job_ids_in(one.body)) for one in hook.receive(queue, wait_seconds=wait)]
