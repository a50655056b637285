"""The event of a trigger is read as it was written; an unexpected event is an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._waiting.events import MAX_EVENT_SIZE, ended_event, error_event, read_event
from airflow_provider_ims.exceptions import ImsError, ImsJobNotFoundError, ImsJobTimeoutError, ImsPermissionError

JOB = Job(
    "j",
    JobState.FAILED,
    "Failed",
    {"texts": ["蛋糕"]},
    "Code",
    "Words",
    "R-1",
    failed_parts=[{"job_id": "part"}],
    total_parts=2,
    partial=True,
    usage={"total_tokens": 3},
)


def test_an_event_keeps_a_job_unchanged() -> None:
    assert read_event(json.loads(json.dumps(ended_event([JOB, JOB], 12.5)))) == (["j", "j"], [JOB, JOB], 12.5)


def test_an_event_contains_only_the_id_of_a_large_job() -> None:
    large = Job("j", JobState.SUCCEEDED, "Finished", {"texts": ["x" * MAX_EVENT_SIZE]})
    event = ended_event([large], 12.5)
    assert len(json.dumps(event)) < 200
    assert read_event(event) == (["j"], None, 12.5)


@pytest.mark.parametrize(
    "error",
    [
        ImsJobTimeoutError("late", job_id="j"),
        ImsJobNotFoundError("gone", job_id="j", request_id="R-1"),
        ImsPermissionError("no", ram_action="ice:X", action="X", code="Forbidden"),
    ],
)
def test_an_event_keeps_an_error_unchanged(error: ImsError) -> None:
    with pytest.raises(type(error)) as caught:
        read_event(json.loads(json.dumps(error_event(error))))
    assert str(caught.value) == str(error)
    assert vars(caught.value) == vars(error)


def test_any_other_error_becomes_an_ims_error_that_contains_its_type_and_text() -> None:
    with pytest.raises(ImsError, match="KeyError: 'x'"):
        read_event(error_event(KeyError("x")))


@pytest.mark.parametrize(
    "event",
    [
        None,
        "x",
        {},
        {"status": "success"},
        {"status": "ended"},
        {"status": "ended", "job_ids": "j", "jobs": None},
        {"status": "ended", "job_ids": ["j"], "jobs": [{}]},
        {"status": "ended", "job_ids": ["j"], "jobs": [{"id": "j", "state": "other", "status": "x"}]},
        {"status": "error", "error": None},
    ],
)
def test_an_unexpected_event_is_rejected(event: Any) -> None:
    with pytest.raises(ImsError, match="Unexpected trigger event"):
        read_event(event)
