"""Code shared by several test modules."""

from __future__ import annotations
