"""``make matrix``: check all rows or selected rows, and write the report."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from datetime import UTC, datetime

from local_airflow.service import END_SIGNALS
from matrix.checks import CHECKS, RowResult, probe, run_row
from matrix.environment import CHECKOUT, HOME, Environment, build_wheel
from matrix.report import report, terminal, title
from matrix.rows import Row, selected

RESULTS = HOME / "results"
_ENDED_BY_SIGNAL = 130


def main() -> int:
    """Run the checks and write the report; return 1 if a check failed, otherwise 0."""
    parser = argparse.ArgumentParser(prog="python -m matrix", description=__doc__)
    parser.add_argument("rows", nargs="*", help="rows such as 3.3.2-python3.12, versions of Airflow, or lowest")
    parser.add_argument("--check", action="append", default=[], choices=list(CHECKS), help="run only this check")
    parser.add_argument("--new", action="store_true", help="install all packages again")
    parser.add_argument("--report", action="store_true", help="run no checks; write the report on earlier runs")
    arguments = parser.parse_args()
    try:
        rows = selected(arguments.rows)
    except ValueError as error:
        parser.error(str(error))
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        results = [] if arguments.report else _run(rows, tuple(arguments.check), new=arguments.new)
    except KeyboardInterrupt:
        print("Interrupted. All processes have been stopped.", file=sys.stderr)
        return _ENDED_BY_SIGNAL
    known = [row.name for row in selected(())]
    kept = [RowResult.load(path) for path in RESULTS.glob("*.json") if path.stem in known]
    path = CHECKOUT / "docs" / "compatibility.md"
    path.write_text(report(kept))
    print(terminal(results))
    print(f"\nThe report is {path.relative_to(CHECKOUT)}")
    return 0 if all(result.ok for result in results) else 1


def _run(rows: list[Row], only: tuple[str, ...], *, new: bool) -> list[RowResult]:
    wheel = build_wheel()
    results = []
    for row in rows:
        if new:
            shutil.rmtree(HOME / row.name, ignore_errors=True)
        results.append(_run_row(row, Environment(row, wheel), only))
    return results


def _run_row(row: Row, environment: Environment, only: tuple[str, ...]) -> RowResult:
    path = RESULTS / f"{row.name}.json"
    # If only selected checks are run, the other results of the row are kept.
    result = RowResult.load(path) if only and path.exists() else RowResult(row=row.name, airflow=row.airflow)
    result.airflow = row.airflow
    print(f"== {title(result)}", flush=True)
    for name, check in run_row(environment, lambda line: print(f"   {line}", flush=True), only):
        result.checks[name] = check
        print(f"   {'ok    ' if check.ok else 'FAILED'} {name} ({check.seconds:.0f} s): {check.detail}", flush=True)
        if name == "install" and check.ok:
            result.how = check.detail
            result.versions = environment.versions()
        if name == "imports" and check.ok:
            result.lacks = probe(environment, "parts")[0] or {}
        result.date = f"{datetime.now(UTC):%Y-%m-%d}"
        result.save(RESULTS)
    return result


def _interrupt(*_: object) -> None:
    # A second signal must not interrupt the shutdown.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
