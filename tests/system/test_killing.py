"""Deferred jobs on a real Airflow when a user marks or clears their tasks, and when a triggerer stops."""

from __future__ import annotations

import logging
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from support.waiting import CEILING

from local_airflow import EmulatorService, LocalAirflow, wait_until

pytestmark = pytest.mark.slow

log = logging.getLogger(__name__)

DAG_ID = "killing"
CANCELLABLE = ("iproduction", "dna")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    durations = [f"Submit{name}Job=36000" for name in ("IProduction", "DNA", "MediaInfo")]
    with EmulatorService(tmp_path_factory.mktemp("emulator"), "--quiet", "--duration", *durations) as service:
        yield service


@pytest.fixture(scope="module")
def airflow(service, tmp_path_factory):
    dags, home = Path(__file__).parent / "dags", tmp_path_factory.mktemp("airflow")
    # On the first request for a task state, the triggerer builds its API, which takes a minute on a busy machine.
    config = {"triggerer": {"on_kill_timeout": str(CEILING)}}
    with LocalAirflow(home, dags, env=service.airflow_env, config=config) as airflow:
        airflow.api.unpause(DAG_ID)
        yield airflow


def tasks(airflow, run_id):
    return {task.task_id: task for task in airflow.api.task_instances(DAG_ID, run_id)}


def waiting_run(airflow, service):
    """Start a run, wait until the triggerer polls the jobs of all tasks, and return the id of the run."""
    run_id = airflow.api.trigger(DAG_ID)
    wait_until(
        "deferred tasks",
        lambda: [task.state for task in tasks(airflow, run_id).values()] == ["deferred"] * 3,
        CEILING,
    )
    wait_until_polled(service, jobs(service))
    return run_id


def jobs(service):
    """Return the emulator's jobs that have not ended, by task."""
    return {
        job["kind"].removeprefix("Submit").removesuffix("Job").lower(): job["job_id"]
        for job in service.control.jobs()
        if job["ended"] is None
    }


def cancelled(service, job_id):
    return any(
        request["parameters"]["JobId"] == job_id and request["status"] == 200
        for action in ("CancelIProductionJob", "CancelDNAJob")
        for request in service.control.requests(action)
    )


def log_of(airflow, run_id, task, try_number=None):
    return "\n".join(map(str, airflow.api.task_log(DAG_ID, run_id, task, try_number)))


@pytest.mark.parametrize("state", ["failed", "success"])
def test_marking_a_deferred_task_cancels_its_job_if_the_service_supports_it(airflow, service, state):
    service.control.reset()
    run_id = waiting_run(airflow, service)
    awaited = jobs(service)
    before = time.monotonic()
    for task in tasks(airflow, run_id).values():
        airflow.api.mark(DAG_ID, run_id, task, state)
    for name in CANCELLABLE:
        wait_until(f"cancelled {name} job", partial(cancelled, service, awaited[name]), CEILING)
    log.info("Cancelled %.1f s after the tasks were marked %s", time.monotonic() - before, state)
    info = tasks(airflow, run_id)["mediainfo"]
    wait_until(
        "line in the log", lambda: "is billed: the service has no cancel" in log_of(airflow, run_id, info), CEILING
    )
    assert {task.state for task in tasks(airflow, run_id).values()} == {state}


def test_clearing_a_deferred_task_cancels_its_job_or_joins_a_job_that_cannot_be_cancelled(airflow, service):
    service.control.reset()
    run_id = waiting_run(airflow, service)
    first = jobs(service)
    before = time.monotonic()
    airflow.api.clear(DAG_ID, run_id, tasks(airflow, run_id).values())
    for name in CANCELLABLE:
        wait_until(f"cancelled {name} job", partial(cancelled, service, first[name]), CEILING)
        wait_until(f"new {name} job", lambda name=name: jobs(service).get(name, first[name]) != first[name], CEILING)
    log.info("Cancelled and submitted again %.1f s after the clear", time.monotonic() - before)
    wait_until_polled(service, jobs(service))
    for job in jobs(service).values():
        service.control.finish(job)
    assert airflow.api.wait(DAG_ID, run_id, timeout=CEILING) == "success"
    assert len(service.control.requests("SubmitMediaInfoJob")) == 1
    assert [len(service.control.requests(f"Submit{name}Job")) for name in ("IProduction", "DNA")] == [2, 2]


def test_a_triggerer_that_is_suspended_or_restarted_cancels_no_job(airflow, service):
    service.control.reset()
    run_id = waiting_run(airflow, service)
    awaited = jobs(service)
    triggerer = airflow.services["triggerer"]

    # Longer than `triggerer_health_check_threshold` (10 s here): Airflow considers the triggerer dead.
    triggerer.signal(signal.SIGSTOP)
    time.sleep(15)
    triggerer.signal(signal.SIGCONT)
    wait_until_polled(service, awaited)
    airflow.kill("triggerer")
    airflow.restart("triggerer")
    wait_until_polled(service, awaited)
    assert not any(cancelled(service, job_id) for job_id in awaited.values())

    for job_id in awaited.values():
        service.control.finish(job_id)
    assert airflow.api.wait(DAG_ID, run_id, timeout=CEILING) == "success"
    assert len(service.control.jobs()) == 3


def wait_until_polled(service, awaited):
    """Wait until each of the jobs has been polled twice."""

    def polled():
        requests = [str(request["parameters"]) for request in service.control.requests()[before:]]
        return all(sum(job_id in parameters for parameters in requests) >= 2 for job_id in awaited.values())

    before = len(service.control.requests())
    wait_until("polls of the awaited jobs", polled, CEILING)
