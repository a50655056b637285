"""What the tests of several rooms share."""

from __future__ import annotations
