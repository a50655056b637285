"""An event loop whose time passes at once: instead of sleeping, it moves its clock to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type, misc] - the base depends on the platform
    """A selector that does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("nothing is scheduled, so the event loop would wait forever")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that begins at time 0. What it runs must not wait for threads."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def run(loop: VirtualTimeLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, and close the loop."""
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
