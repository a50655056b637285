"""Resolves, on the event loop, the connection of a poller, a queue reader or a consumer, and keeps it current."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from asgiref.sync import sync_to_async

from airflow_provider_ims.hooks._connected import ConnectedHook

H = TypeVar("H", bound=ConnectedHook)

log = logging.getLogger(__name__)

#: Seconds after which the connection is resolved again.
CONNECTION_LIFETIME = 60.0
#: Seconds until the next attempt after a failed attempt, or after the service denied a request.
RETRY_INTERVAL = 5.0


class HookResolver(Generic[H]):
    """
    Resolves the connection of a poller, a reader or a consumer, and holds the hook that uses this connection.

    Only the event loop's thread may call methods other than :meth:`expire`. Before Airflow 3.2.2, a blocking connection
    lookup in a thread that asgiref does not manage kills the triggerer (apache/airflow#64620), so the threads of a
    poller, a reader or a consumer send no requests to Airflow.

    :param make_hook: A function that returns a new hook of the connection.
    :param now: A function that returns the time in seconds, on a monotonic clock.
    """

    def __init__(self, make_hook: Callable[[], H], now: Callable[[], float] = time.monotonic) -> None:
        self._make_hook = make_hook
        self._now = now
        self._hook: H | None = None
        self._failure: BaseException | None = None
        self._expires = float("-inf")
        self._resolving: asyncio.Future[None] | None = None

    @property
    def hook(self) -> H:
        """The most recently resolved hook."""
        assert self._hook is not None, "call refresh() first"
        return self._hook

    async def refresh(self) -> None:
        """
        Resolve the connection, unless it was resolved less than a minute ago or failed to resolve less than 5 s ago.

        While the connection is resolved again, and if this fails, the previous hook stays in use, because polling must
        not depend on the availability of the secrets backend.

        :raises ImsError: when the connection was never resolved and cannot be resolved now; an
            :class:`~airflow_provider_ims.exceptions.ImsUnavailableError` if a later attempt may succeed.
        """
        if self._resolving is None and self._now() >= self._expires:
            self._expires = self._now() + CONNECTION_LIFETIME
            self._resolving = asyncio.ensure_future(self._resolve())
        if self._hook is None and self._resolving is not None:
            await asyncio.shield(self._resolving)
        if self._hook is None and self._failure is not None:
            # The traceback is removed, because it would grow with each raise.
            raise self._failure.with_traceback(None)

    def expire(self) -> None:
        """Resolve the connection again at the first :meth:`refresh` after 5 s. Any thread may call this method."""
        self._expires = min(self._expires, self._now() + RETRY_INTERVAL)

    async def _resolve(self) -> None:
        try:
            # asgiref runs the requests to the supervisor on this event loop, which works in every version of Airflow.
            hook = await sync_to_async(self._new_hook, thread_sensitive=False)()
        except Exception as error:  # noqa: BLE001 - refresh() raises it
            if self._hook is not None and self._failure is None:
                log.warning("%s. The previous connection remains in use", error)
            self._failure = error
            self._expires = self._now() + RETRY_INTERVAL
        else:
            if self._hook is not None and self._failure is not None:
                log.info("Connection %s was resolved again", hook.ims_conn_id)
            self._failure = None
            # An unchanged connection keeps its hook, whose temporary credentials may still be valid.
            if self._hook is None or hook.settings != self._hook.settings:
                self._hook = hook
        finally:
            self._resolving = None

    def _new_hook(self) -> H:
        hook = self._make_hook()
        hook.reconnect()
        return hook
