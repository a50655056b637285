"""A local IMS and VOD for running and testing DAGs with no cloud account."""

from __future__ import annotations
