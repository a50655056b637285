from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from support.cases import TEXT
from support.running import run_task

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting.subscription import Inbox, Subscription
from airflow_provider_ims._waiting.sweep import FIRST_REST, LONGEST_REST, MISSES, SOON, Sweeper, list_unfinished
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsPermissionError, ImsUnavailableError
from airflow_provider_ims.hooks.ims import ImsHook


def test_a_family_without_a_listing_is_never_swept() -> None:
    assert not Sweeper(AI_IMAGE).is_worthwhile(10_000, 0)


@pytest.mark.parametrize("family", [SMART, BATCH])
@pytest.mark.parametrize(("jobs", "expected"), [(1, False), (6, False), (7, True), (100, True), (10_000, True)])
def test_sweeping_starts_if_it_saves_two_thirds_of_the_requests(family: JobFamily, jobs: int, expected: bool) -> None:
    assert Sweeper(family).is_worthwhile(jobs, 0) is expected


@pytest.mark.parametrize(("limit", "jobs"), [("99", 100), ("0", 10_000)])
def test_more_jobs_than_configured_are_not_swept(limit: str, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__IMS__MAX_JOBS_PER_SWEEP", limit)
    assert not Sweeper(SMART).is_worthwhile(jobs, 0)


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60}, list_text_jobs=True)
def test_a_sweep_ends_if_the_account_has_more_unfinished_jobs_than_configured(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_ids = {str(run_task(TEXT.task(wait_for_completion=False))["job_id"]) for _ in range(3)}
    monkeypatch.setenv("AIRFLOW__IMS__MAX_JOBS_PER_SWEEP", "3")
    assert list_unfinished(SMART, ImsHook(), 10)[0].keys() == job_ids
    monkeypatch.setenv("AIRFLOW__IMS__MAX_JOBS_PER_SWEEP", "2")
    with pytest.raises(RuntimeError, match="more than 2 unfinished jobs"):
        list_unfinished(SMART, ImsHook(), 10)


def test_an_account_with_many_other_jobs_is_swept_only_for_many_waiting_jobs() -> None:
    sweeper = Sweeper(SMART)
    sweeper.record_success(50)
    assert not sweeper.is_worthwhile(149, 0)
    assert sweeper.is_worthwhile(150, 0)


def test_sweeping_continues_with_fewer_jobs_than_it_starts_with() -> None:
    sweeper = Sweeper(SMART)
    sweeper.active = True
    sweeper.record_success(10)
    assert sweeper.is_worthwhile(15, 0)
    assert not sweeper.is_worthwhile(14, 0)


def test_the_rest_grows_with_each_failure_until_a_sweep_succeeds() -> None:
    sweeper, now = Sweeper(SMART), 0.0
    rests = []
    for _ in range(8):
        sweeper.record_failure(ImsUnavailableError("x"), now)
        rest = next(seconds for seconds in range(2000) if sweeper.is_worthwhile(1000, now + seconds))
        rests.append(rest)
        now += rest
    assert rests[0] == FIRST_REST
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST
    sweeper.record_success(1)
    sweeper.record_failure(ImsUnavailableError("x"), now)
    assert sweeper.is_worthwhile(1000, now + FIRST_REST)


def test_a_denied_listing_ends_sweeping_permanently() -> None:
    sweeper = Sweeper(SMART)
    sweeper.record_failure(ImsPermissionError("x"), 0)
    assert not sweeper.is_worthwhile(10_000, 1e12)


def subscriptions(count: int, poll_interval: float = 10) -> list[Subscription]:
    return [
        Subscription(f"job-{number}", 0, poll_interval=poll_interval, wait_started_at=0, inbox=Inbox())
        for number in range(count)
    ]


def started(members: list[Subscription]) -> Sweeper:
    sweeper = Sweeper(SMART)
    assert sweeper.start(members, members, now=0) == members
    return sweeper


def sweep(sweeper: Sweeper, listed: dict[str, str] | Exception, requests: int = 2) -> tuple[list[Any], list[Any]]:
    """Run a sweep whose listing returns or raises ``listed``, and return the missing and the changed subscriptions."""

    async def list_jobs(max_requests: int) -> tuple[dict[str, str], int]:
        if isinstance(listed, Exception):
            raise listed
        return listed, requests

    async def main() -> tuple[list[Any], list[Any]]:
        missing, changed = [], []
        async for batch in sweeper.run(list_jobs):
            missing += batch[0]
            changed += batch[1]
        return missing, changed

    assert sweeper.take_turn(float("1e12"))
    return asyncio.run(main())


def test_a_sweep_returns_the_missing_jobs_and_the_jobs_with_a_new_status() -> None:
    missing, changed, unchanged, *others = members = subscriptions(250)
    sweeper = started(members)
    unchanged.update(Job("job-2", JobState.RUNNING, "Executing"), now=0)
    listed = {one.job_id: "Created" for one in [changed, *others]} | {"job-2": "Executing", "other": "Created"}
    found = sweep(sweeper, listed)
    assert found == ([missing], [(one, "Created") for one in [changed, *others]])
    assert sweeper.active
    assert sweeper.release() == []


def test_only_one_sweep_runs_at_a_time() -> None:
    sweeper = started(subscriptions(20))
    assert sweeper.take_turn(0)
    assert not sweeper.take_turn(1e12)


def test_a_sweep_skips_subscriptions_that_are_polled_or_removed() -> None:
    polled, removed, *_ = members = subscriptions(20)
    sweeper = started(members)
    polled.polling = True
    sweeper.remove(removed)
    missing, _ = sweep(sweeper, {})
    assert missing == members[2:]


def test_a_running_job_that_sweeps_repeatedly_miss_is_no_longer_covered() -> None:
    unlisted, *_ = members = subscriptions(20)
    sweeper = started(members)
    listed = {one.job_id: "Created" for one in members[1:]}
    for _ in range(MISSES):
        assert unlisted in sweeper
        missing, _ = sweep(sweeper, listed)
        assert missing == [unlisted]
        sweeper.drop_unlisted(unlisted)
    assert unlisted not in sweeper
    sweep(sweeper, ImsUnavailableError("x"))
    sweeper.release()
    assert unlisted not in sweeper.start(members, members, now=1e12)


def test_a_failed_listing_causes_polls_of_all_subscriptions_and_releases_them() -> None:
    members = subscriptions(20)
    sweeper = started(members)
    assert sweep(sweeper, ImsUnavailableError("x")) == (members, [])
    assert not sweeper.active
    assert sweeper.next_time == float("inf")
    assert sweeper.release() == members
    assert members[0] not in sweeper


def test_a_sweep_with_too_many_requests_is_the_last() -> None:
    members = subscriptions(20)
    sweeper = started(members)
    sweep(sweeper, {one.job_id: "Created" for one in members}, requests=19)
    assert sweeper.release() == members


def test_no_listing_is_requested_when_all_covered_jobs_have_ended() -> None:
    members = subscriptions(20)
    sweeper = started(members)
    for one in members:
        sweeper.remove(one)
    # A listing would exceed its limit of 0 requests, and the sweep would be recorded as failed.
    assert sweep(sweeper, AssertionError("no request is expected")) == ([], [])
    assert not sweeper.active
    assert sweeper.start(members, members, now=0) == members
    assert sweeper.take_turn(0)


def sweeper_with_new_ones(poll_interval: float, count: int) -> tuple[Sweeper, list[Subscription]]:
    """Return a sweeper after its first sweep of 20 jobs, and subscriptions that it covers since then."""
    members = subscriptions(20 + count, poll_interval)
    first, new = members[:20], members[20:]
    sweeper = started(first)
    sweep(sweeper, {one.job_id: "Created" for one in first})
    now = time.monotonic()
    assert {sweeper.add(one, now) for one in new} == {poll_interval < SOON}
    assert all(one in sweeper for one in new)
    return sweeper, new


def test_the_next_sweep_replaces_the_first_poll_of_a_new_subscription_if_it_is_due_soon() -> None:
    sweeper, new = sweeper_with_new_ones(10, 5)
    now = time.monotonic()
    assert sweeper.start([], new, now) == []
    assert sweeper.next_time > now


def test_an_early_sweep_replaces_the_first_polls_of_many_new_subscriptions() -> None:
    sweeper, new = sweeper_with_new_ones(600, 5)
    removed, *left = new
    sweeper.remove(removed)
    now = time.monotonic()
    assert set(sweeper.start([], left[:1], now)) == set(left)
    assert sweeper.take_turn(now)


def test_few_new_subscriptions_are_polled_without_an_early_sweep() -> None:
    sweeper, new = sweeper_with_new_ones(600, 2)
    now = time.monotonic()
    assert sweeper.start([], new, now) == []
    assert not sweeper.take_turn(now)


def test_first_polls_that_have_taken_place_cause_no_early_sweep() -> None:
    sweeper, new = sweeper_with_new_ones(600, 5)
    now = time.monotonic()
    for one in new[:-2]:
        sweeper.remove(one)
    assert sweeper.start([], new[-2:-1], now) == []
    assert {sweeper.add(one, now) for one in new[:1]} == {False}
    assert sweeper.start([], new[-2:], now) == []


def test_subscriptions_whose_first_poll_is_scheduled_are_not_released() -> None:
    sweeper, new = sweeper_with_new_ones(600, 5)
    sweep(sweeper, ImsUnavailableError("x"))
    assert not set(sweeper.release()) & set(new)
    assert not any(one in sweeper for one in new)
