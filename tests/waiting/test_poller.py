from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.cases import IMAGE, TEXT
from support.running import run_task
from support.waiting import CEILING

from airflow_provider_ims._jobs.ai_image import AI_IMAGE
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.registry import poller_for
from airflow_provider_ims._waiting.subscription import Inbox
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobNotFoundError, ImsJobTimeoutError, ImsPermissionError
from airflow_provider_ims.hooks.ims import ImsHook

never_ending = pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60, "SubmitAIImageJob": 60})


def submitted(case: Any, count: int = 1) -> list[str]:
    return [run_task(case.task(wait_for_completion=False))["job_id"] for _ in range(count)]


def text_poller(conn_id: str = "ims_default") -> Poller:
    return poller_for(SMART, conn_id, None)


async def end_of(poller: Poller, job_id: str, *, seconds: float = CEILING, poll_interval: float = 0.05) -> Job:
    now = time.time()
    return await poller.wait_for_job(
        job_id, poll_interval=poll_interval, wait_started_at=now, deadline=now + seconds, emit=lambda _: None
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(CEILING):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - it happens in another thread
            await asyncio.sleep(0.01)


def poller_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ims-smart")]


@pytest.mark.ims_emulator(durations={"SubmitAIImageJob": 0.5})
def test_ai_image_jobs_are_queried_in_tens(ims_emulator: ImsEmulator) -> None:
    job_ids = submitted(IMAGE, 25)

    async def main() -> list[Job]:
        poller = poller_for(AI_IMAGE, "ims_default", None)
        return await asyncio.gather(*(end_of(poller, job_id, poll_interval=0.2) for job_id in job_ids))

    jobs = asyncio.run(main())
    assert [job.id for job in jobs] == job_ids
    queried = [request["parameters"]["JobIds"].split(",") for request in ims_emulator.requests("GetAIImageJobs")]
    assert max(len(ids) for ids in queried) == 10
    assert len(queried[0]) == len(queried[1]) == 10


@pytest.mark.ims_emulator(durations={"SubmitAIImageJob": 0})
def test_one_query_serves_two_waits_for_the_same_job(ims_emulator: ImsEmulator) -> None:
    (job_id,) = submitted(IMAGE)

    async def main() -> list[Job]:
        poller = poller_for(AI_IMAGE, "ims_default", None)
        return await asyncio.gather(end_of(poller, job_id), end_of(poller, job_id))

    assert [job.id for job in asyncio.run(main())] == [job_id, job_id]
    (query,) = ims_emulator.requests("GetAIImageJobs")
    assert query["parameters"]["JobIds"] == job_id


def test_a_hanging_request_blocks_neither_the_event_loop_nor_another_job(ims_emulator: ImsEmulator) -> None:
    hanging, other = submitted(TEXT, 2)

    async def main() -> None:
        poller = text_poller()
        ims_emulator.fault("GetSmartHandleJob", "hang", seconds=None)
        first = asyncio.create_task(end_of(poller, hanging))
        await until(lambda: len(ims_emulator.requests("GetSmartHandleJob")) == 1)
        assert (await end_of(poller, other)).id == other
        assert not first.done()
        ims_emulator.release()
        assert (await first).id == hanging

    asyncio.run(main())


@never_ending
def test_a_timeout_a_cancellation_or_an_unreadable_response_affects_no_other_job(ims_emulator: ImsEmulator) -> None:
    late, cancelled, unknown, good = *submitted(TEXT, 2), "deadbeef", *submitted(TEXT)

    async def main() -> None:
        poller = text_poller()
        waits = [asyncio.create_task(end_of(poller, job_id)) for job_id in (cancelled, unknown, good)]
        with pytest.raises(ImsJobTimeoutError):
            await end_of(poller, late, seconds=0.2)
        waits[0].cancel()
        ims_emulator.fault("GetSmartHandleJob", "odd_shape", count=3, body="garbage")
        await until(lambda: not ims_emulator.faults())
        ims_emulator.finish(good)
        assert (await waits[2]).id == good
        assert waits[0].cancelled()
        assert not waits[1].done()
        waits[1].cancel()

    asyncio.run(main())


@never_ending
def test_a_job_is_polled_once_more_at_the_deadline(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.monitor.FIRST_POLL_DELAY", 0.05)
    (job_id,) = submitted(TEXT)

    async def main() -> Job:
        poller = text_poller()
        wait = asyncio.create_task(end_of(poller, job_id, poll_interval=CEILING))
        await until(lambda: bool(ims_emulator.requests("GetSmartHandleJob")))
        await until(lambda: not any(subscription.polling for subscription in poller._subscriptions))
        ims_emulator.finish(job_id)
        # The deadline passes.
        for subscription in poller._subscriptions:
            poller._deadlines.add(subscription, 0.0)
        poller._wake()
        return await wait

    assert asyncio.run(main()).status == "Finished"
    assert len(ims_emulator.requests("GetSmartHandleJob")) == 2


def test_an_unknown_job_ends_the_wait_after_the_grace_period(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.monitor.UNKNOWN_GRACE", 0.1)
    with pytest.raises(ImsJobNotFoundError, match="deadbeef"):
        asyncio.run(_end("deadbeef"))


async def _end(job_id: str, conn_id: str = "ims_default") -> Job:
    return await end_of(text_poller(conn_id), job_id)


def test_an_outage_of_the_secrets_backend_does_not_end_the_wait(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow reports the connection as not defined then."""
    monkeypatch.setattr("airflow_provider_ims._waiting.hook_resolver.RETRY_INTERVAL", 0.01)
    (job_id,) = submitted(TEXT)
    monkeypatch.delenv("AIRFLOW_CONN_IMS_DEFAULT")
    messages: list[Any] = []

    async def main() -> Job:
        now = time.time()
        wait = asyncio.create_task(
            text_poller().wait_for_job(
                job_id, poll_interval=0.02, wait_started_at=now, deadline=now + 60, emit=messages.append
            )
        )
        await until(lambda: len(messages) > 10)
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", ims_emulator.connection_uri)
        return await wait

    assert asyncio.run(main()).id == job_id
    assert "ims_default" in messages[0].text


def test_a_connection_that_is_never_resolved_ends_the_wait_at_its_deadline(ims_emulator: ImsEmulator) -> None:
    async def main() -> Job:
        return await end_of(text_poller("there_is_none"), "x", seconds=0.5)

    with pytest.raises(ImsJobTimeoutError):
        asyncio.run(main())


def test_a_corrected_connection_is_resolved_again(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.hook_resolver.RETRY_INTERVAL", 0.0)
    (job_id,) = submitted(TEXT)
    good = ims_emulator.connection_uri
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", good.replace(ims_emulator.access_key_secret, "wrong"))

    async def main() -> Job:
        wait = asyncio.create_task(end_of(text_poller(), job_id, poll_interval=1))
        await until(lambda: bool(ims_emulator.requests("GetSmartHandleJob")))
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", good)
        return await wait

    assert asyncio.run(main()).id == job_id


def test_a_denied_query_ends_the_wait(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("GetSmartHandleJob", "deny", count=None)
    with pytest.raises(ImsPermissionError):
        asyncio.run(_end("x"))


@never_ending
def test_a_poller_without_subscriptions_ends_and_starts_again(ims_emulator: ImsEmulator) -> None:
    first, second = submitted(TEXT, 2)

    async def main() -> None:
        poller = text_poller()
        for job_id in (first, second):
            wait = asyncio.create_task(end_of(poller, job_id))
            await until(lambda: bool(poller_threads()))
            ims_emulator.finish(job_id)
            await wait
            await until(lambda: not poller_threads())
        requests = len(ims_emulator.requests("GetSmartHandleJob"))
        await asyncio.sleep(0.2)
        assert len(ims_emulator.requests("GetSmartHandleJob")) == requests

    asyncio.run(main())


@never_ending
def test_a_poller_starts_again_after_all_waits_were_cancelled(ims_emulator: ImsEmulator) -> None:
    cancelled, good = submitted(TEXT, 2)
    ims_emulator.finish(good)

    async def main() -> Job:
        poller = text_poller()
        wait = asyncio.create_task(end_of(poller, cancelled))
        await until(lambda: bool(poller_threads()))
        wait.cancel()
        await until(lambda: not poller_threads())
        async with asyncio.timeout(CEILING):
            return await end_of(poller, good, poll_interval=1)

    assert asyncio.run(main()).id == good


@never_ending
@pytest.mark.parametrize("method", ["_start_due", "_after_poll"])
def test_an_error_of_the_poller_ends_every_wait_and_a_new_wait_starts_it_again(
    method: str, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = submitted(TEXT, 2)
    ims_emulator.finish(second)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    async def main() -> Job:
        poller = text_poller()
        with monkeypatch.context() as patched:
            patched.setattr(poller, method, fail)
            async with asyncio.timeout(5):
                ends = await asyncio.gather(*(end_of(poller, first) for _ in range(2)), return_exceptions=True)
        assert [type(end) for end in ends] == [ZeroDivisionError] * 2
        return await end_of(poller, second)

    assert asyncio.run(main()).id == second


@never_ending
def test_waits_with_the_same_family_connection_and_region_share_a_poller(ims_emulator: ImsEmulator) -> None:
    async def main() -> None:
        assert text_poller() is text_poller()
        assert text_poller() is not text_poller("other")
        assert text_poller() is not poller_for(SMART, "ims_default", "cn-beijing")
        assert text_poller() is not poller_for(AI_IMAGE, "ims_default", None)

    asyncio.run(main())


def test_the_poller_runs_in_an_empty_context(ims_emulator: ImsEmulator) -> None:
    bound: contextvars.ContextVar[str] = contextvars.ContextVar("bound", default="empty")
    seen: list[str] = []

    class Hook(ImsHook):
        def call(self, *args: Any, **options: Any) -> dict[str, Any]:
            seen.append(bound.get())
            return super().call(*args, **options)

    (job_id,) = submitted(TEXT)

    async def main() -> None:
        bound.set("the first task")
        await end_of(Poller(SMART, Hook), job_id)

    asyncio.run(main())
    assert set(seen) == {"empty"}


def test_ended_jobs_do_not_occupy_memory_until_their_deadline(ims_emulator: ImsEmulator) -> None:
    (job_id,) = submitted(TEXT)

    async def main() -> None:
        poller = text_poller()
        lasting = poller.subscribe("lasting", 3600, time.time(), time.time() + 3600, Inbox())
        for _ in range(30):
            await asyncio.gather(*(end_of(poller, job_id, seconds=3600) for _ in range(20)))
        assert len(poller._deadlines._heap) < 300
        poller.unsubscribe(lasting)

    asyncio.run(main())
