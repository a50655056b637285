"""``make matrix``: check the package on each supported version of Airflow and Python, installed as users install it."""

from __future__ import annotations
