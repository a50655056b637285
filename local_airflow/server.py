"""A real Airflow with each component in a separate process."""

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
from local_airflow.service import LocalAirflowError, Service, StartStopContext, free_port, stop_services, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Component:
    """
    One process of Airflow.

    :param name: Its name in messages and log file names.
    :param command: The arguments of ``airflow``.
    :param health: The key of the component in the response of Airflow's health endpoint; None if it has no key.
    :param job_type: The type of the component's job in Airflow's list of jobs. Set this if several components of one
        type run, because the health endpoint reports only one of them. The component is then found by its host name.
    :param ready: A log line that shows that the component is ready, if it does not report heartbeats to Airflow.
    :param env: Environment variables only for this component.
    """

    name: str
    command: tuple[str, ...]
    health: str | None = None
    job_type: str | None = None
    ready: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


# The commands that `airflow standalone` runs. Here, they run separately, so that each component can be restarted, and
# the log servers, which would listen on all interfaces, are not started.
COMPONENTS = (
    Component(name="api-server", command=("api-server",)),
    Component(name="scheduler", command=("scheduler", "--skip-serve-logs"), health="scheduler"),
    Component(name="dag-processor", command=("dag-processor",), health="dag_processor"),
    Component(name="triggerer", command=("triggerer", "--skip-serve-logs"), health="triggerer"),
)
_START_TIMEOUT = 600
# The environment variables that services inherit. They do not inherit credentials, proxies or settings of Airflow.
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")


class LocalAirflow(StartStopContext):
    """
    An Airflow instance that keeps all its files in one folder.

    It uses SQLite unless ``config`` specifies another database. It is a context manager, which starts and stops all
    components.

    :param home: AIRFLOW_HOME; created if it does not exist.
    :param dags_folder: The DAGs folder.
    :param env: Environment variables of all components, such as ``AIRFLOW_CONN_...``.
    :param config: Sections of ``airflow.cfg`` that override the defaults of this class.
    :param components: The processes to run.
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

    def start(self) -> None:
        """
        Create the database if necessary, start all components that are not running, and wait until they are healthy.

        :raises LocalAirflowError: If a component fails; the message contains the end of its output.
        """
        self._service("db-migrate", ["db", "migrate"]).run_to_completion(_START_TIMEOUT)
        for service in self.services.values():
            service.start()
        self.wait_healthy()

    def restart(self, component: str) -> None:
        """Restart a component and wait until it is healthy."""
        stop_services([self.services[component]])
        self.services[component].start()
        self.wait_healthy()

    def kill(self, component: str) -> None:
        """Send SIGKILL to a component and to all processes that it has started."""
        self.services[component].kill()

    def wait_healthy(self, timeout: float = _START_TIMEOUT, *, without: Collection[str] = ()) -> None:
        """
        Wait until every component is ready.

        :param timeout: Maximum number of seconds to wait.
        :param without: Components that need not be running.
        :raises LocalAirflowError: If a component exits or is not ready in time.
        """
        expected = [component for name, component in self.components.items() if name not in without]

        def healthy() -> bool:
            for component in expected:
                self.services[component.name].check_running()
            return not self.unready(expected)

        try:
            wait_until("healthy components", healthy, timeout)
        except LocalAirflowError as error:
            services = [self.services[component.name] for component in expected]
            tails = "\n".join(f"--- {service.log}\n{service.tail(15)}" for service in services)
            raise LocalAirflowError(f"{error}\n{tails}") from None

    def unready(self, components: Iterable[Component]) -> list[str]:
        """Return the names of the components that are not ready yet."""
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
        Return the processes that run a task instance; there are none while it is deferred.

        :param task_instance_id: ``TaskState.id``, which Airflow includes in their process titles.
        """
        return [
            process
            for service in self.services.values()
            for process in service.processes()
            if task_instance_id in command_line(process)
        ]

    def stop(self) -> None:
        """
        Stop all processes.

        :raises LocalAirflowError: If a process survives.
        """
        self.api.close()
        stop_services(self.services.values())

    def _service(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> Service:
        return Service(
            name,
            [sys.executable, "-m", "airflow", *argv],
            env=self._env | dict(env or {}),
            log=self.home / f"{name}.log",
            cwd=self.home,
        )

    def _write_config(self, dags_folder: Path, more: Mapping[str, Mapping[str, str]]) -> None:
        """Write ``airflow.cfg``, which any ``airflow`` command with the same AIRFLOW_HOME reads."""
        config = configparser.ConfigParser(interpolation=None)
        config.read_dict(
            {
                "core": {
                    "dags_folder": str(dags_folder),
                    "load_examples": "False",
                    # At startup, the scheduler forks this number of workers. Each worker uses 145 MB.
                    "parallelism": "4",
                    # By default, a retry is delayed by five minutes.
                    "default_task_retry_delay": "1",
                    "simple_auth_manager_all_admins": "True",
                    "execution_api_server_url": f"{self.url}/execution/",
                    "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                    # The default uses a DNS lookup, which may be slow for an unknown name.
                    "hostname_callable": "socket.gethostname",
                },
                "database": {
                    # On a busy machine, a writer may lock the database for longer than the default timeout of 5 s.
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
                # Without a common secret, each component generates one and rejects the tokens of the others.
                "api_auth": {"jwt_secret": secrets.token_urlsafe(64)},
                "scheduler": {
                    # DAG runs are started only through the API.
                    "use_job_schedule": "False",
                    "scheduler_idle_sleep_time": "0.2",
                    "scheduler_heartbeat_sec": "1",
                    "orphaned_tasks_check_interval": "10",
                    # On a busy machine, one scheduling loop may take longer than the default of 30 s.
                    "scheduler_health_check_threshold": "300",
                },
                "triggerer": {
                    "job_heartbeat_sec": "1",
                    # Seconds after which another triggerer takes over the triggers of a killed triggerer.
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
    Return the environment of a service, without the credentials, proxies and settings of the current environment.

    :param home: The home directory of the service, in which the SDK searches for credentials.
    """
    return {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ} | {
        "HOME": str(home),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
        # Without this variable, the SDK's default credential chain connects to the ECS metadata service.
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    }


def command_line(process: psutil.Process) -> str:
    """Return the command line of a process, which contains its title; empty if it has exited."""
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
