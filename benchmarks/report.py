"""Writes the report in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks import many_jobs, notifications
from benchmarks.families import FAMILIES
from benchmarks.figures import SWEEPING, Figures
from benchmarks.mapped_tasks import MappedTasks, lines
from benchmarks.targets import Target

METHODS = {
    "ours": "1 ours",
    "frozen": "1 ours, GC frozen",
    "one_trigger": "1 ours, one trigger",
    "async": "2 SDK async",
    "thread": "3 SDK in threads",
    "loop": "4 blocking loop",
}

HOW = """\
## How it is measured

Smart jobs are jobs that `GetSmartHandleJob` queries, such as audio production. Batch jobs are batch video production
jobs.

An emulator of the service runs in its own process and serves HTTPS on the loopback address. The benchmark creates jobs
in it, each with its own end time. In the column "interval, ends over", the first figure is the poll interval. The
second figure is the period over which the end times are spread evenly, in random order. A new process waits for all
jobs with one of four methods. With the methods 1 to 3, it runs one asyncio task for each job in one event loop:

1. **ours**: the provider's triggers. "GC frozen" uses the option `[ims] freeze_garbage_collector`
   ([scaling](scaling.md)). "one trigger" uses a single trigger and a single asyncio task for all jobs, as in a task
   [with many jobs](howto/many-jobs.md).
2. **SDK async**: a trigger that awaits the product client's async method and then sleeps for the poll interval.
3. **SDK in threads**: the same trigger with the blocking method in `asyncio.to_thread`.
4. **blocking loop**: the loop of an operator that is not deferrable. It needs one process for each job, so the run has
   only four jobs. These jobs are polled every 0.5 s, so that more polls are measured.

- **requests/job**: all requests, including listings, divided by the number of jobs whose end led to an event. The
  emulator counts the requests.
- **extra requests/s**: requests per second, not counting one query for each job whose end led to an event. The number
  in parentheses is the rate in the busiest ten seconds.
- **CPU s/1,000 polls**: CPU seconds of the waiting process for each 1,000 job-polls. A job-poll is one update of one
  job's state in one poll interval. The number of job-polls that are due is the sum of the running times of all jobs,
  divided by the poll interval. If a method queries one job at a time and makes fewer requests than job-polls are due,
  its requests are counted instead; "polls made" is the ratio of the requests to the job-polls that were due. For
  "ours", all job-polls that were due are counted, and the column "delay" shows whether all jobs are polled in time.
- **cores**: the same CPU seconds, divided by the duration of the run in seconds.
- **stall**: the longest delay with which the event loop resumes a task that sleeps for 5 ms. The measurement starts
  after the first request of the process and a full garbage collection, as in a triggerer that has run for a while. A
  full garbage collection stops all threads; the more objects exist, the longer it takes. "without GC" is the longest
  stall, excluding the time spent in the garbage collector. The target for "ours" applies to this time, because a
  garbage collection stops any process with that many objects. The targets for "GC frozen" and "one trigger" apply to
  the whole stall.
- **delay**: the time from the job's end, as the emulator records it, to the trigger's event: median / 99th percentile.
- **memory/job**: the largest growth of the process's resident memory, divided by the number of jobs. For the blocking
  loop, it is the total memory of one process, which has loaded only the Task SDK and the product client.
- **events**: "all" if the end of every job led to an event. Otherwise, the run reached its time limit. The column then
  contains the number of jobs whose end led to an event and the number of jobs that had ended, and all figures of the
  run cover the time until this limit.

A figure with "×" in parentheses is a ratio to the figure of "ours" for the same number of jobs. All processes,
including the emulator, share the machine's cores. Compare the figures on this page only with each other, not with those
of another machine.
"""


def report(
    profile: str,
    machine: Sequence[str],
    imports: Sequence[str],
    figures: Sequence[Figures],
    tasks: MappedTasks,
    many: many_jobs.ManyJobs,
    queue: notifications.Notifications,
    targets: Sequence[Target],
) -> str:
    """
    Return the whole report.

    :param profile: The command that measured the figures.
    :param machine: The hardware, the software versions and the dates, one per line.
    """
    parts = [
        "# Benchmarks\n",
        f"`{profile}` wrote this page. For the columns and terms, see [how it is measured](#how-it-is-measured).\n",
        "\n".join(f"- {line}" for line in machine) + "\n",
        "## Targets\n",
        table(["target", "measured", "result"], ([target.text, target.found, target.verdict] for target in targets)),
        "## Waiting for many jobs\n",
    ]
    for family in FAMILIES:
        found = [one for one in figures if one.run.family == family]
        if found:
            parts += [f"### {FAMILIES[family].title}\n", table(HEADINGS, rows(found))]
    parts += [
        HOW,
        "## Mapped tasks\n",
        "The deferrable tasks of one mapped operator run on a local Airflow (SQLite, LocalExecutor) with the emulator. "
        "After all tasks have deferred, their jobs end at a rate of 20 jobs per second.\n",
        "\n".join(f"- {line}" for line in lines(tasks)) + "\n",
        "## Many jobs in one task\n",
        "The same text jobs run in one task of `ImsSubmitJobsOperator`, and with one mapped task for each job. Both "
        "use one local Airflow (SQLite, LocalExecutor) with the emulator. The scheduler's CPU seconds include the "
        "workers, and the memory is that of the largest worker process.\n",
        "\n".join(f"- {line}" for line in many_jobs.lines(many)) + "\n",
        "## With a queue\n",
        "The provider's triggers wait for the same smart jobs twice: with a queue, to which the service writes a "
        "message when a job ends, and without it ([notifications](howto/notifications.md)). The jobs end at a rate of "
        f"{notifications.RATE:g} per second.\n",
        "\n".join(f"- {line}" for line in notifications.lines(queue)) + "\n",
        "## Imports\n",
        "The cost of each import in addition to `import airflow.sdk`, measured in a new interpreter:\n",
        "```text\n" + "\n".join(imports) + "\n```\n",
    ]
    return "\n".join(parts)


HEADINGS = [
    "jobs",
    "method",
    "interval, ends over",
    "events",
    "requests/job",
    "extra requests/s",
    "CPU s/1,000 polls",
    "polls made",
    "cores",
    "stall, ms",
    "without GC, ms",
    "delay, s",
    "memory/job, KiB",
]


def rows(figures: Sequence[Figures]) -> Iterator[list[str]]:
    """Yield the rows of one family's table."""
    order = list(METHODS)
    for found in sorted(figures, key=lambda one: (one.run.jobs, order.index(one.run.method))):
        run = found.run
        ours = next((one for one in figures if one.run.method == "ours" and one.run.jobs == run.jobs), None)

        def with_ratio(
            value: Callable[[Figures], float | None],
            digits: int,
            found: Figures = found,
            ours: Figures | None = ours,
        ) -> str:
            figure = value(found)
            if figure is None:
                return "-"
            text = f"{figure:,.{digits}f}"
            base = value(ours) if ours is not None and ours is not found else None
            return f"{text} ({figure / base:,.1f}×)" if base else text

        yield [
            f"{run.jobs:,}",
            METHODS[run.method] + (f", {found.errors:,} errors" if found.errors else ""),
            f"{run.interval:g} s, {run.window:g} s",
            "all" if found.complete else f"{found.seen:,} of {found.ended:,} in {found.elapsed:.0f} s",
            with_ratio(lambda one: one.requests_per_job if one.complete else None, 2),
            f"{found.extra_request_rate:.1f} ({found.busiest:.1f})",
            with_ratio(lambda one: one.cpu_per_1000_polls, 3),
            "-" if run.method in SWEEPING else f"{found.polls / found.due:.0%}",
            f"{found.cores:.2f}",
            with_ratio(lambda one: one.stall_ms, 0),
            "-" if found.stall_without_gc is None else f"{found.stall_without_gc * 1000:,.0f}",
            "-" if found.delay_p99 is None else f"{found.delay_median:.1f} / {found.delay_p99:.1f}",
            with_ratio(lambda one: one.memory_per_job / 1024, 1),
        ]


def table(headings: Sequence[str], body: Iterator[list[str]]) -> str:
    """Return a table in Markdown."""
    lines_ = [headings, ["---"] * len(headings), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines_) + "\n"
