"""The Airflow components of the cluster, and the Airflow settings, with the reason for each setting."""

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

    :param default: Airflow's default value.
    :param why: The reason for the value.
    """

    section: str
    name: str
    value: str
    default: str
    why: str


#: The content of ``airflow_local_settings.py``, which every component imports when it starts. A Celery worker forks its
#: task processes, so they do not import these modules again.
PRELOAD = """\
import airflow_provider_ims.hooks._sdk
import airflow_provider_ims.operators.ims
import airflow_provider_ims.operators.vod
"""

#: Times are in seconds. The defaults are those of Airflow 3.3.
SETTINGS = (
    Setting(
        "triggerer",
        "triggerer_health_check_threshold",
        "15",
        "30",
        "After this time without a heartbeat, the other triggerer takes over the triggers.",
    ),
    Setting("triggerer", "job_heartbeat_sec", "2", "5", "Allows several heartbeats within the threshold."),
    Setting(
        "scheduler",
        "scheduler_health_check_threshold",
        "15",
        "30",
        "After this time without a heartbeat, the other scheduler adopts the tasks that the dead scheduler had queued.",
    ),
    Setting("scheduler", "scheduler_heartbeat_sec", "2", "5", "Allows several heartbeats within the threshold."),
    Setting(
        "scheduler",
        "scheduler_idle_sleep_time",
        "1",
        "1",
        "Default. With a shorter value, idle schedulers would use CPU time that the other components need.",
    ),
    Setting(
        "scheduler",
        "orphaned_tasks_check_interval",
        "10",
        "300",
        "How often a scheduler checks for orphaned tasks, that is, tasks that a dead scheduler had queued.",
    ),
    Setting(
        "scheduler",
        "task_instance_heartbeat_timeout",
        "30",
        "300",
        "After this time without a heartbeat, a running task fails and is retried. If the worker died while "
        "a submit request was in progress, the retry finds the job that the request created, and waits for it.",
    ),
    Setting(
        "scheduler",
        "task_instance_heartbeat_timeout_detection_interval",
        "5",
        "10",
        "How often a scheduler checks for running tasks without heartbeats.",
    ),
    Setting(
        "scheduler",
        "task_queued_timeout",
        "60",
        "600",
        "After this time, a queued task that no worker has started is queued again, because its message may have been "
        "lost with the broker or with a worker. The value must exceed the time that tasks wait for a free worker.",
    ),
    Setting(
        "scheduler",
        "task_queued_timeout_check_interval",
        "10",
        "120",
        "How often a scheduler checks for tasks that have been queued for too long.",
    ),
    Setting("workers", "min_heartbeat_interval", "2", "5", "Allows several heartbeats within the heartbeat timeout."),
    Setting(
        "core",
        "parallelism",
        "32",
        "32",
        "The maximum number of task instances that can run concurrently per scheduler.",
    ),
    Setting(
        "core",
        "max_active_tasks_per_dag",
        "400",
        "16",
        "Queued and running tasks count as active; deferred tasks do not.",
    ),
    Setting("celery", "worker_concurrency", "4", "16", "Two workers share two CPU cores."),
    Setting("celery", "worker_prefetch_multiplier", "1", "1", "Default. If a worker is killed, few messages are lost."),
    Setting(
        "celery",
        "task_acks_late",
        "True",
        "True",
        "Default. A message is acknowledged when its task has ended. If the worker dies, Redis redelivers the message "
        "only after `visibility_timeout`.",
    ),
    Setting(
        "celery",
        "operation_timeout",
        "5",
        "1",
        "How long a scheduler tries to send a message. With the default of 1 s, tasks fail on a busy machine.",
    ),
    Setting(
        "celery_broker_transport_options",
        "visibility_timeout",
        "86400",
        "86400",
        "After this time, Redis redelivers an unacknowledged message. The value must exceed the duration of the "
        "longest task that occupies a worker. Tasks whose worker has died are detected by "
        "`task_instance_heartbeat_timeout` and `task_queued_timeout` instead.",
    ),
)


def _component(name: str, *command: str, job_type: str | None = None, ready: str | None = None) -> Component:
    return Component(name=name, command=command, job_type=job_type, ready=ready, env={VARIABLE: name})


def components() -> list[Component]:
    """Return the components of Airflow."""
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

    :param database: URI of PostgreSQL.
    :param broker: URL of Redis.
    :param secrets_file: The JSON file with the connections of the secrets backend.
    :param outage_file: While this file exists, the secrets backend is unavailable.
    """
    addresses = {
        "core": {"executor": "CeleryExecutor", "hostname_callable": "cluster.hostname.hostname"},
        "database": {"sql_alchemy_conn": database},
        "celery": {"broker_url": broker, "result_backend": f"db+{database}"},
        "secrets": {
            "backend": "cluster.secrets_backend.FileSecrets",
            "backend_kwargs": json.dumps({"connections": str(secrets_file), "outage": str(outage_file)}),
        },
        # LocalAirflow disables this option, but asset events start DAGs only if it is enabled.
        "scheduler": {"use_job_schedule": "True"},
        # By default, a page contains at most 100 asset events.
        "api": {"maximum_page_limit": "500"},
    }
    return merged(addresses, SETTINGS)


def merged(config: dict[str, dict[str, str]], settings: Iterable[Setting]) -> dict[str, dict[str, str]]:
    """Return a copy of the configuration, with the settings added to its sections."""
    sections = {name: dict(options) for name, options in config.items()}
    for setting in settings:
        sections.setdefault(setting.section, {})[setting.name] = setting.value
    return sections
