"""The cluster that the scenarios use."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from cluster import settings
from local_airflow import (
    EmulatorService,
    LocalAirflow,
    LocalAirflowError,
    PostgresService,
    RedisService,
    Service,
    Supervisor,
    TaskState,
)
from local_airflow.api import RUN_END_STATES, AirflowApiError
from local_airflow.demo import CHECKOUT

DAGS = Path(__file__).parent / "dags"
EXAMPLES = CHECKOUT / "example_dags"
#: Jobs of these kinds end only when a scenario ends them.
ENDLESS = ("SubmitAudioProduceJob", "SubmitIProductionJob")
QUERIES = {"GetSmartHandleJob": "JobId", "QueryIProductionJob": "JobId"}
LISTINGS = {"SubmitAudioProduceJob": "ListSmartJobs"}
#: States of an active task.
ACTIVE = ("scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule", "deferred")
POLL_SECONDS = 1.0
PROGRESS_SECONDS = 15.0
#: The errors that requests raise while components of Airflow are down.
UNAVAILABLE = (httpx.HTTPError, AirflowApiError)


class ScenarioError(LocalAirflowError):
    """A scenario cannot continue."""


@dataclass(frozen=True)
class Run:
    """
    One DAG run of a scenario.

    :param size: The number of its task runs.
    """

    dag_id: str
    run_id: str
    size: int


class Cluster:
    """
    The cluster, as a context manager that starts and stops it.

    :param home: Folder for all files.
    :param log: Prints a progress message.
    """

    def __init__(self, home: Path, log: Callable[[str], None]) -> None:
        self.home = home
        self.log = log
        self.outage_file = home / "secrets-outage"
        #: The runs of the current scenario.
        self.runs: list[Run] = []
        self._stack = ExitStack()

    def __enter__(self) -> Cluster:
        """Start all services and wait until they are healthy."""
        with ExitStack() as stack:
            self.postgres = stack.enter_context(PostgresService(self.home / "postgres"))
            self.redis = stack.enter_context(RedisService(self.home / "redis"))
            never = [f"{kind}=36000" for kind in ENDLESS]
            self.emulator = stack.enter_context(
                EmulatorService(self.home / "emulator", "--quiet", "--duration", *never)
            )
            secrets_file = self.home / "secrets.json"
            uri = self.emulator.airflow_env["AIRFLOW_CONN_IMS_DEFAULT"]
            connections = {"from_secrets_backend": uri, "with_queue": f"{uri}&smq_queue=ice-callback-airflow"}
            secrets_file.write_text(json.dumps(connections))
            preload = self.home / "airflow" / "config" / "airflow_local_settings.py"
            preload.parent.mkdir(parents=True)
            preload.write_text(settings.PRELOAD)
            config = settings.config(
                database=self.postgres.uri,
                broker=self.redis.url,
                secrets_file=secrets_file,
                outage_file=self.outage_file,
            )
            self.airflow = stack.enter_context(
                LocalAirflow(
                    self.home / "airflow",
                    self._dags(),
                    env=self.emulator.airflow_env | {"PYTHONPATH": str(CHECKOUT)},
                    config=config,
                    components=settings.components(),
                )
            )
            # Entered last, so that it exits first: the supervisor must not restart services that are being stopped.
            self.supervisor = stack.enter_context(Supervisor(self.airflow.services))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all services."""
        self._stack.close()

    def _dags(self) -> Path:
        """Create and return a folder that contains the DAGs of the scenarios and the content pipeline."""
        folder = self.home / "dags"
        folder.mkdir()
        (folder / "cluster_dags.py").symlink_to(DAGS / "cluster_dags.py")
        pipeline = (EXAMPLES / "ims_content_pipeline.py").read_text()
        # The content pipeline must run only when its scenario starts it, not on a schedule.
        (folder / "ims_content_pipeline.py").write_text(pipeline.replace('schedule="0 6 * * *"', "schedule=None"))
        return folder

    @property
    def services(self) -> dict[str, Service]:
        """All services of the cluster, by name."""
        return {
            **self.airflow.services,
            "postgres": self.postgres.service,
            "redis": self.redis.service,
            "emulator": self.emulator.service,
        }

    # Runs and their tasks

    def start(self, dag_id: str, size: int) -> Run:
        """Start a run of a DAG."""
        self.airflow.api.unpause(dag_id)
        run = Run(dag_id, self.airflow.api.trigger(dag_id), size)
        self.runs.append(run)
        return run

    def current_tasks(self) -> list[TaskState]:
        """Return the tasks of the current scenario."""
        return [task for run in self.runs for task in self.airflow.api.task_instances(run.dag_id, run.run_id)]

    def tasks(self, run: Run) -> list[TaskState]:
        """Return the tasks of a run; an empty list while the API server is unavailable."""
        try:
            return self.airflow.api.task_instances(run.dag_id, run.run_id)
        except UNAVAILABLE:
            return []

    def wait_until(
        self,
        what: str,
        condition: Callable[[], bool],
        timeout: float,
        *runs: Run,
    ) -> float:
        """
        Wait until a condition holds, and return how many seconds this took.

        :param runs: Runs whose tasks the progress messages count. An error ends the wait if one of these tasks fails.
        :raises ScenarioError: On a timeout, or if a task has failed.
        """
        began = logged = time.monotonic()
        while not condition():
            now = time.monotonic()
            late = now - began > timeout
            # The requests for the states of tasks distort the measurement, so they are not sent at each poll.
            if late or now - logged >= PROGRESS_SECONDS:
                logged = now
                states = Counter(task.state for run in runs for task in self.tasks(run))
                if failed := states["failed"] + states["upstream_failed"]:
                    raise ScenarioError(f"tasks that failed while waiting for {what}: {failed}")
                if late:
                    raise ScenarioError(
                        f"timed out after {timeout:g} s waiting for {what}; tasks: {format_counts(states)}"
                    )
                self.log(f"  {now - began:4.0f} s, waiting for {what}: {format_counts(states)}")
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began

    def count(self, run: Run, state: str) -> int:
        """Return the number of a run's tasks in a state; -1 while the API server is unavailable."""
        path = f"dags/{run.dag_id}/dagRuns/{quote(run.run_id)}/taskInstances"
        try:
            found: int = self.airflow.api.call("GET", path, params={"state": state, "limit": 1})["total_entries"]
        except UNAVAILABLE:
            return -1
        return found

    def wait_until_deferred(self, run: Run, timeout: float = 300) -> None:
        """Wait until every task of a run is deferred."""
        self.wait_until("deferral of all tasks", lambda: self.count(run, "deferred") == run.size, timeout, run)

    def ended(self, run: Run) -> bool:
        """Return whether a run has ended; False while the API server is unavailable."""
        try:
            return self.airflow.api.run_state(run.dag_id, run.run_id) in RUN_END_STATES
        except UNAVAILABLE:
            return False

    def wait_until_ended(self, run: Run, timeout: float = 400) -> None:
        """Wait until a run has ended."""
        self.wait_until("end of the run", lambda: self.ended(run), timeout, run)

    def wait_until_assigned(self, run: Run, timeout: float = 60) -> Counter[str]:
        """Wait until every trigger is assigned to a triggerer, and return the number of triggers by triggerer."""
        found: Counter[str] = Counter()

        def assigned() -> bool:
            found.clear()
            found.update(self.waits_by_triggerer(run))
            return found.total() == run.size

        self.wait_until("a triggerer for each trigger", assigned, timeout, run)
        return found

    def waits_by_triggerer(self, run: Run) -> Counter[str]:
        """Return the number of deferred tasks by triggerer."""
        return Counter(self.triggerer_by_wait(run).values())

    def triggerer_by_wait(self, run: Run) -> dict[int, str]:
        """Return the names of the triggerers of the deferred tasks by map index."""
        names = self.triggerers()
        found = {
            task.map_index: names.get(task.triggerer_id or 0) for task in self.tasks(run) if task.state == "deferred"
        }
        return {index: name for index, name in found.items() if name}

    def triggerers(self) -> dict[int, str]:
        """Return the names of all triggerers, including those that have ended, by the ids of their Airflow jobs."""
        try:
            jobs = self.airflow.api.call("GET", "jobs", params={"job_type": "TriggererJob", "limit": 100})["jobs"]
        except UNAVAILABLE:
            return {}
        return {job["id"]: job["hostname"] for job in jobs}

    # The emulator

    def jobs(self, run: Run | None = None) -> list[dict[str, Any]]:
        """Return the jobs of one run or of all runs."""
        jobs = self.emulator.control.jobs()
        return jobs if run is None else [job for job in jobs if self.task_of(job).startswith(f"{run.run_id} ")]

    def jobs_by_task(self, run: Run) -> dict[int, list[str]]:
        """Return the ids of a run's jobs by map index."""
        found: dict[int, list[str]] = {}
        for job in self.jobs(run):
            found.setdefault(int(self.task_of(job).rpartition(" ")[2]), []).append(job["job_id"])
        return found

    @staticmethod
    def task_of(job: Mapping[str, Any]) -> str:
        """Return the run id and the map index in the UserData of a job; for a job of the content pipeline, its kind."""
        try:
            return str(json.loads(job["parameters"]["UserData"])["Task"])
        except (KeyError, TypeError, ValueError):
            return str(job["kind"])

    def finish(self, jobs: Collection[Mapping[str, Any]]) -> None:
        """End the jobs that are still running."""
        for job in jobs:
            if job["ended"] is None:
                self.emulator.control.finish(job["job_id"])

    def polled_since(self, since: float, run: Run, *, listings: bool = True) -> set[int]:
        """
        Return the map indexes of the tasks whose jobs were polled after a time.

        :param since: The time, in epoch seconds.
        :param listings: Whether a listing counts as a poll of each job of the kind that it lists.
        """
        listed = {
            kind
            for kind, listing in LISTINGS.items()
            if listings
            and any(request["time"] > since and request["status"] == 200 for request in self._requests(listing))
        }
        queried: set[str] = set()
        for query, name in QUERIES.items():
            for request in self._requests(query):
                if request["time"] > since and request["status"] == 200:
                    queried.update(str(request["parameters"].get(name, "")).split(","))
        return {
            int(self.task_of(job).rpartition(" ")[2])
            for job in self.jobs(run)
            if job["job_id"] in queried or job["kind"] in listed
        }

    def _requests(self, action: str) -> list[dict[str, Any]]:
        return self.emulator.control.requests(action)

    def request_counts(self) -> Counter[str]:
        """Return the number of requests since the scenario started, by action."""
        counts = self.emulator.control.counts()
        return Counter({action: sum(by_status.values()) for action, by_status in counts.items()})

    # Components

    def wait_until_healthy(self, timeout: float = 180) -> float:
        """Wait until every component is healthy, and return how many seconds this took."""
        components = list(self.airflow.components.values())

        def healthy() -> bool:
            if not all(self.airflow.services[component.name].running for component in components):
                return False
            return not self.airflow.unready(components)

        return self.wait_until("healthy components", healthy, timeout)

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Kill all processes of a component, and restart it at the end of the block."""
        with self.supervisor.suspended(name):
            self.airflow.kill(name)
            try:
                yield
            finally:
                self.airflow.services[name].start()

    def reset(self) -> None:
        """Restore the initial state: end the runs of a failed scenario, remove all faults and delete all jobs."""
        self.runs.clear()
        self.outage_file.unlink(missing_ok=True)
        self.emulator.control.clear_faults()
        self.wait_until_healthy()
        api = self.airflow.api
        for run in api.call("GET", "dags/~/dagRuns", params={"state": ["queued", "running"]})["dag_runs"]:
            api.fail_run(run["dag_id"], run["dag_run_id"])

        def idle() -> bool:
            path = "dags/~/dagRuns/~/taskInstances"
            active: int = api.call("GET", path, params={"state": ACTIVE, "limit": 1})["total_entries"]
            return active == 0

        self.wait_until("end of all tasks", idle, 120)
        self.emulator.control.reset()


def format_counts(counts: Mapping[Any, int]) -> str:
    """Return counts as ``3 deferred, 1 running``, the largest count first."""
    found = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {name or 'no state'}" for name, count in found if count) or "none"
