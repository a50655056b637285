"""``make matrix``: the package on each supported Airflow and Python, installed as users install it."""

from __future__ import annotations
