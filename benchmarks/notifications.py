"""
Compares waits with and without a queue to which the service sends a message when a job ends.

The emulator runs in a separate process and serves HTTPS. For each method, the provider's triggers wait in a new
process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.families import FAMILIES
from benchmarks.polling import CHECKOUT, RESPONSE_TIMEOUT, HttpsEmulator, Waiter, empty_folder
from local_airflow.server import service_environment

QUEUE = "ice-callback-benchmark"
#: The duration of the first job to end, and the poll interval, in seconds.
JOB_SECONDS = 60.0
#: The number of jobs that end per second.
RATE = 25.0
LONG_POLL = "smq:BatchReceiveMessage"
#: Name of a run -> whether the connection has a queue.
RUNS = {"with the queue": True, "without it": False}


@dataclass(frozen=True, kw_only=True)
class WaitCost:
    """
    The cost of waiting for all jobs.

    :param seen: The number of jobs whose end led to an event.
    :param requests: The number of requests by action, including long polls.
    :param delay_median: The median number of seconds from the end of a job to its event.
    :param delay_p99: The 99th percentile of these delays.
    :param cpu: CPU seconds of the waiting process.
    """

    seen: int
    requests: dict[str, int]
    delay_median: float
    delay_p99: float
    cpu: float

    @property
    def requests_per_job(self) -> float:
        """Requests per job, to IMS and SMQ, without the long polls."""
        return sum(count for action, count in self.requests.items() if action != LONG_POLL) / max(1, self.seen)


@dataclass(frozen=True)
class Notifications:
    """
    The cost of the same waits with and without the queue.

    :param jobs: The number of jobs.
    :param job_seconds: The duration of the first job to end, and the poll interval, in seconds.
    :param costs: The cost of each method, by its name in :data:`METHODS`.
    """

    jobs: int
    job_seconds: float
    costs: dict[str, WaitCost]

    @property
    def with_queue(self) -> WaitCost:
        """The cost of the waits with the queue."""
        return self.costs["with the queue"]

    @property
    def complete(self) -> bool:
        """Whether the end of each job led to an event in both runs."""
        return all(cost.seen == self.jobs for cost in self.costs.values())


def run(has_queue: bool, jobs: int, job_seconds: float, emulator: HttpsEmulator, home: Path) -> WaitCost:
    """Wait for the jobs with or without the queue, and return the cost."""
    control, family = emulator.control, FAMILIES["smart"]
    env = service_environment(home) | {"AIRFLOW_HOME": str(home)} | emulator.airflow_env
    parameters = dict(family.parameters)
    if has_queue:
        env = {name: f"{value}&smq_queue={QUEUE}" if "_CONN_" in name else value for name, value in env.items()}
        parameters["UserData"] = f'{{"NotifyAddress":"{QUEUE}"}}'
    control.reset()
    with Waiter(env, home / "waiting.log") as waiter:
        (warm_up,) = control.add_jobs(family.kind, parameters, [0])
        waiter.send({"method": "ours", "family": "smart", "warm_up": warm_up})
        waiter.receive(RESPONSE_TIMEOUT)
        created = time.time()
        ends = [job_seconds + number / RATE for number in range(jobs)]
        job_ids = control.add_jobs(family.kind, parameters, ends)
        seconds = ends[-1] + 2 * job_seconds
        waiter.send({"job_ids": job_ids, "created": created, "interval": job_seconds, "seconds": seconds})
        found = waiter.receive(seconds + RESPONSE_TIMEOUT)
    ended = {job["job_id"]: job["ended"] for job in control.jobs(family.kind)}
    delays = sorted(at - ended[job_id] for job_id, at in found["events"].items())
    requests = Counter(request["action"] for request in control.requests() if request["time"] >= created)
    return WaitCost(
        seen=len(delays),
        requests=dict(requests),
        delay_median=statistics.median(delays) if delays else float("inf"),
        delay_p99=delays[max(0, -(-len(delays) * 99 // 100) - 1)] if delays else float("inf"),
        cpu=found["cpu"],
    )


def measure(jobs: int, home: Path, job_seconds: float = JOB_SECONDS) -> Notifications:
    """Wait for the same number of jobs with and without the queue, and return the costs."""
    costs = {}
    home = empty_folder(home)
    with HttpsEmulator(home / "emulator") as emulator:
        for name, has_queue in RUNS.items():
            print(f"{jobs:,} jobs of {job_seconds:g} s {name} ...", flush=True)
            costs[name] = run(has_queue, jobs, job_seconds, emulator, home)
    return Notifications(jobs, job_seconds, costs)


def lines(found: Notifications) -> list[str]:
    """Return the figures as sentences."""
    return [
        f"{found.jobs:,} smart jobs of {found.job_seconds:g} s, poll interval {found.job_seconds:g} s, {name}: "
        f"{cost.seen:,} events, delay {cost.delay_median:.2f} / {cost.delay_p99:.2f} s (median / 99th percentile), "
        f"{cost.cpu:.1f} CPU seconds, {cost.requests_per_job:.3f} requests per job, not counting "
        f"{cost.requests.get(LONG_POLL, 0):,} long polls of the queue. All requests: "
        f"{', '.join(f'{action} {count:,}' for action, count in sorted(cost.requests.items()))}"
        for name, cost in found.costs.items()
    ]


def main() -> int:
    """Run the benchmark; return 1 if an event is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000, help="number of jobs (default: %(default)s)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=JOB_SECONDS,
        help="duration of the first job to end, and poll interval, in seconds",
    )
    options = parser.parse_args()
    found = measure(options.n, CHECKOUT / ".bench" / "queue", options.seconds)
    print("\n".join(lines(found)))
    return 0 if found.complete else 1


if __name__ == "__main__":
    sys.exit(main())
