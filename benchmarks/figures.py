"""From what the measured process and the emulator have seen to the figures of one run."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.families import FAMILIES

#: The busiest time of this length is looked for, in seconds.
BUSY_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """
    What is run.

    :param family: One of :data:`FAMILIES`.
    :param method: ``ours``, ``frozen``, ``async``, ``thread`` or ``loop``.
    :param jobs: How many jobs wait.
    :param interval: The poll interval, in seconds.
    :param window: The seconds over which the jobs' ends are spread.
    :param seconds: When to stop, ended or not.
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
    What a run came to.

    :param run: What was run.
    :param elapsed: Seconds from the first trigger's start to the last event, or to the stop.
    :param started: Triggers that could be started.
    :param ended: Jobs that had ended by then.
    :param seen: Jobs whose end made an event by then.
    :param errors: Requests that failed.
    :param due: Job-polls that were due: the seconds that each job ran during the measurement, over the interval.
    :param queries: Requests for jobs by their ids.
    :param listings: Requests of listings.
    :param busiest: Requests a second in the busiest ten seconds, without the last query for each job that was seen
        to end.
    :param cpu: CPU seconds of the waiting process.
    :param memory: Bytes that it grew by, at most.
    :param stall: The longest stall of its event loop, in seconds; None without one.
    :param stall_without_gc: The longest without the time of Python's garbage collector.
    :param stalls: The worst stalls: seconds, and seconds since the start.
    :param delay_median: Seconds from a job's end to its event.
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
        """Whether every job's end was seen."""
        return self.seen == self.run.jobs

    @property
    def requests_per_job(self) -> float | None:
        """Requests for each job whose end was seen."""
        return (self.queries + self.listings) / self.seen if self.seen else None

    @property
    def queries_per_job(self) -> float | None:
        """The same without the listings."""
        return self.queries / self.seen if self.seen else None

    @property
    def besides(self) -> float:
        """Requests a second besides one query for each job whose end was seen."""
        return max(0, self.queries + self.listings - self.seen) / self.elapsed

    @property
    def polls(self) -> float:
        """
        Job-polls: how often a job's state was learnt, counted at most once for each interval.

        Who asks for one job at a time and does not keep up makes fewer than are due.
        """
        return self.due if self.run.method in ("ours", "frozen") else min(self.due, self.queries)

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
        """The longest stall in milliseconds, without the time of the garbage collector."""
        return None if self.stall_without_gc is None else self.stall_without_gc * 1000

    @property
    def cores(self) -> float:
        """The share of one core that was used."""
        return self.cpu / self.elapsed

    @property
    def memory_per_job(self) -> float:
        """Bytes for each waiting job."""
        return self.memory / max(1, self.started)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def figures_of(
    run: Run,
    processes: Sequence[dict[str, Any]],
    requests: Sequence[dict[str, Any]],
    jobs: Sequence[dict[str, Any]],
) -> Figures:
    """
    Work the figures out.

    :param run: What was run.
    :param processes: What each waiting process told.
    :param requests: The emulator's record of requests.
    :param jobs: The emulator's jobs.
    """
    family = FAMILIES[run.family]
    began = min(process["began"] for process in processes)
    events = {job_id: time for process in processes for job_id, time in process["events"].items()}
    complete = len(events) == run.jobs
    stopped = max(events.values()) if complete else max(process["stopped"] for process in processes)
    ends = {job["job_id"]: job["ended"] or float("inf") for job in jobs}
    delays = sorted(time - ends[job_id] for job_id, time in events.items())
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
        busiest=busiest([request["time"] for request in unneeded(during, family.id_parameter, set(events))]),
        cpu=sum(process["cpu"] for process in processes),
        memory=sum(process["memory"] for process in processes),
        stall=max((stall[0] for process in processes for stall in process["stalls"]), default=None),
        stall_without_gc=processes[0]["stall_without_gc"],
        stalls=[tuple(stall) for process in processes for stall in process["stalls"]],
        delay_median=statistics.median(delays) if delays else None,
        delay_p99=delays[max(0, -(-len(delays) * 99 // 100) - 1)] if delays else None,
    )


def unneeded(requests: Sequence[dict[str, Any]], id_parameter: str, seen: set[str]) -> list[dict[str, Any]]:
    """Leave out the last query for each job that was seen to end, where it asked for no other."""
    last = {request["parameters"].get(id_parameter): number for number, request in enumerate(requests)}
    confirming = {number for job_id, number in last.items() if job_id in seen}
    return [request for number, request in enumerate(requests) if number not in confirming]


def busiest(times: Sequence[float]) -> float:
    """Return the most requests a second over any ten seconds."""
    times = sorted(times)
    most = max((number + 1 - bisect_left(times, time - BUSY_SECONDS) for number, time in enumerate(times)), default=0)
    return most / BUSY_SECONDS
