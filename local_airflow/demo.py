"""``make demo`` and ``make ui``: run an example DAG on a real Airflow that uses the emulator."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from local_airflow.emulator import EmulatorService
from local_airflow.interrupts import ENDED_BY_SIGNAL, exclusive_folder, ignore_signals, interrupt_on_signals
from local_airflow.progress import jobs_table, show_progress
from local_airflow.server import LocalAirflow
from local_airflow.service import LocalAirflowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_airflow.api import AirflowApi

CHECKOUT = Path(__file__).parents[1]
DAG_ID = "ims_content_pipeline"


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the demo.

    :param argv: Command-line arguments.
    :return: The exit code: 0 if the DAG run succeeded.
    """
    parser = argparse.ArgumentParser(prog="python -m local_airflow.demo", description=__doc__)
    parser.add_argument("--dag", default=DAG_ID, help="example DAG to run (default: %(default)s)")
    parser.add_argument("--stay", action="store_true", help="keep Airflow running after the DAG run has ended")
    parser.add_argument(
        "--home", type=Path, default=CHECKOUT / ".demo", help="folder for all files (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=300, help="time limit of the DAG run in seconds (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    # Without a terminal, the width is undefined; use a width at which URLs are not wrapped.
    console = Console(width=None if sys.stdout.isatty() else 200)
    interrupt_on_signals()
    try:
        with exclusive_folder(arguments.home, "demo", ("airflow", "emulator")) as home:
            return _demo(console, home, arguments.dag, timeout=arguments.timeout, stay=arguments.stay)
    except LocalAirflowError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted. All processes have been stopped.")
        return ENDED_BY_SIGNAL


def run_pipeline(console: Console, api: AirflowApi, *, timeout: float, dag_id: str = DAG_ID) -> bool:
    """
    Run a DAG once, and show its progress and its jobs. If the run fails, show the logs of the failed tasks too.

    :param timeout: Time limit in seconds.
    :return: Whether the run succeeded.
    """
    api.unpause(dag_id)
    run_id = api.trigger(dag_id)
    try:
        with show_progress(console, api, dag_id, run_id) as show:
            state = api.wait(dag_id, run_id, timeout=timeout, on_progress=show)
    except LocalAirflowError as error:
        state = str(error)
    jobs = jobs_table(api, dag_id, run_id)
    if jobs.row_count:
        console.print(jobs)
    if state == "success":
        return True
    for task in api.task_instances(dag_id, run_id):
        # These are the tasks that failed and, after a timeout, also the tasks that have not ended.
        if task.seconds is not None and task.state not in {"success", "upstream_failed", "skipped"}:
            console.print(f"\nLog of {task.label} ({task.state}):", style="bold red")
            for line in api.task_log(dag_id, run_id, task):
                console.print(str(line), markup=False, highlight=False, soft_wrap=True)
    console.print(f"\nThe pipeline did not succeed: {state}", style="bold red", markup=False, highlight=False)
    return False


def _demo(console: Console, home: Path, dag_id: str, *, timeout: float, stay: bool) -> int:
    console.print(f"Starting the emulator and Airflow. Their logs are in {home} ...")
    emulator = EmulatorService(home / "emulator")
    with (
        emulator,
        LocalAirflow(home / "airflow", CHECKOUT / "example_dags", env=emulator.airflow_env) as airflow,
    ):
        try:
            console.print(f"Airflow: {airflow.url}/auth/token/login   emulator: {emulator.url}")
            succeeded = run_pipeline(console, airflow.api, timeout=timeout, dag_id=dag_id)
            if stay:
                console.print(f"\nAirflow keeps running at {airflow.url}/auth/token/login. Press Ctrl-C to stop it.")
                _wait_for_interrupt()
        finally:
            ignore_signals()
            console.print("Stopping ...")
    return 0 if succeeded else 1


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
