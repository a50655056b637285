"""A task with many jobs in a separate process, so that a test can kill it."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from support.running import TaskRun

from airflow_provider_ims._submission.bulk_submitter import BulkSubmitter
from airflow_provider_ims.operators import _many_jobs
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator
from airflow_provider_ims.operators.vod import VodSubmitJobsOperator


class FileStore:
    """A task state store that survives the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def get(self, key: str) -> Any:
        path = self._folder / key
        return json.loads(path.read_text()) if path.exists() else None

    def set(self, key: str, value: Any) -> None:
        text = json.dumps(value)
        part = self._folder / f"{key}.part"
        part.write_text(text)
        part.rename(self._folder / key)


def attempt(folder: Path, connection: str, job: str, requests: list[dict[str, Any]], try_number: int) -> None:
    """Run one try, and write its result into the folder."""
    os.environ["AIRFLOW_CONN_IMS_DEFAULT"] = connection
    # The emulator's listing does not lag: a hundredth of the search time is enough.
    _many_jobs.BulkSubmitter = partial(  # type: ignore[misc, assignment]
        BulkSubmitter, sleep=lambda seconds: time.sleep(seconds / 100)
    )
    operator = VodSubmitJobsOperator if job == "SubmitAIImageJob" else ImsSubmitJobsOperator
    task = operator(
        task_id="jobs", job=job, requests=requests, poll_interval=0.05, max_submits_per_second=1000, deferrable=True
    )
    run = TaskRun(task, store=FileStore(folder / "store"), try_number=try_number - 1)  # type: ignore[arg-type]
    (folder / "result").write_text(json.dumps(run.attempt()))
