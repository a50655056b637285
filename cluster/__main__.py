"""``make cluster``: run the scenarios, write the page, say whether all of them hold."""

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
from cluster.outcome import Outcome
from cluster.scenarios import SCENARIOS, Scenario
from cluster.stage import AWAY, Cluster, ScenarioError, print_line
from local_airflow import LocalAirflowError
from local_airflow.backends import check_installed
from local_airflow.demo import CHECKOUT
from local_airflow.interrupts import ENDED_BY_SIGNAL, ignore_signals, interrupt_on_signals, own_folder

PAGE = CHECKOUT / "docs" / "cluster.md"
#: Modules of the extra "cluster", and the packages that they are in.
MODULES = {
    "airflow.providers.celery": "apache-airflow-providers-celery",
    "asyncpg": "asyncpg",
    "psycopg2": "psycopg2-binary",
}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the scenarios.

    :param argv: Arguments of the command line.
    :return: The exit code: 0 when every scenario held.
    """
    parser = argparse.ArgumentParser(prog="python -m cluster", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"what to run (default: all): {', '.join(SCENARIOS)}")
    parser.add_argument("--home", type=Path, default=CHECKOUT / ".cluster", help="where everything is written")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.scenario) - set(SCENARIOS):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    chosen = [SCENARIOS[name] for name in arguments.scenario or SCENARIOS]
    interrupt_on_signals()
    names = ("postgres", "redis", "emulator", "airflow", "dags", "failed", "secrets.json", "secrets-outage")
    try:
        check_modules()
        check_installed()
        with own_folder(arguments.home, "cluster", names) as home:
            return run(home, chosen, whole=not arguments.scenario)
    except LocalAirflowError as error:
        print_line(str(error))
        return 1
    except KeyboardInterrupt:
        print_line("Interrupted; everything is stopped.")
        return ENDED_BY_SIGNAL


def check_modules() -> None:
    """
    Check that the extra ``cluster`` is installed.

    :raises LocalAirflowError: Naming what is missing.
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
            f"Not installed: {', '.join(missing)}. `make cluster` installs them, "
            "and so does: pip install -c constraints.txt -e '.[dev,cluster]'"
        )


def run(home: Path, scenarios: Sequence[Scenario], *, whole: bool) -> int:
    """
    Start the cluster, run scenarios and show what they came to.

    :param whole: Whether these are all, so that the page of the documentation is written.
    """
    began, load = time.monotonic(), os.getloadavg()[0]
    outcomes: dict[str, Outcome] = {}
    print_line(f"Starting the cluster; its logs are in {home} ...")
    with Cluster(home, print_line) as cluster:
        try:
            print_line(f"All components work after {time.monotonic() - began:.0f} s; Airflow: {cluster.airflow.url}")
            for scenario in scenarios:
                outcomes[scenario.name] = play(cluster, scenario)
        finally:
            ignore_signals()
            print_line("Stopping ...")
    minutes = (time.monotonic() - began) / 60
    print_line("")
    print_line(report.terminal_table(outcomes))
    held = all(outcome.holds for outcome in outcomes.values())
    if whole:
        PAGE.write_text(report.page(outcomes, minutes, load, report.software()))
        print_line(f"Written: {PAGE.relative_to(CHECKOUT)}")
    print_line(f"{'Every scenario holds' if held else 'Not every scenario holds'}; {minutes:.1f} minutes.")
    return 0 if held else 1


def play(cluster: Cluster, scenario: Scenario) -> Outcome:
    """Run one scenario; one that cannot go on is an outcome, too."""
    print_line(f"{scenario.title} ({scenario.name})")
    try:
        cluster.clear_stage()
        outcome = scenario.play(cluster)
    except (ScenarioError, LocalAirflowError, OSError, *AWAY) as error:
        outcome = unfinished(cluster, str(error))
    except Exception:  # noqa: BLE001 - the others shall run all the same
        outcome = unfinished(cluster, traceback.format_exc())
    if not outcome.holds:
        keep_evidence(cluster, scenario)
    print_line(f"  {report.in_one_line(outcome)}")
    for remark in outcome.remarks:
        print_line(f"  {remark}")
    for problem in outcome.problems:
        print_line(f"  problem: {problem}")
    return outcome


def unfinished(cluster: Cluster, problem: str) -> Outcome:
    """Return the figures of a scenario that could not go on."""
    outcome = Outcome(task_runs=0, problems=[problem])
    try:
        tasks = cluster.current_tasks()
        outcome.task_runs = len(tasks)
        outcome.states = Counter(task.state or "none" for task in tasks)
        outcome.tries = Counter(task.try_number for task in tasks)
        jobs = Counter(cluster.task_of(job) for job in cluster.jobs())
        outcome.jobs = Counter(jobs.values())
        outcome.requests = cluster.request_count()
    except (OSError, *AWAY):
        outcome.problems.append("Airflow or the emulator does not answer")
    return outcome


def keep_evidence(cluster: Cluster, scenario: Scenario) -> None:
    """Keep the logs of the scenario's tasks in the folder ``failed``."""
    logs = cluster.airflow.home / "logs"
    folder = cluster.home / "failed" / scenario.name
    for run in cluster.runs:
        for source in logs.glob(f"dag_id={run.dag_id}/run_id={run.run_id}"):
            shutil.copytree(source, folder / source.name, dirs_exist_ok=True)
    if folder.exists():
        print_line(f"  logs of its tasks: {os.path.relpath(folder)}")


if __name__ == "__main__":
    sys.exit(main())
