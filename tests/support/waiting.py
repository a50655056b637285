"""The time limit for waits in tests."""

from __future__ import annotations

#: Seconds after which a wait fails. A wait ends as soon as its condition holds, so a high limit does not slow down
#: passing tests, and it prevents failures on a busy machine.
CEILING = 600
