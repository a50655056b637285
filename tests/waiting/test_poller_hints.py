"""
Messages only add polls: with them, no end of a job is found later than without them, whichever messages are lost.

The poller queries the emulator through the SDK over HTTP, in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from support.notified import PARAMETERS, TEXT_JOB, ReaderOfMessages, connection_with_queue
from support.virtual_time import VirtualTimeLoop, run

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting.monitor import JITTER
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.ims import ImsHook

T = TypeVar("T")

POLL_INTERVAL = 60.0
LONGEST = 400.0
JOBS = 30
NOT_LISTED = replace(SMART, listing=None)


class PollerInVirtualTime(Poller):
    """A poller whose requests take no time; the job clock of the emulator follows the event loop."""

    def __init__(self, family: JobFamily, reader: ReaderOfMessages, emulator: ImsEmulator) -> None:
        super().__init__(family, ImsHook, new_reader=lambda: reader)  # type: ignore[arg-type, return-value]
        self._emulator = emulator
        self._advanced = 0.0

    async def _in_thread(self, call: Callable[[], T]) -> T:
        await self._refresh()
        now = asyncio.get_running_loop().time()
        if now > self._advanced:
            self._emulator.advance(now - self._advanced)
            self._advanced = now
        return call()


@dataclass
class Plan:
    """When each job ends, and when messages about it arrive."""

    ends: list[float]
    messages: list[list[float]]


def random_plan() -> Plan:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it if the test fails
    generator = random.Random(seed)
    ends = [generator.uniform(0, LONGEST) for _ in range(JOBS)]
    messages = []
    for end in ends:
        early = [generator.uniform(0, end) for _ in range(generator.choice([0, 0, 1, 3]))]
        # Half of the messages about the end are lost; the others are delayed, and some are repeated.
        late = [end + generator.uniform(0, 120) for _ in range(generator.choice([0, 0, 1, 2]))]
        messages.append(early + late)
    return Plan(ends, messages)


@pytest.fixture
def find_ends(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """Return a function that waits for the jobs of a plan, and returns when each end was found."""
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", connection_with_queue(ims_emulator))
    monkeypatch.setattr("airflow_provider_ims._waiting.hook_resolver.CONNECTION_LIFETIME", float("inf"))
    middle = SimpleNamespace(uniform=lambda low, high: (low + high) / 2, random=lambda: 0.5)
    for module in ("monitor", "poller", "sweep"):
        monkeypatch.setattr(f"airflow_provider_ims._waiting.{module}.random", middle)

    def find(
        family: JobFamily,
        ends: Sequence[float],
        messages: Sequence[Sequence[float]],
        failing_listings: float = 0,
        last_starts_at: float = 0,
        poll_interval: float = POLL_INTERVAL,
    ) -> list[float]:
        ims_emulator.reset()
        if failing_listings:
            ims_emulator.fault("ListSmartJobs", "server_error", count=None, share=failing_listings, seed=1)
        loop, reader = VirtualTimeLoop(), ReaderOfMessages()
        clock = SimpleNamespace(monotonic=loop.time, time=loop.time)
        for module in ("poller", "sweep"):
            monkeypatch.setattr(f"airflow_provider_ims._waiting.{module}.time", clock)
        poller = PollerInVirtualTime(family, reader, ims_emulator)
        # In another event loop, because it resolves the connection in a thread.
        asyncio.run(poller.resolver.refresh())

        async def end_of(job_id: str, arrivals: Sequence[float], starts_at: float = 0) -> float:
            await asyncio.sleep(starts_at)
            for at in arrivals:
                loop.call_at(at, reader.receive, job_id)
            job = await poller.wait_for_job(
                job_id, poll_interval=poll_interval, wait_started_at=0, deadline=1e6, emit=lambda _: None
            )
            assert isinstance(job, Job)
            return loop.time()

        async def main() -> list[float]:
            job_ids = ims_emulator.add_jobs(TEXT_JOB, PARAMETERS, ends)
            *waits, last = zip(job_ids, messages, strict=True)
            return await asyncio.gather(*(end_of(*wait) for wait in waits), end_of(*last, starts_at=last_starts_at))

        return run(loop, main())

    return find


manual = pytest.mark.ims_emulator(clock="manual", list_text_jobs=True)


@manual
@pytest.mark.parametrize("_repetition", range(5))
def test_no_end_is_found_later_than_without_messages(find_ends: Any, _repetition: int) -> None:
    plan = random_plan()
    without = find_ends(NOT_LISTED, plan.ends, [[]] * JOBS)
    found = find_ends(NOT_LISTED, plan.ends, plan.messages)
    late = [(at, alone) for at, alone in zip(found, without, strict=True) if at > alone + 1e-6]
    assert not late
    assert sum(found) < sum(without)


@manual
@pytest.mark.parametrize("_repetition", range(5))
def test_each_end_is_found_within_a_poll_interval_in_sweeps_too(
    find_ends: Any, _repetition: int, ims_emulator: ImsEmulator
) -> None:
    plan = random_plan()
    found = find_ends(SMART, plan.ends, plan.messages)
    assert ims_emulator.requests("ListSmartJobs")
    delays = [at - end for at, end in zip(found, plan.ends, strict=True)]
    assert max(delays) <= POLL_INTERVAL * (1 + JITTER)


@manual
@pytest.mark.parametrize("_repetition", range(3))
def test_each_end_is_found_within_a_poll_interval_although_listings_fail(
    find_ends: Any, _repetition: int, ims_emulator: ImsEmulator
) -> None:
    plan = random_plan()
    found = find_ends(SMART, plan.ends, plan.messages, failing_listings=0.2)
    assert {one["status"] for one in ims_emulator.requests("ListSmartJobs")} == {200, 500}
    delays = [at - end for at, end in zip(found, plan.ends, strict=True)]
    assert max(delays) <= POLL_INTERVAL * (1 + JITTER)


@manual
def test_a_message_about_the_end_ends_the_wait_at_once(find_ends: Any) -> None:
    ends = [100.0 + number for number in range(JOBS)]
    for family in (NOT_LISTED, SMART):
        assert find_ends(family, ends, [[end] for end in ends]) == pytest.approx(ends, abs=0.01)


@manual
def test_a_message_before_the_end_causes_another_poll_within_two_seconds(find_ends: Any) -> None:
    (found,) = find_ends(NOT_LISTED, [100.0], [[99.5]])
    assert 100 < found < 102


@manual
@pytest.mark.parametrize("ended_for", [0.0, 50.0])
def test_a_wait_that_joins_during_sweeps_with_a_long_interval_ends_within_two_seconds_of_an_earlier_end(
    find_ends: Any, ended_for: float
) -> None:
    # As after a takeover from a killed triggerer, which has deleted the message.
    ends = [LONGEST] * JOBS + [100.0 - ended_for]
    *_, found = find_ends(SMART, ends, [[]] * (JOBS + 1), last_starts_at=100.0, poll_interval=600.0)
    assert 100 < found <= 102


@manual
def test_a_wait_that_joins_just_before_a_sweep_costs_no_query_of_its_running_job(
    find_ends: Any, ims_emulator: ImsEmulator
) -> None:
    find_ends(SMART, [LONGEST] * (JOBS + 1), [[]] * (JOBS + 1), last_starts_at=100.0, poll_interval=10.0)
    assert len(ims_emulator.requests("GetSmartHandleJob")) == JOBS + 1
