"""
Keeps Python's garbage collector from going over all that waits, again and again.

A full run of the collector stops every thread, the event loop's included, for as long as it takes to go over every
object of the process: 100 to 200 ms with ten thousand waiting triggers. None of them is garbage before it ends, and
then the reference counts free it. So what is there while many join is set aside with :func:`gc.freeze`, which is
O(1), and put back when nobody waits any more. Garbage in reference cycles that happens to be set aside stays until
then; a full run found 100 to 200 such objects.
"""

from __future__ import annotations

import gc

#: Jobs that join between two times of setting aside; each brings about 22 objects, its trigger's and task's included.
JOINS = 200


class GarbageFreezer:
    """Counts who waits in this process, and sets aside what need not be gone over."""

    def __init__(self) -> None:
        self._waiting = 0
        self._joined = 0
        self._ours = False

    def joined(self) -> None:
        """Take note of one job more."""
        self._waiting += 1
        self._joined += 1
        if self._joined < JOINS:
            return
        self._joined = 0
        # What somebody else has set aside can't be told from ours when it is put back: leave the collector to them.
        if self._ours or not gc.get_freeze_count():
            self._ours = True
            gc.freeze()

    def left(self) -> None:
        """Take note of one job less; after the last one the collector is as it was."""
        self._waiting -= 1
        if self._waiting:
            return
        self._joined = 0
        if self._ours:
            self._ours = False
            gc.unfreeze()


#: The collector is the process's, so is this.
collector = GarbageFreezer()
