"""Runs the same text jobs in one task and in mapped tasks, on one Airflow (LocalExecutor) and one emulator."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mapped_tasks import airflow_and_emulator, request_count
from benchmarks.polling import CHECKOUT, empty_folder
from local_airflow import EmulatorService, LocalAirflow, LocalAirflowError
from local_airflow.api import RUN_END_STATES

#: The duration of each job, in seconds.
JOB_SECONDS = 60
POLL_SECONDS = 1.0
TIMEOUT = 3600.0
METHODS = {"one task": "one_task", "mapped tasks": "mapped_text_tasks"}


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """
    The cost of a run.

    :param count: The number of jobs that the DAG requests.
    :param state: The state of the DAG run.
    :param jobs: The number of jobs that the service created.
    :param requests: The number of HTTP requests to the service.
    :param extra_seconds: The duration of the run minus the duration of a job, in seconds.
    :param cpu: CPU seconds by component. The figure of the scheduler includes the workers.
    :param worker_memory: The peak resident memory of the largest process of the scheduler and its workers, in bytes.
    """

    count: int
    state: str
    jobs: int
    requests: int
    extra_seconds: float
    cpu: dict[str, float]
    worker_memory: int

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded and the service created the requested number of jobs."""
        return self.state == "success" and self.jobs == self.count

    @property
    def total_cpu(self) -> float:
        """CPU seconds of all components."""
        return sum(self.cpu.values())


@dataclass(frozen=True)
class ManyJobs:
    """
    The cost of each method for the same number of jobs, and of one task with more jobs.

    :param count: The number of jobs.
    :param costs: The cost of each method, by its name in :data:`METHODS`.
    :param large: The cost of one task with ten times as many jobs.
    """

    count: int
    costs: dict[str, RunCost]
    large: RunCost

    @property
    def passed(self) -> bool:
        """Whether the runs of both methods succeeded with the requested number of jobs."""
        return all(cost.succeeded for cost in self.costs.values())

    @property
    def times_less_cpu(self) -> float:
        """The CPU time of the mapped tasks divided by that of one task."""
        return self.costs["mapped tasks"].total_cpu / self.costs["one task"].total_cpu

    @property
    def times_less_time(self) -> float:
        """The duration of the mapped tasks divided by that of one task, each minus the duration of a job."""
        return self.costs["mapped tasks"].extra_seconds / self.costs["one task"].extra_seconds


def run(airflow: LocalAirflow, emulator: EmulatorService, dag_id: str, count: int) -> RunCost:
    """Run a DAG once and return its cost."""
    api, control = airflow.api, emulator.control
    control.reset()
    api.unpause(dag_id)
    before = {name: service.cpu_seconds() for name, service in airflow.services.items()}
    began, memory = time.monotonic(), 0
    run_id = api.trigger(dag_id)
    while (state := api.run_state(dag_id, run_id)) not in RUN_END_STATES:
        if time.monotonic() - began > TIMEOUT:
            raise LocalAirflowError(f"timed out waiting for {dag_id}")
        memory = max(memory, *(peak_memory(process.pid) for process in airflow.services["scheduler"].processes()))
        time.sleep(POLL_SECONDS)
    elapsed = time.monotonic() - began
    return RunCost(
        count=count,
        state=state,
        jobs=len(control.jobs()),
        requests=request_count(control),
        extra_seconds=elapsed - JOB_SECONDS,
        cpu={name: service.cpu_seconds() - before[name] for name, service in airflow.services.items()},
        worker_memory=memory,
    )


def peak_memory(pid: int) -> int:
    """Return the largest resident memory of a process so far, in bytes; 0 if it has exited."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(peak.split()[1]) * 1024


def measure(count: int, home: Path) -> ManyJobs:
    """Run both methods, then one task with ten times as many jobs, and return the costs."""
    costs = {}
    home = empty_folder(home)
    with text_jobs(home / "both", count) as (airflow, emulator):
        for method, dag_id in METHODS.items():
            print(f"{count:,} text jobs in {method} ...", flush=True)
            costs[method] = run(airflow, emulator, dag_id, count)
    more = 10 * count
    with text_jobs(home / "one_task", more) as (airflow, emulator):
        print(f"{more:,} text jobs in one task ...", flush=True)
        large = run(airflow, emulator, METHODS["one task"], more)
    return ManyJobs(count, costs, large)


def text_jobs(home: Path, count: int) -> AbstractContextManager[tuple[LocalAirflow, EmulatorService]]:
    """Run the emulator, and Airflow with the DAGs for a number of text jobs."""
    home.mkdir()
    return airflow_and_emulator(home, count, "--duration", f"SubmitTextGenerateJob={JOB_SECONDS}")


def lines(found: ManyJobs) -> list[str]:
    """Return the figures as sentences."""
    costs = [*found.costs.items(), ("one task", found.large)]
    return [
        f"{cost.count:,} jobs in {method}: the DAG run ended with the state {cost.state}; "
        f"{cost.jobs:,} jobs submitted, "
        f"{cost.extra_seconds:.0f} s in addition to the {JOB_SECONDS} s of a job, "
        f"{cost.requests / cost.count:.1f} requests per job, {cost.total_cpu:.0f} CPU seconds "
        f"({', '.join(f'{name} {used:.0f}' for name, used in cost.cpu.items())}), "
        f"{cost.worker_memory / 1e6:.0f} MB"
        for method, cost in costs
    ]


def main() -> int:
    """Run the benchmark; return 1 if it did not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="number of jobs (default: %(default)s)")
    found = measure(parser.parse_args().n, CHECKOUT / ".bench" / "many_jobs")
    print("\n".join(lines(found)))
    print(f"{found.times_less_cpu:.1f} times less CPU time, {found.times_less_time:.1f} times less time in one task")
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
