"""
A real Airflow and an emulated IMS on this machine, for ``make demo``, ``make ui`` and the system tests.

Everything listens on 127.0.0.1 only, keeps its files in one folder and ends with the process that started it.
"""

from __future__ import annotations

from local_airflow.api import AirflowApi, LogLine, TaskState
from local_airflow.emulator import EmulatorService
from local_airflow.server import LocalAirflow
from local_airflow.service import LocalAirflowError, Service, end, until

__all__ = [
    "AirflowApi",
    "EmulatorService",
    "LocalAirflow",
    "LocalAirflowError",
    "LogLine",
    "Service",
    "TaskState",
    "end",
    "until",
]
