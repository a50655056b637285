"""The garbage collector is frozen while many jobs wait, and unfrozen when no job waits."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting import poller
from airflow_provider_ims._waiting.garbage import JOINS, GarbageFreezer
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.subscription import Inbox
from airflow_provider_ims.hooks.ims import ImsHook

OPTION = "AIRFLOW__IMS__FREEZE_GARBAGE_COLLECTOR"


@pytest.fixture(autouse=True)
def enabled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Enable the option, and unfreeze the objects that the test session has frozen."""
    monkeypatch.setenv(OPTION, "True")
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.fixture
def freezer() -> Iterator[GarbageFreezer]:
    assert gc.get_freeze_count() == 0
    yield GarbageFreezer()
    gc.unfreeze()


def join(freezer: GarbageFreezer, jobs: int) -> None:
    for _ in range(jobs):
        freezer.joined()


def leave(freezer: GarbageFreezer, jobs: int) -> None:
    for _ in range(jobs):
        freezer.left()


@pytest.mark.parametrize("value", ["False", None])
def test_the_collector_is_frozen_only_if_the_option_is_enabled(
    value: str | None, freezer: GarbageFreezer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(OPTION)
    if value is not None:
        monkeypatch.setenv(OPTION, value)
    join(freezer, 3 * JOINS)
    assert gc.get_freeze_count() == 0
    leave(freezer, 3 * JOINS)


def test_an_invalid_option_is_logged_and_ends_no_wait(
    freezer: GarbageFreezer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(OPTION, "perhaps")
    join(freezer, JOINS)
    assert gc.get_freeze_count() == 0
    assert "freeze_garbage_collector" in caplog.text


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_few_jobs_do_not_freeze_the_collector(freezer: GarbageFreezer) -> None:
    for _ in range(3 * JOINS):
        join(freezer, 1)
        leave(freezer, 1)
    join(freezer, JOINS - 1)
    assert gc.get_freeze_count() == 0


def test_many_jobs_freeze_all_objects(freezer: GarbageFreezer) -> None:
    before = len(gc.get_objects())
    join(freezer, JOINS)
    assert gc.get_freeze_count() >= before
    assert len(gc.get_objects()) < 100


def test_the_collector_is_unfrozen_when_no_job_waits(freezer: GarbageFreezer) -> None:
    join(freezer, 3 * JOINS)
    leave(freezer, 3 * JOINS - 1)
    assert gc.get_freeze_count() > 0
    leave(freezer, 1)
    assert gc.get_freeze_count() == 0


def test_a_frozen_cycle_is_collected_after_the_unfreeze(freezer: GarbageFreezer) -> None:
    gc.disable()
    try:
        gone = weakref.ref(Cycle())
        join(freezer, JOINS)
        gc.collect()
        assert gone() is not None
        leave(freezer, JOINS)
        gc.collect()
        assert gone() is None
    finally:
        gc.enable()


def test_objects_that_other_code_has_frozen_remain_frozen(freezer: GarbageFreezer) -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    join(freezer, 2 * JOINS)
    assert gc.get_freeze_count() <= frozen
    leave(freezer, 2 * JOINS)
    assert gc.get_freeze_count() > 0


def test_a_poller_counts_each_wait_once(monkeypatch: pytest.MonkeyPatch) -> None:
    freezer = GarbageFreezer()
    monkeypatch.setattr(poller, "freezer", freezer)

    async def subscribe_and_unsubscribe() -> None:
        polling = Poller(SMART, ImsHook)
        subscriptions = [polling.subscribe(f"job-{number}", 10, 0.0, 1e10, Inbox()) for number in range(JOINS)]
        assert gc.get_freeze_count() > 0
        for subscription in subscriptions:
            polling.unsubscribe(subscription)
            polling.unsubscribe(subscription)
        assert gc.get_freeze_count() == 0
        await asyncio.sleep(0)

    asyncio.run(subscribe_and_unsubscribe())
