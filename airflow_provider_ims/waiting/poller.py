"""
The poller: in a triggerer, one asks for all the waiting jobs of a connection, a region and a family.

A trigger joins, and leaves when its job ended; a poller with nobody waiting ends. A job is asked
for by its id, as many as a call takes. Where many wait, and the family has a listing, the poller sweeps instead: it
lists what still runs, and asks by id only for those that are not in the list. A listing is a hint and no more: no
outcome is ever read from it.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
import random
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.jobs.family import JobFamily, chunks
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.waiting.garbage import collector
from airflow_provider_ims.waiting.hook_resolver import HookResolver
from airflow_provider_ims.waiting.monitor import (
    JITTER,
    JobMonitor,
    Observation,
    WaitMessage,
    first_pause,
    next_pause,
    poll_once,
)
from airflow_provider_ims.waiting.poller_metrics import REPORT_EVERY, PollerMetrics
from airflow_provider_ims.waiting.rate_limited_client import RateLimitedClient
from airflow_provider_ims.waiting.subscription import FinalPollDone, Subscription
from airflow_provider_ims.waiting.sweep import SweepPolicy

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook

#: Blocking calls of one poller at a time.
THREADS = 4
#: Jobs that are handled in one go before the event loop gets its turn.
BATCH = 100
#: Sweeps in a row that may miss a running job before it is asked for by its id alone.
MISSES = 2


@dataclass(eq=False)
class Poller:
    """
    Asks for all waiting jobs of one connection, region and family in this process.

    Lives in one event loop, ends when nobody waits, and makes its calls in a small thread pool of its own.

    :param family: The jobs' family.
    :param make_hook: Makes the hook.
    :param ims_conn_id: The connection, for the metrics' tags.
    """

    family: JobFamily
    make_hook: Callable[[], AlibabaCloudMediaHook]
    ims_conn_id: str = ""

    def __post_init__(self) -> None:
        self._waits: dict[Subscription, None] = {}
        self._plan: list[tuple[float, int, Subscription]] = []
        self._deadlines: list[tuple[float, int, Subscription]] = []
        self._order = itertools.count()
        self._unlisted = 0
        self._changed = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.resolver = HookResolver(self.make_hook)
        self._begin()

    def _begin(self) -> None:
        self._client = RateLimitedClient(self.family, self.resolver)
        self._sweep_policy = SweepPolicy(self.family)
        self._sweep: asyncio.Task[None] | None = None
        self._sweep_due = 0.0
        self._metrics = PollerMetrics(self.family.name, self.ims_conn_id, time.monotonic() + REPORT_EVERY)

    def join(self, job_id: str, poll_interval: float, began: float, timeout: float) -> Subscription:
        """
        Begin to wait for a job.

        :param job_id: The job.
        :param poll_interval: Seconds between two looks.
        :param began: Now, in epoch seconds.
        :param timeout: Seconds after which the last look is due.
        """
        wait = Subscription(JobMonitor(job_id, began), poll_interval)
        self._waits[wait] = None
        collector.joined()
        heapq.heappush(self._deadlines, (time.monotonic() + timeout, next(self._order), wait))
        if self._deadlines[0][2] is wait:
            self._wake()
        if self._sweep_policy.on:
            wait.swept = True
        else:
            self._schedule(wait, first_pause(poll_interval))
        if self._runner is None or self._runner.done():
            self._wake()
        return wait

    def leave(self, wait: Subscription) -> None:
        """Stop waiting."""
        if wait in self._waits:
            del self._waits[wait]
            collector.left()
            self._unlisted -= wait.missed >= MISSES
        if not self._waits:
            self._wake()

    def _schedule(self, wait: Subscription, pause: float) -> None:
        wait.due = time.monotonic() + pause
        heapq.heappush(self._plan, (wait.due, next(self._order), wait))
        if self._plan[0][2] is wait:
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        if self._waits and (self._runner is None or self._runner.done()):
            # In a context of its own: what it logs must not land in the log of the task that came first.
            self._runner = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    async def _run(self) -> None:
        self._begin()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"ims-{self.family.name}")
        try:
            while self._waits:
                self._changed.clear()
                now = time.monotonic()
                self._step(now)
                if now >= self._metrics.due:
                    longest = max(wait.poll_interval for wait in self._waits)
                    self._metrics.report(self._client, len(self._waits), longest, now)
                times = [self._metrics.due]
                times += [ahead[0][0] for ahead in (self._plan, self._deadlines) if ahead]
                if self._sweep_policy.on and self._sweep is None:
                    times.append(self._sweep_due)
                try:
                    async with asyncio.timeout(max(0.0, min(times) - now)):
                        await self._changed.wait()
                except TimeoutError:
                    self._metrics.woke_up(time.monotonic() - max(now, min(times)))
            # Else whoever joins next would count on looks that are planned for others, or on sweeps, and wake nobody.
            self._plan.clear()
            self._deadlines.clear()
            self._sweep_policy.on = False
        finally:
            for task in self._tasks:
                task.cancel()
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _step(self, now: float) -> None:
        """Begin all that is due."""
        self._meet_deadlines(now)
        due = self._take_due(now)
        if due and not self._sweep_policy.on and self._sweep_policy.is_worthwhile(self._listed(), now):
            self._sweep_policy.on, self._sweep_due = True, now
            for wait in self._waits:
                wait.swept = not wait.last and wait.missed < MISSES
        if self._sweep_policy.on and self._sweep is None and now >= self._sweep_due:
            self._sweep = self._start(self._do_sweep())
        self._ask([wait for wait in due if not wait.swept])

    def _meet_deadlines(self, now: float) -> None:
        """Look once more at jobs whose time is over; a look that is under way will do."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, wait = heapq.heappop(self._deadlines)
            wait.last, wait.swept = True, False
            if not wait.asked and wait in self._waits:
                self._schedule(wait, 0.0)

        if len(self._deadlines) > 2 * len(self._waits) + BATCH:
            # A deadline may lie a day ahead: without this, all jobs of a day would be remembered until then.
            self._deadlines = [entry for entry in self._deadlines if entry[2] in self._waits]
            heapq.heapify(self._deadlines)

    def _listed(self) -> int:
        return len(self._waits) - self._unlisted

    def _take_due(self, now: float) -> list[Subscription]:
        """Take from the plan what is due; a call costs the same with all the ids it takes: those due next fill it."""
        due: list[Subscription] = []
        while self._plan and (self._plan[0][0] <= now or len(due) % self.family.ids_per_query):
            at, _, wait = heapq.heappop(self._plan)
            if wait.due != at or wait.asked or wait not in self._waits:
                continue  # An entry that a later one, or the end of the wait, has overtaken.
            wait.due = None
            self._metrics.behind = max(self._metrics.behind, now - at)
            due.append(wait)
        return due

    def _ask(self, waits: Iterable[Subscription]) -> None:
        by_id: dict[str, list[Subscription]] = {}
        for wait in waits:
            wait.asked = True
            by_id.setdefault(wait.monitor.job_id, []).append(wait)
        for job_ids in chunks(list(by_id), self.family.ids_per_query):
            self._start(self._do_ask({job_id: by_id[job_id] for job_id in job_ids}))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _do_ask(self, waits: dict[str, list[Subscription]]) -> None:
        seen: dict[str, Observation]
        try:
            await self.resolver.refresh()
        except Exception as error:  # noqa: BLE001 - each wait judges it
            seen = dict.fromkeys(waits, error)
        else:
            planned = time.monotonic()
            seen = await asyncio.get_running_loop().run_in_executor(self._threads, self._look, list(waits), planned)
        self._metrics.polled_jobs += len(waits)
        for job_id, waiting in waits.items():
            for wait in waiting:
                self._after_look(wait, seen[job_id])

    def _look(self, job_ids: Sequence[str], planned: float) -> dict[str, Observation]:
        self._metrics.behind = max(self._metrics.behind, time.monotonic() - planned)
        return poll_once(self.family, self._client, job_ids)

    def _after_look(self, wait: Subscription, observation: Observation) -> None:
        wait.asked = False
        if wait not in self._waits:
            return
        self._judge(wait, observation)
        if wait.last:
            wait.emit(FinalPollDone())
            self.leave(wait)
        if wait not in self._waits:
            return
        if wait.swept and isinstance(observation, Job):
            wait.missed += 1
            if wait.missed >= MISSES:
                wait.swept = False
                self._unlisted += 1
        if not wait.swept:
            self._schedule(wait, next_pause(wait.poll_interval))

    def _judge(self, wait: Subscription, observation: Observation) -> None:
        event: Job | WaitMessage | Exception | None
        try:
            event = wait.monitor.update(observation, time.time())
        except Exception as error:  # noqa: BLE001 - the wait's end, whatever it is; it is raised where it is heard
            event = error
        if event is None:
            return
        wait.emit(event)
        if isinstance(event, Exception) or (isinstance(event, Job) and event.ended):
            self.leave(wait)

    async def _do_sweep(self) -> None:
        waits = [wait for wait in self._waits if wait.swept and not wait.asked]
        interval = min((wait.poll_interval for wait in waits), default=0.0)
        # Hardly later than asked for: a job that ends just after its page was read waits until the next sweep is over.
        # And not earlier: a sweep is a burst of requests.
        self._sweep_due = time.monotonic() + interval * random.uniform(1, 1 + JITTER / 2)
        try:
            await self.resolver.refresh()
            running, requests = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._client.unfinished, len(waits)
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, asking one by one goes on
            self._sweep_policy.failed(error, time.monotonic())
            self._stop_sweeping()
            return
        finally:
            self._sweep = None
        self._sweep_policy.record_success(requests)
        for some in chunks(waits, BATCH):
            now = time.time()
            missing: list[Subscription] = []
            for wait in some:
                word = running.get(wait.monitor.job_id)
                if not wait.swept or wait.asked or wait not in self._waits:
                    continue
                if word is None:
                    missing.append(wait)
                elif word == wait.monitor.status:
                    wait.missed = 0
                    wait.monitor.still_runs(now)
                else:
                    wait.missed = 0
                    self._judge(wait, Job(wait.monitor.job_id, JobState.RUNNING, word))
            self._ask(missing)
            await asyncio.sleep(0)
        if not self._sweep_policy.is_worthwhile(self._listed(), time.monotonic()):
            self._sweep_policy.on = False
            self._stop_sweeping()
        self._wake()

    def _stop_sweeping(self) -> None:
        for wait in self._waits:
            if wait.swept:
                wait.swept = False
                if not wait.asked:
                    # Spread over a whole interval: they were all seen at once.
                    self._schedule(wait, wait.poll_interval * random.random())
        self._wake()
