"""How long tests wait for a condition."""

from __future__ import annotations

#: Seconds after which a wait fails. A wait ends as soon as its condition holds, so a high ceiling costs nothing where
#: all is well, and a busy machine does not fail a test.
CEILING = 600
