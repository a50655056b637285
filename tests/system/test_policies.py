"""The retry policy and a pool that counts deferred tasks, on a real scheduler, real workers and a real triggerer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.waiting import CEILING

from local_airflow import EmulatorService, LocalAirflow, wait_until

pytestmark = pytest.mark.slow

TEXT, SPEECH = "SubmitTextGenerateJob", "SubmitAudioProduceJob"
SLOTS = 2


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with EmulatorService(tmp_path_factory.mktemp("emulator"), "--quiet", "--duration", f"{TEXT}=5") as service:
        yield service


@pytest.fixture(scope="module")
def airflow(service, tmp_path_factory):
    dags, home = Path(__file__).parent / "dags", tmp_path_factory.mktemp("airflow")
    with LocalAirflow(home, dags, env=service.airflow_env) as airflow:
        pool = {"name": "ims_jobs", "slots": SLOTS, "include_deferred": True, "description": ""}
        airflow.api.call("POST", "pools", json=pool)
        yield airflow


@pytest.fixture
def emulator(service):
    service.control.reset()
    return service.control


def test_tasks_are_retried_after_transient_errors_and_not_after_permanent_errors(airflow, emulator):
    emulator.fault(TEXT, "throttle", count=1)
    emulator.fault(SPEECH, "fail_job", count=None, code="InvalidParameter.ResourceContentBad", message="Unusable.")
    airflow.api.unpause("policies")
    run_id = airflow.api.trigger("policies")
    assert airflow.api.wait("policies", run_id, timeout=CEILING) == "failed"

    tasks = {task.label: task for task in airflow.api.task_instances("policies", run_id)}
    assert {label: (task.state, task.try_number) for label, task in tasks.items()} == {
        "wrong_title": ("failed", 1),
        "wrong_title_without_policy": ("failed", 4),
        "throttled": ("success", 2),
        "bad_content[0]": ("failed", 1),
        "bad_content[1]": ("failed", 1),
    }
    # Only the throttled submit request was sent twice, and no failed job was submitted again.
    assert {action: emulator.counts()[action] for action in (TEXT, SPEECH)} == {
        TEXT: {"200": 1, "400": 1},
        SPEECH: {"200": 2},
    }
    log = airflow.api.task_log("policies", run_id, tasks["bad_content[0]"])
    assert "Retry policy decision" in [line.message for line in log]


def test_a_service_suspended_for_overdue_payment_is_retried_after_an_hour(airflow, emulator):
    emulator.fault(TEXT, "suspended")
    airflow.api.unpause("suspended")
    run_id = airflow.api.trigger("suspended")

    def state():
        (task,) = airflow.api.task_instances("suspended", run_id)
        return task.state

    wait_until("retry", lambda: state() == "up_for_retry", CEILING)
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as database:
        rows = database.execute("SELECT retry_delay_override, retry_reason FROM task_instance WHERE dag_id='suspended'")
        assert rows.fetchall() == [(3600, "ImsNotSubscribedError: the service is suspended for overdue payment")]
    airflow.api.fail_run("suspended", run_id)


def test_a_pool_that_counts_deferred_tasks_limits_the_unfinished_jobs(airflow, emulator):
    airflow.api.unpause("pools")
    run_id = airflow.api.trigger("pools")
    assert airflow.api.wait("pools", run_id, timeout=CEILING) == "success"
    jobs = emulator.jobs()
    assert len(jobs) == 5
    unfinished = [sum(one["created"] <= job["created"] < one["ended"] for one in jobs) for job in jobs]
    assert max(unfinished) <= SLOTS
