"""
``make cluster``: run scenarios on a local Airflow. The exit code is 0 if they all pass.

If no scenarios are selected, it runs all scenarios and writes the documentation page.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cluster import report
from cluster.harness import UNAVAILABLE, Cluster, ScenarioError
from cluster.outcome import Outcome
from cluster.scenarios import SCENARIOS, Scenario
from local_airflow import LocalAirflowError
from local_airflow.backends import check_installed
from local_airflow.demo import CHECKOUT
from local_airflow.interrupts import ENDED_BY_SIGNAL, exclusive_folder, ignore_signals, interrupt_on_signals

PAGE = CHECKOUT / "docs" / "cluster.md"
#: Module that the package extra ``cluster`` installs -> its package.
MODULES = {
    "airflow.providers.celery": "apache-airflow-providers-celery",
    "asyncpg": "asyncpg",
    "psycopg2": "psycopg2-binary",
}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the scenarios.

    :param argv: Command-line arguments.
    :return: The exit code: 0 if every scenario passed.
    """
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"scenarios to run (default: all): {', '.join(SCENARIOS)}")
    parser.add_argument(
        "--home", type=Path, default=CHECKOUT / ".cluster", help="folder for all files (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.scenario) - set(SCENARIOS):
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}; choose from {', '.join(SCENARIOS)}")
    chosen = [SCENARIOS[name] for name in arguments.scenario or SCENARIOS]
    interrupt_on_signals()
    names = ("postgres", "redis", "emulator", "airflow", "dags", "failed", "secrets.json", "secrets-outage")
    try:
        check_modules()
        check_installed()
        with exclusive_folder(arguments.home, "cluster", names) as home:
            return run_scenarios(home, chosen, write_page=not arguments.scenario)
    except LocalAirflowError as error:
        print_line(str(error))
        return 1
    except KeyboardInterrupt:
        print_line("Interrupted. All processes have been stopped.")
        return ENDED_BY_SIGNAL


def check_modules() -> None:
    """
    Check that the package extra ``cluster`` is installed.

    :raises LocalAirflowError: If a package is missing.
    """
    missing = []
    for module, package in MODULES.items():
        try:
            found = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            missing.append(package)
    if missing:
        raise LocalAirflowError(
            f"Not installed: {', '.join(missing)}. To install, run `make cluster` or "
            "`pip install -c constraints.txt -e '.[dev,cluster]'`."
        )


def run_scenarios(home: Path, scenarios: Sequence[Scenario], *, write_page: bool) -> int:
    """
    Start the cluster, run scenarios and print their outcomes.

    :param write_page: Whether to write the documentation page, which shows all scenarios.
    :return: The exit code: 0 if every scenario passed.
    """
    began, load = time.monotonic(), os.getloadavg()[0]
    outcomes: dict[str, Outcome] = {}
    print_line(f"Starting the cluster. Its logs are in {home} ...")
    with Cluster(home, print_line) as cluster:
        try:
            print_line(f"All components are ready after {time.monotonic() - began:.0f} s. URL: {cluster.airflow.url}")
            for scenario in scenarios:
                outcomes[scenario.name] = run_scenario(cluster, scenario)
        finally:
            ignore_signals()
            print_line("Stopping ...")
    minutes = (time.monotonic() - began) / 60
    print_line("")
    print_line(report.terminal_table(outcomes))
    passed = all(outcome.passed for outcome in outcomes.values())
    if write_page:
        PAGE.write_text(report.page(outcomes, minutes, load, report.software()))
        print_line(f"Written: {PAGE.relative_to(CHECKOUT)}")
    print_line(f"{'All scenarios passed' if passed else 'Some scenarios failed'} in {minutes:.1f} minutes.")
    return 0 if passed else 1


def run_scenario(cluster: Cluster, scenario: Scenario) -> Outcome:
    """Run one scenario and return its outcome, even if an error aborts it."""
    print_line(f"{scenario.title} ({scenario.name})")
    try:
        cluster.reset()
        outcome = scenario.run(cluster)
    except (ScenarioError, LocalAirflowError, OSError, *UNAVAILABLE) as error:
        outcome = aborted(cluster, str(error))
    except Exception:  # noqa: BLE001 - the other scenarios must still run
        outcome = aborted(cluster, traceback.format_exc())
    if not outcome.passed:
        save_logs(cluster, scenario)
    print_line(f"  {report.one_line_summary(outcome)}")
    for remark in outcome.remarks:
        print_line(f"  {remark}")
    for problem in outcome.problems:
        print_line(f"  problem: {problem}")
    return outcome


def aborted(cluster: Cluster, problem: str) -> Outcome:
    """Return the outcome of a scenario that an error aborted."""
    outcome = Outcome(task_runs=0, problems=[problem])
    try:
        tasks = cluster.current_tasks()
        outcome.task_runs = len(tasks)
        outcome.states = Counter(task.state or "none" for task in tasks)
        outcome.tries = Counter(task.try_number for task in tasks)
        jobs = Counter(cluster.task_of(job) for job in cluster.jobs())
        outcome.jobs = Counter(jobs.values())
        outcome.requests = cluster.request_counts().total()
    except (OSError, *UNAVAILABLE):
        outcome.problems.append("Airflow or the emulator is unavailable")
    return outcome


def save_logs(cluster: Cluster, scenario: Scenario) -> None:
    """Copy the logs of the scenario's tasks into the folder ``failed``."""
    logs = cluster.airflow.home / "logs"
    folder = cluster.home / "failed" / scenario.name
    for run in cluster.runs:
        for source in logs.glob(f"dag_id={run.dag_id}/run_id={run.run_id}"):
            shutil.copytree(source, folder / source.name, dirs_exist_ok=True)
    if folder.exists():
        print_line(f"  logs of its tasks: {os.path.relpath(folder)}")


def print_line(text: str) -> None:
    """Print a line and flush the output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
