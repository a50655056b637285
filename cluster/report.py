"""The tables, on the terminal and in the documentation."""

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
    "took, s",
    "holds",
)
INTRODUCTION = """\
# Cluster

`make cluster` runs Airflow as it runs in production, on one machine, and takes parts of it away: PostgreSQL, Redis, the
Celery executor with two workers, two schedulers, two triggerers, an API server, a DAG processor, and the emulator with
its state in a file. In each scenario every task run must end in success, with exactly one job at the emulator.

```console
$ make cluster
$ make cluster SCENARIOS="triggerer-killed secrets"
```

It needs the server programs of PostgreSQL and Redis (`apt-get install postgresql redis-server` on Debian) and about
4 GB of memory. It makes its own database and broker in `.cluster`, listens on 127.0.0.1 only, and ends every process
that it has started. The exit code is 1 when a scenario does not hold. It takes longer than ten minutes, so it is not
part of `make test`.
"""
PRELOADING = """\
Besides, `airflow_local_settings.py` in `$AIRFLOW_HOME/config` imports `airflow_provider_ims.hooks.sdk` and the
operators. A Celery worker's task processes are its forks, and need not import again what it has imported.

Retries are part of the recovery: a task whose worker is gone, or that could not be queued while the broker was away,
goes on in its next try, which joins the job of the first. So let tasks retry at least twice, with a `retry_delay` that
is longer than an outage, or with more retries.
"""
HOW = """\
- **jobs per task run**: jobs that the emulator accepted for a task run; more than one would be billed twice.
- **tries**: the highest `try_number`, and how many task runs had more than one try.
- **recovery**: from the fault until every wait went on: another process had it and had asked the service about its job,
  or the task had ended. An outage of a given length is part of it.
- **requests per job**: all requests to the service in the scenario, submits and listings included, over the jobs.
- **took**: from the start of the DAG run to its end. Jobs end when the scenario says so, most of them after the
  recovery.

Every mapped task has `retries=3` and `retry_delay` of 10 s, and polls every 10 s (2 s where it holds a worker).

Components that end are started again after 2 s, as systemd (`Restart=always`) or Kubernetes would do; an outage of
PostgreSQL ends some of them. A component that a scenario kills stays down until the others have recovered.
"""


def in_one_line(outcome: Outcome) -> str:
    """Return an outcome as one line."""
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

    :param minutes: How long the run took.
    :param load: The machine's load average before it.
    :param software: What the cluster consisted of.
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
    parts += ["\n".join(remarks) + "\n", "## What the columns mean\n", HOW]
    measured = {name: outcome for name, outcome in outcomes.items() if outcome.cpu}
    if measured:
        parts += ["## CPU seconds by component\n", "Child processes included.\n", cpu_table(measured)]
    parts += [
        "## Settings\n",
        "The settings of Airflow that decide how long a recovery takes. Times are in seconds. Shorter thresholds find "
        "a dead component sooner, and take a slow one for dead more often.\n",
        markdown_table(
            ("section", "option", "here", "default", "why"),
            [(one.section, f"`{one.name}`", one.value, one.default, one.why) for one in SETTINGS],
        ),
        PRELOADING,
    ]
    return "\n".join(parts)


def run_line(minutes: float, load: float) -> str:
    """Return how long the run took, and what else the machine had to do."""
    beside = "other work ran beside it" if load >= 1 else "nothing else ran"
    return f"The whole run took {minutes:.0f} minutes; load average before it: {load:.1f} ({beside})"


def cpu_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return the CPU seconds of some scenarios by component."""
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
    """Return the versions of what the cluster consists of."""
    packages = ("apache-airflow-providers-celery", "celery", "kombu", "redis", "psycopg2-binary", "asyncpg")
    found = [f"{name} {version(name)}" for name in packages]
    for program in ((postgres_folder() or "") and f"{postgres_folder()}/postgres", redis_program()):
        if program:
            said = subprocess.run([str(program), "--version"], check=False, capture_output=True, text=True).stdout
            found.append(said.split(" sha=")[0].strip())
    return ", ".join(found) or platform.system()


def _cells(title: str, outcome: Outcome) -> list[str]:
    return [
        title,
        str(outcome.task_runs),
        _counts(outcome.states),
        ", ".join(
            f"{jobs}" if len(outcome.jobs) == 1 else f"{jobs} ({runs} runs)"
            for jobs, runs in sorted(outcome.jobs.items())
        )
        or "none",
        _tries(outcome.tries),
        "-" if outcome.recovery is None else f"{outcome.recovery:.0f}",
        "-" if outcome.requests_per_job is None else f"{outcome.requests_per_job:.1f}",
        f"{outcome.seconds:.0f}" if outcome.seconds else "-",
        "yes" if outcome.holds else "NO",
    ]


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def _tries(tries: Counter[int]) -> str:
    if not tries:
        return "-"
    again = sum(runs for number, runs in tries.items() if number > 1)
    return "1" if not again else f"{max(tries)} ({again} runs)"


def _plain(text: str) -> str:
    """Return the last line of a text, without what Markdown would take for markup."""
    return text.strip().splitlines()[-1].replace("|", "/").replace("<", "").replace(">", "")
