"""Sweeps of a poller with many jobs, and the failures of a listing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.cases import AUDIO, BATCH, TEXT, Case
from support.waiting import CEILING

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._waiting import monitor, sweep
from airflow_provider_ims._waiting.monitor import WaitMessage
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.registry import poller_for
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobTimeoutError
from airflow_provider_ims.hooks._registry import hook_class_of

LISTINGS = {"smart": ("ListSmartJobs", "SmartJobList"), "batch": ("ListBatchMediaProducingJobs", "EditingBatchJobList")}
never_ending = pytest.mark.ims_emulator(
    clock="manual", durations=dict.fromkeys([AUDIO.submit, BATCH.submit, TEXT.submit], 60)
)


def submitted(case: Case, count: int) -> list[str]:
    hook = hook_class_of(case.operator.kind.family.product)()
    parameters = case.operator.kind.encode(case.arguments)
    return [hook.call(case.submit, parameters)["JobId"] for _ in range(count)]


def poller_of(case: Case) -> Poller:
    return poller_for(case.operator.kind.family, "ims_default", None)


async def end_of(case: Case, job_id: str, *, seconds: float = CEILING, poll_interval: float = 0.3) -> Job:
    now = time.time()
    return await poller_of(case).wait_for_job(
        job_id, poll_interval=poll_interval, wait_started_at=now, deadline=now + seconds, emit=lambda _: None
    )


async def ends_of(case: Case, job_ids: list[str], meanwhile: Callable[[], None]) -> list[Job]:
    """Wait for jobs, and call a function once all waits have started."""
    waits = [asyncio.create_task(end_of(case, job_id)) for job_id in job_ids]
    await asyncio.sleep(0)
    await asyncio.to_thread(meanwhile)
    return await asyncio.gather(*waits)


def actions(ims_emulator: ImsEmulator) -> Counter[str]:
    return Counter(request["action"] for request in ims_emulator.requests())


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CEILING
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finish_in_groups(ims_emulator: ImsEmulator, case: Case, job_ids: list[str]) -> None:
    """Finish the jobs in five groups, each after another listing request."""
    listing, _ = LISTINGS[case.operator.kind.family.name]
    for part in range(5):
        asked = actions(ims_emulator)[listing]
        until(lambda asked=asked: actions(ims_emulator)[listing] > asked)
        for job_id in job_ids[part::5]:
            ims_emulator.finish(job_id)


@pytest.fixture(autouse=True)
def early_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "FIRST_POLL_DELAY", 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("case", [AUDIO, BATCH], ids=["smart", "batch"])
@never_ending
def test_many_jobs_are_swept_and_each_is_queried_once(case: Case, ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(case, 250)
    jobs = asyncio.run(ends_of(case, job_ids, lambda: finish_in_groups(ims_emulator, case, job_ids)))
    assert [job.id for job in jobs] == job_ids
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    asked = actions(ims_emulator)
    assert asked[case.query] <= 1.1 * len(job_ids)
    assert asked[LISTINGS[case.operator.kind.family.name][0]] > 4


@never_ending
def test_few_jobs_are_queried_by_id(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(AUDIO, 3)
    asyncio.run(ends_of(AUDIO, job_ids, lambda: [ims_emulator.finish(job_id) for job_id in job_ids] and None))
    assert actions(ims_emulator)["ListSmartJobs"] == 0


@pytest.mark.slow
@never_ending
def test_text_jobs_that_are_never_listed_are_queried_by_id_after_two_sweeps(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(TEXT, 40)

    def meanwhile() -> None:
        until(lambda: actions(ims_emulator)["GetSmartHandleJob"] > 40 * 4)
        swept = actions(ims_emulator)["ListSmartJobs"]
        until(lambda: actions(ims_emulator)["GetSmartHandleJob"] > 40 * 6)
        assert actions(ims_emulator)["ListSmartJobs"] == swept
        for job_id in job_ids:
            ims_emulator.finish(job_id)

    jobs = asyncio.run(ends_of(TEXT, job_ids, meanwhile))
    assert {job.status for job in jobs} == {"Finished"}


@pytest.mark.slow
@never_ending
def test_a_listing_reports_statuses_of_running_jobs_but_no_end(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(AUDIO, 20)
    statuses: list[str] = []

    def emit(job: Job | WaitMessage) -> None:
        if isinstance(job, Job):
            statuses.append(job.status)

    async def watch(job_id: str) -> None:
        now = time.time()
        await poller_of(AUDIO).wait_for_job(
            job_id, poll_interval=0.2, wait_started_at=now, deadline=now + CEILING, emit=emit
        )

    def meanwhile() -> None:
        until(lambda: statuses.count("Created") == 20)
        ims_emulator.advance(30)
        until(lambda: statuses.count("Executing") == 20)
        # A listing with the status of an ended job: only a query by id counts.
        ims_emulator.fault("ListSmartJobs", "unknown_state", count=4, state="Finished")
        until(lambda: not ims_emulator.faults())
        ims_emulator.advance(60)

    async def main() -> None:
        waits = [asyncio.create_task(watch(job_id)) for job_id in job_ids]
        await asyncio.to_thread(meanwhile)
        await asyncio.gather(*waits)

    asyncio.run(main())
    assert Counter(statuses) == {"Created": 20, "Executing": 20, "Finished": 20}


FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "lags": ("odd_shape", {"body": {"SmartJobList": []}}),
    "skips a page": ("odd_shape", {"drop": ["NextToken"]}),
    "is unreadable": ("odd_shape", {"body": "garbage"}),
    "is html": ("non_json", {}),
    "fails": ("server_error", {}),
    "is cut": ("cut", {}),
    "is denied": ("deny", {}),
    "is throttled": ("throttle", {}),
    "contains unknown statuses": ("unknown_state", {"state": "Reviewing"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@never_ending
def test_a_failed_listing_costs_requests_and_changes_no_result(
    fault: str, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "FIRST_REST", 0.2)
    monkeypatch.setattr("airflow_provider_ims._jobs.rate_limiter.DEFAULT_RETRY_AFTER", 0.05)
    job_ids = submitted(AUDIO, 130)
    kind, options = FAULTS[fault]
    ims_emulator.fault("ListSmartJobs", kind, count=6, share=0.7, seed=1, **options)

    def meanwhile() -> None:
        until(lambda: actions(ims_emulator)["ListSmartJobs"] > 0)
        for job_id in job_ids[:100]:
            ims_emulator.finish(job_id)
        for job_id in job_ids[100:]:
            ims_emulator.fail(job_id, code="Bad", message="No.")

    jobs = asyncio.run(ends_of(AUDIO, job_ids, meanwhile))
    assert [job.id for job in jobs] == job_ids
    assert [job.state for job in jobs] == [JobState.SUCCEEDED] * 100 + [JobState.FAILED] * 30


@pytest.mark.slow
@never_ending
def test_an_account_with_thousands_of_other_jobs_is_not_swept_for_a_few_waiting_jobs(ims_emulator: ImsEmulator) -> None:
    submitted(AUDIO, 1500)
    job_ids = submitted(AUDIO, 12)

    def meanwhile() -> None:
        until(lambda: actions(ims_emulator)["GetSmartHandleJob"] > 24)
        for job_id in job_ids:
            ims_emulator.finish(job_id)

    jobs = asyncio.run(ends_of(AUDIO, job_ids, meanwhile))
    assert {job.status for job in jobs} == {"Finished"}
    assert actions(ims_emulator)["ListSmartJobs"] <= 13


@never_ending
def test_a_job_repeated_in_a_listing_is_one_job(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(AUDIO, 20)
    twice = [{"JobId": job_id, "JobState": "Executing"} for job_id in (*job_ids, *job_ids)]
    ims_emulator.fault("ListSmartJobs", "odd_shape", count=8, merge={"SmartJobList": twice})

    def meanwhile() -> None:
        until(lambda: not ims_emulator.faults())
        for job_id in job_ids:
            ims_emulator.finish(job_id)

    jobs = asyncio.run(ends_of(AUDIO, job_ids, meanwhile))
    assert [job.id for job in jobs] == job_ids


@never_ending
def test_a_cancellation_and_a_timeout_during_sweeps_affect_no_other_job(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(AUDIO, 30)

    async def main() -> None:
        late = asyncio.create_task(end_of(AUDIO, job_ids[0], seconds=1))
        gone = asyncio.create_task(end_of(AUDIO, job_ids[1]))
        others = [asyncio.create_task(end_of(AUDIO, job_id)) for job_id in job_ids[2:]]
        await asyncio.to_thread(until, lambda: actions(ims_emulator)["ListSmartJobs"] > 2)
        gone.cancel()
        with pytest.raises(ImsJobTimeoutError):
            await late
        for job_id in job_ids:
            await asyncio.to_thread(ims_emulator.finish, job_id)
        assert [job.id for job in await asyncio.gather(*others)] == job_ids[2:]

    asyncio.run(main())


@never_ending
def test_a_job_that_joins_after_sweeps_have_ended_is_polled(ims_emulator: ImsEmulator) -> None:
    *job_ids, later = submitted(AUDIO, 31)

    def finish_at_once() -> None:
        until(lambda: actions(ims_emulator)["ListSmartJobs"] > 2)
        for job_id in (*job_ids, later):
            ims_emulator.finish(job_id)

    async def main() -> Job:
        await ends_of(AUDIO, job_ids, finish_at_once)
        async with asyncio.timeout(10):
            return await end_of(AUDIO, later)

    assert asyncio.run(main()).id == later
