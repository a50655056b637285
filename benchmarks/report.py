"""The report, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks import machine
from benchmarks.families import FAMILIES
from benchmarks.figures import Figures
from benchmarks.mapped_tasks import MappedTasks, lines
from benchmarks.targets import Target

METHODS = {
    "ours": "1 ours",
    "async": "2 SDK async",
    "thread": "3 SDK in threads",
    "loop": "4 blocking loop",
}

HOW = """\
## How it is measured

An emulator of the service runs in a process of its own and speaks HTTPS on the loopback address. Jobs are put into it,
each with its own time to end; the ends are spread evenly over the seconds under "ends over", in random order. A fresh
process waits for all of them in one event loop, a task for each, with one of four methods:

1. **ours**: the provider's triggers.
2. **SDK async**: a trigger that awaits the product client's async method, then sleeps for the poll interval.
3. **SDK in threads**: the same with the blocking method in `asyncio.to_thread`.
4. **blocking loop**: an operator that is not deferrable. It needs a process for each job, so only a few are run,
   asked for more often to measure more polls.

- **requests/job**: all requests, listings included, over the jobs whose end was seen. The emulator counts.
- **besides/s**: requests a second besides one query for each job whose end was seen; in brackets those in the busiest
  ten seconds.
- **CPU s/1,000 polls**: CPU seconds of the waiting process for each 1,000 job-polls. A job-poll is one job's state
  learnt once in a poll interval: for each job the time for which it ran over the interval. A method that asks for one
  job at a time and does not keep up is counted with the requests that it made; "polls made" is their share. Ours is
  counted with those that were due; its delays show whether it keeps up.
- **cores**: the same CPU seconds over the seconds of the run.
- **stall**: the most by which a task that sleeps for 5 ms was late. It counts from the process's first request on.
  A full run of Python's garbage collector stops everything for longer the more objects wait; "without GC" is the
  longest stall with the collector's time taken off. Targets are held against the whole stall.
- **delay**: from the job's end, as the emulator knows it, to the trigger's event: median / 99th percentile.
- **memory/job**: by how much the resident memory grew at most, over the jobs; for the blocking loop all of its process,
  which has only the task SDK and the client in it.
- **ends seen**: where it is not all, the run was stopped, and its figures are those up to then.

In brackets after a figure: how many times ours. All processes share the machine's cores, the emulator included, so
compare figures of one run with each other and not with those of another machine.
"""


def report(
    profile: str, imports: Sequence[str], figures: Sequence[Figures], tasks: MappedTasks, targets: Sequence[Target]
) -> str:
    """Return the whole report."""
    parts = [
        "# Benchmarks\n",
        f"Written by `{profile}`.\n",
        "\n".join(f"- {line}" for line in machine.describe()) + "\n",
        "## Targets\n",
        table(["target", "found", ""], ([target.text, target.found, target.verdict] for target in targets)),
        "## Waiting for many jobs\n",
    ]
    for family in FAMILIES:
        found = [one for one in figures if one.run.family == family]
        if found:
            parts += [f"### {FAMILIES[family].title}\n", table(HEADINGS, rows(found))]
    parts += [
        HOW,
        "## Mapped tasks\n",
        "Deferrable tasks of one mapped operator on a real Airflow (SQLite, LocalExecutor) and the emulator; their "
        "jobs end only when all have deferred, 20 a second.\n",
        "\n".join(f"- {line}" for line in lines(tasks)) + "\n",
        "## Imports\n",
        "Added to `import airflow.sdk`, in fresh interpreters:\n",
        "```text\n" + "\n".join(imports) + "\n```\n",
    ]
    return "\n".join(parts)


HEADINGS = [
    "jobs",
    "method",
    "interval, ends over",
    "ends seen",
    "requests/job",
    "besides/s",
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

        def beside(
            value: Callable[[Figures], float | None], digits: int, found: Figures = found, ours: Figures | None = ours
        ) -> str:
            mine = value(found)
            if mine is None:
                return "-"
            text = f"{mine:,.{digits}f}"
            base = value(ours) if ours is not None and ours is not found else None
            return f"{text} ({mine / base:,.1f}×)" if base else text

        yield [
            f"{run.jobs:,}",
            METHODS[run.method] + (f", {found.errors:,} errors" if found.errors else ""),
            f"{run.interval:g} s, {run.window:g} s",
            "all" if found.complete else f"{found.seen:,} of {found.ended:,} in {found.elapsed:.0f} s",
            beside(lambda one: one.requests_per_job if one.complete else None, 2),
            f"{found.besides:.1f} ({found.busiest:.1f})",
            beside(lambda one: one.cpu_per_1000_polls, 3),
            "-" if run.method == "ours" else f"{found.polls / found.due:.0%}",
            f"{found.cores:.2f}",
            beside(lambda one: one.stall_ms, 0),
            "-" if found.stall_without_gc is None else f"{found.stall_without_gc * 1000:,.0f}",
            "-" if found.delay_p99 is None else f"{found.delay_median:.1f} / {found.delay_p99:.1f}",
            beside(lambda one: one.memory_per_job / 1024, 1),
        ]


def table(headings: Sequence[str], body: Iterator[list[str]]) -> str:
    """Return a table."""
    lines_ = [headings, ["---"] * len(headings), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines_) + "\n"
