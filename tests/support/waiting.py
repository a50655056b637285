"""The time limit of waits in tests."""

from __future__ import annotations

#: Seconds after which a wait fails. A wait ends as soon as its condition holds, so a high limit costs nothing in a
#: passing test, and a busy machine does not fail a test.
CEILING = 600
