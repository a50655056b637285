"""A DAG that is scheduled on the asset of another DAG's job."""

from __future__ import annotations

import pytest
from support.system import wait_until_deferral_processed
from support.waiting import CEILING

from local_airflow import LocalAirflow, wait_until
from local_airflow.demo import CHECKOUT

pytestmark = pytest.mark.slow

PRODUCER, CONSUMER = "ims_voice_over", "ims_publish_voice_over"


@pytest.fixture
def scheduling_airflow(emulator_service, tmp_path):
    """Run an Airflow that creates scheduled runs, unlike the Airflow that the other tests share."""
    config = {"scheduler": {"use_job_schedule": "True"}}
    with LocalAirflow(tmp_path, CHECKOUT / "example_dags", env=emulator_service.airflow_env, config=config) as airflow:
        yield airflow
    emulator_service.control.reset()


def test_a_dag_that_is_scheduled_on_the_alias_runs_with_the_object_of_the_job(scheduling_airflow, emulator_service):
    airflow, emulator = scheduling_airflow, emulator_service.control
    airflow.api.unpause(CONSUMER)
    airflow.api.unpause(PRODUCER)
    run_id = airflow.api.trigger(PRODUCER)

    def task():
        (task,) = airflow.api.task_instances(PRODUCER, run_id)
        return task

    wait_until("deferred task", lambda: task().state == "deferred", CEILING)
    wait_until_deferral_processed(airflow, task())
    # The schedule also creates a run, whose job may be submitted before or after the job of this run.
    assert any(run_id.replace(":", "") in job["parameters"]["OutputConfig"] for job in emulator.jobs())
    assert airflow.api.runs(CONSUMER) == []

    emulator.advance(3600)
    assert airflow.api.wait(PRODUCER, run_id, timeout=CEILING) == "success"
    media_url = airflow.api.xcom(PRODUCER, run_id, task())["media_url"]
    uri = f"oss://your-bucket/{media_url.partition('aliyuncs.com/')[2]}"

    def published():
        """Return the published URIs, which may include the voice-over of a scheduled run."""
        runs = airflow.api.runs(CONSUMER, "success")
        tasks = [(run, task) for run in runs for task in airflow.api.task_instances(CONSUMER, run)]
        return [uri for run, task in tasks for uri in airflow.api.xcom(CONSUMER, run, task)]

    wait_until("run of the second DAG", lambda: uri in published(), CEILING)
    assert published().count(uri) == 1
