"""A schedule of many items, each with one due time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

#: The heap is rebuilt when its length exceeds twice the number of items by more than this number.
SLACK = 100


class Schedule(Generic[T]):
    """A heap with lazy deletion: an item that is moved or removed leaves an outdated entry, which is skipped later."""

    def __init__(self) -> None:
        # The garbage collector does not track tuples of numbers, so ten thousand of them do not slow it down.
        self._heap: list[tuple[float, int]] = []
        self._items: dict[int, T] = {}
        self._numbers: dict[T, int] = {}
        self._order = itertools.count()

    @property
    def next_time(self) -> float:
        """The earliest due time; infinity if there are no items."""
        while self._heap and self._heap[0][1] not in self._items:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def add(self, item: T, at: float) -> None:
        """Add an item, or move it to another time."""
        self._forget(item)
        number = next(self._order)
        self._items[number], self._numbers[item] = item, number
        heapq.heappush(self._heap, (at, number))
        self._compact()

    def remove(self, item: T) -> None:
        """Remove an item if it is scheduled."""
        if self._forget(item):
            self._compact()

    def take(self, now: float) -> list[tuple[float, T]]:
        """Remove all due items, and return them with their times, the earliest first."""
        taken: list[tuple[float, T]] = []
        while (at := self.next_time) <= now:
            taken.append((at, self._take_next()))
        return taken

    def take_next(self, count: int) -> list[T]:
        """Remove and return up to ``count`` items that are due next."""
        return [self._take_next() for _ in range(min(count, len(self._items)))]

    def _take_next(self) -> T:
        number = -1
        while number not in self._items:
            _, number = heapq.heappop(self._heap)
        item = self._items[number]
        self._forget(item)
        return item

    def _forget(self, item: T) -> bool:
        number = self._numbers.pop(item, None)
        if number is None:
            return False
        del self._items[number]
        return True

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._items) + SLACK:
            self._heap = [entry for entry in self._heap if entry[1] in self._items]
            heapq.heapify(self._heap)
