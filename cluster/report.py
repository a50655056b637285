"""The tables for the terminal and the documentation."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from benchmarks import machine
from cluster.outcome import Outcome
from cluster.scenarios import SCENARIOS
from cluster.settings import SETTINGS
from local_airflow.backends import postgres_folder, redis_program

HEADINGS = (
    "scenario",
    "task runs",
    "end states",
    "jobs per task run",
    "tries",
    "recovery, s",
    "requests per job",
    "duration, s",
    "passed",
)
INTRODUCTION = """\
# Cluster

`make cluster` runs a production-like Airflow deployment on one machine and tests how it handles component failures. The
cluster consists of PostgreSQL, Redis, two Celery workers, two schedulers, two triggerers, an API server, a DAG
processor, and the emulator with its state in a file. A scenario passes if every [task run](glossary.md) succeeds, the
emulator contains exactly one job for each task run, and the scenario detects no other problem, such as a cancel
request. The scenario `watcher` submits no jobs. It passes if each message causes one or two asset events
([details](howto/media-events.md#what-happens-to-a-message)).

```console
$ make cluster
$ make cluster SCENARIOS="triggerer-killed secrets"
```

The command requires the server programs of PostgreSQL and Redis (`apt-get install postgresql redis-server` on Debian)
and about 4 GB of memory. It creates its own database and broker in `.cluster`. All servers listen on 127.0.0.1 only. At
the end, the command stops every process that it started. If a scenario fails, `python -m cluster` exits with 1, and
`make` with 2. The command takes longer than ten minutes, so it is not part of `make test`.
"""
PRELOADING = """\
In addition, `airflow_local_settings.py` in `$AIRFLOW_HOME/config` imports `airflow_provider_ims.hooks._sdk` and the
operators. A Celery worker forks its task processes, so these processes do not import the modules again.

Recovery from some failures requires retries. A try fails if its worker dies, or if the broker is down when a scheduler
queues the task, for example to resume it after its job has ended. If an earlier try has submitted a job, the next try
finds this job instead of submitting a second one. Set `retries` to at least 2 and `retry_delay` to more than the
duration of the expected outages, or set more retries.
"""
HOW = """\
- **jobs per task run**: the number of jobs that the emulator accepted for a task run. If it is greater than 1, the
  task run is billed more than once.
- **tries**: the highest `try_number`, and in parentheses the number of task runs with more than one try.
- **recovery**: the time from the fault until every affected task has recovered, that is, until its job has been polled
  again or the task has ended; in `scheduler-killed`, until the task is deferred. The duration of an outage is included.
  In `queue`, the recovery ends with the last poll of the jobs whose tasks waited in the killed triggerer; in `watcher`,
  it ends when Airflow has stored an event for each message.
- **requests per job**: the number of requests to the emulator, including submissions and listings, divided by the
  number of jobs.
- **duration**: the time from the start of the DAG run to its end. The scenario determines when jobs end; in most cases,
  this is after the recovery.

All mapped tasks have `retries=3` and a `retry_delay` of 10 s. Their jobs are polled every 10 s, but every 600 s in
`queue`, and every 2 s in the `worker-...` scenarios, whose tasks have `deferrable=False`.

A component that exits is restarted after 2 s, as systemd (`Restart=always`) or Kubernetes would do. Some components
exit during an outage of PostgreSQL. A component that a scenario kills stays down at least until the affected tasks have
recovered.
"""


def one_line_summary(outcome: Outcome) -> str:
    """Return a summary of an outcome in one line."""
    cells = _cells("", outcome)
    pairs = zip(HEADINGS[1:], cells[1:], strict=True)
    return "; ".join(f"{heading}: {cell}" for heading, cell in pairs)


def terminal_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return the table for a terminal."""
    rows = [HEADINGS, *(_cells(SCENARIOS[name].title, outcome) for name, outcome in outcomes.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def page(outcomes: Mapping[str, Outcome], minutes: float, load: float, software: str) -> str:
    """
    Return the page of the documentation.

    :param minutes: The duration of the run in minutes.
    :param load: The machine's load average before the run.
    :param software: The versions of the cluster's software.
    """
    rows = [_cells(f"{SCENARIOS[name].title} (`{name}`)", outcome) for name, outcome in outcomes.items()]
    parts = [
        INTRODUCTION,
        "## Results\n",
        "\n".join(f"- {line}" for line in (*machine.describe(), software, run_line(minutes, load))) + "\n",
        markdown_table(HEADINGS, rows),
    ]
    remarks = [
        f"- {SCENARIOS[name].title}: {'; '.join(_plain(text) for text in [*outcome.problems, *outcome.remarks])}"
        for name, outcome in outcomes.items()
        if outcome.problems or outcome.remarks
    ]
    parts += ["\n".join(remarks) + "\n", "## Columns\n", HOW]
    measured = {name: outcome for name, outcome in outcomes.items() if outcome.cpu}
    if measured:
        parts += ["## CPU seconds by component\n", "The figures include child processes.\n", cpu_table(measured)]
    parts += [
        "## Settings\n",
        "The cluster uses these Airflow settings, most of which determine how long a recovery takes. Times are in "
        "seconds. With a shorter threshold, a "
        "dead component is detected sooner, but a slow component is more often treated as dead.\n",
        markdown_table(
            ("section", "option", "value", "default", "reason"),
            [(one.section, f"`{one.name}`", one.value, one.default, one.why) for one in SETTINGS],
        ),
        PRELOADING,
    ]
    return "\n".join(parts)


def run_line(minutes: float, load: float) -> str:
    """Return the duration of the run, and whether other processes were using the machine."""
    other_load = "other processes were running" if load >= 1 else "no other processes were running"
    return f"The whole run took {minutes:.0f} minutes; load average before it: {load:.1f} ({other_load})"


def cpu_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return a table with the CPU seconds of each component in each scenario."""
    components = list(dict.fromkeys(name for outcome in outcomes.values() for name in outcome.cpu))
    rows = [
        [name, *(f"{outcome.cpu[name]:.0f}" if name in outcome.cpu else "-" for outcome in outcomes.values())]
        for name in components
    ]
    rows.append(["all", *(f"{sum(outcome.cpu.values()):.0f}" for outcome in outcomes.values())])
    return markdown_table(["component", *(SCENARIOS[name].title for name in outcomes)], rows)


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def software() -> str:
    """Return the versions of the cluster's software."""
    packages = ("apache-airflow-providers-celery", "celery", "kombu", "redis", "psycopg2-binary", "asyncpg")
    found = [f"{name} {version(name)}" for name in packages]
    for program in ((postgres_folder() or "") and f"{postgres_folder()}/postgres", redis_program()):
        if program:
            output = subprocess.run([str(program), "--version"], check=False, capture_output=True, text=True).stdout
            found.append(output.split(" sha=")[0].strip())
    return ", ".join(found) or platform.system()


def _cells(title: str, outcome: Outcome) -> list[str]:
    return [
        title,
        str(outcome.task_runs),
        _counts(outcome.states),
        _jobs(outcome.jobs),
        _tries(outcome.tries),
        "-" if outcome.recovery is None else f"{outcome.recovery:.0f}",
        "-" if outcome.requests_per_job is None else f"{outcome.requests_per_job:.1f}",
        f"{outcome.seconds:.0f}" if outcome.seconds else "-",
        "yes" if outcome.passed else "NO",
    ]


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def _jobs(jobs: Counter[int] | None) -> str:
    if jobs is None:
        return "-"
    parts = (f"{count}" if len(jobs) == 1 else f"{count} ({runs} runs)" for count, runs in sorted(jobs.items()))
    return ", ".join(parts) or "none"


def _tries(tries: Counter[int]) -> str:
    if not tries:
        return "-"
    again = sum(runs for number, runs in tries.items() if number > 1)
    return "1" if not again else f"{max(tries)} ({again} {'run' if again == 1 else 'runs'})"


def _plain(text: str) -> str:
    """Return the last line of a text, without characters that Markdown would interpret."""
    return text.strip().splitlines()[-1].replace("|", "/").replace("<", "").replace(">", "")
