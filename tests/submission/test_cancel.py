from __future__ import annotations

import contextvars
import logging
import threading
from typing import Any

import pytest
from support.submits import SUBMITS, encoded

from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._submission.cancel import call_with_timeout, cancel_job, cancel_jobs
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.ims import ImsHook

DNA = kind_of("SubmitDNAJob")
held = pytest.mark.ims_emulator(clock="manual", durations={DNA.submit_action: 60})


@held
@pytest.mark.parametrize(("state", "cancels"), [("Queuing", 1), ("Analysing", 0)])
def test_a_job_is_cancelled_only_in_the_states_in_which_the_service_can_cancel_it(
    state: str, cancels: int, ims_emulator: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = DNA.job_id_in(ImsHook().call(DNA.submit_action, encoded(SUBMITS["ice", DNA.submit_action])))
    assert job_id is not None
    ims_emulator.set_state(job_id, state)
    caplog.set_level(logging.INFO)
    cancel_job(DNA.family, ImsHook(), job_id)
    assert len(ims_emulator.requests("CancelDNAJob")) == cancels
    said = "Cancelled job" if cancels else "is billed: the service cannot cancel a job that is Analysing"
    assert said in caplog.text


@held
def test_jobs_are_cancelled_in_the_context_of_the_caller(
    ims_emulator: ImsEmulator,
) -> None:
    trigger = contextvars.ContextVar("trigger", default="none")
    logged = []

    class Log:
        def info(self, message: str, *_: Any) -> None:
            logged.append(f"{trigger.get()}: {message}")

    parameters = encoded(SUBMITS["ice", DNA.submit_action])
    job_ids = [str(DNA.job_id_in(ImsHook().call(DNA.submit_action, parameters))) for _ in range(3)]
    trigger.set("mine")
    cancel_jobs(DNA.family, ImsHook(), job_ids, Log())
    assert logged == ["mine: Cancelled job %s"] * 3


def test_the_result_of_the_function_is_returned_or_its_error_is_raised() -> None:
    assert call_with_timeout(30, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(30, lambda: 1 // 0)


def test_a_function_that_blocks_is_abandoned_after_the_time_limit() -> None:
    blocked = threading.Event()
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        call_with_timeout(0.05, blocked.wait)
    blocked.set()
