"""
A thousand mapped deferrable tasks through a real scheduler and a real triggerer, each with one job.

All of them wait at the same time: the emulator's clock stands still until the last one has deferred. Then their jobs
end one after the other.
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

from benchmarks.polling import CHECKOUT, emptied
from local_airflow import AirflowApi, EmulatorService, LocalAirflow, LocalAirflowError

DAG_ID = "mapped_tasks"
#: Jobs that are ended a second.
ENDS_PER_SECOND = 20
LOOK_SECONDS = 5.0
#: Seconds for each task after which to give up; two phases of a worker take about one.
THROTTLE_TIMEOUT = 6.0
START_PATIENCE = 120.0
#: What a warning of the triggerer says whose event loop stood still for 0.2 s.
BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class MappedTasks:
    """
    What a run of mapped tasks came to.

    :param deferring: Seconds until the last task had deferred.
    :param ending: Seconds over which their jobs were ended.
    :param resuming: Seconds from the last job's end until the run had ended.
    :param triggerer_cpu: CPU seconds of the triggerer.
    :param blocked: Lines of its log about a blocked event loop.
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
    def good(self) -> bool:
        """Whether every task succeeded, with one job each, and the triggerer's event loop was never blocked."""
        return self.state == "success" and self.succeeded == self.jobs == self.inputs == self.tasks and not self.blocked


class Tasks:
    """
    The tasks of one run, counted.

    :param api: Airflow's API.
    :param run_id: The run.
    :param tasks: How many it has.
    """

    def __init__(self, api: AirflowApi, run_id: str, tasks: int) -> None:
        self._api = api
        self.run_id = run_id
        self._tasks = tasks

    def count(self, state: str) -> int:
        """Return how many tasks are in a state; one at a time would be a load of its own."""
        path = f"dags/{DAG_ID}/dagRuns/{self.run_id}/taskInstances"
        found: int = self._api.call("GET", path, params={"state": state, "limit": 1})["total_entries"]
        return found

    def wait(self, what: str, reached: Callable[[], bool]) -> float:
        """Wait, with a line now and then, and return the seconds; give up when a task has failed."""
        began = time.monotonic()
        while not reached():
            counts = {state: self.count(state) for state in ("deferred", "success", "failed")}
            print(f"    {time.monotonic() - began:5.0f} s: {counts}", flush=True)
            if counts["failed"]:
                raise LocalAirflowError(f"{counts['failed']} tasks failed")
            if time.monotonic() - began > START_PATIENCE + THROTTLE_TIMEOUT * self._tasks:
                raise LocalAirflowError(f"no {what} in time")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began


def run_tasks(airflow: LocalAirflow, emulator: EmulatorService, count: int) -> MappedTasks:
    """Run the DAG once."""
    api, control = airflow.api, emulator.control
    api.unpause(DAG_ID)
    tasks = Tasks(api, api.trigger(DAG_ID), count)
    print(f"{count:,} tasks submit and defer ...", flush=True)
    deferring = tasks.wait("deferral of all", lambda: tasks.count("deferred") == count)
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
        requests=sum(sum(by_status.values()) for by_status in control.counts().values()),
        deferring=deferring,
        ending=ending,
        resuming=resuming,
        triggerer_cpu=sum(cpu_seconds(process) for process in triggerer.processes()),
        blocked=[line for line in triggerer.log.read_text(errors="replace").splitlines() if BLOCKED in line],
    )


def cpu_seconds(process: psutil.Process) -> float:
    """Return what a process has used so far; nothing if it has just gone."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextmanager
def airflow_and_emulator(home: Path, tasks: int) -> Iterator[tuple[LocalAirflow, EmulatorService]]:
    """Start both; they end with the block."""
    config = {
        "core": {
            # Two for each core, since they also wait for the API; more would only take time from the triggerer.
            "parallelism": str(2 * (psutil.cpu_count() or 2)),
            "max_active_tasks_per_dag": str(tasks),
            "max_map_length": str(max(tasks, 1024)),
        },
        "triggerer": {"capacity": str(max(tasks, 1000)), "job_heartbeat_sec": "1"},
    }
    with EmulatorService(home / "emulator", "--clock", "manual", "--quiet") as emulator:
        # What is measured is this checkout, whatever is installed.
        env = emulator.airflow_env | {"BENCH_TASKS": str(tasks), "PYTHONPATH": str(CHECKOUT)}
        with LocalAirflow(home / "airflow", CHECKOUT / "benchmarks" / "dags", env=env, config=config) as airflow:
            yield airflow, emulator


def measure(tasks: int, home: Path) -> MappedTasks:
    """Start Airflow and the emulator, run the tasks and end all."""
    with airflow_and_emulator(emptied(home), tasks) as (airflow, emulator):
        return run_tasks(airflow, emulator, tasks)


def lines(found: MappedTasks) -> list[str]:
    """Return the figures in words."""
    return [
        f"{found.tasks:,} mapped tasks: {found.state}, {found.succeeded:,} succeeded, {found.jobs:,} jobs for "
        f"{found.inputs:,} different inputs",
        f"{found.deferring:.0f} s until all had deferred, {found.ending:.0f} s in which their jobs ended, "
        f"{found.resuming:.0f} s more until all had resumed",
        f"{found.requests / found.tasks:.1f} requests to the service a task, {found.triggerer_cpu:.0f} CPU seconds of "
        f"the triggerer, {len(found.blocked)} warnings of a blocked event loop",
    ]


def main() -> int:
    """Run so many tasks as are wanted; return 1 if they did not all do well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="tasks (default: %(default)s)")
    found = measure(parser.parse_args().n, CHECKOUT / ".bench" / "mapped_tasks")
    print("\n".join([*lines(found), *found.blocked]))
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
