"""Code shared by the tests with a real Airflow."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

from local_airflow import EmulatorService, LocalAirflow, TaskState, wait_until
from support.waiting import CEILING


def connections_of(airflow: LocalAirflow, connection_id: str) -> list[str]:
    """Return a list with the id of a stored connection, or an empty list."""
    found = airflow.api.call("GET", "connections", params={"connection_id_pattern": connection_id})["connections"]
    return [one["connection_id"] for one in found if one["connection_id"] == connection_id]


def connect(airflow: LocalAirflow, emulator: EmulatorService) -> None:
    """Store the connection to the emulator as ``ims_default``, and delete an existing connection with this id."""
    for connection_id in connections_of(airflow, "ims_default"):
        airflow.api.call("DELETE", f"connections/{connection_id}")
    uri = urlsplit(emulator.airflow_env["AIRFLOW_CONN_IMS_DEFAULT"])
    connection = {
        "connection_id": "ims_default",
        "conn_type": "alibabacloud_ims",
        "login": uri.username,
        "password": uri.password,
        "extra": json.dumps(dict(parse_qsl(uri.query))),
    }
    airflow.api.call("POST", "connections", json=connection)


def wait_until_deferral_processed(airflow: LocalAirflow, *tasks: TaskState) -> None:
    """
    Wait until the scheduler has processed the executor events of deferred tasks.

    If a task is queued again before the scheduler has processed the executor event of its deferral, Airflow fails the
    task. A test that ends a job right after the deferral would trigger this error on a busy machine.
    """
    # A task is deferred before its process exits.
    wait_until("idle workers", lambda: not any(airflow.worker_processes(task.id) for task in tasks), CEILING)
    # The scheduler sends one heartbeat per loop, so a complete loop lies between two heartbeats.
    for _ in range(2):
        before = _heartbeat(airflow)
        wait_until("heartbeat of the scheduler", lambda before=before: _heartbeat(airflow) != before, CEILING)  # type: ignore[misc]


def _heartbeat(airflow: LocalAirflow) -> str | None:
    return airflow.api.health().get("scheduler", {}).get("latest_scheduler_heartbeat")
