"""A real Airflow, each component a process of its own."""

from __future__ import annotations

import base64
import configparser
import os
import secrets
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import psutil

from local_airflow.api import AirflowApi
from local_airflow.service import LocalAirflowError, Service, end, free_port, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The commands that `airflow standalone` runs, in its place: the components can be ended and started again one
# by one, and the log servers that it cannot do without, which listen on every interface, are left out.
COMPONENTS: dict[str, list[str]] = {
    "api-server": [],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
_START_TIMEOUT = 600
# All that children see of the environment: no credentials, no proxy, no other Airflow's settings.
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER")


class LocalAirflow:
    """
    Airflow on SQLite, with everything it writes in one folder.

    As a context manager it starts all components and ends them.

    :param home: AIRFLOW_HOME; made if it is missing.
    :param dags_folder: Where the DAG processor looks for DAGs.
    :param env: Environment for every component, such as ``AIRFLOW_CONN_...``.
    :param config: Sections of ``airflow.cfg`` over those that are set here.
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        config: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.home = home.resolve()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.api = AirflowApi(self.url)
        self._env = service_environment(self.home) | {"AIRFLOW_HOME": str(self.home)} | dict(env or {})
        self.home.mkdir(parents=True, exist_ok=True)
        self._write_config(dags_folder.resolve(), config or {})
        self.services = {name: self._service(name, [name, *args]) for name, args in COMPONENTS.items()}

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
        migration = self._service("db-migrate", ["db", "migrate"])
        migration.start()
        try:
            until("migrated database", lambda: not migration.running, _START_TIMEOUT)
        finally:
            code = migration.exit_code
            end([migration])
        if code != 0:
            raise LocalAirflowError(f"airflow db migrate failed:\n{migration.tail()}")
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

    def wait_healthy(self, timeout: float = _START_TIMEOUT) -> None:
        """
        Wait until every component has reported itself since its start.

        :raises LocalAirflowError: If one has ended, or does not report in time.
        """

        def healthy() -> bool:
            for service in self.services.values():
                service.check_running()
            health = self.api.health()
            return all(
                _beats_since(health.get(name.replace("-", "_"), {}), name, service.started_at)
                for name, service in self.services.items()
                if name != "api-server"
            )

        try:
            until("healthy Airflow", healthy, timeout)
        except LocalAirflowError as error:
            tails = "\n".join(f"--- {service.log}\n{service.tail(15)}" for service in self.services.values())
            raise LocalAirflowError(f"{error}\n{tails}") from None

    def worker_processes(self, task_instance_id: str) -> list[psutil.Process]:
        """
        Return the processes that run a task instance: none while it is deferred.

        :param task_instance_id: ``TaskState.id``, with which Airflow titles them.
        """
        return [
            process for process in self.services["scheduler"].processes() if task_instance_id in command_line(process)
        ]

    def stop(self) -> None:
        """
        End every process.

        :raises LocalAirflowError: If one survives.
        """
        self.api.close()
        end(self.services.values())

    def _service(self, name: str, argv: list[str]) -> Service:
        return Service(
            name,
            [sys.executable, "-m", "airflow", *argv],
            env=self._env,
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
    heartbeat = health.get(f"latest_{component.replace('-', '_')}_heartbeat")
    return (
        health.get("status") == "healthy"
        and heartbeat is not None
        and datetime.fromisoformat(heartbeat).timestamp() >= since
    )
