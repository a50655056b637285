"""
Runs a real Airflow and the emulator locally, for the demo, the cluster, the matrix, the benchmarks and the tests.

All services listen only on 127.0.0.1, and each service keeps its files in one folder. The services are context
managers, which stop all processes at the end of the block.
"""

from __future__ import annotations

from local_airflow.api import AirflowApi, LogLine, TaskState
from local_airflow.backends import PostgresService, RedisService
from local_airflow.emulator import EmulatorService
from local_airflow.server import Component, LocalAirflow
from local_airflow.service import LocalAirflowError, Service, stop_services, wait_until
from local_airflow.supervisor import Supervisor

__all__ = [
    "AirflowApi",
    "Component",
    "EmulatorService",
    "LocalAirflow",
    "LocalAirflowError",
    "LogLine",
    "PostgresService",
    "RedisService",
    "Service",
    "Supervisor",
    "TaskState",
    "stop_services",
    "wait_until",
]
