"""The job clock, which determines the progress of jobs. Signatures are checked against the real time instead."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Literal

ClockMode = Literal["auto", "manual"]

MAX_SECONDS = 1e9
"""The maximum duration of a job in seconds, about 30 years."""

# A job that starts before this time ends before the year 10000, which datetime does not support.
_MAX_TIME = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class JobClock:
    """
    A clock that follows the real time (``auto``) or is stopped (``manual``). In both modes, it can be advanced.

    :param mode: ``auto`` or ``manual``.
    :param saved: The string that :meth:`save` returned in an earlier process, so that the clock continues from there;
        None for a new clock.
    :raises ValueError: If the mode is unknown.
    """

    def __init__(self, mode: ClockMode = "auto", saved: str | None = None) -> None:
        if mode not in ("auto", "manual"):
            raise ValueError(f"clock must be 'auto' or 'manual', not {mode!r}")
        self.mode = mode
        saved_mode, _, value = (saved or " 0").partition(" ")
        # auto: seconds by which the clock is ahead of the real time; manual: the time of the clock.
        if mode == saved_mode:
            self._value = float(value)
        elif mode == "auto":
            self._value = max(0.0, float(value) - time.time())
        else:
            self._value = time.time() + float(value)

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time() + self._value if self.mode == "auto" else self._value

    def advance(self, seconds: float) -> float:
        """
        Advance the clock and return the new time.

        :param seconds: How many seconds to advance the clock.
        :raises ValueError: If ``seconds`` is negative (finished jobs would run again), or if the clock would reach the
            year 9000.
        """
        if seconds < 0:
            raise ValueError("the clock cannot be moved back")
        if not self.now() + seconds < _MAX_TIME:
            raise ValueError("the clock cannot be advanced to the year 9000 or later")
        self._value += seconds
        return self.now()

    def reset(self) -> None:
        """Set the clock to the real time."""
        self._value = 0.0 if self.mode == "auto" else time.time()

    def save(self) -> str:
        """Return a string from which another process can restore the clock."""
        return f"{self.mode} {self._value!r}"


def iso(moment: float) -> str:
    """Return a time in the format of the services, such as ``2022-01-21T06:15:07Z``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_iso(text: str) -> float:
    """
    Parse a time in the format of the services.

    :raises ValueError: If the string has another format.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
