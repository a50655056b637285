"""
``make cluster``: Airflow as it runs in production, on one machine, and what happens when parts of it fail.

PostgreSQL, Redis, the Celery executor, two of each component that may run twice, and the emulator.
"""

from __future__ import annotations
