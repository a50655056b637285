"""Deletes and releases messages in the background, while the reader receives the next messages."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from airflow_provider_ims._waiting.daemon_thread import DaemonThread
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError
from airflow_provider_ims.hooks.smq import BATCH, SmqHook

log = logging.getLogger(__name__)

#: The longest time, in seconds, that a deletion waits for a full batch.
DELETE_AFTER = 2.0
#: The maximum number of messages that wait to be deleted. Further messages are not deleted, so they are received again.
#: With a higher maximum, the visibility timeouts of waiting messages could end before they are deleted.
MAX_DELETIONS = 800
#: The maximum number of messages that wait to be released. Further messages become visible again when their
#: visibility timeout ends.
MAX_RELEASES = 200


class Discarder:
    """
    Deletes and releases messages in its own thread. One request deletes up to ``BATCH`` messages.

    Releasing a message makes it visible again, so that another triggerer can receive it.

    :param resolver: The resolver of the connection. It must have resolved the connection before a message is deleted or
        released.
    """

    def __init__(self, resolver: HookResolver[SmqHook]) -> None:
        self._resolver = resolver
        self._deletions: list[str] = []
        self._releases: deque[tuple[str, int]] = deque()
        self._delete_at = 0.0
        self._changed = asyncio.Event()
        self._stopped = False
        self._denied: set[str | None] = set()
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def delete(self, handle: str) -> None:
        """Queue a message for deletion, unless ``MAX_DELETIONS`` messages are pending."""
        if len(self._deletions) >= MAX_DELETIONS:
            return
        if not self._deletions:
            self._delete_at = time.monotonic() + DELETE_AFTER
        self._deletions.append(handle)
        self._changed.set()

    def release(self, handle: str, seconds: int) -> None:
        """Make a message visible again after ``seconds``, unless ``MAX_RELEASES`` messages are pending."""
        if len(self._releases) < MAX_RELEASES:
            self._releases.append((handle, seconds))
            self._changed.set()

    def stop(self) -> None:
        """Stop after the pending deletions and releases."""
        self._stopped = True
        self._changed.set()

    async def _run(self) -> None:
        thread = DaemonThread("ims-smq-discard")
        try:
            while self._deletions or self._releases or not self._stopped:
                self._changed.clear()
                if (request := self._next_request()) is None:
                    await self._wait()
                    continue
                try:
                    await thread.run(request)
                except Exception as error:  # noqa: BLE001 - the message becomes visible again
                    self._failed(error)
        finally:
            thread.stop()

    def _next_request(self) -> Callable[[], object] | None:
        if not self._deletions and not self._releases:
            return None
        hook = self._resolver.hook
        queue = hook.settings.smq_queue or ""
        is_due = self._stopped or time.monotonic() >= self._delete_at
        if len(self._deletions) >= BATCH or (self._deletions and is_due):
            batch, self._deletions = self._deletions[:BATCH], self._deletions[BATCH:]
            return partial(hook.delete, queue, batch)
        if self._releases:
            handle, seconds = self._releases.popleft()
            return partial(hook.change_visibility, queue, handle, seconds)
        return None

    async def _wait(self) -> None:
        """Wait until there is more to do, or the deletions are due."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._delete_at - time.monotonic() if self._deletions else None):
                await self._changed.wait()

    def _failed(self, error: Exception) -> None:
        action = error.action if isinstance(error, ImsError) else None
        if isinstance(error, ImsPermissionError) and action not in self._denied:
            self._denied.add(action)
            log.warning("Messages cannot be deleted or released, so they are received repeatedly or late: %s", error)
        else:
            log.debug("A request to delete or release messages failed, so they will be received again: %s", error)
