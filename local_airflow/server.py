"""A real Airflow, each component a process of its own."""

from __future__ import annotations

import base64
import configparser
import os
import secrets
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import psutil

from local_airflow.api import AirflowApi
from local_airflow.service import LocalAirflowError, Service, end, free_port, until

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Component:
    """
    One process of Airflow.

    :param name: What messages and log files call it.
    :param command: Its arguments of ``airflow``.
    :param health: The key under which Airflow's health page reports the components of its kind; None if it does not.
    :param job_type: Under which Airflow lists it among its jobs, by host name. Set where several components of a kind
        run, since the health page tells only of one.
    :param ready: A line of its log that tells that it works, for what does not report itself to Airflow.
    :param env: Environment of this component only.
    """

    name: str
    command: tuple[str, ...]
    health: str | None = None
    job_type: str | None = None
    ready: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


# The commands that `airflow standalone` runs, in its place: the components can be ended and started again one
# by one, and the log servers that it cannot do without, which listen on every interface, are left out.
COMPONENTS = (
    Component(name="api-server", command=("api-server",)),
    Component(name="scheduler", command=("scheduler", "--skip-serve-logs"), health="scheduler"),
    Component(name="dag-processor", command=("dag-processor",), health="dag_processor"),
    Component(name="triggerer", command=("triggerer", "--skip-serve-logs"), health="triggerer"),
)
_START_TIMEOUT = 600
# All that children see of the environment: no credentials, no proxy, no other Airflow's settings.
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")


class LocalAirflow:
    """
    An Airflow with everything that it writes in one folder; on SQLite unless ``config`` names another database.

    As a context manager it starts all components and ends them.

    :param home: AIRFLOW_HOME; made if it is missing.
    :param dags_folder: Where the DAG processor looks for DAGs.
    :param env: Environment for every component, such as ``AIRFLOW_CONN_...``.
    :param config: Sections of ``airflow.cfg`` over those that are set here.
    :param components: The processes it consists of.
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        config: Mapping[str, Mapping[str, str]] | None = None,
        components: Sequence[Component] = COMPONENTS,
    ) -> None:
        self.home = home.resolve()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.api = AirflowApi(self.url)
        self._env = service_environment(self.home) | {"AIRFLOW_HOME": str(self.home)} | dict(env or {})
        self.home.mkdir(parents=True, exist_ok=True)
        self._write_config(dags_folder.resolve(), config or {})
        self.components = {component.name: component for component in components}
        self.services = {
            component.name: self._service(component.name, component.command, component.env) for component in components
        }

    def __enter__(self) -> LocalAirflow:
        """Start all components."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        self.stop()

    def start(self) -> None:
        """
        Make the database, start every component that does not run and wait until all work.

        :raises LocalAirflowError: If one fails, with the end of its output.
        """
        self._service("db-migrate", ["db", "migrate"]).complete(_START_TIMEOUT)
        for service in self.services.values():
            service.start()
        self.wait_healthy()

    def restart(self, component: str) -> None:
        """Start a component anew and wait until it works; one that still runs is ended first."""
        end([self.services[component]])
        self.services[component].start()
        self.wait_healthy()

    def kill(self, component: str) -> None:
        """End a component and all that it has started with SIGKILL."""
        self.services[component].kill()

    def wait_healthy(self, timeout: float = _START_TIMEOUT, *, without: Collection[str] = ()) -> None:
        """
        Wait until every component has reported itself since its start.

        :param without: Components that need not run.
        :raises LocalAirflowError: If one has ended, or does not report in time.
        """
        expected = [component for name, component in self.components.items() if name not in without]

        def healthy() -> bool:
            for component in expected:
                self.services[component.name].check_running()
            return not self.unready(expected)

        try:
            until("healthy Airflow", healthy, timeout)
        except LocalAirflowError as error:
            services = [self.services[component.name] for component in expected]
            tails = "\n".join(f"--- {service.log}\n{service.tail(15)}" for service in services)
            raise LocalAirflowError(f"{error}\n{tails}") from None

    def unready(self, components: Iterable[Component]) -> list[str]:
        """Return the names of those components that have not reported themselves since their start."""
        health = self.api.health()
        if not health:
            return [component.name for component in components]
        return [component.name for component in components if not self._reported(component, health)]

    def _reported(self, component: Component, health: Mapping[str, Mapping[str, str | None]]) -> bool:
        service = self.services[component.name]
        if component.ready is not None:
            return component.ready in service.output_since_start()
        if component.job_type is not None:
            beats = self.api.heartbeats(component.job_type, component.name)
            return any(beat >= service.started_at for beat in beats)
        return component.health is None or _beats_since(
            health.get(component.health, {}), component.health, service.started_at
        )

    def worker_processes(self, task_instance_id: str) -> list[psutil.Process]:
        """
        Return the processes that run a task instance: none while it is deferred.

        :param task_instance_id: ``TaskState.id``, with which Airflow titles them.
        """
        return [
            process
            for service in self.services.values()
            for process in service.processes()
            if task_instance_id in command_line(process)
        ]

    def stop(self) -> None:
        """
        End every process.

        :raises LocalAirflowError: If one survives.
        """
        self.api.close()
        end(self.services.values())

    def _service(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Service:
        return Service(
            name,
            [sys.executable, "-m", "airflow", *argv],
            env=self._env | dict(env or {}),
            log=self.home / f"{name}.log",
            cwd=self.home,
        )

    def _write_config(self, dags_folder: Path, more: Mapping[str, Mapping[str, str]]) -> None:
        """Write ``airflow.cfg``; an ``airflow`` command with the same AIRFLOW_HOME then reads it too."""
        config = configparser.ConfigParser(interpolation=None)
        config.read_dict(
            {
                "core": {
                    "dags_folder": str(dags_folder),
                    "load_examples": "False",
                    # So many workers are forked at the start, each 145 MB.
                    "parallelism": "4",
                    # A failure shall show at once, not after three tries five minutes apart.
                    "default_task_retry_delay": "1",
                    "simple_auth_manager_all_admins": "True",
                    "execution_api_server_url": f"{self.url}/execution/",
                    "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                    # The default asks the name service, which may be slow to say that it does not know.
                    "hostname_callable": "socket.gethostname",
                },
                "database": {
                    # A writer that a busy machine holds up keeps the others waiting for longer than the default of 5 s.
                    "sql_alchemy_conn": f"sqlite:///{self.home}/airflow.db?timeout=300",
                    "sql_alchemy_pool_size": "50",
                },
                "logging": {"colored_console_log": "False"},
                "api": {
                    "host": "127.0.0.1",
                    "port": self.url.rpartition(":")[2],
                    "base_url": self.url,
                    "secret_key": secrets.token_urlsafe(32),
                },
                # Each component would make up its own, and refuse the others.
                "api_auth": {"jwt_secret": secrets.token_urlsafe(64)},
                "scheduler": {
                    # Nothing runs but what is triggered.
                    "use_job_schedule": "False",
                    "scheduler_idle_sleep_time": "0.2",
                    "scheduler_heartbeat_sec": "1",
                    "orphaned_tasks_check_interval": "10",
                    # On a busy machine one round may take longer than the default of 30 s.
                    "scheduler_health_check_threshold": "300",
                },
                "triggerer": {
                    "job_heartbeat_sec": "1",
                    # After which a new triggerer takes over from one that was killed.
                    "triggerer_health_check_threshold": "10",
                },
                "dag_processor": {
                    "refresh_interval": "5",
                    "bundle_refresh_check_interval": "1",
                    "dag_bundle_storage_path": str(self.home / "bundles"),
                },
            }
        )
        config.read_dict(more)
        with (self.home / "airflow.cfg").open("w") as file:
            config.write(file)


def service_environment(home: Path) -> dict[str, str]:
    """
    Return an environment that holds nothing of this one's credentials, proxies or settings.

    :param home: Stands in for the user's home, in which the SDK looks for credentials.
    """
    return {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ} | {
        "HOME": str(home),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
        # Without it the SDK's default credential chain knocks at an address of the cloud's own network.
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    }


def command_line(process: psutil.Process) -> str:
    """Return a process's title; empty when it has just gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _beats_since(health: Mapping[str, str | None], component: str, since: float) -> bool:
    heartbeat = health.get(f"latest_{component}_heartbeat")
    return (
        health.get("status") == "healthy"
        and heartbeat is not None
        and datetime.fromisoformat(heartbeat).timestamp() >= since
    )
