"""
Exempts waiting triggers from garbage collection, if Airflow's configuration says so.

A full collection visits every object of the process and stops every thread meanwhile: 100 to 200 ms with ten thousand
waiting triggers. No waiting trigger is garbage, and reference counting frees those that end. The option
``[alibabacloud_ims] freeze_garbage_collector`` is off by default, because it affects the whole process.
"""

from __future__ import annotations

import gc
import logging

log = logging.getLogger(__name__)

#: The number of joining jobs between two calls of :func:`gc.freeze`. Each brings about 22 objects.
JOINS = 200


class GarbageFreezer:
    """Counts the jobs that wait in this process, and freezes the garbage collector."""

    def __init__(self) -> None:
        self._waiting = 0
        self._joined = 0
        self._frozen = False

    def joined(self) -> None:
        """Record that a job waits."""
        self._waiting += 1
        self._joined += 1
        # Objects that other code has frozen cannot be distinguished at the unfreeze, so nothing is frozen then.
        if self._joined % JOINS == 0 and _is_enabled() and (self._frozen or not gc.get_freeze_count()):
            self._frozen = True
            gc.freeze()

    def left(self) -> None:
        """Record that a job no longer waits."""
        self._waiting -= 1
        if self._waiting:
            return
        self._joined = 0
        if self._frozen:
            self._frozen = False
            gc.unfreeze()


def _is_enabled() -> bool:
    # Imported late: only a triggerer with many waiting jobs needs it.
    from airflow.providers.common.compat.sdk import conf

    try:
        return bool(conf.getboolean("alibabacloud_ims", "freeze_garbage_collector", fallback=False))
    except Exception as error:  # noqa: BLE001 - its class depends on Airflow's version, and no wait must end
        log.warning("The garbage collector is not frozen: %s", error)
        return False


#: The garbage collector belongs to the process, and so does this.
freezer = GarbageFreezer()
