"""
Exempts waiting triggers from garbage collection, if this is enabled in Airflow's configuration.

A full collection visits every object in the process and blocks all threads during this time: 100 to 200 ms with ten
thousand waiting triggers. Waiting triggers are never garbage, and reference counting frees ended triggers. The option
``[ims] freeze_garbage_collector`` is off by default, because it affects the whole process.
"""

from __future__ import annotations

import gc

from airflow_provider_ims._config import FREEZE_GARBAGE_COLLECTOR

#: The number of waits that start between two calls to :func:`gc.freeze`. Each wait adds about 22 objects.
JOINS = 200


class GarbageFreezer:
    """
    Counts the waits for jobs in this process, and exempts their objects from garbage collection.

    :func:`gc.freeze` exempts all objects that exist in the process. They stay exempt until no wait is left.
    """

    def __init__(self) -> None:
        self._waiting = 0
        self._joined = 0
        self._frozen = False

    def joined(self) -> None:
        """Record that a wait for a job has started."""
        self._waiting += 1
        self._joined += 1
        # If other code has frozen objects, freeze() is not called, because unfreeze() would unfreeze those objects too.
        if self._joined % JOINS == 0 and FREEZE_GARBAGE_COLLECTOR.get() and (self._frozen or not gc.get_freeze_count()):
            self._frozen = True
            gc.freeze()

    def left(self) -> None:
        """Record that a wait for a job has ended."""
        self._waiting -= 1
        if self._waiting:
            return
        self._joined = 0
        if self._frozen:
            self._frozen = False
            gc.unfreeze()


#: There is one instance in each process, because a process has only one garbage collector.
freezer = GarbageFreezer()
