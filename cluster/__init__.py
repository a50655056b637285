"""
``make cluster``: a production-like Airflow on one machine, and scenarios in which its components fail.

It runs PostgreSQL, Redis, the Celery executor, two of each component that may run twice, and the emulator.
"""

from __future__ import annotations
