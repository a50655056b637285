"""Remembers the messages that recently caused an event, so that a repeated message causes no second event."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)

#: The maximum number of messages that each watcher remembers. It exceeds the maximum number of messages that a consumer
#: holds. If a triggerer is killed before it deletes them, the watcher therefore recognises all of them as repeats.
REMEMBERED = 500


class RecentMessages:
    """
    The ids of the last messages that caused an event of a watcher.

    From Airflow 3.3, the ids are stored in the state store of the asset, from which a restarted triggerer reads them.

    :param store: The state store of the watcher's asset; ``None`` before Airflow 3.3.
    :param key: The key in the state store.
    """

    def __init__(self, store: Any, key: str) -> None:
        self._store = store
        self._key = key
        self._ids: dict[str, None] = {}
        self._changed = False

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._ids

    def add(self, message_id: str) -> None:
        """Remember a message. Only :meth:`save` writes its id to the state store."""
        self._ids[message_id] = None
        while len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]
        self._changed = True

    async def load(self) -> None:
        """Read the ids from the state store. A failure is logged."""
        if self._store is None:
            return
        try:
            stored = await self._store.aget(self._key, default=[])
        except ValueError:
            # If several assets share the trigger, Airflow rejects the access because it does not specify an asset.
            self._store = None
        except Exception as error:  # noqa: BLE001 - Airflow may raise any exception
            log.warning(
                "Repeated messages may start a second DAG run, because the key %s of the asset state store could not "
                "be read: %s",
                self._key,
                error,
            )
        else:
            if isinstance(stored, list):
                self._ids = {message_id: None for message_id in stored if isinstance(message_id, str)} | self._ids

    async def save(self) -> None:
        """Write the ids to the state store if there are new ones. A failure is logged."""
        if self._store is None or not self._changed:
            return
        self._changed = False
        try:
            await self._store.aset(self._key, list(self._ids))
        except Exception as error:  # noqa: BLE001 - Airflow may raise any exception
            self._changed = True
            log.warning(
                "Repeated messages may start a second DAG run, because the key %s of the asset state store could not "
                "be written: %s",
                self._key,
                error,
            )
