"""
Runs 1,000 mapped deferrable tasks with one job each on a real scheduler and a real triggerer.

All tasks wait at the same time, because the emulator's clock is stopped. After the last task has deferred, the
benchmark ends the jobs one after the other.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from airflow_provider_ims.emulator import EmulatorControl
from benchmarks.polling import CHECKOUT, empty_folder
from local_airflow import AirflowApi, EmulatorService, LocalAirflow, LocalAirflowError

DAG_ID = "mapped_tasks"
#: Number of jobs that end per second.
ENDS_PER_SECOND = 20
POLL_SECONDS = 5.0
#: Seconds by which each task increases the time limit of a wait. A task occupies a worker twice, for about one second
#: in total.
SECONDS_PER_TASK = 6.0
START_TIMEOUT = 120.0
#: A word that occurs in the triggerer's warning that its event loop was blocked for more than 0.2 s.
BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class MappedTasks:
    """
    The results of a run of mapped tasks.

    :param tasks: The number of tasks.
    :param state: The state of the DAG run.
    :param succeeded: The number of tasks that succeeded.
    :param jobs: The number of jobs in the emulator.
    :param inputs: The number of different inputs of these jobs.
    :param requests: The number of requests to the service.
    :param deferring: Seconds until the last task had deferred.
    :param ending: Seconds during which the jobs ended.
    :param resuming: Seconds from the end of the last job to the end of the run.
    :param triggerer_cpu: CPU seconds of the triggerer.
    :param blocked: The triggerer's warnings about a blocked event loop.
    """

    tasks: int
    state: str
    succeeded: int
    jobs: int
    inputs: int
    requests: int
    deferring: float
    ending: float
    resuming: float
    triggerer_cpu: float
    blocked: list[str]

    @property
    def passed(self) -> bool:
        """Whether every task succeeded with one job, and the triggerer's event loop was never blocked."""
        return self.state == "success" and self.succeeded == self.jobs == self.inputs == self.tasks and not self.blocked


class Tasks:
    """
    The tasks of one run.

    :param api: Airflow's API.
    :param run_id: The id of the run.
    :param tasks: The number of its tasks.
    """

    def __init__(self, api: AirflowApi, run_id: str, tasks: int) -> None:
        self._api = api
        self.run_id = run_id
        self._tasks = tasks

    def count(self, state: str) -> int:
        """Return the number of tasks in a state, without loading every task."""
        path = f"dags/{DAG_ID}/dagRuns/{self.run_id}/taskInstances"
        found: int = self._api.call("GET", path, params={"state": state, "limit": 1})["total_entries"]
        return found

    def wait(self, what: str, reached: Callable[[], bool]) -> float:
        """Wait until a condition holds and return how many seconds this took; raise an error if a task failed."""
        began = time.monotonic()
        while not reached():
            counts = {state: self.count(state) for state in ("deferred", "success", "failed")}
            print(f"    {time.monotonic() - began:5.0f} s: {counts}", flush=True)
            if counts["failed"]:
                raise LocalAirflowError(f"{counts['failed']} tasks failed")
            if time.monotonic() - began > START_TIMEOUT + SECONDS_PER_TASK * self._tasks:
                raise LocalAirflowError(f"timed out waiting for {what}")
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began


def run_tasks(airflow: LocalAirflow, emulator: EmulatorService, count: int) -> MappedTasks:
    """Run the DAG once and return the results."""
    api, control = airflow.api, emulator.control
    api.unpause(DAG_ID)
    tasks = Tasks(api, api.trigger(DAG_ID), count)
    print(f"{count:,} tasks submit and defer ...", flush=True)
    deferring = tasks.wait("deferral of all tasks", lambda: tasks.count("deferred") == count)
    print("Their jobs end ...", flush=True)
    began = time.monotonic()
    for number, job in enumerate(control.jobs()):
        time.sleep(max(0.0, began + number / ENDS_PER_SECOND - time.monotonic()))
        control.finish(job["job_id"])
    ending = time.monotonic() - began
    print("The tasks resume ...", flush=True)
    resuming = tasks.wait("end of the run", lambda: api.run_state(DAG_ID, tasks.run_id) in {"success", "failed"})
    jobs = control.jobs()
    triggerer = airflow.services["triggerer"]
    return MappedTasks(
        tasks=count,
        state=api.run_state(DAG_ID, tasks.run_id),
        succeeded=tasks.count("success"),
        jobs=len(jobs),
        inputs=len({job["parameters"]["InputConfig"] for job in jobs}),
        requests=request_count(control),
        deferring=deferring,
        ending=ending,
        resuming=resuming,
        triggerer_cpu=sum(cpu_seconds(process) for process in triggerer.processes()),
        blocked=[line for line in triggerer.log.read_text(errors="replace").splitlines() if BLOCKED in line],
    )


def request_count(control: EmulatorControl) -> int:
    """Return the number of requests to the service."""
    return sum(sum(by_status.values()) for by_status in control.counts().values())


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process; 0 if it has exited."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def airflow_and_emulator(home: Path, tasks: int, *options: str) -> Iterator[tuple[LocalAirflow, EmulatorService]]:
    """
    Run Airflow and the emulator until the end of the block.

    :param tasks: The number of tasks that may run and wait at the same time.
    :param options: Additional command-line options of the emulator.
    """
    config = {
        "core": {
            # Two workers per core, because workers also wait for the API. More would take CPU time from the triggerer.
            "parallelism": str(2 * (psutil.cpu_count() or 2)),
            "max_active_tasks_per_dag": str(tasks),
            "max_map_length": str(max(tasks, 1024)),
        },
        "triggerer": {"capacity": str(max(tasks, 1000)), "job_heartbeat_sec": "1"},
    }
    with EmulatorService(home / "emulator", "--quiet", *options) as emulator:
        # Measure the package in this checkout, not an installed one.
        env = emulator.airflow_env | {"BENCH_TASKS": str(tasks), "PYTHONPATH": str(CHECKOUT)}
        with LocalAirflow(home / "airflow", CHECKOUT / "benchmarks" / "dags", env=env, config=config) as airflow:
            yield airflow, emulator


def measure(tasks: int, home: Path) -> MappedTasks:
    """Start Airflow and the emulator, run the tasks, stop both, and return the results."""
    with airflow_and_emulator(empty_folder(home), tasks, "--clock", "manual") as (airflow, emulator):
        return run_tasks(airflow, emulator, tasks)


def lines(found: MappedTasks) -> list[str]:
    """Return the figures as sentences."""
    return [
        f"{found.tasks:,} mapped tasks: the DAG run ended with the state {found.state}; "
        f"{found.succeeded:,} tasks succeeded, with {found.jobs:,} jobs for {found.inputs:,} different inputs",
        f"{found.deferring:.0f} s until all tasks had deferred, another {found.ending:.0f} s until all jobs had ended, "
        f"and another {found.resuming:.0f} s until all tasks had resumed",
        f"{found.requests / found.tasks:.1f} requests to the service per task, {found.triggerer_cpu:.0f} CPU seconds "
        f"of the triggerer, {len(found.blocked)} warnings about a blocked event loop",
    ]


def main() -> int:
    """Run the benchmark; return 1 if it did not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="number of tasks (default: %(default)s)")
    found = measure(parser.parse_args().n, CHECKOUT / ".bench" / "mapped_tasks")
    print("\n".join([*lines(found), *found.blocked]))
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
