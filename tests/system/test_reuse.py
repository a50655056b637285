"""Jobs that are reused by later runs of a DAG on a real Airflow."""

from __future__ import annotations

import pytest
from support.waiting import CEILING

from local_airflow import LocalAirflow

pytestmark = pytest.mark.slow

DAG_ID = "reusing"
DAG_FILE = f"""
from datetime import datetime

from airflow.sdk import DAG
from airflow_provider_ims.operators.ims import ImsSubmitTextGenerateJobOperator

CONFIG = {{"keywords": "new store", "textLength": 20, "targetCount": 2}}
with DAG("{DAG_ID}", schedule=None, start_date=datetime(2026, 1, 1), params={{"title": "one"}}):
    common = {{"generate_config": CONFIG, "poll_interval": 1, "reuse": "inputs"}}
    ImsSubmitTextGenerateJobOperator(
        task_id="copy", title="{{{{ params.title }}}}", deferrable=True, **common
    )
    ImsSubmitTextGenerateJobOperator.partial(task_id="titles", type="Title", **common).expand(title=["a", "b"])
"""


def run_without_date(airflow, conf=None):
    """Run the DAG without a logical date, as asset events and requests to the REST API do."""
    body = {"logical_date": None, "conf": conf or {}}
    run_id = airflow.api.call("POST", f"dags/{DAG_ID}/dagRuns", json=body)["dag_run_id"]
    return run_id, results(airflow, run_id)


def results(airflow, run_id):
    assert airflow.api.wait(DAG_ID, run_id, timeout=CEILING) == "success"
    tasks = airflow.api.task_instances(DAG_ID, run_id)
    return {(task.task_id, task.map_index): airflow.api.xcom(DAG_ID, run_id, task) for task in tasks}


def messages(airflow, run_id, task_id):
    (task,) = [task for task in airflow.api.task_instances(DAG_ID, run_id) if task.task_id == task_id]
    return "\n".join(line.message for line in airflow.api.task_log(DAG_ID, run_id, task))


def test_later_runs_and_a_cleared_run_reuse_the_jobs_with_the_same_inputs(ims_emulator, tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "reusing.py").write_text(DAG_FILE)
    env = {"AIRFLOW_CONN_IMS_DEFAULT": ims_emulator.connection_uri}
    with LocalAirflow(tmp_path / "home", tmp_path / "dags", env=env) as airflow:
        airflow.api.unpause(DAG_ID)
        first_id, first = run_without_date(airflow)
        assert len(ims_emulator.jobs()) == 3
        assert "because no earlier run stored a job" in messages(airflow, first_id, "copy")

        second_id, second = run_without_date(airflow)
        assert second == first
        assert f"Reusing job {first['copy', -1]['job_id']} (submitted at " in messages(airflow, second_id, "copy")

        airflow.api.clear(DAG_ID, first_id, airflow.api.task_instances(DAG_ID, first_id))
        assert results(airflow, first_id) == first
        assert len(ims_emulator.jobs()) == 3

        third_id, third = run_without_date(airflow, {"title": "two"})
        assert third["copy", -1]["job_id"] != first["copy", -1]["job_id"]
        assert len(ims_emulator.jobs()) == 4
        assert f"by run {first_id}) had other inputs: Title" in messages(airflow, third_id, "copy")
