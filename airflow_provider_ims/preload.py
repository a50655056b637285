"""
Import once per worker what each task process would import anew.

Airflow forks a process for each task. What the worker has imported before, its tasks need not import: with this line in
``airflow_local_settings.py`` a submit saves about 0.3 s of CPU. It imports no part of Airflow, so it is safe at that
point, and costs each component of Airflow the same 0.3 s once. ::

    import airflow_provider_ims.preload  # noqa: F401
"""

from __future__ import annotations

import jsonschema
import tenacity

from airflow_provider_ims.hooks import sdk

__all__ = ["jsonschema", "sdk", "tenacity"]
