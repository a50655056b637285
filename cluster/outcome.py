"""The outcome of a scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Outcome:
    """
    The outcome of one scenario.

    :param task_runs: Number of task runs.
    :param states: Number of task runs by end state.
    :param jobs: Number of task runs by number of jobs in the emulator; None if the tasks submit no jobs.
    :param tries: Number of task runs by number of tries.
    :param requests: Number of requests to the emulator.
    :param seconds: Seconds from the start of the DAG run to its end.
    :param recovery: Seconds from the fault until every affected task has recovered; None without a fault.
    :param cpu: CPU seconds by component.
    :param remarks: Additional observations.
    :param problems: Failures that are not reflected in the counts.
    """

    task_runs: int
    states: Counter[str] = field(default_factory=Counter)
    jobs: Counter[int] | None = field(default_factory=Counter)
    tries: Counter[int] = field(default_factory=Counter)
    requests: int = 0
    seconds: float = 0.0
    recovery: float | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every task run succeeded, with exactly one job if it submits jobs, and there were no problems."""
        return (
            not self.problems
            and self.states == Counter({"success": self.task_runs})
            and self.jobs in (None, Counter({1: self.task_runs}))
        )

    @property
    def job_count(self) -> int:
        """The number of jobs in the emulator."""
        return sum(jobs * runs for jobs, runs in (self.jobs or {}).items())

    @property
    def requests_per_job(self) -> float | None:
        """The number of requests to the emulator divided by the number of jobs; None without a job."""
        return self.requests / self.job_count if self.job_count else None
