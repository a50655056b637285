"""
Two DAGs that run the same text jobs: one in a single task, the other in one mapped task for each job.

The environment variable ``BENCH_TASKS`` contains the number of jobs.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator, ImsSubmitTextGenerateJobOperator

JOBS = [
    {"keywords": f"product {number}", "textLength": 100, "targetCount": 3}
    for number in range(int(os.environ["BENCH_TASKS"]))
]
WAIT = {"deferrable": True, "poll_interval": 10, "timeout": 6 * 3600}

with DAG(dag_id="one_task", schedule=None):
    ImsSubmitJobsOperator(
        task_id="texts",
        job="SubmitTextGenerateJob",
        requests=[{"GenerateConfig": config} for config in JOBS],
        parameters={"Type": "MarketingCopy"},
        results_path=(Path(os.environ["AIRFLOW_HOME"]) / "results.jsonl").as_uri(),
        **WAIT,
    )

with DAG(dag_id="mapped_text_tasks", schedule=None):
    ImsSubmitTextGenerateJobOperator.partial(task_id="texts", type="MarketingCopy", **WAIT).expand(generate_config=JOBS)
