"""
The poller: in a triggerer, one asks for all the waiting jobs of a connection, a region and a family.

A trigger joins with :func:`watch_job` and leaves when its job ended; a poller with nobody waiting ends.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsPermissionError
from airflow_provider_ims.jobs.family import JobFamily, chunks
from airflow_provider_ims.jobs.job import Job
from airflow_provider_ims.watching import JobWatch, Observation, first_pause, look, next_pause, timed_out

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook

#: Blocking calls of one poller at a time.
THREADS = 4


@dataclass(eq=False, slots=True)
class _Wait:
    """One job that somebody in this process waits for."""

    job_id: str
    poll_interval: float
    due: float
    asked: bool = False
    answer: asyncio.Future[Observation] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(eq=False)
class Poller:
    """
    Asks for all waiting jobs of one connection, region and family in this process.

    Lives in one event loop, ends when nobody waits, and makes its calls in a small thread pool of its own.

    :param family: The jobs' family.
    :param make_hook: Makes the hook; called in a thread, since it looks the connection up.
    """

    family: JobFamily
    make_hook: Callable[[], AlibabaCloudMediaHook]
    _waits: set[_Wait] = field(default_factory=set)
    _hook: AlibabaCloudMediaHook | None = None
    _runner: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()
        self._asks: set[asyncio.Task[None]] = set()

    async def observe(
        self, job_id: str, poll_interval: float, deadline: float, now: Callable[[], float]
    ) -> AsyncGenerator[tuple[Observation, bool]]:
        """
        Yield what is seen of a job, look after look, up to a last look at the deadline.

        :param job_id: The job.
        :param poll_interval: Seconds between two looks.
        :param deadline: Epoch seconds of the last look.
        :param now: The clock.
        :return: Pairs of what was seen and whether it was the last look.
        """
        wait = _Wait(job_id, poll_interval, time.monotonic() + first_pause(poll_interval))
        self._waits.add(wait)
        self._wake()
        try:
            while True:
                try:
                    async with asyncio.timeout(max(0.0, deadline - now())):
                        observation = await asyncio.shield(wait.answer)
                    last = False
                except TimeoutError:
                    wait.due = 0.0
                    self._wake()
                    observation, last = await wait.answer, True
                # The next look is on its way before this one is judged.
                wait.answer = asyncio.get_running_loop().create_future()
                wait.due = time.monotonic() + next_pause(poll_interval)
                wait.asked = False
                self._wake()
                yield observation, last
        finally:
            self._waits.discard(wait)
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        if self._waits and (self._runner is None or self._runner.done()):
            # In a context of its own: what it logs must not land in the log of the task that came first.
            self._runner = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    async def _run(self) -> None:
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"ims-{self.family.name}")
        try:
            while self._waits:
                self._changed.clear()
                now = time.monotonic()
                next_up = sorted((wait for wait in self._waits if not wait.asked), key=lambda wait: wait.due)
                due = sum(wait.due <= now for wait in next_up)
                # A call costs the same with one id or with as many as it takes: those due next fill it up.
                size = self.family.ids_per_query
                self._ask(next_up[: -(-due // size) * size], threads)
                next_due = min((wait.due for wait in self._waits if not wait.asked), default=None)
                try:
                    async with asyncio.timeout(None if next_due is None else max(0.0, next_due - now)):
                        await self._changed.wait()
                except TimeoutError:
                    pass
        finally:
            for ask in self._asks:
                ask.cancel()
            threads.shutdown(wait=False)
            self._hook = None

    def _ask(self, due: Iterable[_Wait], threads: ThreadPoolExecutor) -> None:
        by_id: dict[str, list[_Wait]] = {}
        for wait in due:
            wait.asked = True
            by_id.setdefault(wait.job_id, []).append(wait)
        for job_ids in chunks(list(by_id), self.family.ids_per_query):
            task = asyncio.get_running_loop().create_task(
                self._ask_chunk({job_id: by_id[job_id] for job_id in job_ids}, threads)
            )
            self._asks.add(task)
            task.add_done_callback(self._asks.discard)

    async def _ask_chunk(self, waits: dict[str, list[_Wait]], threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        seen = await loop.run_in_executor(threads, self._look, list(waits))
        for job_id, waiting in waits.items():
            for wait in waiting:
                if not wait.answer.done():
                    wait.answer.set_result(seen[job_id])

    def _look(self, job_ids: list[str]) -> dict[str, Observation]:
        hook = self._hook
        if hook is None:
            try:
                hook = self._hook = self.make_hook()
            except Exception as error:  # noqa: BLE001
                # As in look(): whatever it is, those who wait must hear of it.
                return dict.fromkeys(job_ids, error)
        seen = look(self.family, hook, job_ids)
        if any(isinstance(observation, (ImsCredentialsError, ImsPermissionError)) for observation in seen.values()):
            # Somebody may mend the connection while the job runs: read it anew next time.
            self._hook = None
        return seen


_PollerKey: TypeAlias = "tuple[str, str, str | None]"
_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_PollerKey, Poller]] = WeakKeyDictionary()


def poller_for(
    family: JobFamily, hook_class: type[AlibabaCloudMediaHook], ims_conn_id: str, region_id: str | None
) -> Poller:
    """
    Return the running event loop's poller of a connection, a region and a family.

    :param family: The jobs' family.
    :param hook_class: The hook of the family's product.
    :param ims_conn_id: The connection.
    :param region_id: A region that goes over the connection's.
    """
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    key = (family.name, ims_conn_id, region_id)
    if key not in pollers:
        pollers[key] = Poller(family, lambda: hook_class(ims_conn_id=ims_conn_id, region_id=region_id))
    return pollers[key]


async def watch_job(
    poller: Poller,
    job_id: str,
    *,
    poll_interval: float,
    started: float,
    deadline: float,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Job]:
    """
    Yield a job at each change of its state; the last one yielded has ended.

    :param poller: The poller to ask through.
    :param job_id: The job.
    :param poll_interval: Seconds between two looks.
    :param started: When the job was submitted, in epoch seconds.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param now: The clock.
    :raises ImsJobTimeoutError: at the deadline.
    :raises ImsError: as :meth:`JobWatch.judge`.
    """
    watch = JobWatch(job_id, began=now())
    async with aclosing(poller.observe(job_id, poll_interval, deadline, now)) as observations:
        async for observation, last in observations:
            if job := watch.judge(observation, now()):
                yield job
                if job.ended:
                    return
            if last:
                raise timed_out(job_id, now() - started)
