"""Waits in tests, and their time limit."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds after which a wait fails. A wait ends as soon as its condition holds, so a high limit does not slow down
#: passing tests, and it prevents failures on a busy machine.
CEILING = 600


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + CEILING
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
