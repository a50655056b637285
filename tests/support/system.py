"""What the tests on a real Airflow share."""

from __future__ import annotations

from local_airflow import LocalAirflow, TaskState, wait_until
from support.waiting import CEILING


def connections_of(airflow: LocalAirflow, connection_id: str) -> list[str]:
    """Return the ids of the stored connections that are equal to an id: one or none."""
    found = airflow.api.call("GET", "connections", params={"connection_id_pattern": connection_id})["connections"]
    return [one["connection_id"] for one in found if one["connection_id"] == connection_id]


def until_heard(airflow: LocalAirflow, *tasks: TaskState) -> None:
    """
    Wait until the workers are done with deferred tasks, and the scheduler has processed what they reported.

    When it hears that a process has deferred its task only after the task was queued again, it takes the task for
    failed. A test that lets a job end right after the deferral would run into that on a busy machine.
    """
    # A task is deferred before its process ends.
    wait_until("free workers", lambda: not any(airflow.worker_processes(task.id) for task in tasks), CEILING)
    # The scheduler sends its heartbeat once in a round: between two of them lies a whole round.
    for _ in range(2):
        before = _heartbeat(airflow)
        wait_until("heartbeat of the scheduler", lambda before=before: _heartbeat(airflow) != before, CEILING)  # type: ignore[misc]


def _heartbeat(airflow: LocalAirflow) -> str | None:
    return airflow.api.health().get("scheduler", {}).get("latest_scheduler_heartbeat")
