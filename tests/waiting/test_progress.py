from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ims._waiting.progress import Progress


@dataclass
class Log:
    lines: list[str] = field(default_factory=list)

    def info(self, message: str, *arguments: Any) -> None:
        self.lines.append(message % arguments)

    warning = info


@dataclass
class Clock:
    time: float = 0.0

    def __call__(self) -> float:
        return self.time


def test_each_tenth_of_the_jobs_is_reported_with_the_time_left() -> None:
    log, clock = Log(), Clock()
    progress = Progress(log, 1000, now=clock)
    for number in range(1000):
        clock.time += 0.25
        progress.ended(failed=number in (5, 105))
        progress.report()
    assert len(log.lines) == 10
    assert log.lines[0] == "100 of 1,000 jobs ended, 1 failed, about 4 min left"
    assert log.lines[8] == "900 of 1,000 jobs ended, 2 failed, about 25 s left"
    assert log.lines[9] == "1,000 of 1,000 jobs ended, 2 failed"


def test_fewer_jobs_are_reported_every_30_seconds() -> None:
    log, clock = Log(), Clock()
    progress = Progress(log, 1000, now=clock)
    for _ in range(10):
        clock.time += 10
        progress.ended(failed=False)
        progress.report()
    assert [line.partition(",")[0] for line in log.lines] == [f"{done} of 1" for done in (3, 6, 9)]


def test_a_wait_without_a_change_is_reported_every_30_seconds() -> None:
    log, clock = Log(), Clock()
    progress = Progress(log, 1000, done=500, now=clock)
    progress.report()
    clock.time = 29
    progress.report()
    assert log.lines == []
    clock.time = 30
    progress.report()
    assert log.lines == ["500 of 1,000 jobs ended"]


def test_problems_of_polls_are_reported_with_the_next_message() -> None:
    log, clock = Log(), Clock()
    progress = Progress(log, 1000, now=clock)
    for number in range(100):
        progress.had_problem(f"Polling job {number} failed")
    progress.report()
    assert log.lines == []
    clock.time = 60
    progress.report()
    clock.time = 90
    progress.report()
    assert log.lines[1] == "100 polls had problems. The latest problem: Polling job 99 failed"
    assert len(log.lines) == 3


def test_the_jobs_of_earlier_waits_are_not_used_to_estimate_the_time_left() -> None:
    log, clock = Log(), Clock()
    progress = Progress(log, 100, done=80, now=clock)
    clock.time = 60
    for _ in range(10):
        progress.ended(failed=False)
    progress.report()
    assert log.lines == ["90 of 100 jobs ended, about 60 s left"]
