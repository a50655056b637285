"""The targets of the benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.figures import Figures
from benchmarks.many_jobs import ManyJobs
from benchmarks.mapped_tasks import MappedTasks
from benchmarks.notifications import Notifications

Value: TypeAlias = "Callable[[Figures], float | None]"

TEN_MINUTES = 600
#: The minimum number of poll intervals in the runs that are compared. In a shorter run, polling has little effect.
INTERVALS = 30


@dataclass(frozen=True)
class Target:
    """
    One target.

    :param text: The description of the target.
    :param found: The measured value.
    :param met: Whether the target is met; None if it was not measured.
    """

    text: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """The result in words."""
        return {True: "met", False: "**missed**", None: "not measured"}[self.met]


def below(text: str, found: Figures | None, value: Value, limit: float, unit: str = "", digits: int = 2) -> Target:
    """Return the target that a figure is below a limit."""
    figure = None if found is None else value(found)
    return Target(
        f"{text} under {limit:g}{unit}",
        "-" if figure is None else f"{figure:.{digits}f}{unit}",
        None if figure is None else figure < limit,
    )


def times(text: str, theirs: Figures | None, ours: Figures | None, value: Value, least: float) -> Target:
    """Return the target that a figure of another method is at least ``least`` times that of the provider."""
    figure, base = theirs and value(theirs), ours and value(ours)
    ratio = figure / base if figure and base else None
    return Target(
        f"{text}: at least {least:g} times lower",
        "-" if ratio is None else f"{ratio:.1f} times",
        None if ratio is None else ratio >= least,
    )


def polling_targets(figures: Sequence[Figures]) -> Iterator[Target]:
    """Yield the targets of the polling benchmark."""

    def one(family: str, method: str, jobs: int, *, window: float = 0, intervals: float = 0) -> Figures | None:
        for found in figures:
            run = found.run
            if (run.family, run.method, run.jobs) == (family, method, jobs) and run.window >= max(
                window, intervals * run.interval
            ):
                return found
        return None

    smart = one("smart", "ours", 10_000, window=TEN_MINUTES)
    text = "10,000 smart jobs that end over ten minutes, poll interval 10 s:"
    complete = None if smart is None else smart.complete
    yield Target(f"{text} an event for the end of every job", "-" if smart is None else f"{smart.seen:,}", complete)
    yield below(
        f"{text} longest stall of the event loop, without garbage collection",
        smart,
        lambda one: one.stall_without_gc_ms,
        50,
        " ms",
        0,
    )
    frozen = one("smart", "frozen", 10_000)
    yield below(
        "10,000 smart jobs with `freeze_garbage_collector`: longest stall of the event loop",
        frozen,
        lambda one: one.stall_ms,
        50,
        " ms",
        0,
    )
    one_trigger = one("smart", "one_trigger", 10_000)
    yield below(
        "10,000 smart jobs in one trigger: longest stall of the event loop",
        one_trigger,
        lambda one: one.stall_ms,
        50,
        " ms",
        0,
    )
    yield below(
        f"{text} 99th percentile of the delay from a job's end to its event",
        smart,
        lambda one: one.delay_p99,
        12,
        " s",
        1,
    )
    yield below(
        f"{text} extra requests per second in the busiest ten seconds",
        smart,
        lambda one: one.busiest,
        15,
    )
    yield below(
        f"{text} requests per job, not counting listings,",
        smart,
        lambda one: one.queries_per_job,
        1.1,
        digits=3,
    )
    yield below(f"{text} share of one core", smart, lambda one: one.cores, 0.25)
    image = one("image", "ours", 10_000, window=60)
    yield below("10,000 AI image jobs: share of one core", image, lambda one: one.cores, 0.5)
    ours = one("smart", "ours", 1_000, intervals=INTERVALS)
    threads = one("smart", "thread", 1_000, intervals=INTERVALS)
    awaiting = one("smart", "async", 1_000, intervals=INTERVALS)
    yield times(
        "1,000 smart jobs: CPU per job-poll, compared with the SDK's async method",
        awaiting,
        ours,
        lambda one: one.cpu_per_1000_polls,
        20,
    )
    yield times(
        "1,000 smart jobs: requests per ended job, compared with the SDK in threads",
        threads,
        ours,
        lambda one: one.requests_per_job,
        10,
    )


def queue_targets(queue: Notifications) -> Iterator[Target]:
    """Yield the targets of the benchmark with a queue."""
    cost = queue.with_queue
    text = f"{queue.jobs:,} jobs of {queue.job_seconds:g} s with a queue, poll interval {queue.job_seconds:g} s:"
    full = queue.jobs >= 1000
    for name, value, limit, unit in (
        ("requests per job, not counting long polls,", cost.requests_per_job, 1.1, ""),
        ("median of the delay from a job's end to its event", cost.delay_median, 1, " s"),
        ("99th percentile of this delay", cost.delay_p99, 3, " s"),
    ):
        met = queue.complete and value <= limit
        yield Target(f"{text} {name} at most {limit:g}{unit}", f"{value:.2f}{unit}", met if full else None)


def all_targets(
    imports_missed: Sequence[str],
    figures: Sequence[Figures],
    tasks: MappedTasks,
    many: ManyJobs,
    queue: Notifications,
) -> list[Target]:
    """Return every target."""
    full = tasks.tasks >= 1000
    return [
        *polling_targets(figures),
        Target(
            f"{tasks.tasks:,} mapped tasks: all succeed with one job each, and no warnings about a blocked event loop",
            f"{tasks.succeeded:,} succeeded, {tasks.jobs:,} jobs, {len(tasks.blocked)} warnings",
            # A run with fewer than 1,000 tasks can miss the target, but cannot meet it.
            tasks.passed if full or not tasks.passed else None,
        ),
        Target(
            f"{many.count:,} jobs in one task, compared with mapped tasks: at least 20 times less CPU",
            f"{many.times_less_cpu:.1f} times",
            many.passed and many.times_less_cpu >= 20 if many.count >= 1000 else None,
        ),
        Target(
            f"{many.count:,} jobs in one task, compared with mapped tasks: at least 10 times less time in addition "
            "to the duration of a job",
            f"{many.times_less_time:.1f} times",
            many.passed and many.times_less_time >= 10 if many.count >= 1000 else None,
        ),
        Target(
            "10,000 jobs in one task: all succeed, and each worker process takes less than 300 MB",
            f"{many.large.jobs:,} jobs, {many.large.worker_memory / 1e6:.0f} MB",
            many.large.succeeded and many.large.worker_memory < 300e6 if many.large.count >= 10_000 else None,
        ),
        *queue_targets(queue),
        Target(
            "Importing an operator, sensor or trigger module: under 50 ms in addition to `airflow.sdk`, no SDK modules",
            f"not met by {', '.join(imports_missed)}" if imports_missed else "met by all",
            not imports_missed,
        ),
    ]
