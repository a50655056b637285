"""Runs the same text jobs in one task and in mapped tasks, on one Airflow (LocalExecutor) and one emulator."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mapped_tasks import airflow_and_emulator, request_count
from benchmarks.polling import CHECKOUT, empty_folder
from local_airflow import EmulatorService, LocalAirflow, LocalAirflowError
from local_airflow.api import RUN_END_STATES

#: The duration of each job, in seconds.
JOB_SECONDS = 60
POLL_SECONDS = 2.0
TIMEOUT = 3600.0
METHODS = {"one task": "one_task", "mapped tasks": "mapped_text_tasks"}


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """
    What a run cost.

    :param state: The state of the DAG run.
    :param jobs: The number of jobs that the service created.
    :param requests: The number of requests to the service.
    :param extra_seconds: The duration of the run beyond that of a job.
    :param cpu: CPU seconds by component. The scheduler's include the workers.
    """

    state: str
    jobs: int
    requests: int
    extra_seconds: float
    cpu: dict[str, float]

    @property
    def total_cpu(self) -> float:
        """CPU seconds of all components."""
        return sum(self.cpu.values())


@dataclass(frozen=True)
class ManyJobs:
    """The cost of each method for the same number of jobs."""

    count: int
    costs: dict[str, RunCost]

    @property
    def passed(self) -> bool:
        """Whether both runs succeeded with one job for each request."""
        return all(cost.state == "success" and cost.jobs == self.count for cost in self.costs.values())

    @property
    def times_less_cpu(self) -> float:
        """How many times less CPU one task took."""
        return self.costs["mapped tasks"].total_cpu / self.costs["one task"].total_cpu

    @property
    def times_less_time(self) -> float:
        """How many times less time beyond that of a job one task took."""
        return self.costs["mapped tasks"].extra_seconds / self.costs["one task"].extra_seconds


def run(airflow: LocalAirflow, emulator: EmulatorService, dag_id: str) -> RunCost:
    """Run a DAG once and return its cost."""
    api, control = airflow.api, emulator.control
    control.reset()
    api.unpause(dag_id)
    before = {name: service.cpu_seconds() for name, service in airflow.services.items()}
    began = time.monotonic()
    run_id = api.trigger(dag_id)
    while (state := api.run_state(dag_id, run_id)) not in RUN_END_STATES:
        if time.monotonic() - began > TIMEOUT:
            raise LocalAirflowError(f"timed out waiting for {dag_id}")
        time.sleep(POLL_SECONDS)
    elapsed = time.monotonic() - began
    return RunCost(
        state=state,
        jobs=len(control.jobs()),
        requests=request_count(control),
        extra_seconds=elapsed - JOB_SECONDS,
        cpu={name: service.cpu_seconds() - before[name] for name, service in airflow.services.items()},
    )


def measure(count: int, home: Path) -> ManyJobs:
    """Start Airflow and the emulator, run both methods and stop both."""
    costs = {}
    duration = f"SubmitTextGenerateJob={JOB_SECONDS}"
    with airflow_and_emulator(empty_folder(home), count, "--duration", duration) as (airflow, emulator):
        for method, dag_id in METHODS.items():
            print(f"{count:,} text jobs in {method} ...", flush=True)
            costs[method] = run(airflow, emulator, dag_id)
    return ManyJobs(count, costs)


def lines(found: ManyJobs) -> list[str]:
    """Return the figures as sentences."""
    return [
        f"{found.count:,} jobs in {method}: {cost.state}, {cost.jobs:,} jobs, {cost.extra_seconds:.0f} s beyond the "
        f"{JOB_SECONDS} s of a job, {cost.requests / found.count:.1f} requests per job, {cost.total_cpu:.0f} CPU "
        f"seconds ({', '.join(f'{name} {used:.0f}' for name, used in cost.cpu.items())})"
        for method, cost in found.costs.items()
    ]


def main() -> int:
    """Run the benchmark; return 1 if it did not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="jobs (default: %(default)s)")
    found = measure(parser.parse_args().n, CHECKOUT / ".bench" / "many_jobs")
    print("\n".join(lines(found)))
    print(f"{found.times_less_cpu:.1f} times less CPU, {found.times_less_time:.1f} times less time in one task")
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
