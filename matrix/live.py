"""
The checks with a real scheduler and a real triggerer. This program runs in the environment of a row.

It prints a line of JSON for each result and for each progress message.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from local_airflow import EmulatorService, LocalAirflow, LocalAirflowError, TaskState, wait_until
from local_airflow.service import END_SIGNALS

CHECKOUT = Path(__file__).parents[1]
#: Time limit of one DAG run in seconds.
TIMEOUT = 300.0
#: Time limit of each phase of the check with hundreds of waiting tasks, in seconds.
MANY_TIMEOUT = 3600.0
#: Duration of a job in seconds. Airflow fails a task whose trigger fires before the scheduler has processed the
#: deferral (apache/airflow#66374, #67287, #72716), so a job must run for longer than the lag of a busy scheduler.
JOB_SECONDS = 15
KINDS = ("SubmitTextGenerateJob", "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob", "SubmitAIImageJob")
#: A word that occurs in the triggerer's warning that its event loop was blocked for more than 0.2 s.
BLOCKED = "blocked"


@dataclass
class Live:
    """A running Airflow and a running emulator."""

    airflow: LocalAirflow
    emulator: EmulatorService

    def run(self, dag_id: str, jobs: dict[str, int]) -> str:
        """
        Run a DAG and return a summary of the run.

        :param jobs: The expected number of jobs of each kind in one run.
        :raises LocalAirflowError: If the run fails, its jobs differ from ``jobs``, no deferred task is observed, or the
            triggerer is restarted.
        """
        api, triggerer = self.airflow.api, self.airflow.services["triggerer"]
        started = triggerer.started_at
        self.emulator.control.reset()
        deferred: set[str] = set()

        def on_progress(tasks: list[TaskState]) -> None:
            triggerer.check_running()
            deferred.update(task.label for task in tasks if task.state == "deferred")

        api.unpause(dag_id)
        run_id = api.trigger(dag_id)
        state = api.wait(dag_id, run_id, timeout=TIMEOUT, on_progress=on_progress)
        tasks = api.task_instances(dag_id, run_id)
        # The schedule may have started a second run.
        wait_until("end of all runs", lambda: not api.active_runs(dag_id), timeout=TIMEOUT)
        api.call("PATCH", f"dags/{dag_id}", json={"is_paused": True})
        if state != "success":
            logs = [
                str(line) for task in tasks if task.state == "failed" for line in api.task_log(dag_id, run_id, task)
            ]
            raise LocalAirflowError("\n".join([f"{dag_id} {state}", *logs[-15:]]))
        runs = len(api.runs(dag_id))
        submitted = Counter(job["kind"] for job in self.emulator.control.jobs())
        if submitted != {kind: count * runs for kind, count in jobs.items()}:
            raise LocalAirflowError(
                f"{runs} runs of {dag_id} submitted the jobs {dict(submitted)}; expected for each run: {jobs}"
            )
        if not deferred:
            raise LocalAirflowError(f"no task of {dag_id} was observed in the state deferred")
        if triggerer.started_at != started:
            raise LocalAirflowError("the triggerer was restarted")
        return f"{runs} runs, {sum(submitted.values())} jobs, {len(deferred)} of {len(tasks)} tasks observed deferred"

    def pipeline(self) -> str:
        """Run the content pipeline."""
        return self.run("ims_content_pipeline", dict.fromkeys(KINDS, 1))

    def sensors(self) -> str:
        """Run the DAG with sensors."""
        return self.run("ims_await_jobs", {"SubmitTextGenerateJob": 1, "SubmitAIImageJob": 1})

    def mapped(self) -> str:
        """Run the DAG with mapped tasks."""
        return self.run("ims_product_videos", {"SubmitTextGenerateJob": 3, "SubmitAudioProduceJob": 3})

    def asset_alias(self) -> str:
        """Run a DAG that is scheduled on the asset events of another DAG's job."""
        producer, consumer = "ims_voice_over", "ims_publish_voice_over"
        self.airflow.api.unpause(consumer)
        summary = self.run(producer, {"SubmitAudioProduceJob": 1})
        wait_until("run of the second DAG", lambda: bool(self.airflow.api.runs(consumer, "success")), timeout=TIMEOUT)
        return f"{summary}; the second DAG ran"


def many(home: Path, ours: int, foreign: int, moment: float) -> str:
    """
    Run many triggers of this provider, and triggers of another provider, in one triggerer.

    :param ours: The number of triggers of this provider.
    :param foreign: The number of triggers of the other provider.
    :param moment: Seconds after which the triggers of the other provider fire. The jobs end when all tasks are
        deferred, or after this time.
    """
    total = ours + foreign
    config = {
        "core": {"max_active_tasks_per_dag": str(2 * total)},
        "triggerer": {"job_heartbeat_sec": "1", "capacity": "1000"},
    }
    # The scheduler forks its workers, so they do not import these modules again.
    settings = home / "airflow" / "config" / "airflow_local_settings.py"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        "import sys\nif 'scheduler' in sys.argv:\n    import airflow_provider_ims.hooks._sdk\n"
        "    import airflow_provider_ims.sensors.ims\n"
    )
    with EmulatorService(home / "emulator", "--clock", "manual", "--quiet") as emulator:
        env = emulator.airflow_env | {"MATRIX_OURS": str(ours), "MATRIX_FOREIGN": str(foreign)}
        with LocalAirflow(home / "airflow", CHECKOUT / "matrix" / "dags", env=env, config=config) as airflow:
            api, triggerer = airflow.api, airflow.services["triggerer"]
            api.unpause("matrix_many")
            began = time.monotonic()
            end = datetime.now(UTC) + timedelta(seconds=moment)
            run_id = api.trigger("matrix_many", {"moment": end.isoformat()})
            path = f"dags/matrix_many/dagRuns/{run_id}/taskInstances"
            most = 0

            def count(state: str) -> int:
                found: int = api.call("GET", path, params={"state": state, "limit": 1})["total_entries"]
                return found

            def all_deferred_or_due() -> bool:
                nonlocal most
                triggerer.check_running()
                most = max(most, count("deferred"))
                progress(f"up to {most} of {total} tasks were deferred, {time.monotonic() - began:.0f} s")
                return most == total or datetime.now(UTC) >= end

            wait_until("deferral of all tasks", all_deferred_or_due, timeout=MANY_TIMEOUT, interval=10)
            deferring = time.monotonic() - began
            emulator.control.advance(3600)
            ended = time.monotonic()

            def run_ended() -> bool:
                nonlocal most
                triggerer.check_running()
                most = max(most, count("deferred"))
                progress(f"{count('success')} tasks succeeded, {time.monotonic() - ended:.0f} s after their jobs")
                if count("deferred"):
                    # End the jobs that were submitted after the clock was advanced.
                    emulator.control.advance(3600)
                return api.run_state("matrix_many", run_id) in {"success", "failed"}

            wait_until("end of the run", run_ended, timeout=MANY_TIMEOUT, interval=10)
            succeeded = count("success") - 1
            blocked = sum(BLOCKED in line for line in triggerer.log.read_text(errors="replace").splitlines())
            summary = (
                f"{succeeded} of {total} tasks succeeded; up to {most} were deferred at the same time; "
                f"{'all were deferred' if most == total else 'the check ended the jobs'} after {deferring:.0f} s; "
                f"the run ended {time.monotonic() - ended:.0f} s after the jobs; "
                f"{blocked} warnings about a blocked event loop"
            )
            if succeeded != total:
                raise LocalAirflowError(summary)
            return summary


def progress(text: str) -> None:
    """Print the progress of a long check."""
    print(json.dumps({"progress": text}), flush=True)


@contextmanager
def live(home: Path) -> Iterator[Live]:
    """Run Airflow and the emulator until the end of the block."""
    config = {"scheduler": {"use_job_schedule": "True"}}
    durations = [f"{kind}={JOB_SECONDS}" for kind in KINDS]
    with (
        EmulatorService(home / "emulator", "--quiet", "--duration", *durations) as emulator,
        LocalAirflow(home / "airflow", CHECKOUT / "example_dags", env=emulator.airflow_env, config=config) as airflow,
    ):
        yield Live(airflow, emulator)


def report(check: str, function: Callable[[], str]) -> None:
    """Run a check and print its result."""
    began = time.monotonic()
    try:
        detail, ok = function(), True
    except (LocalAirflowError, httpx.HTTPError) as error:
        detail, ok = f"{type(error).__name__}: {error}", False
    print(json.dumps({"check": check, "ok": ok, "detail": detail, "seconds": time.monotonic() - began}), flush=True)


def main() -> None:
    """Run the checks and print their results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, help="folder for all files")
    parser.add_argument("--many", action="store_true", help="run only the check with hundreds of waiting tasks")
    parser.add_argument(
        "--ours", type=int, default=int(os.environ.get("MATRIX_OURS", "500")), help="triggers of this provider"
    )
    parser.add_argument(
        "--foreign", type=int, default=int(os.environ.get("MATRIX_FOREIGN", "50")), help="triggers of another provider"
    )
    parser.add_argument(
        "--moment", type=float, default=900, help="seconds after which the triggers of the other provider fire"
    )
    arguments = parser.parse_args()
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    if arguments.many:
        report("many", lambda: many(arguments.home, arguments.ours, arguments.foreign, arguments.moment))
        return
    try:
        with live(arguments.home) as running:
            for check in (running.pipeline, running.sensors, running.mapped, running.asset_alias):
                report(check.__name__, check)
                if not running.airflow.services["triggerer"].running:
                    running.airflow.restart("triggerer")
    except LocalAirflowError as error:
        print(json.dumps({"check": "start", "ok": False, "detail": str(error), "seconds": 0.0}), flush=True)


def _interrupt(*_: object) -> None:
    # A second signal must not interrupt the shutdown.
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
