"""The Airflow of the example DAGs and its emulator, which several tests share."""

from __future__ import annotations

from functools import partial

import pytest
from support.system import connect, connections_of
from support.waiting import CEILING

from local_airflow import wait_until
from local_airflow.demo import DAG_ID


@pytest.fixture
def crash_table(record_property):
    """
    Return a function that adds a row to the table in the terminal's summary.

    A row consists of the crash, the job kind, the mode, the number of tries and the number of jobs. It is a property of
    the test's report, which the workers of pytest-xdist send to the controller.
    """
    return lambda *row: record_property("crash", row)


@pytest.fixture
def airflow(example_airflow, emulator_service):
    """Return the Airflow of the example DAGs with a connection to the emulator."""
    if not connections_of(example_airflow, "ims_default"):
        connect(example_airflow, emulator_service)
    return example_airflow


@pytest.fixture
def emulator(emulator_service, airflow):
    """Yield the emulator's control client, without the jobs and faults of other tests."""
    yield emulator_service.control
    for run_id in airflow.api.active_runs(DAG_ID):
        tasks = airflow.api.task_instances(DAG_ID, run_id)
        airflow.api.fail_run(DAG_ID, run_id)
        for task in tasks:
            # A task that is being started would submit its job during the next test.
            wait_until("exit of the workers", partial(_no_worker, airflow, task), timeout=CEILING)
    emulator_service.control.reset()


def _no_worker(airflow, task):
    return not airflow.worker_processes(task.id)
