from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ims._jobs.job import Job, JobState

RUNNING = Job("id", JobState.RUNNING, "Executing")
SUCCEEDED = Job("id", JobState.SUCCEEDED, "Finished", {"texts": ["新店"]}, request_id="r")
FAILED = Job("id", JobState.FAILED, "Failed", {}, "Code", "went wrong", "r")


@pytest.mark.parametrize(("job", "ended"), [(RUNNING, False), (SUCCEEDED, True), (FAILED, True)])
def test_a_job_has_ended_if_it_is_not_running(job: Job, ended: bool) -> None:
    assert job.ended is ended


@pytest.mark.parametrize("job", [RUNNING, SUCCEEDED, FAILED])
def test_a_job_can_be_serialized_as_json(job: Job) -> None:
    assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"id": "id"},
        {"id": "id", "state": "sleeping", "status": "s"},
        {"id": "id", "state": [], "status": "s"},
        {"id": "id", "state": "running", "status": "s", "more": 1},
        {"state": "running"},
        None,
        "text",
        [],
    ],
)
def test_data_that_does_not_represent_a_job_is_rejected(data: Any) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        Job.from_dict(data)


def test_the_outcome_of_a_success_is_its_result_with_id_and_state() -> None:
    assert SUCCEEDED.outcome() == {"job_id": "id", "state": "Finished", "texts": ["新店"]}


def test_the_outcome_of_a_failure_contains_its_error() -> None:
    error = {"error_code": "Code", "error_message": "went wrong"}
    assert FAILED.outcome() == {"job_id": "id", "state": FAILED.status, **error}


def test_the_error_of_a_failure_has_the_message_of_the_service() -> None:
    error = FAILED.failure()
    assert error is not None
    assert error.message == "Job id failed: went wrong"
    assert (error.job_id, error.code, error.error_message, error.request_id) == ("id", "Code", "went wrong", "r")
    assert SUCCEEDED.failure() is None


def test_a_failure_without_a_message_is_reported_as_such() -> None:
    assert str(Job("id", JobState.FAILED, "Failed").failure()) == "Job id failed: the service gave no reason"
