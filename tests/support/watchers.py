"""Runs the watchers of assets as a triggerer of Airflow 3.3 does, with Airflow's manager of shared streams."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.triggers.shared_stream import SharedStreamManager

from support.waiting import CEILING

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger, TriggerEvent

    from support.state_store import StateStore


@dataclass
class Triggerer:
    """
    Runs triggers in the running event loop.

    :param ack_timeout: Seconds within which an event must be stored.
    :ivar events: The events, each with the number of its trigger and the sequence number to confirm.
    :ivar failures: The errors that ended triggers.
    """

    ack_timeout: float = CEILING
    events: list[tuple[int, TriggerEvent, int | None]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.manager = SharedStreamManager(ack_timeout=self.ack_timeout)
        self._ids = itertools.count(1)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        #: A test clears it to hold each event before the triggerer takes it, as a slow log does.
        self.taking = asyncio.Event()
        self.taking.set()
        self.held = 0

    def start(self, trigger: BaseEventTrigger, store: StateStore | None = None) -> int:
        """Run a trigger and return its number."""
        trigger_id = next(self._ids)
        trigger.asset_state_store = store  # type: ignore[assignment]
        self._tasks[trigger_id] = asyncio.get_running_loop().create_task(self._run(trigger_id, trigger))
        return trigger_id

    async def _run(self, trigger_id: int, trigger: BaseEventTrigger) -> None:
        key = trigger.shared_stream_key()
        assert key is not None
        try:
            stream = self.manager.subscribe(trigger_id=trigger_id, trigger=trigger, key=key)
            async for event in trigger.filter_shared_stream(stream):
                self.held += 1
                await self.taking.wait()
                self.held -= 1
                sequence_number = self.manager.bind_pending_event(trigger_id=trigger_id, key=key)
                self.events.append((trigger_id, event, sequence_number))
        except Exception as error:  # noqa: BLE001
            self.failures.append(error)
        finally:
            await self.manager.unsubscribe(trigger_id, key)

    def payloads(self, trigger_id: int | None = None) -> list[Any]:
        """Return the payloads of all events, or of one trigger."""
        return [event.payload for number, event, _ in self.events if trigger_id in (None, number)]

    def store(self) -> None:
        """Confirm that all events are stored."""
        self.manager.confirm_persisted([number for _, _, number in self.events if number is not None])

    async def stop(self, *trigger_ids: int) -> None:
        """Stop the given triggers, or all triggers and their streams."""
        for trigger_id in trigger_ids or list(self._tasks):
            task = self._tasks.pop(trigger_id)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if not trigger_ids:
            await self.manager.stop_all()
