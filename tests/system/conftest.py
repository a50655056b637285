"""One real Airflow and one emulator for all system tests."""

from __future__ import annotations

from functools import partial

import pytest
from support.waiting import CEILING

from local_airflow import EmulatorService, LocalAirflow, until
from local_airflow.demo import CHECKOUT, DAG_ID


@pytest.fixture
def crash_table(record_property):
    """
    Return a function that adds a row to the table in the terminal's summary.

    A row is what was killed and when, the job type, the mode, the tries and the jobs counted. It travels with the
    report of its test, which comes to the terminal from a worker of pytest-xdist, too.
    """
    return lambda *row: record_property("crash", row)


@pytest.fixture(scope="session")
def emulator_service(tmp_path_factory):
    with EmulatorService(tmp_path_factory.mktemp("emulator"), "--clock", "manual") as service:
        yield service


@pytest.fixture(scope="session")
def airflow(emulator_service, tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    with LocalAirflow(home, CHECKOUT / "example_dags", env=emulator_service.airflow_env) as airflow:
        yield airflow


@pytest.fixture
def emulator(emulator_service, airflow):
    """Give the handle on the emulator, without the jobs and faults of other tests."""
    yield emulator_service.control
    for run_id in airflow.api.active_runs(DAG_ID):
        tasks = airflow.api.task_instances(DAG_ID, run_id)
        airflow.api.give_up(DAG_ID, run_id)
        for task in tasks:
            # One that is just being started would submit its job into the next test.
            until("end of the workers", partial(_no_worker, airflow, task), timeout=CEILING)
    emulator_service.control.reset()


def _no_worker(airflow, task):
    return not airflow.worker_processes(task.id)
