"""The report in Markdown, and its short form for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matrix.checks import CHECKS, RowResult
from matrix.rows import MINIMUM, ROWS

_ABOUT = f"""\
# Compatibility

The provider requires Airflow {MINIMUM} or newer and Python 3.11 or newer. `make matrix` generates this page. The
command installs the package's wheel with each version of Airflow and runs the checks below.

## Why {MINIMUM} is the minimum

Before 3.1.3, the connection form shows a provider's fields only if `flask_appbuilder` or `wtforms` is installed, and
Airflow 3 requires neither. Without these packages, the form of 3.1.0 shows none of the fields. Airflow 3.1.3 replaced
the code that collects the fields. Airflow 3.0 collects the fields in the same way as 3.1.0, and has no
`airflow.sdk.log.mask_secret`, which the provider requires.

## Short deferrals

Airflow may fail a try of a deferred task if the trigger fires before the scheduler has processed the exit of the worker
process that deferred the task (apache/airflow#66374, #67287, #72716). The scheduler's log then contains "finished with
state success, but the task instance's state attribute is running". This happened with 3.1.8 when the jobs took two
seconds and the scheduler was five seconds behind. Airflow 3.2.2 and later handle only some of these cases. A trigger of
this provider therefore sends no event until `[workers] min_heartbeat_interval` (5 s by default) plus 5 s have passed
since it started
([troubleshooting](troubleshooting.md#a-job-that-ends-within-seconds)). Set `retries` to at least 1, because the error
can still occur. In the checks below, jobs run for 15 seconds, so that the error does not occur even on a busy machine.

"""

_HOW = """\
## Constraints and installation

Each row uses the constraints of its version of Airflow. The constraint files in `matrix/constraints` contain only names
and versions. They are not the published files: `python -m matrix.rebuild` resolves `apache-airflow[all]` for each
version, with the packages that were available on the day of its release. The versions of
`apache-airflow-providers-common-compat` are the same as in the published files (3.1.8: 1.14.0, 3.2.2: 1.15.0, 3.3.2:
1.19.0).

- **one step**: `pip install airflow-provider-ims apache-airflow==X --constraint FILE` works.
- **two steps**: the constraints pin a package to a version that is older than this provider requires.
  `pip install apache-airflow==X --constraint FILE`, followed by `pip install airflow-provider-ims apache-airflow==X`,
  works.
- The row **lowest** uses, for all direct dependencies, the lowest versions that `pyproject.toml` allows. Nearly all
  other packages have the versions in the constraints of the lowest supported version of Airflow.

## Checks

A dash means that the check was not run or is not part of the row.

| check | method |
|---|---|
| install | `pip install` as above, then `pip check` |
| imports | an import of every module, except those that require the package extra `smq` or a newer Airflow |
| provider discovery | `airflow providers get airflow-provider-ims` |
| form fields | the fields of the connection form that Airflow's API returns |
| db migrate | `airflow db migrate` of a new database with the package installed |
| unit tests | tests of the code that uses Airflow or the SDK: `UNIT_TESTS` in `matrix/checks.py`, except `NOT_RUN` |
| example DAGs | every example DAG, run with `dag.test()` against the emulator |
| content pipeline, sensors, mapped tasks, asset alias | example DAGs on a real scheduler and a real triggerer |
| 500 sensors, 50 other triggers | 500 deferred sensors and 50 `DateTimeSensorAsync` tasks in one triggerer |
"""


def report(results: Sequence[RowResult]) -> str:
    """Return the whole report."""
    found = {result.row: result for result in results}
    # The report also contains the rows that were not run.
    results = [found.get(row.name) or RowResult(row=row.name, airflow=row.airflow) for row in ROWS]
    parts = [
        _ABOUT,
        "## Results\n\n",
        *_tables(results),
        "\n",
        "## Features by version\n\n",
        *_lacks(results),
        "\n",
        _HOW,
    ]
    return "".join(parts)


def terminal(results: Iterable[RowResult]) -> str:
    """Return the results as a short table for the terminal."""
    lines = []
    for result in results:
        checks = "  ".join(f"{name} {'ok' if check.ok else 'FAILED'}" for name, check in result.checks.items())
        lines.append(f"{result.row:<20} {checks}")
    return "\n".join(lines)


def _tables(results: Sequence[RowResult]) -> Iterable[str]:
    yield _table(["row", *CHECKS.values()], [[title(result), *_cells(result)] for result in results])
    yield "\nInstalled versions:\n\n"
    names = list(dict.fromkeys(name for result in results for name in result.versions))
    versions = [
        [title(result), result.how or "-", *(result.versions.get(name, "-") for name in names), result.date]
        for result in results
    ]
    yield _table(["row", "installed in", *names, "checked on"], versions)
    versions = [[cell or "-" for cell in line] for line in versions]
    failed = [
        f"- {title(result)}, {CHECKS[name]}: {_escaped(check.detail)}\n"
        for result in results
        for name, check in result.checks.items()
        if not check.ok
    ]
    if failed:
        yield "\nFailed:\n\n"
        yield from failed


def title(result: RowResult) -> str:
    """Return the name of a row in the table."""
    name, _, python = result.row.rpartition("-python")
    return f"{'lowest, Airflow ' + result.airflow if name == 'lowest' else name}, Python {python}"


def _cells(result: RowResult) -> Iterable[str]:
    for name in CHECKS:
        check = result.checks.get(name)
        if check is None:
            yield "-"
        elif name in ("form", "unit", "examples", "many", "install"):
            yield _escaped(check.detail) if check.ok else "**failed**"
        else:
            yield "yes" if check.ok else "**failed**"


_PARTS = {
    "store": "task state store",
    "on_kill": "`BaseTrigger.on_kill`",
    "retry_policy": "retry policies",
    "queues": "trigger queues",
}
_WITHOUT = """
- Without the **task state store**, a retry has no record of the job id. The retry searches for the job by the marker
  that the operator added to the job's UserData. If the service does not list the job, the retry may submit a second
  one.
- Before 3.3, Airflow does not notify a trigger when its event has been stored. `SmqEventTrigger` therefore deletes a
  message one minute after sending the event ([media events](howto/media-events.md#what-happens-to-a-message)).
- Without **`BaseTrigger.on_kill`**, Airflow does not notify the trigger when a user clears its task or marks the task
  as failed or successful, so the job continues.
- Without **retry policies**, Airflow also retries a task after a permanent error, unless the error is an
  `AirflowFailException`.
- Without **trigger queues**, any triggerer can run the trigger of any task.
- Before 3.2, Airflow reads the connection form from the hook instead of the provider's metadata. The fields are the
  same.
"""


def _lacks(results: Sequence[RowResult]) -> Iterable[str]:
    known = {result.airflow: result.lacks for result in results if result.lacks}
    rows = [
        [version, *("yes" if found.get(name) else "no" for name in _PARTS)] for version, found in sorted(known.items())
    ]
    yield _table(["Airflow", *_PARTS.values()], rows)
    yield _WITHOUT


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _escaped(text: str) -> str:
    return text.splitlines()[0].replace("|", "\\|")[:250] if text else ""
