from __future__ import annotations

import logging
import time

import pytest

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._waiting.monitor import (
    JITTER,
    TOLERATED_ERRORS,
    UNKNOWN_GRACE,
    JobMonitor,
    WaitMessage,
    first_pause,
    log_progress,
    next_pause,
)
from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsJobNotFoundError,
    ImsPermissionError,
    ImsThrottledError,
    ImsUnavailableError,
)

RUNNING = Job("j", JobState.RUNNING, "Executing")
DENIED = ImsPermissionError("no")


class TestJobMonitor:
    def test_only_changes_are_returned(self) -> None:
        monitor = JobMonitor("j", started_at=0)
        created = Job("j", JobState.RUNNING, "Created")
        ended = Job("j", JobState.SUCCEEDED, "Finished")
        observations = [created, created, RUNNING, None, RUNNING, ended]
        events = [monitor.update(observation, 0) for observation in observations]
        assert [event for event in events if not isinstance(event, WaitMessage)] == [
            created,
            None,
            RUNNING,
            None,
            ended,
        ]

    def test_a_batch_whose_videos_end_after_it_is_returned_again(self) -> None:
        monitor = JobMonitor("j", started_at=0)
        monitor.update(Job("j", JobState.RUNNING, "Finished"), 0)
        ended = Job("j", JobState.SUCCEEDED, "Finished")
        assert monitor.update(ended, 1) is ended

    @pytest.mark.parametrize("error", [ImsThrottledError("x"), ImsUnavailableError("x")])
    def test_transient_errors_never_end_the_wait(self, error: Exception) -> None:
        monitor = JobMonitor("j", started_at=0)
        assert all(isinstance(monitor.update(error, now), WaitMessage) for now in range(1000))

    @pytest.mark.parametrize("error", [DENIED, ImsCredentialsError("x"), KeyError("a bug")])
    def test_consecutive_permanent_errors_end_the_wait_with_the_last_error(self, error: Exception) -> None:
        monitor = JobMonitor("j", started_at=0)
        for _ in range(TOLERATED_ERRORS - 1):
            assert isinstance(monitor.update(error, 0), WaitMessage)
        with pytest.raises(type(error)) as caught:
            monitor.update(error, 0)
        assert caught.value is error

    def test_a_successful_poll_resets_the_number_of_errors(self) -> None:
        monitor = JobMonitor("j", started_at=0)
        for _ in range(10):
            for _ in range(TOLERATED_ERRORS - 1):
                monitor.update(DENIED, 0)
            monitor.update(RUNNING, 0)

    def test_an_unknown_job_ends_the_wait_after_the_grace_period(self) -> None:
        monitor = JobMonitor("j", started_at=100)
        assert isinstance(monitor.update(None, 100 + UNKNOWN_GRACE), WaitMessage)
        with pytest.raises(ImsJobNotFoundError, match="region and the account"):
            monitor.update(None, 101 + UNKNOWN_GRACE)

    def test_an_unknown_job_does_not_end_the_wait_at_a_late_first_poll(self) -> None:
        monitor = JobMonitor("j")
        assert isinstance(monitor.update(None, 3 * UNKNOWN_GRACE), WaitMessage)
        assert isinstance(monitor.update(None, 4 * UNKNOWN_GRACE), WaitMessage)
        with pytest.raises(ImsJobNotFoundError):
            monitor.update(None, 4 * UNKNOWN_GRACE + 1)

    def test_the_grace_period_of_a_job_that_vanished_starts_when_it_is_first_unknown(self) -> None:
        monitor = JobMonitor("j", started_at=0)
        monitor.update(RUNNING, 1000)
        for now in (5000, 5000 + UNKNOWN_GRACE):
            assert isinstance(monitor.update(None, now), WaitMessage)
        with pytest.raises(ImsJobNotFoundError):
            monitor.update(None, 5001 + UNKNOWN_GRACE)

    def test_a_job_that_is_known_again_has_a_new_grace_period(self) -> None:
        monitor = JobMonitor("j", started_at=0)
        monitor.update(None, 1)
        monitor.update(RUNNING, 2)
        assert isinstance(monitor.update(None, 1000), WaitMessage)
        monitor.confirm_running()
        assert isinstance(monitor.update(None, 2000), WaitMessage)


def test_no_pause_is_longer_than_the_poll_interval_with_its_jitter() -> None:
    assert first_pause(0.5) <= 0.5
    assert next_pause(0.5) <= 0.5 * (1 + JITTER)


@pytest.mark.parametrize(
    ("submitted_at", "line"),
    [
        (None, "Job j is Executing after a wait of 5 s"),
        (0.0, "Job j is Executing after a wait of 5 s, 100 s after it was submitted"),
    ],
)
def test_the_log_shows_the_wait_and_the_age_of_the_job(
    submitted_at: float | None, line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(time, "time", lambda: 100.0)
    log_progress(logging.getLogger("task"), RUNNING, wait_started_at=95.0, submitted_at=submitted_at)
    assert caplog.messages == [line]
