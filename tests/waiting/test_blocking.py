from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting.blocking import wait_for_job
from airflow_provider_ims._waiting.monitor import JITTER
from airflow_provider_ims.exceptions import ImsJobTimeoutError


class Hook:
    """A hook whose job has the given statuses at successive polls. It also contains a clock that ``sleep`` advances."""

    def __init__(self, *states: str) -> None:
        self.now, self.states, self.polls = 1000.0, iter(states), 0
        self.pauses: list[float] = []

    def call(self, action: str, params: dict[str, str], **options: Any) -> dict[str, Any]:
        assert options == {"attempts": 1, "throttle_timeout": 0.0}
        self.polls += 1
        return {"JobId": params["JobId"], "State": next(self.states)}

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def wait(self, **overrides: Any) -> Job:
        changes: list[str] = []
        self.changes = changes
        arguments: dict[str, Any] = {
            "poll_interval": 10,
            "timeout": 100,
            "emit": lambda event: changes.append(event.status) if isinstance(event, Job) else None,
            "now": lambda: self.now,
            "sleep": self.sleep,
            **overrides,
        }
        return wait_for_job(SMART, self, "j", **arguments)


class TestWaitForJob:
    def test_it_polls_until_the_job_has_ended(self) -> None:
        hook = Hook("Created", "Executing", "Executing", "Finished")
        assert hook.wait().status == "Finished"
        assert hook.changes == ["Created", "Executing", "Finished"]
        assert hook.polls == 4

    def test_it_polls_once_more_at_the_deadline(self) -> None:
        hook = Hook(*["Executing"] * 20)
        with pytest.raises(ImsJobTimeoutError, match="100 s"):
            hook.wait()
        assert hook.now == 1100
        hook = Hook(*["Executing"] * 2, "Finished")
        assert hook.wait(timeout=15).status == "Finished"
        assert hook.now == 1015

    def test_it_polls_once_with_a_timeout_of_zero(self) -> None:
        assert Hook("Finished").wait(timeout=0).status == "Finished"

    def test_the_first_pause_is_short_and_the_others_vary(self) -> None:
        hook = Hook(*["Executing"] * 30, "Finished")
        hook.wait(timeout=1000)
        first, *others = hook.pauses
        assert first <= 2
        assert all(10 * (1 - JITTER) <= pause <= 10 * (1 + JITTER) for pause in others)
        assert len(set(others)) == len(others)
