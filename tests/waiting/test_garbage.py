"""What is set aside while many jobs wait, and that the collector is left as it was found."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.jobs.smart import SMART
from airflow_provider_ims.waiting import poller
from airflow_provider_ims.waiting.garbage import JOINS, GarbageFreezer
from airflow_provider_ims.waiting.poller import Poller


@pytest.fixture(autouse=True)
def nothing_set_aside() -> Iterator[None]:
    """Put back what the test session has set aside, for the time of a test."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.fixture
def collector() -> Iterator[GarbageFreezer]:
    assert gc.get_freeze_count() == 0
    yield GarbageFreezer()
    gc.unfreeze()


def join(collector: GarbageFreezer, jobs: int) -> None:
    for _ in range(jobs):
        collector.joined()


def leave(collector: GarbageFreezer, jobs: int) -> None:
    for _ in range(jobs):
        collector.left()


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_few_jobs_leave_the_collector_alone(collector: GarbageFreezer) -> None:
    for _ in range(3 * JOINS):
        join(collector, 1)
        leave(collector, 1)
    join(collector, JOINS - 1)
    assert gc.get_freeze_count() == 0


def test_what_is_there_when_many_have_joined_is_not_gone_over_any_more(collector: GarbageFreezer) -> None:
    before = len(gc.get_objects())
    join(collector, JOINS)
    assert gc.get_freeze_count() >= before
    assert len(gc.get_objects()) < 100


def test_all_is_put_back_when_nobody_waits_any_more(collector: GarbageFreezer) -> None:
    join(collector, 3 * JOINS)
    leave(collector, 3 * JOINS - 1)
    assert gc.get_freeze_count() > 0
    leave(collector, 1)
    assert gc.get_freeze_count() == 0


def test_a_cycle_that_was_set_aside_is_collected_once_it_is_put_back(collector: GarbageFreezer) -> None:
    gc.disable()
    try:
        gone = weakref.ref(Cycle())
        join(collector, JOINS)
        gc.collect()
        assert gone() is not None
        leave(collector, JOINS)
        gc.collect()
        assert gone() is None
    finally:
        gc.enable()


def test_what_somebody_else_has_set_aside_stays_theirs(collector: GarbageFreezer) -> None:
    gc.freeze()
    theirs = gc.get_freeze_count()
    join(collector, 2 * JOINS)
    assert gc.get_freeze_count() <= theirs
    leave(collector, 2 * JOINS)
    assert gc.get_freeze_count() > 0


def test_a_poller_counts_each_wait_once(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = GarbageFreezer()
    monkeypatch.setattr(poller, "collector", collector)

    async def join_and_leave() -> None:
        polling = Poller(SMART, ImsHook)
        waits = [polling.join(f"job-{number}", 10, 0.0, 60) for number in range(JOINS)]
        assert gc.get_freeze_count() > 0
        for wait in waits:
            polling.leave(wait)
            polling.leave(wait)
        assert gc.get_freeze_count() == 0
        await asyncio.sleep(0)

    asyncio.run(join_and_leave())
