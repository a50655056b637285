"""A schedule of many items, each with one due time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

#: The heap is rebuilt when its length exceeds twice the number of items by more than this.
SLACK = 100


class Schedule(Generic[T]):
    """A heap with lazy deletion: an item that is moved or removed leaves an outdated entry, which is skipped later."""

    def __init__(self) -> None:
        self._times: dict[T, float] = {}
        self._heap: list[tuple[float, int, T]] = []
        self._order = itertools.count()

    @property
    def next_time(self) -> float:
        """The earliest due time; infinity if there are no items."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def add(self, item: T, at: float) -> None:
        """Add an item, or move it to another time."""
        self._times[item] = at
        heapq.heappush(self._heap, (at, next(self._order), item))
        self._compact()

    def remove(self, item: T) -> None:
        """Remove an item if it is scheduled."""
        if self._times.pop(item, None) is not None:
            self._compact()

    def take(self, now: float, multiple: int = 1) -> list[tuple[float, T]]:
        """
        Remove and return all due items with their times, the earliest first.

        :param multiple: Add the items that are due next until the length of the list is a multiple of this.
        """
        taken: list[tuple[float, T]] = []
        while (at := self.next_time) <= now or (self._times and len(taken) % multiple):
            _, _, item = heapq.heappop(self._heap)
            del self._times[item]
            taken.append((at, item))
        return taken

    def _is_current(self, entry: tuple[float, int, T]) -> bool:
        at, _, item = entry
        return self._times.get(item) == at

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._times) + SLACK:
            self._heap = [entry for entry in self._heap if self._is_current(entry)]
            heapq.heapify(self._heap)
