"""
``make bench``: run all benchmarks and write the report. The exit code is 0 if all targets are met.

``python -m benchmarks PART ...`` measures only the given parts. The report contains earlier figures of the others.
"""

from __future__ import annotations

import argparse
import pickle
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import import_cost, machine, many_jobs, mapped_tasks, notifications, polling
from benchmarks.polling import CHECKOUT
from benchmarks.report import report
from benchmarks.targets import all_targets
from local_airflow import LocalAirflowError
from local_airflow.service import END_SIGNALS

_ENDED_BY_SIGNAL = 130
_HOME = CHECKOUT / ".bench"


@dataclass(frozen=True)
class Part:
    """
    The figures of one part of the benchmarks.

    :param figures: The figures, as the part returns them.
    :param machine: The hardware and the software versions with which they were measured, one per line.
    :param date: The day on which they were measured.
    """

    figures: Any
    machine: tuple[str, ...]
    date: str


def _imports(quick: bool, _: Path) -> Any:
    lines, missed = import_cost.measure_all(2 if quick else 7)
    print("\n".join(lines), flush=True)
    return lines, missed


def _polling(quick: bool, home: Path) -> Any:
    return polling.measure_all(list(polling.quick_profile() if quick else polling.full_profile()), home)


def _stalls(quick: bool, home: Path) -> Any:
    return polling.measure_all(list(polling.stall_profile(quick=quick)), home)


def _mapped_tasks(quick: bool, home: Path) -> Any:
    return mapped_tasks.measure(15 if quick else 1000, home)


def _many_jobs(quick: bool, home: Path) -> Any:
    return many_jobs.measure(15 if quick else 1000, home)


def _queue(quick: bool, home: Path) -> Any:
    if quick:
        return notifications.measure(50, home, job_seconds=10)
    return notifications.measure(1000, home)


PARTS: dict[str, Callable[[bool, Path], Any]] = {
    "imports": _imports,
    "polling": _polling,
    "stalls": _stalls,
    "mapped_tasks": _mapped_tasks,
    "many_jobs": _many_jobs,
    "queue": _queue,
}


def main() -> int:
    """Run the benchmarks and write the report; return 1 if a target is missed, otherwise 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run small and short benchmarks, to test them")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"parts to measure (default: all): {', '.join(PARTS)}")
    options = parser.parse_args()
    wanted = options.parts or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    _HOME.mkdir(exist_ok=True)
    results = _HOME / ("quick.pickle" if options.quick else "full.pickle")
    measured: dict[str, Part] = pickle.loads(results.read_bytes()) if results.exists() else {}
    if missing := set(PARTS) - set(wanted) - set(measured):
        parser.error(f"no figures of an earlier run for {', '.join(sorted(missing))}")
    try:
        for name in wanted:
            print(f"Measuring {name} ...", flush=True)
            figures = PARTS[name](options.quick, _HOME / name)
            measured[name] = Part(figures, tuple(machine.describe()), f"{datetime.now(UTC):%Y-%m-%d}")
            results.write_bytes(pickle.dumps(measured))
    except LocalAirflowError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. All processes have been stopped.", file=sys.stderr)
        return _ENDED_BY_SIGNAL
    return _write_report(measured, options.quick)


def _write_report(measured: Mapping[str, Part], quick: bool) -> int:
    """Write the report, print the targets, and return 1 if a target is missed."""
    lines, missed = measured["imports"].figures
    figures = [*measured["polling"].figures, *measured["stalls"].figures]
    tasks, many = measured["mapped_tasks"].figures, measured["many_jobs"].figures
    queue = measured["queue"].figures
    targets = all_targets(missed, figures, tasks, many, queue)
    # Only the report of a full run is part of the documentation.
    path = _HOME / "benchmarks.md" if quick else CHECKOUT / "docs" / "benchmarks.md"
    command = "make bench BENCH=quick" if quick else "make bench"
    path.write_text(report(command, _conditions(measured), lines, figures, tasks, many, queue, targets))
    print("\n".join([*mapped_tasks.lines(tasks), *many_jobs.lines(many), *notifications.lines(queue)]))
    for target in targets:
        print(f"{target.verdict.strip('*'):<13} {target.text}: {target.found}")
    print(f"\nThe report is {path.relative_to(CHECKOUT)}")
    return 1 if any(target.met is False for target in targets) else 0


def _conditions(measured: Mapping[str, Part]) -> list[str]:
    """Return the machines, versions and dates of all parts."""
    lines = dict.fromkeys(line for part in measured.values() for line in part.machine)
    dates: dict[str, list[str]] = {}
    for name, part in measured.items():
        dates.setdefault(part.date, []).append(name.replace("_", " "))
    return [*lines, *(f"Measured on {date}: {', '.join(names)}" for date, names in dates.items())]


def _interrupt(*_: object) -> None:
    # A second signal must not interrupt the shutdown.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
