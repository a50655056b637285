"""The clock that jobs live by, apart from real time, which signatures are checked against."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Literal

ClockMode = Literal["auto", "manual"]


class JobClock:
    """
    A clock that runs (``auto``) or stands (``manual``), and moves on when told to.

    :param mode: ``auto`` follows real time; ``manual`` stands still between calls of :meth:`advance`.
    :param saved: what :meth:`save` returned in an earlier life, so that a restart goes on from there.
    """

    def __init__(self, mode: ClockMode = "auto", saved: str | None = None) -> None:
        if mode not in ("auto", "manual"):
            raise ValueError(f"clock must be 'auto' or 'manual', not {mode!r}")
        self.mode = mode
        saved_mode, value = ("", 0.0) if saved is None else self._parse(saved)
        # auto: seconds ahead of real time; manual: the time itself.
        if mode == saved_mode:
            self._value = value
        elif mode == "auto":
            self._value = max(0.0, value - time.time()) if saved else 0.0
        else:
            self._value = time.time() + value

    @staticmethod
    def _parse(saved: str) -> tuple[str, float]:
        mode, _, value = saved.partition(" ")
        return mode, float(value)

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time() + self._value if self.mode == "auto" else self._value

    def advance(self, seconds: float) -> float:
        """
        Move the clock on, never back, and return the new time.

        :param seconds: how far.
        """
        if seconds < 0:
            raise ValueError("a clock cannot be moved back: finished jobs would run again")
        self._value += seconds
        return self.now()

    def save(self) -> str:
        """Return what a later life needs to go on from here."""
        return f"{self.mode} {self._value!r}"


def iso(moment: float) -> str:
    """Return a moment as the services write it, such as ``2022-01-21T06:15:07Z``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_iso(text: str) -> float:
    """
    Return the moment that a text in the services' format means.

    :raises ValueError: if the text has another format.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
