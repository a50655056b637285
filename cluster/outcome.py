"""What a scenario came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Outcome:
    """
    The figures of one scenario.

    :param task_runs: How many task runs it has.
    :param states: How many task runs ended in each state.
    :param jobs: How many task runs have so many jobs at the emulator.
    :param tries: How many task runs took so many tries.
    :param requests: Requests to the service.
    :param seconds: From the start of the DAG run to its end.
    :param recovery: Seconds from the fault until every wait went on or had ended; None where there is no fault.
    :param cpu: CPU seconds by component.
    :param remarks: What else is worth telling.
    :param problems: What went wrong besides the figures.
    """

    task_runs: int
    states: Counter[str] = field(default_factory=Counter)
    jobs: Counter[int] = field(default_factory=Counter)
    tries: Counter[int] = field(default_factory=Counter)
    requests: int = 0
    seconds: float = 0.0
    recovery: float | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every task run succeeded with exactly one job, and nothing else went wrong."""
        return (
            not self.problems
            and self.states == Counter({"success": self.task_runs})
            and self.jobs == Counter({1: self.task_runs})
        )

    @property
    def job_count(self) -> int:
        """How many jobs there are at the emulator."""
        return sum(jobs * runs for jobs, runs in self.jobs.items())

    @property
    def requests_per_job(self) -> float | None:
        """Requests to the service over the jobs; None without a job."""
        return self.requests / self.job_count if self.job_count else None
