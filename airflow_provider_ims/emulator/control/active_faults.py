"""
The faults that are injected into an emulator.

They are stored only in memory, so a restart of the emulator removes them.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.queue_actions import QUEUE_ACTIONS
from airflow_provider_ims.emulator.control.faults import FAULT_KINDS, WILDCARDS, Fault


class Faults:
    """All faults of one emulator."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def add(
        self,
        action: str,
        kind: str,
        count: int | None,
        options: Mapping[str, Any],
        *,
        share: float = 1.0,
        seed: int | None = None,
    ) -> Fault:
        """
        Add a fault.

        :param action: The action that it affects; ``*`` for all actions of IMS and VOD, ``smq:*`` for those of SMQ.
        :param kind: A key of :data:`FAULT_KINDS`.
        :param count: How many requests it affects; None for all requests until it is cleared. A rate limit ignores this
            argument: it always affects all requests until it is cleared.
        :param options: Options that override the defaults of the kind.
        :param share: The fraction of requests that it affects, chosen at random; above 0 and at most 1.
        :param seed: The seed of the random choice.
        :raises ValueError: If the action, kind, count, share or an option is invalid.
        """
        known_actions = (*WILDCARDS, *ACTIONS, *QUEUE_ACTIONS)
        if action not in known_actions:
            raise ValueError(f"unknown action {action!r}; known actions: {', '.join(known_actions)}")
        if kind not in FAULT_KINDS:
            raise ValueError(f"unknown fault {kind!r}; known faults: {', '.join(FAULT_KINDS)}")
        fault_kind = FAULT_KINDS[kind]
        scope = fault_kind.scope
        if scope is not None and set(WILDCARDS.get(action, (action,))).isdisjoint(scope.actions):
            raise ValueError(f"the fault {kind!r} affects only {scope.name}, not {action}")
        if count is not None and count < 1:
            raise ValueError(f"count must be 1 or more, not {count}")
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {share}")
        known = fault_kind.options
        if unknown := set(options) - set(known):
            raise ValueError(
                f"the fault {kind!r} has no option {unknown.pop()!r}; its options: {', '.join(known) or 'none'}"
            )
        for name, value in options.items():
            known[name][1].check(name, value)
        remaining = None if fault_kind.is_rate_limit else count
        values = {**{name: default for name, (default, _) in known.items()}, **options}
        fault = Fault(next(self._numbers), action, kind, remaining, values, share, random.Random(seed))
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults and release all hanging requests."""
        self.release()
        self._faults.clear()

    def release(self) -> None:
        """Release all hanging requests."""
        self.released.set()
        self.released = asyncio.Event()

    def describe(self) -> list[dict[str, Any]]:
        """Return all faults in the format of the control interface."""
        return [fault.describe() for fault in self._faults]

    def due(self, action: str, *, after: bool) -> Iterator[Fault]:
        """
        Yield the faults that affect a request, and decrement the number of requests that each fault still affects.

        Before a request is processed, at most one rate limit and one other fault affect it. Afterwards, one fault of
        each kind can affect it; for example, the job can fail and the response can be lost.
        """
        order = list(FAULT_KINDS).index if after else lambda kind: 0
        seen: set[str] = set()
        for fault in sorted(self._faults, key=lambda fault: (order(fault.kind), fault.number)):
            kind = FAULT_KINDS[fault.kind]
            slot = fault.kind if after or kind.is_rate_limit else "before"
            if kind.after is not after or slot in seen or not fault.affects(action):
                continue
            seen.add(slot)
            if fault.remaining is not None:
                fault.remaining -= 1
                if fault.remaining == 0:
                    self._faults.remove(fault)
            yield fault
