from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsPermissionError,
    ImsThrottledError,
    ImsUnavailableError,
)
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.smart import SMART
from airflow_provider_ims.waiting.monitor import (
    JITTER,
    TOLERATED_ERRORS,
    UNKNOWN_GRACE,
    JobMonitor,
    WaitMessage,
    first_pause,
    next_pause,
    wait_for_job,
)

RUNNING = Job("j", JobState.RUNNING, "Executing")
DENIED = ImsPermissionError("no")


class TestJobWatch:
    def test_only_changes_are_told(self) -> None:
        monitor = JobMonitor("j", began=0)
        created = Job("j", JobState.RUNNING, "Created")
        ended = Job("j", JobState.SUCCEEDED, "Finished")
        seen = [created, created, RUNNING, None, RUNNING, ended]
        event = [monitor.update(job, 0) for job in seen]
        assert [job for job in event if not isinstance(job, WaitMessage)] == [created, None, RUNNING, None, ended]

    def test_a_batch_whose_videos_end_after_it_is_told_again(self) -> None:
        monitor = JobMonitor("j", began=0)
        monitor.update(Job("j", JobState.RUNNING, "Finished"), 0)
        ended = Job("j", JobState.SUCCEEDED, "Finished")
        assert monitor.update(ended, 1) is ended

    @pytest.mark.parametrize("error", [ImsThrottledError("x"), ImsUnavailableError("x")])
    def test_passing_errors_are_forgiven_for_ever(self, error: Exception) -> None:
        monitor = JobMonitor("j", began=0)
        assert all(isinstance(monitor.update(error, now), WaitMessage) for now in range(1000))

    @pytest.mark.parametrize("error", [DENIED, ImsCredentialsError("x"), KeyError("a bug")])
    def test_final_errors_in_a_row_end_the_wait_with_the_last(self, error: Exception) -> None:
        monitor = JobMonitor("j", began=0)
        for _ in range(TOLERATED_ERRORS - 1):
            assert isinstance(monitor.update(error, 0), WaitMessage)
        with pytest.raises(type(error)) as caught:
            monitor.update(error, 0)
        assert caught.value is error

    def test_an_answer_starts_the_count_of_errors_anew(self) -> None:
        monitor = JobMonitor("j", began=0)
        for _ in range(10):
            for _ in range(TOLERATED_ERRORS - 1):
                monitor.update(DENIED, 0)
            monitor.update(RUNNING, 0)

    def test_an_unknown_job_is_forgiven_for_the_time_of_grace(self) -> None:
        monitor = JobMonitor("j", began=100)
        assert isinstance(monitor.update(None, 100 + UNKNOWN_GRACE), WaitMessage)
        with pytest.raises(ImsJobNotFoundError, match="region and the account"):
            monitor.update(None, 101 + UNKNOWN_GRACE)

    def test_the_grace_of_a_job_that_vanished_begins_when_it_was_last_seen(self) -> None:
        monitor = JobMonitor("j", began=0)
        monitor.update(RUNNING, 1000)
        assert isinstance(monitor.update(None, 1000 + UNKNOWN_GRACE), WaitMessage)
        with pytest.raises(ImsJobNotFoundError):
            monitor.update(None, 1001 + UNKNOWN_GRACE)


class ApiCaller:
    """A hook whose job moves on with the clock that waiting moves."""

    def __init__(self, *states: str) -> None:
        self.now, self.states, self.looks = 1000.0, iter(states), 0
        self.pauses: list[float] = []

    def call(self, action: str, params: dict[str, str], **options: Any) -> dict[str, Any]:
        self.looks += 1
        return {"JobId": params["JobId"], "State": next(self.states)}

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def wait(self, **overrides: Any) -> Job:
        changes: list[str] = []
        self.changes = changes
        arguments: dict[str, Any] = {
            "poll_interval": 10,
            "started": self.now,
            "timeout": 100,
            "emit": lambda event: changes.append(event.status) if isinstance(event, Job) else None,
            "now": lambda: self.now,
            "sleep": self.sleep,
            **overrides,
        }
        return wait_for_job(SMART, self, "j", **arguments)  # type: ignore[arg-type]


class TestWaitForJob:
    def test_it_looks_until_the_job_has_ended(self) -> None:
        service = ApiCaller("Created", "Executing", "Executing", "Finished")
        assert service.wait().status == "Finished"
        assert service.changes == ["Created", "Executing", "Finished"]
        assert service.looks == 4

    def test_it_looks_once_more_at_the_deadline(self) -> None:
        service = ApiCaller(*["Executing"] * 20)
        with pytest.raises(ImsJobTimeoutError, match="100 s"):
            service.wait()
        assert service.now == 1100
        service = ApiCaller(*["Executing"] * 2, "Finished")
        assert service.wait(timeout=15).status == "Finished"
        assert service.now == 1015

    def test_a_deadline_that_has_passed_still_gets_a_look(self) -> None:
        assert ApiCaller("Finished").wait(timeout=0).status == "Finished"

    def test_the_first_look_is_early_and_the_others_are_spread(self) -> None:
        service = ApiCaller(*["Executing"] * 30, "Finished")
        service.wait(timeout=1000)
        first, *others = service.pauses
        assert first <= 2
        assert all(10 * (1 - JITTER) <= pause <= 10 * (1 + JITTER) for pause in others)
        assert len(set(others)) == len(others)


def test_no_pause_is_longer_than_the_interval_asked_for_allows() -> None:
    assert first_pause(0.5) <= 0.5
    assert next_pause(0.5) <= 0.5 * (1 + JITTER)
