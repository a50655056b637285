"""Waits for jobs whose ends the service also writes to a queue, with the SDK and the emulator over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.notified import (
    INTERVALS,
    PARAMETERS,
    QUEUE,
    SCALE,
    TEXT_JOB,
    connection_with_queue,
    end_of,
    ends_of,
    queries,
    start_reader,
    text_poller,
    text_reader,
    until,
    with_queue,
)
from support.waiting import CEILING

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.ims import ImsHook

__all__ = ["with_queue"]

manual = pytest.mark.ims_emulator(clock="manual")
JOBS = 40
#: The duration of the longest job, in seconds.
LONGEST = 3.0
POLL = 0.2


def new_jobs(emulator: ImsEmulator, count: int = 1, seconds: float = CEILING) -> list[str]:
    return emulator.add_jobs(TEXT_JOB, PARAMETERS, [seconds] * count)


def ending_jobs(emulator: ImsEmulator, generator: random.Random) -> list[str]:
    return emulator.add_jobs(TEXT_JOB, PARAMETERS, [generator.uniform(0.1, LONGEST) for _ in range(JOBS)])


def submitted(count: int = 1) -> list[str]:
    """Submit jobs through the SDK, because faults do not affect jobs that a test adds."""
    with ThreadPoolExecutor(4) as pool:
        return [str(one["JobId"]) for one in pool.map(lambda _: ImsHook().call(TEXT_JOB, PARAMETERS), range(count))]


def seeded() -> random.Random:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it if the test fails
    return random.Random(seed)


def assert_all_ended(jobs: Sequence[Job], job_ids: Sequence[str]) -> None:
    assert [job.id for job in jobs] == list(job_ids)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}


@manual
def test_a_message_ends_a_wait_long_before_the_next_poll(with_queue: ImsEmulator) -> None:
    (job_id,) = new_jobs(with_queue)

    async def main() -> Job:
        wait = asyncio.create_task(end_of(text_poller(), job_id))
        await until(lambda: queries(with_queue, job_id) == 1)
        with_queue.finish(job_id)
        async with asyncio.timeout(CEILING):
            job = await wait
        await until(lambda: not with_queue.messages(QUEUE))
        return job

    assert asyncio.run(main()).status == "Finished"
    assert queries(with_queue, job_id) == 2


@manual
def test_a_message_about_a_failed_job_ends_its_wait(with_queue: ImsEmulator) -> None:
    (job_id,) = new_jobs(with_queue)

    async def main() -> Job:
        wait = asyncio.create_task(end_of(text_poller(), job_id))
        await until(lambda: queries(with_queue, job_id) == 1)
        with_queue.fail(job_id)
        return await wait

    assert asyncio.run(main()).state is JobState.FAILED


@manual
def test_a_message_before_the_service_reports_the_end_only_causes_polls(with_queue: ImsEmulator) -> None:
    async def main() -> Job:
        (job_id,) = new_jobs(with_queue)
        wait = asyncio.create_task(end_of(text_poller(), job_id))
        await until(lambda: queries(with_queue, job_id) == 1)
        with_queue.put_messages(QUEUE, [json.dumps({"MessageBody": {"JobId": job_id, "Status": "Success"}})])
        # The poll at once, and another one soon after it.
        await until(lambda: queries(with_queue, job_id) == 3)
        assert not wait.done()
        with_queue.finish(job_id)
        return await wait

    assert asyncio.run(main()).status == "Finished"


@pytest.mark.ims_emulator(clock="manual", list_text_jobs=True)
def test_a_hint_about_a_job_in_a_sweep_causes_polls_of_this_job_only(with_queue: ImsEmulator) -> None:
    async def main() -> None:
        job_ids = new_jobs(with_queue, JOBS)
        poller = text_poller()
        waits = asyncio.create_task(ends_of(job_ids))
        await until(lambda: poller._sweeper.active and all(one in poller._sweeper for one in poller._subscriptions))
        with_queue.put_messages(QUEUE, [json.dumps({"JobId": job_ids[0]})])
        before = queries(with_queue, job_ids[1])
        await until(lambda: queries(with_queue, job_ids[0]) >= before + 2)
        assert all(one in poller._sweeper for one in poller._subscriptions)
        assert queries(with_queue, job_ids[1]) == before
        for job_id in job_ids:
            await asyncio.to_thread(with_queue.finish, job_id)
        assert_all_ended(await waits, job_ids)

    asyncio.run(main())


@manual
def test_two_waits_for_one_job_end_with_one_message(with_queue: ImsEmulator) -> None:
    async def main() -> None:
        (job_id,) = new_jobs(with_queue)
        poller = text_poller()
        waits = [asyncio.create_task(end_of(poller, job_id)) for _ in range(3)]
        await asyncio.sleep(0)
        # The next polls are due after the time limit of the test.
        await until(lambda: all(one.status and not one.polling for one in poller._subscriptions))
        waits.pop().cancel()
        before = queries(with_queue, job_id)
        with_queue.finish(job_id)
        async with asyncio.timeout(CEILING):
            await asyncio.gather(*waits)
        assert queries(with_queue, job_id) == before + 1

    asyncio.run(main())


def test_while_the_queue_is_down_jobs_are_polled_and_the_log_says_so_once(
    with_queue: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        await start_reader(with_queue)
        reader = text_reader()
        with_queue.fault("smq:*", "server_error", count=None)
        waiting = new_jobs(with_queue)
        last = asyncio.create_task(ends_of(waiting, poll_interval=POLL))
        # Two minutes in production.
        await until(lambda: not reader.is_healthy())
        during = ending_jobs(with_queue, seeded())
        assert_all_ended(await ends_of(during, poll_interval=POLL), during)
        assert queries(with_queue, waiting[0]) > 0
        with_queue.clear_faults()
        await until(reader.is_healthy)
        with_queue.finish(waiting[0])
        assert_all_ended(await last, waiting)

    asyncio.run(main())
    assert caplog.text.count("The queue cannot be read") == 1
    assert "HTTP status" in caplog.text
    assert caplog.text.count(f"Resumed reading the queue {QUEUE}") == 1


def test_a_peer_that_never_responds_does_not_delay_waits(
    with_queue: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        await start_reader(with_queue)
        with_queue.fault("smq:*", "hang", count=None, seconds=None)
        job_ids = ending_jobs(with_queue, seeded())
        assert_all_ended(await ends_of(job_ids, poll_interval=POLL), job_ids)
        last = asyncio.create_task(ends_of(new_jobs(with_queue)))
        await until(lambda: "The queue cannot be read" in caplog.text)
        with_queue.clear_faults()
        await until(text_reader().is_healthy)
        last.cancel()

    asyncio.run(main())


@pytest.mark.ims_emulator(durations={TEXT_JOB: 1.0})
@pytest.mark.parametrize(
    "fault",
    [
        {"copies": 0, "share": 0.1},
        {"copies": 3},
        # A minute in production.
        {"delay": 60.0 / SCALE},
        {"jitter": 60.0 / SCALE},
    ],
    ids=["dropped", "repeated", "delayed", "out of order"],
)
def test_every_wait_ends_although_messages_are(with_queue: ImsEmulator, fault: dict[str, float]) -> None:
    generator = seeded()

    async def main() -> None:
        await start_reader(with_queue)
        with_queue.fault(TEXT_JOB, "callback", count=None, seed=generator.randrange(2**32), **fault)
        job_ids = await asyncio.to_thread(submitted, JOBS)
        assert_all_ended(await ends_of(job_ids, poll_interval=POLL), job_ids)

    asyncio.run(main())


@manual
def test_repeated_messages_of_ended_jobs_are_deleted(with_queue: ImsEmulator) -> None:
    with_queue.fault("smq:BatchReceiveMessage", "redeliver", count=2, copies=3)

    async def main() -> None:
        ending, last = new_jobs(with_queue, 2)
        waits = [asyncio.create_task(end_of(text_poller(), job_id)) for job_id in (ending, last)]
        await until(text_reader().is_healthy)
        with_queue.finish(ending)
        await waits[0]
        await until(lambda: not with_queue.faults() and not with_queue.messages(QUEUE))
        waits[1].cancel()

    asyncio.run(main())


@manual
def test_garbage_is_deleted_and_delays_no_wait(with_queue: ImsEmulator) -> None:
    generator = seeded()
    texts = ["garbage", "[]", "{}", "null", "0", '"x"', "{" * 5000, '{"JobId": []}', '{"JobId": {"a": 1}}', "\u00e9"]
    texts += ["".join(chr(generator.randrange(32, 0x3000)) for _ in range(100)) for _ in range(90)]
    texts += [base64.b64encode(generator.randbytes(50)).decode() for _ in range(50)]

    async def main() -> None:
        await start_reader(with_queue)
        (job_id,) = new_jobs(with_queue)
        with_queue.put_messages(QUEUE, texts)
        wait = asyncio.create_task(end_of(text_poller(), job_id))
        with_queue.finish(job_id)
        async with asyncio.timeout(CEILING):
            await wait
        last = asyncio.create_task(end_of(text_poller(), new_jobs(with_queue)[0]))
        await until(lambda: not with_queue.messages(QUEUE))
        last.cancel()

    asyncio.run(main())


@manual
def test_thousands_of_messages_about_foreign_jobs_stop_no_hint(
    with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.queue_reader.MAX_RECEIVES", 2)
    foreign = [json.dumps({"MessageBody": {"JobId": f"foreign{number:032}"}}) for number in range(2000)]

    async def main() -> None:
        await start_reader(with_queue)
        job_ids = new_jobs(with_queue, JOBS)
        wait = asyncio.create_task(ends_of(job_ids))
        with_queue.put_messages(QUEUE, foreign)
        for job_id in job_ids:
            await asyncio.to_thread(with_queue.finish, job_id)
        assert_all_ended(await wait, job_ids)
        last = asyncio.create_task(end_of(text_poller(), new_jobs(with_queue)[0]))

        def deleted() -> bool:
            with_queue.show_messages(QUEUE)
            return not with_queue.messages(QUEUE)

        await until(deleted)
        last.cancel()

    asyncio.run(main())


@manual
def test_two_triggerers_share_a_queue(with_queue: ImsEmulator) -> None:
    jobs_of = [new_jobs(with_queue, JOBS) for _ in range(2)]
    ready, done = threading.Barrier(3), threading.Barrier(2)
    ends: list[list[Job]] = [[], []]

    async def triggerer(number: int) -> list[Job]:
        await start_reader(with_queue)
        # With a probability of 2 to the power of -15, the wrong triggerer receives a message until it is deleted.
        waits = asyncio.create_task(ends_of(jobs_of[number], poll_interval=10))
        await asyncio.to_thread(ready.wait, CEILING)
        ended = await waits
        # The last request of a triggerer that stops may receive a message for the other one.
        await asyncio.to_thread(done.wait, CEILING)
        return ended

    def run(number: int) -> None:
        ends[number] = asyncio.run(triggerer(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    ready.wait(CEILING)
    for job_id in (job_id for pair in zip(*jobs_of, strict=True) for job_id in pair):
        with_queue.finish(job_id)
    for thread in threads:
        thread.join(CEILING)
    for job_ids, ended in zip(jobs_of, ends, strict=True):
        assert_all_ended(ended, job_ids)


@manual
def test_without_the_extra_waits_poll_and_one_warning_names_it(
    with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mns" or name.endswith("hooks._mns")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("airflow_provider_ims.hooks._mns", raising=False)
    monkeypatch.setitem(sys.modules, "mns", None)
    monkeypatch.setattr("airflow_provider_ims._waiting.hook_resolver.RETRY_INTERVAL", 0.0)

    async def main() -> None:
        (job_id,) = new_jobs(with_queue)
        wait = asyncio.create_task(end_of(text_poller(), job_id, poll_interval=POLL))
        await until(lambda: queries(with_queue, job_id) > 3)
        with_queue.finish(job_id)
        await wait

    asyncio.run(main())
    (warning,) = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert 'pip install "airflow-provider-ims[smq]"' in warning
    assert not any(one["action"].startswith("smq:") for one in with_queue.requests())


@manual
def test_a_queue_that_may_not_be_read_is_reported_with_the_ram_action(
    with_queue: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    with_queue.fault("smq:*", "deny", count=None)

    async def main() -> None:
        wait = asyncio.create_task(end_of(text_poller(), new_jobs(with_queue)[0]))
        await until(lambda: "mns:BatchReceiveMessage" in caplog.text)
        wait.cancel()

    asyncio.run(main())


@manual
def test_messages_that_may_not_be_deleted_are_reported_with_the_ram_action(
    with_queue: ImsEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    with_queue.fault("smq:BatchDeleteMessage", "deny", count=None)
    with_queue.fault("smq:ChangeMessageVisibility", "deny", count=None)

    async def main() -> None:
        with_queue.put_messages(QUEUE, ["garbage", json.dumps({"JobId": "foreign"})])
        wait = asyncio.create_task(end_of(text_poller(), new_jobs(with_queue)[0]))
        await until(lambda: all(f"mns:{name}" in caplog.text for name in ("BatchDelete", "ChangeMessageVisibility")))
        wait.cancel()

    asyncio.run(main())
    assert caplog.text.count("Messages cannot be deleted or released") == 2


@manual
def test_a_connection_without_a_queue_is_not_read_and_a_new_one_is_followed(
    with_queue: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ims._waiting.hook_resolver.CONNECTION_LIFETIME", 0.0)
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", with_queue.connection_uri)

    async def main() -> None:
        polled, woken = new_jobs(with_queue, 2)
        poller = text_poller()
        polling = asyncio.create_task(end_of(poller, polled, poll_interval=POLL))
        waiting = asyncio.create_task(end_of(poller, woken))
        await until(lambda: queries(with_queue, polled) >= 2)
        assert not reader_threads()
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", connection_with_queue(with_queue))
        await until(text_reader().is_healthy)
        with_queue.finish(woken)
        await waiting
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", with_queue.connection_uri)
        await until(lambda: not reader_threads())
        with_queue.finish(polled)
        await polling

    asyncio.run(main())


@manual
def test_the_reader_ends_with_the_last_wait_and_starts_again(with_queue: ImsEmulator) -> None:
    async def main() -> None:
        await start_reader(with_queue)
        await until(lambda: not reader_threads())
        await start_reader(with_queue)
        await until(lambda: not reader_threads())

    asyncio.run(main())


def reader_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ims-smq")]


def test_the_intervals_have_the_same_relations_as_in_production() -> None:
    assert INTERVALS["queue_reader.LONG_POLL"] * SCALE == 20
