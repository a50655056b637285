"""The running cluster, and what the scenarios do with it."""

from __future__ import annotations

import json
import sys
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
from local_airflow.api import AirflowApiError
from local_airflow.demo import CHECKOUT

DAGS = Path(__file__).parent / "dags"
EXAMPLES = CHECKOUT / "example_dags"
#: Jobs of these kinds end when a scenario says so.
ENDLESS = ("SubmitAudioProduceJob", "SubmitIProductionJob")
QUERIES = {"GetSmartHandleJob": "JobId", "QueryIProductionJob": "JobId"}
LISTINGS = {"SubmitAudioProduceJob": "ListSmartJobs"}
#: States of a task that is under way.
ACTIVE = ("scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule", "deferred")
LOOK_SECONDS = 1.0
PROGRESS_SECONDS = 15.0
#: What a request to an Airflow that is partly down may raise.
AWAY = (httpx.HTTPError, AirflowApiError)


class ScenarioError(LocalAirflowError):
    """A scenario cannot go on."""


@dataclass(frozen=True)
class Run:
    """
    One DAG run of a scenario.

    :param size: How many task runs it has.
    """

    dag_id: str
    run_id: str
    size: int


class Cluster:
    """
    All of it, as a context manager that starts it and ends it.

    :param home: Folder for everything.
    :param say: Takes a line that tells of progress.
    """

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        self.home = home
        self.say = say
        self.outage_file = home / "secrets-outage"
        #: The runs of the current scenario.
        self.runs: list[Run] = []
        self._stack = ExitStack()

    def __enter__(self) -> Cluster:
        """Start everything and wait until it works."""
        with ExitStack() as stack:
            self.postgres = stack.enter_context(PostgresService(self.home / "postgres"))
            self.redis = stack.enter_context(RedisService(self.home / "redis"))
            never = [f"{kind}=36000" for kind in ENDLESS]
            self.emulator = stack.enter_context(
                EmulatorService(self.home / "emulator", "--quiet", "--duration", *never)
            )
            secrets_file = self.home / "secrets.json"
            secrets_file.write_text(
                json.dumps({"from_secrets_backend": self.emulator.airflow_env["AIRFLOW_CONN_IMS_DEFAULT"]})
            )
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
            # Left first: what it would start again is then being ended.
            self.supervisor = stack.enter_context(Supervisor(self.airflow.services))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._stack.close()

    def _dags(self) -> Path:
        """Return a folder with the DAGs of the scenarios and the content pipeline."""
        folder = self.home / "dags"
        folder.mkdir()
        for source in (DAGS / "cluster_dags.py", EXAMPLES / "ims_content_pipeline.py"):
            (folder / source.name).symlink_to(source)
        return folder

    @property
    def services(self) -> dict[str, Service]:
        """Every process of the cluster, by name."""
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
        """Return the tasks of a run; none while the API server is away."""
        try:
            return self.airflow.api.task_instances(run.dag_id, run.run_id)
        except AWAY:
            return []

    def until(
        self,
        what: str,
        look: Callable[[], bool],
        timeout: float,
        *runs: Run,
    ) -> float:
        """
        Wait for something, and return the seconds that it took.

        :param runs: Whose tasks the progress lines count; the wait ends with an error when one of them has failed.
        :raises ScenarioError: When time is up or a task has failed for good.
        """
        began = told = time.monotonic()
        while not look():
            now = time.monotonic()
            late = now - began > timeout
            # Not at every look: what is asked of Airflow here takes time from what is measured.
            if late or now - told >= PROGRESS_SECONDS:
                told = now
                states = Counter(task.state for run in runs for task in self.tasks(run))
                if states["failed"] or states["upstream_failed"]:
                    raise ScenarioError(f"{states['failed']} tasks failed while waiting for {what}")
                if late:
                    raise ScenarioError(f"no {what} within {timeout:g} s; tasks: {in_words(states)}")
                self.say(f"  {now - began:4.0f} s, waiting for {what}: {in_words(states)}")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    def count(self, run: Run, state: str) -> int:
        """Return how many tasks of a run are in a state; -1 while the API server is away."""
        path = f"dags/{run.dag_id}/dagRuns/{quote(run.run_id)}/taskInstances"
        try:
            found: int = self.airflow.api.call("GET", path, params={"state": state, "limit": 1})["total_entries"]
        except AWAY:
            return -1
        return found

    def until_deferred(self, run: Run, timeout: float = 300) -> None:
        """Wait until every task of a run is deferred."""
        self.until("deferral of all", lambda: self.count(run, "deferred") == run.size, timeout, run)

    def until_ended(self, run: Run, timeout: float = 400) -> None:
        """Wait until a run has ended."""

        def ended() -> bool:
            try:
                return self.airflow.api.run_state(run.dag_id, run.run_id) in {"success", "failed"}
            except AWAY:
                return False

        self.until("end of the run", ended, timeout, run)

    def until_on_triggerers(self, run: Run, timeout: float = 60) -> Counter[str]:
        """Wait until every waiting task has its triggerer, and return how many each has."""
        found: Counter[str] = Counter()

        def assigned() -> bool:
            found.clear()
            found.update(self.waits_by_triggerer(run))
            return found.total() == run.size

        self.until("triggerer for each wait", assigned, timeout, run)
        return found

    def waits_by_triggerer(self, run: Run) -> Counter[str]:
        """Return how many deferred tasks each triggerer has."""
        names = self.triggerers()
        found = (names.get(task.triggerer_id or 0) for task in self.tasks(run) if task.state == "deferred")
        return Counter(name for name in found if name)

    def triggerers(self) -> dict[int, str]:
        """Return the names of the triggerers by the ids of their jobs, ended ones included."""
        try:
            jobs = self.airflow.api.call("GET", "jobs", params={"job_type": "TriggererJob", "limit": 100})["jobs"]
        except AWAY:
            return {}
        return {job["id"]: job["hostname"] for job in jobs}

    # The emulator

    def jobs(self, run: Run | None = None) -> list[dict[str, Any]]:
        """Return the jobs of a run, or all."""
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
        """Return what a job's UserData says of its task; for a job of the example its kind."""
        try:
            return str(json.loads(job["parameters"]["UserData"])["Task"])
        except (KeyError, TypeError, ValueError):
            return str(job["kind"])

    def finish(self, jobs: Collection[Mapping[str, Any]]) -> None:
        """End jobs that still run."""
        for job in jobs:
            if job["ended"] is None:
                self.emulator.control.finish(job["job_id"])

    def asked_since(self, since: float, run: Run, *, listings: bool = True) -> set[int]:
        """
        Return the tasks, by map index, whose jobs the service was asked about.

        :param since: Since when, in epoch seconds.
        :param listings: Take a listing of jobs for a question about each of them.
        """
        listed = {
            kind
            for kind, listing in LISTINGS.items()
            if listings
            and any(request["time"] > since and request["status"] == 200 for request in self._requests(listing))
        }
        asked: set[str] = set()
        for query, name in QUERIES.items():
            for request in self._requests(query):
                if request["time"] > since and request["status"] == 200:
                    asked.update(str(request["parameters"].get(name, "")).split(","))
        return {
            int(self.task_of(job).rpartition(" ")[2])
            for job in self.jobs(run)
            if job["job_id"] in asked or job["kind"] in listed
        }

    def _requests(self, action: str) -> list[dict[str, Any]]:
        return self.emulator.control.requests(action)

    def request_count(self) -> int:
        """Return how many requests the service had since the scenario began."""
        return sum(sum(by_status.values()) for by_status in self.emulator.control.counts().values())

    def requests_in_words(self) -> str:
        """Return how many requests the service had since the scenario began, by action."""
        counts = {action: sum(by_status.values()) for action, by_status in self.emulator.control.counts().items()}
        return f"requests: {in_words(counts)}"

    # Components

    def until_healthy(self, timeout: float = 180) -> float:
        """Wait until every component works, and return the seconds that it took."""
        components = list(self.airflow.components.values())

        def healthy() -> bool:
            if not all(self.airflow.services[component.name].running for component in components):
                return False
            return not self.airflow.unready(components)

        return self.until("healthy components", healthy, timeout)

    @contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Kill a component with all its processes, and start it again at the end of the block."""
        with self.supervisor.held(name):
            self.airflow.kill(name)
            try:
                yield
            finally:
                self.airflow.services[name].start()

    def clear_stage(self) -> None:
        """End what a failed scenario has left, mend everything, and forget the jobs."""
        self.runs.clear()
        self.outage_file.unlink(missing_ok=True)
        self.emulator.control.clear_faults()
        self.until_healthy()
        api = self.airflow.api
        for run in api.call("GET", "dags/~/dagRuns", params={"state": ["queued", "running"]})["dag_runs"]:
            api.give_up(run["dag_id"], run["dag_run_id"])

        def quiet() -> bool:
            path = "dags/~/dagRuns/~/taskInstances"
            left: int = api.call("GET", path, params={"state": ACTIVE, "limit": 1})["total_entries"]
            return left == 0

        self.until("end of all tasks", quiet, 120)
        self.emulator.control.reset()


def in_words(counts: Mapping[Any, int]) -> str:
    """Return counts as ``3 deferred, 1 running``, the most frequent first."""
    found = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {name or 'no state'}" for name, count in found if count) or "none"


def print_line(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
