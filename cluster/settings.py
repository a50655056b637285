"""What the cluster consists of, and the settings of Airflow with the reason for each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.hostname import VARIABLE
from local_airflow import Component

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEDULERS = ("scheduler-1", "scheduler-2")
TRIGGERERS = ("triggerer-1", "triggerer-2")
WORKERS = ("worker-1", "worker-2")


@dataclass(frozen=True)
class Setting:
    """
    One option of ``airflow.cfg``.

    :param default: What it is unless set.
    :param why: The reason for the value.
    """

    section: str
    name: str
    value: str
    default: str
    why: str


#: ``airflow_local_settings.py``, which every component imports at its start. A Celery worker's task processes are its
#: forks, so they need not import again what it has imported.
PRELOAD = """\
import airflow_provider_ims.hooks.sdk
import airflow_provider_ims.operators.ims
import airflow_provider_ims.operators.vod
"""

#: In seconds where they are times. The defaults are those of Airflow 3.3.
SETTINGS = (
    Setting(
        "triggerer",
        "triggerer_health_check_threshold",
        "15",
        "30",
        "After so long without a heartbeat the other triggerer takes the waits over.",
    ),
    Setting("triggerer", "job_heartbeat_sec", "2", "5", "Several heartbeats within the threshold."),
    Setting(
        "scheduler",
        "scheduler_health_check_threshold",
        "15",
        "30",
        "After so long without a heartbeat the other scheduler adopts the tasks that a scheduler had queued.",
    ),
    Setting("scheduler", "scheduler_heartbeat_sec", "2", "5", "Several heartbeats within the threshold."),
    Setting("scheduler", "scheduler_idle_sleep_time", "1", "1", "Two schedulers share two cores with all else."),
    Setting("scheduler", "orphaned_tasks_check_interval", "10", "300", "How often a scheduler looks for such tasks."),
    Setting(
        "scheduler",
        "task_instance_heartbeat_timeout",
        "30",
        "300",
        "After so long without a heartbeat a running task is given up and retried. A submit that hangs longer is "
        "joined by the retry.",
    ),
    Setting(
        "scheduler", "task_instance_heartbeat_timeout_detection_interval", "5", "10", "How often a scheduler looks."
    ),
    Setting(
        "scheduler",
        "task_queued_timeout",
        "60",
        "600",
        "After so long a queued task that no worker has begun is queued again: its message was lost with the broker, "
        "or with a worker. It must be longer than tasks wait for a free worker.",
    ),
    Setting("scheduler", "task_queued_timeout_check_interval", "10", "120", "How often a scheduler looks."),
    Setting("workers", "min_heartbeat_interval", "2", "5", "Several heartbeats within the time-out."),
    Setting("core", "parallelism", "32", "32", "How many tasks each scheduler hands to the workers at a time."),
    Setting("core", "max_active_tasks_per_dag", "400", "16", "Deferred tasks do not count, those that submit do."),
    Setting("celery", "worker_concurrency", "4", "16", "Two workers share two cores."),
    Setting("celery", "worker_prefetch_multiplier", "1", "1", "A worker that dies takes few messages with it."),
    Setting(
        "celery",
        "task_acks_late",
        "True",
        "True",
        "A message is acknowledged when its task has ended. With a long `visibility_timeout` it comes again late.",
    ),
    Setting(
        "celery",
        "operation_timeout",
        "5",
        "1",
        "For how long a scheduler tries to send a message; with the default a busy machine fails tasks.",
    ),
    Setting(
        "celery_broker_transport_options",
        "visibility_timeout",
        "86400",
        "86400",
        "After so long Redis gives an unacknowledged message to another worker. It must be longer than the longest "
        "task that holds a worker; lost tasks are found by the two time-outs of the scheduler instead.",
    ),
)


def _component(name: str, *command: str, job_type: str | None = None, ready: str | None = None) -> Component:
    return Component(name=name, command=command, job_type=job_type, ready=ready, env={VARIABLE: name})


def components() -> list[Component]:
    """Return the processes of Airflow."""
    return [
        _component("api-server", "api-server"),
        *(_component(name, "scheduler", "--skip-serve-logs", job_type="SchedulerJob") for name in SCHEDULERS),
        _component("dag-processor", "dag-processor", job_type="DagProcessorJob"),
        *(_component(name, "triggerer", "--skip-serve-logs", job_type="TriggererJob") for name in TRIGGERERS),
        *(
            _component(name, "celery", "worker", "--skip-serve-logs", "-H", name, ready=f"{name} ready.")
            for name in WORKERS
        ),
    ]


def config(*, database: str, broker: str, secrets_file: Path, outage_file: Path) -> dict[str, dict[str, str]]:
    """
    Return the sections of ``airflow.cfg``.

    :param database: Address of PostgreSQL.
    :param broker: Address of Redis.
    :param secrets_file: The connections of the secrets backend.
    :param outage_file: While it exists, the secrets backend raises.
    """
    places = {
        "core": {"executor": "CeleryExecutor", "hostname_callable": "cluster.hostname.hostname"},
        "database": {"sql_alchemy_conn": database},
        "celery": {"broker_url": broker, "result_backend": f"db+{database}"},
        "secrets": {
            "backend": "cluster.secrets_backend.FileSecrets",
            "backend_kwargs": json.dumps({"connections": str(secrets_file), "outage": str(outage_file)}),
        },
        # So that the harness can ask for many tasks at a time.
        "api": {"maximum_page_limit": "500"},
    }
    return merged(places, SETTINGS)


def merged(places: dict[str, dict[str, str]], settings: Iterable[Setting]) -> dict[str, dict[str, str]]:
    """Return both in one, by section."""
    sections = {name: dict(options) for name, options in places.items()}
    for setting in settings:
        sections.setdefault(setting.section, {})[setting.name] = setting.value
    return sections
