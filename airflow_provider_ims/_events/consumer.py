"""
The consumer of a queue: receives messages, and hides each message from other consumers until it is settled.

A message is settled when it is deleted, or when it is released, so that it becomes visible to other consumers.

Only messages that were marked for deletion are deleted; see :meth:`QueueConsumer.accept`. A message that is neither
deleted nor released becomes visible again when its visibility timeout ends, for example if the process is killed.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from airflow_provider_ims._events.event import read_payload
from airflow_provider_ims._events.outage import Outage
from airflow_provider_ims._events.recent import RecentMessages
from airflow_provider_ims._waiting.daemon_thread import DaemonThread
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError
from airflow_provider_ims.hooks.smq import SmqHook, SmqMessage

log = logging.getLogger(__name__)

#: The maximum number of seconds for which a request waits for a message.
LONG_POLL = 20
#: A consumer that holds at least this number of messages does not receive more.
MAX_PENDING = 256
#: Seconds for which a pending message is hidden from other consumers each time its visibility timeout is extended.
HIDDEN_FOR = 60
#: The longest time, in seconds, from the receipt of a message to the first extension of its visibility timeout. The
#: clock of the service may differ from that of this machine, so the reported end of the timeout is not exact.
FIRST_EXTENSION = 10.0
#: A message that cannot be read is deleted when it has been received this number of times.
MAX_UNREADABLE = 10
#: A message that no watcher accepts is deleted when it has been received this number of times. If watchers in several
#: triggerers compete for the messages, a smaller number would sometimes be reached by chance before the triggerer whose
#: watcher accepts the message receives it.
MAX_REJECTED = 30
#: The longest time, in seconds, until a released message is visible again.
MAX_RELEASE_DELAY = 60
#: The longest time, in seconds, between two checks of the pending messages.
TICK = 1.0
#: The longest time, in seconds, between two checks after a failure. During a longer pause, pending messages could
#: become visible again.
MAX_KEEPER_PAUSE = 5.0
#: The maximum number of seconds that a consumer spends on settling its messages while it is being closed.
CLOSE_SECONDS = 5.0
#: The maximum number of characters of a deleted message that the log contains.
LOGGED_CHARACTERS = 200


@dataclass(eq=False)
class Delivery:
    """
    A received message that is not settled.

    :param message: The message as it was first received by this consumer.
    :param payload: The payload of its event.
    :param receipt_handle: The handle with which it can be deleted or released. The handle changes when the visibility
        timeout is extended.
    :param extend_at: When its visibility timeout must be extended, in seconds of the monotonic clock.
    :param wanted: Whether a watcher accepts it, or has already received its event.
    :param recipients: The :class:`RecentMessages` of each watcher that received its event. They are saved before the
        message is deleted.
    :param unqueued: The number of watchers that have sent an event for this message that Airflow has not fetched yet.
    :param delete_at: When to delete it, in seconds of the monotonic clock; ``None`` if it is not marked for
        deletion.
    :param release_after: Seconds from its release until it is visible again; ``None`` if it is not to be released.
    """

    message: SmqMessage
    payload: dict[str, Any]
    receipt_handle: str
    extend_at: float
    wanted: bool = False
    recipients: list[RecentMessages] = field(default_factory=list)
    unqueued: int = 0
    delete_at: float | None = None
    release_after: int | None = None


class QueueConsumer:
    """
    Receives the messages of a queue.

    A consumer belongs to one event loop, and makes its requests in its own threads. Its methods raise no errors of the
    queue or the connection: the consumer logs them and tries again.

    :param queue_name: The name of the queue.
    :param ims_conn_id: The connection id.
    :param region_id: A region that overrides the region of the connection.
    :param now: A function that returns the time in seconds, on a monotonic clock.
    """

    def __init__(
        self,
        queue_name: str,
        ims_conn_id: str | None,
        region_id: str | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue_name = queue_name
        self._resolver = HookResolver(partial(SmqHook, ims_conn_id=ims_conn_id, region_id=region_id))
        self._now = now
        self._pending: dict[str, Delivery] = {}
        self._changed = asyncio.Event()
        self._fewer = asyncio.Event()
        self._receiver = DaemonThread(f"smq-receive-{queue_name}")
        self._settler = DaemonThread(f"smq-settle-{queue_name}")
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield the received messages indefinitely. A message is not yielded again before it is settled."""
        # The empty context keeps the consumer's log lines out of the log of the trigger that starts the consumer.
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), context=contextvars.Context())
        outage = Outage(self._queue_name, self._now)
        while True:
            while len(self._pending) >= MAX_PENDING:
                self._fewer.clear()
                await self._fewer.wait()
            try:
                await self._resolver.refresh()
                messages = await self._receiver.run(self._receive)
            except Exception as error:  # noqa: BLE001 - the watchers must not end
                await asyncio.sleep(self._failed(outage, error))
                continue
            outage.ended()
            for message, payload in messages:
                delivery = self._admit(message, payload)
                if delivery is not None:
                    yield delivery

    def accept(self, delivery: Delivery, after: float = 0.0) -> None:
        """
        Mark a message for deletion, because its event is stored or because the message is discarded.

        :param after: Seconds until the deletion. Default: 0.
        """
        delivery.delete_at = self._now() + after
        self._changed.set()

    def release(self, delivery: Delivery) -> None:
        """Make a message visible again after 1 to 60 seconds; this time doubles with each receipt of the message."""
        delivery.release_after = min(MAX_RELEASE_DELAY, 2 ** min(delivery.message.received_count - 1, 10))
        self._changed.set()

    def reject(self, delivery: Delivery) -> None:
        """
        Reject a message that no watcher accepts.

        It is released, so that another triggerer can receive it. At its 30th receipt, it is deleted instead.
        """
        self._put_back(delivery, MAX_REJECTED, logging.INFO, "no watcher accepts it")

    async def aclose(self) -> None:
        """Delete the messages whose deletion is due and release the others, within ``CLOSE_SECONDS``."""
        self._closed = True
        now = self._now()
        for delivery in self._pending.values():
            if delivery.delete_at is None or delivery.delete_at > now:
                delivery.delete_at, delivery.release_after = None, delivery.release_after or 1
        self._changed.set()
        if self._keeper is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._keeper, CLOSE_SECONDS)
        # The remaining messages become visible when their visibility timeout ends.
        self._receiver.stop()
        self._settler.stop()

    def _failed(self, outage: Outage, error: Exception) -> float:
        if isinstance(error, ImsCredentialsError | ImsPermissionError):
            self._resolver.expire()
        return outage.failed(error)

    def _receive(self) -> list[tuple[SmqMessage, dict[str, Any] | None]]:
        """Receive messages, and read their payloads outside of the event loop."""
        hook: SmqHook = self._resolver.hook
        messages = hook.receive(self._queue_name, wait_seconds=LONG_POLL)
        if self._closed:
            for message in messages:
                hook.change_visibility(self._queue_name, message.receipt_handle, 1)
            return []
        return [(message, self._read(message)) for message in messages]

    def _read(self, message: SmqMessage) -> dict[str, Any] | None:
        try:
            return read_payload(self._queue_name, message)
        except Exception:
            # Only a bug can cause this error, and it must not end the watchers.
            log.exception("Queue %s: message %s could not be read", self._queue_name, message.id)
            return None

    def _admit(self, message: SmqMessage, payload: dict[str, Any] | None) -> Delivery | None:
        """Return the delivery of a message, or ``None`` if the message is already pending or cannot be read."""
        hidden_for = min(max(2.0, (message.visible_at - time.time()) / 2), FIRST_EXTENSION)
        pending = self._pending.get(message.id)
        if pending is not None:
            # Its visibility timeout ended before it was extended. Only the newest handle is valid.
            pending.receipt_handle = message.receipt_handle
            pending.extend_at = self._now() + hidden_for
            return None
        delivery = Delivery(message, payload or {}, message.receipt_handle, self._now() + hidden_for)
        self._pending[message.id] = delivery
        if payload is None:
            self._put_back(delivery, MAX_UNREADABLE, logging.WARNING, "it is not a JSON object that Airflow can store")
            return None
        return delivery

    async def _keep(self) -> None:
        outage = Outage(self._queue_name, self._now)
        pause = TICK
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            self._changed.clear()
            is_last = self._closed
            try:
                await self._settle()
            except Exception as error:  # noqa: BLE001 - the next round tries again
                pause = min(self._failed(outage, error), MAX_KEEPER_PAUSE)
            else:
                outage.ended()
                pause = TICK
            if is_last:
                return

    def _put_back(self, delivery: Delivery, limit: int, level: int, reason: str) -> None:
        message = delivery.message
        if message.received_count < limit:
            self.release(delivery)
            return
        log.log(
            level,
            "Queue %s: deleting message %s after %d receipts, because %s: %s",
            self._queue_name,
            message.id,
            message.received_count,
            reason,
            message.body[:LOGGED_CHARACTERS],
        )
        self.accept(delivery)

    async def _settle(self) -> None:
        """
        Extend the visibility timeouts and delete the messages for which this is due; make released messages visible.

        :raises Exception: the first error of these steps, after all of them were tried.
        """
        errors = []
        for step in (self._extend, self._delete, self._release):
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
        if errors:
            raise errors[0]

    async def _extend(self) -> None:
        now = self._now()
        late = [one for one in self._pending.values() if one.extend_at <= now and one.release_after is None]
        # The requests are sent one after the other, so that they do not pile up if the service stops responding.
        for one in sorted(late, key=lambda delivery: delivery.extend_at):
            # This puts the message behind the others: if its request fails, the next round starts with another message,
            # because the failure may affect only this one.
            one.extend_at = now
            await self._hide(one, HIDDEN_FOR)

    async def _delete(self) -> None:
        now = self._now()
        accepted = [one for one in self._pending.values() if one.delete_at is not None and one.delete_at <= now]
        if not accepted:
            return
        for recent in {recent for delivery in accepted for recent in delivery.recipients}:
            await recent.save()
        handles = [delivery.receipt_handle for delivery in accepted]
        # A message whose handle is no longer valid is not deleted. It is received again, and recognised as a repeat.
        await self._resolver.refresh()
        await self._settler.run(partial(self._resolver.hook.delete, self._queue_name, handles))
        self._forget(accepted)

    async def _release(self) -> None:
        for one in list(self._pending.values()):
            if one.release_after is not None:
                # There is only one attempt, because the message also becomes visible when its visibility timeout ends.
                self._forget([one])
                await self._hide(one, one.release_after)

    async def _hide(self, delivery: Delivery, seconds: int) -> None:
        handle = delivery.receipt_handle
        await self._resolver.refresh()
        new = await self._settler.run(partial(self._resolver.hook.change_visibility, self._queue_name, handle, seconds))
        # If the handle is no longer valid, the next receipt of the message returns a valid one.
        delivery.extend_at = self._now() + HIDDEN_FOR / 2
        if new is not None and delivery.receipt_handle == handle:
            delivery.receipt_handle = new

    def _forget(self, settled: Iterable[Delivery]) -> None:
        for delivery in settled:
            self._pending.pop(delivery.message.id, None)
        self._fewer.set()
