"""Deletes and releases messages in the background, so that the next messages are received meanwhile."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Callable
from functools import partial

from airflow_provider_ims._waiting.daemon_thread import DaemonThread
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError
from airflow_provider_ims.hooks.smq import BATCH, SmqHook

log = logging.getLogger(__name__)

#: The number of messages that wait to be released. Others become visible again after the queue's visibility timeout.
MAX_RELEASES = 200


class Discarder:
    """
    Deletes and releases messages in a thread of its own, deletions first.

    :param resolver: The resolver of the connection, after it was resolved.
    """

    def __init__(self, resolver: HookResolver[SmqHook]) -> None:
        self._resolver = resolver
        self._deletions: list[str] = []
        self._releases: deque[tuple[str, int]] = deque()
        self._changed = asyncio.Event()
        self._stopped = False
        self._denied: set[str | None] = set()
        self._task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def delete(self, handle: str) -> None:
        """Delete a message soon. If that fails, it is received again."""
        self._deletions.append(handle)
        self._changed.set()

    def release(self, handle: str, seconds: int) -> None:
        """Make a message visible for other triggerers after some seconds, unless many others are to be released."""
        if len(self._releases) < MAX_RELEASES:
            self._releases.append((handle, seconds))
            self._changed.set()

    def stop(self) -> None:
        """Stop after the pending requests."""
        self._stopped = True
        self._changed.set()

    async def _run(self) -> None:
        thread = DaemonThread("ims-smq-discard")
        try:
            while self._deletions or self._releases or not self._stopped:
                if not self._deletions and not self._releases:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                try:
                    await thread.run(self._next_request())
                except Exception as error:  # noqa: BLE001 - the message becomes visible again
                    self._failed(error)
        finally:
            thread.stop()

    def _next_request(self) -> Callable[[], object]:
        hook = self._resolver.hook
        queue = hook.settings.smq_queue or ""
        if self._deletions:
            batch, self._deletions = self._deletions[:BATCH], self._deletions[BATCH:]
            return partial(hook.delete, queue, batch)
        handle, seconds = self._releases.popleft()
        return partial(hook.change_visibility, queue, handle, seconds)

    def _failed(self, error: Exception) -> None:
        code = error.action if isinstance(error, ImsError) else None
        if isinstance(error, ImsPermissionError) and code not in self._denied:
            self._denied.add(code)
            log.warning("Messages are received again and again: %s", error)
        else:
            log.debug("A message is received again: %s", error)
