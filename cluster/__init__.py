"""
``make cluster``: runs a production-like Airflow deployment on one machine, and scenarios in which its components fail.

The deployment consists of PostgreSQL, Redis, the Celery executor with two workers, two schedulers, two triggerers, an
API server, a DAG processor, and the emulator.
"""

from __future__ import annotations
