"""
Imports the SDK once per worker instead of once per task process.

Airflow forks a process for each task, and the process inherits the worker's imports. With this line in
``airflow_local_settings.py``, each task that submits a job takes about 0.3 s less CPU time, and every Airflow component
takes 0.3 s longer to start. This module does not import Airflow, so it is safe to import there. ::

    import airflow_provider_ims.preload  # noqa: F401
"""

from __future__ import annotations

import jsonschema

from airflow_provider_ims.hooks import _sdk as sdk

__all__ = ["jsonschema", "sdk"]
