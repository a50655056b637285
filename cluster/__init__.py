"""
``make cluster``: runs a production-like Airflow on one machine, and scenarios in which its components fail.

It consists of PostgreSQL, Redis, the Celery executor, two instances of each component that can be replicated, and the
emulator.
"""

from __future__ import annotations
