"""Tasks with many text-to-speech jobs."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator

AUDIO = "SubmitAudioProduceJob"
COMMON = {"EditingConfig": {"voice": "Siqi"}, "OutputConfig": {"bucket": "b", "object": "o"}}


def speech(count: int, **more: Any) -> Any:
    """Return a task with ``count`` different requests."""
    options = {
        "task_id": "jobs",
        "job": AUDIO,
        "requests": texts_of(range(count)),
        "parameters": COMMON,
        "poll_interval": 0.02,
        "max_submits_per_second": 1000,
    }
    return ImsSubmitJobsOperator(**{**options, **more})


def texts_of(numbers: Any) -> list[dict[str, Any]]:
    """Return a request for the text with each number."""
    return [{"InputConfig": f"Text {number}"} for number in numbers]


def spoken(emulator: ImsEmulator, result: Any) -> list[str]:
    """Return the text of each job of a result."""
    jobs = {job["job_id"]: job["parameters"]["InputConfig"] for job in emulator.jobs()}
    return [jobs[one["job_id"]] for one in result["jobs"]]
