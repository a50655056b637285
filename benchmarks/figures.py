"""Computes the figures of a run from the data that the measured processes and the emulator have recorded."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.families import FAMILIES
from benchmarks.methods import FROZEN, ONE_TRIGGER

#: Length in seconds of the window in which the highest request rate is measured.
BUSY_SECONDS = 10.0
#: The methods that update several jobs with one request. Their job-polls are not the number of their requests.
SWEEPING = ("ours", FROZEN, ONE_TRIGGER)


@dataclass(frozen=True, kw_only=True)
class Run:
    """
    The parameters of one run.

    :param family: A key of :data:`FAMILIES`.
    :param method: ``ours``, ``frozen``, ``one_trigger``, ``async``, ``thread`` or ``loop``.
    :param jobs: The number of waiting jobs.
    :param interval: The poll interval in seconds.
    :param window: The number of seconds over which the ends of the jobs are spread.
    :param seconds: The time limit in seconds, at which the run stops even if jobs are still running.
    """

    family: str
    method: str
    jobs: int
    interval: float
    window: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """
    The figures of one run.

    :param run: The parameters of the run.
    :param elapsed: Seconds from the start of the first trigger to the last event, or to the time limit.
    :param started: Number of triggers that were started.
    :param ended: Number of jobs that ended during the run.
    :param seen: Number of jobs whose end caused an event during the run.
    :param errors: Number of failed requests.
    :param due: Number of job-polls that were due: the total number of seconds that the jobs ran during the measurement,
        divided by the interval.
    :param queries: Number of queries by job id.
    :param listings: Number of listing requests.
    :param busiest: Requests per second in the busiest ten seconds, without the final query of each ended job.
    :param cpu: CPU seconds of the waiting process.
    :param memory: The maximum increase of its memory usage in bytes; for ``loop``, the total memory of its processes.
    :param stall: The longest stall of its event loop in seconds; None without an event loop.
    :param stall_without_gc: The longest stall in seconds, excluding the time spent in Python's garbage collector.
    :param stalls: The longest stalls: their durations and their times since the start, in seconds.
    :param delay_median: The median number of seconds from a job's end to its event; None if there is one event for all
        jobs, or no event.
    :param delay_p99: The 99th percentile of these delays.
    """

    run: Run
    elapsed: float
    started: int
    ended: int
    seen: int
    errors: int
    due: float
    queries: int
    listings: int
    busiest: float
    cpu: float
    memory: int
    stall: float | None
    stall_without_gc: float | None
    stalls: list[tuple[float, float]]
    delay_median: float | None
    delay_p99: float | None

    @property
    def complete(self) -> bool:
        """Whether every job's end caused an event."""
        return self.seen == self.run.jobs

    @property
    def requests_per_job(self) -> float | None:
        """Requests per job whose end caused an event; None if there are no such jobs."""
        return (self.queries + self.listings) / self.seen if self.seen else None

    @property
    def queries_per_job(self) -> float | None:
        """Requests per job whose end caused an event, without the listings; None if there are no such jobs."""
        return self.queries / self.seen if self.seen else None

    @property
    def extra_request_rate(self) -> float:
        """Requests per second, not counting one query for each job whose end caused an event."""
        return max(0, self.queries + self.listings - self.seen) / self.elapsed

    @property
    def polls(self) -> float:
        """
        Job-polls: updates of a job's state, counted at most once per interval.

        A method that queries one job at a time and cannot keep up makes fewer job-polls than are due.
        """
        return self.due if self.run.method in SWEEPING else min(self.due, self.queries)

    @property
    def cpu_per_1000_polls(self) -> float:
        """CPU seconds per 1,000 job-polls."""
        return self.cpu / self.polls * 1000 if self.polls else float("inf")

    @property
    def stall_ms(self) -> float | None:
        """The longest stall in milliseconds."""
        return None if self.stall is None else self.stall * 1000

    @property
    def stall_without_gc_ms(self) -> float | None:
        """The longest stall in milliseconds, excluding the time spent in the garbage collector."""
        return None if self.stall_without_gc is None else self.stall_without_gc * 1000

    @property
    def cores(self) -> float:
        """The average number of cores that the process used."""
        return self.cpu / self.elapsed

    @property
    def memory_per_job(self) -> float:
        """Bytes per waiting job."""
        return self.memory / max(1, self.started)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)


def figures_of(
    run: Run,
    processes: Sequence[dict[str, Any]],
    requests: Sequence[dict[str, Any]],
    jobs: Sequence[dict[str, Any]],
) -> Figures:
    """
    Compute the figures of a run.

    :param run: The parameters of the run.
    :param processes: The report of each waiting process.
    :param requests: The requests that the emulator has recorded.
    :param jobs: The jobs in the emulator.
    """
    family = FAMILIES[run.family]
    began = min(process["began"] for process in processes)
    events = {job_id: time for process in processes for job_id, time in process["events"].items()}
    complete = len(events) == run.jobs
    stopped = max(events.values()) if complete else max(process["stopped"] for process in processes)
    ends = {job["job_id"]: job["ended"] or float("inf") for job in jobs}
    delays = [] if run.method == ONE_TRIGGER else sorted(time - ends[job_id] for job_id, time in events.items())
    during = [request for request in requests if request["time"] <= stopped]
    return Figures(
        run=run,
        elapsed=stopped - began,
        started=sum(process["started"] for process in processes),
        ended=sum(end <= stopped for end in ends.values()),
        seen=len(events),
        errors=sum(process["errors"] for process in processes),
        due=sum(max(0.0, min(end, stopped) - began) for end in ends.values()) / run.interval,
        queries=sum(request["action"] == family.query for request in during),
        listings=sum(request["action"] != family.query for request in during),
        busiest=busiest(
            [request["time"] for request in without_final_queries(during, family.id_parameter, set(events))]
        ),
        cpu=sum(process["cpu"] for process in processes),
        memory=sum(process["memory"] for process in processes),
        stall=max((stall[0] for process in processes for stall in process["stalls"]), default=None),
        stall_without_gc=processes[0]["stall_without_gc"],
        stalls=[tuple(stall) for process in processes for stall in process["stalls"]],
        delay_median=statistics.median(delays) if delays else None,
        delay_p99=delays[max(0, -(-len(delays) * 99 // 100) - 1)] if delays else None,
    )


def without_final_queries(
    requests: Sequence[dict[str, Any]], id_parameter: str, seen: set[str]
) -> list[dict[str, Any]]:
    """Return the requests without the final query of each ended job, unless that query included other jobs."""
    last = {request["parameters"].get(id_parameter): number for number, request in enumerate(requests)}
    confirming = {number for job_id, number in last.items() if job_id in seen}
    return [request for number, request in enumerate(requests) if number not in confirming]


def busiest(times: Sequence[float]) -> float:
    """Return the highest rate of requests per second in any ten-second window."""
    times = sorted(times)
    most = max((number + 1 - bisect_left(times, time - BUSY_SECONDS) for number, time in enumerate(times)), default=0)
    return most / BUSY_SECONDS
