"""One wait for many jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.cases import AUDIO
from support.waiting import CEILING

from airflow_provider_ims._waiting import monitor
from airflow_provider_ims._waiting.many_jobs import wait_for_jobs
from airflow_provider_ims._waiting.poller import QUERIES, Poller
from airflow_provider_ims._waiting.progress import Progress
from airflow_provider_ims._waiting.registry import poller_for
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobTimeoutError, ImsPermissionError
from airflow_provider_ims.hooks._registry import hook_class_of

never_ending = pytest.mark.ims_emulator(clock="manual", durations={AUDIO.submit: 60})
LOG = logging.getLogger(__name__)


@pytest.fixture(autouse=True)
def early_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "FIRST_POLL_DELAY", 0.05)


def submitted(count: int) -> list[str]:
    hook = hook_class_of(AUDIO.operator.kind.family.product)()
    parameters = AUDIO.operator.kind.encode(AUDIO.arguments)
    return [hook.call(AUDIO.submit, parameters)["JobId"] for _ in range(count)]


async def wait_for(
    job_ids: list[str], meanwhile: Callable[[], Any] = lambda: None, seconds: float = CEILING, **options: Any
) -> tuple[list[str], Poller, int]:
    """Wait for jobs; return those that have not ended, the poller, and the largest number of asyncio tasks."""
    now, most = time.time(), 0
    poller = poller_for(AUDIO.operator.kind.family, "ims_default", None)
    progress = Progress(LOG, len(set(job_ids)))
    wait = asyncio.create_task(
        wait_for_jobs(
            poller,
            job_ids,
            poll_interval=0.2,
            wait_started_at=now,
            deadline=now + seconds,
            progress=progress,
            **options,
        )
    )
    work = asyncio.create_task(asyncio.to_thread(meanwhile))
    while not wait.done():
        most = max(most, len(asyncio.all_tasks()))
        await asyncio.sleep(0.001)
    await work
    return await wait, poller, most


def finish(ims_emulator: ImsEmulator, job_ids: list[str]) -> Callable[[], None]:
    return lambda: [ims_emulator.finish(job_id) for job_id in job_ids] and None


@never_ending
def test_the_number_of_asyncio_tasks_does_not_depend_on_the_number_of_jobs(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(150)
    left, _, most = asyncio.run(wait_for(job_ids, finish(ims_emulator, job_ids)))
    assert left == []
    # The wait, the poller, a sweep, the queries, and this test.
    assert most <= QUERIES + 5


@never_ending
def test_a_wait_ends_when_few_enough_jobs_have_not_ended(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(10)
    left, _, _ = asyncio.run(wait_for(job_ids, finish(ims_emulator, job_ids[:7]), unfinished=3))
    assert left == job_ids[7:]


@never_ending
def test_a_job_that_is_named_twice_is_waited_for_once(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(2)
    left, poller, _ = asyncio.run(wait_for(job_ids * 2, finish(ims_emulator, job_ids)))
    assert left == []
    assert not poller._subscriptions


@never_ending
def test_a_job_that_is_unknown_does_not_end_the_wait_for_the_others(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "UNKNOWN_GRACE", 0.1)
    job_ids = submitted(3)
    left, _, _ = asyncio.run(wait_for([*job_ids, "0" * 32], finish(ims_emulator, job_ids)))
    assert left == []


@never_ending
def test_jobs_that_end_before_the_deadline_are_not_late(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(5)
    with pytest.raises(ImsJobTimeoutError, match=r"3 of 5 jobs did not end within \d s") as error:
        asyncio.run(wait_for(job_ids, finish(ims_emulator, job_ids[:2]), seconds=1.5))
    assert all(job_id in str(error.value) for job_id in job_ids[2:])


@never_ending
def test_a_denied_query_ends_the_wait(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(5)
    ims_emulator.fault("GetSmartHandleJob", "deny", count=None)
    with pytest.raises(ImsPermissionError):
        asyncio.run(wait_for(job_ids))
