"""Waits that messages in a queue of the emulator wake, with short intervals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.smart import SMART
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.queue_reader import HintReceiver, QueueReader
from airflow_provider_ims._waiting.registry import poller_for, reader_for
from airflow_provider_ims.emulator import ImsEmulator
from support.waiting import CEILING

QUEUE = "ice-callback-airflow"
TEXT_JOB = "SubmitTextGenerateJob"
PARAMETERS = {
    "Type": "MarketingCopy",
    "GenerateConfig": '{"keywords":"cake","textLength":100,"targetCount":1}',
    "UserData": f'{{"NotifyAddress":"{QUEUE}"}}',
}
#: How many times shorter the intervals are than in production.
SCALE = 20
_WAITING = "airflow_provider_ims._waiting"
INTERVALS = {
    "queue_reader.LONG_POLL": 1,
    "queue_reader.HEALTHY": 45.0 / SCALE,
    "queue_reader.FIRST_PAUSE": 1.0 / SCALE,
    "queue_reader.LONGEST_PAUSE": 30.0 / SCALE,
    "queue_reader.REPORT_EVERY": 10.0 / SCALE,
    "poller.REPORT_EVERY": 10.0 / SCALE,
    "poller_metrics.REPORT_EVERY": 10.0 / SCALE,
}


class ReaderOfMessages:
    """A reader that passes the messages of a test, instead of those of a queue, to its receivers."""

    def __init__(self) -> None:
        self.receivers: list[HintReceiver] = []

    def join(self, receiver: HintReceiver) -> None:
        self.receivers.append(receiver)

    def leave(self, receiver: HintReceiver) -> None:
        self.receivers.remove(receiver)

    def receive(self, job_id: str) -> None:
        for receiver in self.receivers:
            receiver.claim({job_id})


@pytest.fixture
def with_queue(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImsEmulator]:
    """Return the emulator, with its queue in the connection ``ims_default``, and shorten the intervals."""
    for name, value in INTERVALS.items():
        monkeypatch.setattr(f"{_WAITING}.{name}", value)
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", connection_with_queue(ims_emulator))
    yield ims_emulator
    # Otherwise, a long poll of a reader would delay the shutdown of the emulator.
    ims_emulator.clear_faults()


def connection_with_queue(emulator: ImsEmulator, **extra: str) -> str:
    """Return the URI of a connection to an emulator and its queue."""
    extra = {"smq_queue": QUEUE, "read_timeout": "2", **extra}
    return emulator.connection_uri + "".join(f"&{name}={value}" for name, value in extra.items())


def text_poller() -> Poller:
    return poller_for(SMART, "ims_default", None)


def text_reader() -> QueueReader:
    return reader_for("ims_default", None)


async def end_of(poller: Poller, job_id: str, *, poll_interval: float = CEILING) -> Job:
    """Wait for a job that has just been submitted with the queue as its address."""
    now = time.time()
    return await poller.wait_for_job(
        job_id,
        poll_interval=poll_interval,
        wait_started_at=now,
        deadline=now + 2 * CEILING,
        emit=lambda _: None,
    )


async def ends_of(job_ids: Sequence[str], *, poll_interval: float = CEILING) -> list[Job]:
    """Wait for jobs in this event loop."""
    async with asyncio.timeout(CEILING):
        return await asyncio.gather(*(end_of(text_poller(), one, poll_interval=poll_interval) for one in job_ids))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds, which is checked in another thread."""
    async with asyncio.timeout(CEILING):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - it happens in another thread
            await asyncio.sleep(0.01)


async def start_reader(emulator: ImsEmulator) -> None:
    """Wait until the reader reads the queue."""
    (job_id,) = emulator.add_jobs(TEXT_JOB, PARAMETERS, [CEILING])
    wait = asyncio.create_task(end_of(text_poller(), job_id))
    await until(text_reader().is_healthy)
    wait.cancel()


def queries(emulator: ImsEmulator, job_id: str) -> int:
    """Return the number of queries of a job."""
    return sum(one["parameters"]["JobId"] == job_id for one in emulator.requests("GetSmartHandleJob"))
