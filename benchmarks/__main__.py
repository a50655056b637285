"""``make bench``: run all benchmarks and write the report. The exit code is 0 if all targets are met."""

from __future__ import annotations

import argparse
import signal
import sys

from benchmarks import import_cost, many_jobs, mapped_tasks, polling
from benchmarks.polling import CHECKOUT
from benchmarks.report import report
from benchmarks.targets import all_targets
from local_airflow import LocalAirflowError
from local_airflow.service import END_SIGNALS

_ENDED_BY_SIGNAL = 130


def main() -> int:
    """Return 1 if a target is missed, otherwise 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and short runs, to check that everything works")
    quick = parser.parse_args().quick
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    runs = list(polling.quick_profile() if quick else polling.full_profile())
    home = CHECKOUT / ".bench"
    try:
        print("Imports ...", flush=True)
        imports, missed = import_cost.measure_all(2 if quick else 7)
        print("\n".join(imports), flush=True)
        figures = polling.measure_all(runs, home / "polling")
        tasks = mapped_tasks.measure(15 if quick else 1000, home / "mapped_tasks")
        many = many_jobs.measure(15 if quick else 1000, home / "many_jobs")
    except LocalAirflowError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. All processes have been stopped.", file=sys.stderr)
        return _ENDED_BY_SIGNAL
    targets = all_targets(missed, figures, tasks, many)
    # Only a full run belongs in the documentation.
    path = home / "benchmarks.md" if quick else CHECKOUT / "docs" / "benchmarks.md"
    path.write_text(report("make bench BENCH=quick" if quick else "make bench", imports, figures, tasks, many, targets))
    print("\n".join([*mapped_tasks.lines(tasks), *many_jobs.lines(many)]))
    for target in targets:
        print(f"{target.verdict.strip('*'):<13} {target.text}: {target.found}")
    print(f"\nThe report is {path.relative_to(CHECKOUT)}")
    return 1 if any(target.met is False for target in targets) else 0


def _interrupt(*_: object) -> None:
    # A second signal must not interrupt the shutdown.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
