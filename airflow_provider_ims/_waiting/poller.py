"""
The poller: in a triggerer, polls all jobs of one connection, region and job family that tasks are waiting for.

A task with many jobs that is not deferrable uses its own poller in its worker process.

A subscription is the wait of one task for one job. Its job is scheduled to be polled by its id, is being polled, or is
covered by sweeps, which list all unfinished jobs of the account. In addition, a message about a job causes an
immediate poll, but does not change when the next scheduled poll is due. A poller stops when it has no subscriptions,
and restarts with the next subscription.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._waiting import monitor
from airflow_provider_ims._waiting.garbage import freezer
from airflow_provider_ims._waiting.hints import Hints
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims._waiting.monitor import Observation, WaitMessage
from airflow_provider_ims._waiting.poller_metrics import REPORT_EVERY, PollerMetrics
from airflow_provider_ims._waiting.queue_reader import QueueReader
from airflow_provider_ims._waiting.rate_limited_client import RateLimitedClient
from airflow_provider_ims._waiting.schedule import Schedule
from airflow_provider_ims._waiting.subscription import Inbox, Subscription
from airflow_provider_ims._waiting.sweep import Listed, Sweeper, list_unfinished
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

T = TypeVar("T")

#: The number of threads for the blocking requests of one poller.
THREADS = 4
#: The maximum number of queries that are sent or wait for a thread at the same time; other queries wait in a queue.
QUERIES = 2 * THREADS


class Poller:
    """
    Polls all jobs of one connection, region and family that this process is waiting for.

    A poller belongs to one event loop, and makes its requests in its own thread pool.

    :param family: The family of the jobs.
    :param make_hook: A function that returns a new hook of the connection.
    :param ims_conn_id: The connection id, for the metrics.
    :param new_reader: A function that returns the reader of the connection's queue. If the argument is ``None``, the
        poller uses no messages.
    """

    def __init__(
        self,
        family: JobFamily,
        make_hook: Callable[[], AlibabaCloudMediaHook],
        ims_conn_id: str | None = None,
        new_reader: Callable[[], QueueReader] | None = None,
    ) -> None:
        self.resolver = HookResolver(make_hook)
        self._family = family
        self._ims_conn_id = ims_conn_id or ""
        self._subscriptions: dict[Subscription, None] = {}
        self._polls: Schedule[Subscription] = Schedule()
        self._deadlines: Schedule[Subscription] = Schedule()
        self._sweeper = Sweeper(family)
        self._hints = Hints(new_reader, self._poll_now)
        self._client = RateLimitedClient(self.resolver)
        self._changed = asyncio.Event()
        self._wakes_at = float("inf")
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._queue: deque[tuple[float, dict[str, list[Subscription]]]] = deque()
        self._queriers: set[asyncio.Task[None]] = set()

    async def wait_for_job(
        self,
        job_id: str,
        *,
        poll_interval: float,
        wait_started_at: float,
        deadline: float,
        emit: Callable[[Job | WaitMessage], None],
    ) -> Job:
        """
        Wait until a job ends.

        Ten thousand calls may wait at the same time, so none has its own asyncio task, timer or generator.

        :param poll_interval: Seconds between two polls.
        :param wait_started_at: When the task started to wait, in epoch seconds.
        :param deadline: When the wait ends with a last poll, in epoch seconds.
        :param emit: A function that is called with the job at each change of its status, including its end, and with
            log messages.
        :raises ImsJobTimeoutError: when the job has not ended at the deadline.
        :raises ImsError: as raised by :meth:`~airflow_provider_ims._waiting.monitor.JobMonitor.update`.
        """
        inbox = Inbox()
        subscription = self.subscribe(job_id, poll_interval, wait_started_at, deadline, inbox)
        try:
            while True:
                for _, event in inbox.take():
                    if isinstance(event, Exception):
                        raise event
                    emit(event)
                    if isinstance(event, Job) and event.ended:
                        return event
                await inbox.next_event()
        finally:
            self.unsubscribe(subscription)

    def subscribe(
        self, job_id: str, poll_interval: float, wait_started_at: float, deadline: float, inbox: Inbox
    ) -> Subscription:
        """Start polling a job, with a last poll at the deadline."""
        subscription = Subscription(job_id, poll_interval=poll_interval, wait_started_at=wait_started_at, inbox=inbox)
        self._subscriptions[subscription] = None
        self._hints.add(subscription)
        freezer.joined()
        now = time.monotonic()
        self._schedule(self._deadlines, subscription, now + max(0.0, deadline - time.time()))
        if not self._sweeper.add(subscription, now):
            self._schedule_poll(subscription, now + monitor.first_pause(poll_interval))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop polling a job."""
        if subscription not in self._subscriptions:
            return
        del self._subscriptions[subscription]
        freezer.left()
        self._polls.remove(subscription)
        self._deadlines.remove(subscription)
        self._sweeper.remove(subscription)
        self._hints.remove(subscription)
        if not self._subscriptions:
            self._wake()

    def _schedule_poll(self, subscription: Subscription, at: float) -> None:
        subscription.poll_at = at
        self._schedule(self._polls, subscription, at)

    def _schedule(self, schedule: Schedule[Subscription], subscription: Subscription, at: float) -> None:
        schedule.add(subscription, at)
        if at < self._wakes_at:
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        if self._subscriptions and (self._runner is None or self._runner.done()):
            # The empty context keeps the poller's messages out of the log of the Airflow task that starts the poller.
            self._runner = self._start(self._run(), contextvars.Context())

    async def _run(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"ims-{self._family.name}")
        self._metrics = PollerMetrics(self._family.name, self._ims_conn_id, time.monotonic() + REPORT_EVERY)
        self._start(self._follow_queue())
        try:
            while self._subscriptions:
                self._changed.clear()
                now = time.monotonic()
                self._start_due(now)
                if now >= self._metrics.due:
                    longest_interval = max(one.poll_interval for one in self._subscriptions)
                    self._metrics.report(self._client, len(self._subscriptions), longest_interval, now)
                await self._sleep(now)
        finally:
            for task in self._tasks - {self._runner}:
                task.cancel()
            self._queue.clear()
            self._queriers = set()
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._sweeper = Sweeper(self._family)
            self._hints.stop()
            self._client = RateLimitedClient(self.resolver)
            self._wakes_at = float("inf")

    async def _sleep(self, now: float) -> None:
        """Sleep until a poll, a deadline, a sweep or a report is due, or the schedule has changed."""
        self._wakes_at = min(
            self._metrics.due, self._polls.next_time, self._deadlines.next_time, self._sweeper.next_time
        )
        try:
            async with asyncio.timeout(max(0.0, self._wakes_at - now)):
                await self._changed.wait()
        except TimeoutError:
            self._metrics.woke_up(time.monotonic() - max(now, self._wakes_at))

    def _start_due(self, now: float) -> None:
        for _, subscription in self._deadlines.take(now):
            subscription.final = True
            self._sweeper.remove(subscription)
            # If a poll is in progress, it is the last one.
            if not subscription.polling:
                self._polls.add(subscription, now)
        due: list[Subscription] = []
        for at, subscription in self._polls.take(now):
            self._metrics.behind = max(self._metrics.behind, now - at)
            due.append(subscription)
        # The rate limit counts a request with several ids once, so the request is filled up with the jobs due next.
        for subscription in self._polls.take_next(-len(due) % self._family.ids_per_query):
            subscription.poll_at = now
            due.append(subscription)
        covered = dict.fromkeys(self._sweeper.start(self._subscriptions, due, now))
        for subscription in covered:
            self._polls.remove(subscription)
        if self._sweeper.take_turn(now):
            self._start(self._sweep())
        self._poll(subscription for subscription in due if subscription not in covered)

    def _start(self, work: Coroutine[Any, Any, None], context: contextvars.Context | None = None) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            # Only a bug causes such an error. Without these events, the subscriptions that depend on this asyncio task
            # would wait forever.
            for subscription in list(self._subscriptions):
                subscription.emit(error)
                self.unsubscribe(subscription)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """Run a blocking call in a thread, with a connection that is resolved on the event loop."""
        await self._refresh()
        queued_at = time.monotonic()

        def run() -> T:
            self._metrics.behind = max(self._metrics.behind, time.monotonic() - queued_at)
            return call()

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def _refresh(self) -> None:
        await self.resolver.refresh()
        self._hints.follow(self.resolver.hook.settings.smq_queue, self._subscriptions)

    async def _follow_queue(self) -> None:
        with suppress(Exception):  # The first poll reports the error.
            await self._refresh()

    def _poll_now(self, subscriptions: Iterable[Subscription]) -> None:
        """Poll jobs before their polls are due."""
        self._poll(subscription for subscription in subscriptions if not subscription.polling)

    def _poll(self, subscriptions: Iterable[Subscription]) -> None:
        by_id: dict[str, list[Subscription]] = {}
        for subscription in subscriptions:
            subscription.polling = True
            self._polls.remove(subscription)
            by_id.setdefault(subscription.job_id, []).append(subscription)
        now = time.monotonic()
        for job_ids in chunks(list(by_id), self._family.ids_per_query):
            self._queue.append((now, {job_id: by_id[job_id] for job_id in job_ids}))
        for _ in range(min(QUERIES - len(self._queriers), len(self._queue))):
            querier = self._start(self._query_queued())
            self._queriers.add(querier)
            querier.add_done_callback(self._queriers.discard)

    async def _query_queued(self) -> None:
        """Query the queued jobs one request after another. At most 8 (``QUERIES``) asyncio tasks run this method."""
        while self._queue:
            queued_at, by_id = self._queue.popleft()
            self._metrics.behind = max(self._metrics.behind, time.monotonic() - queued_at)
            waiting = {
                job_id: those for job_id, those in by_id.items() if any(one in self._subscriptions for one in those)
            }
            if waiting:
                await self._query(waiting)

    async def _query(self, by_id: dict[str, list[Subscription]]) -> None:
        job_ids = list(by_id)
        try:
            observations = await self._in_thread(partial(monitor.poll_once, self._family, self._client, job_ids))
        except Exception as error:  # noqa: BLE001 - the monitor evaluates it
            observations = dict.fromkeys(job_ids, error)
        self._metrics.polled_jobs += len(job_ids)
        for job_id, subscriptions in by_id.items():
            for subscription in subscriptions:
                self._after_poll(subscription, observations[job_id])

    def _after_poll(self, subscription: Subscription, observation: Observation) -> None:
        subscription.polling = False
        if subscription in self._subscriptions:
            self._evaluate(subscription, observation)
        if subscription.final and subscription in self._subscriptions:
            waited = time.time() - subscription.wait_started_at
            subscription.emit(monitor.timed_out(subscription, waited))
            self.unsubscribe(subscription)
        if subscription not in self._subscriptions:
            return
        if isinstance(observation, Job):
            self._sweeper.drop_unlisted(subscription)
        now = time.monotonic()
        if subscription.poll_at <= now:
            subscription.poll_at = now + monitor.next_pause(subscription.poll_interval)
        if subscription.hinted:
            # The message may have arrived before the service reports the end of the job, so an additional poll follows.
            subscription.hinted = False
            soon = now + monitor.first_pause(subscription.poll_interval)
            self._schedule(self._polls, subscription, min(soon, subscription.poll_at))
        elif subscription not in self._sweeper:
            self._schedule(self._polls, subscription, subscription.poll_at)

    def _evaluate(self, subscription: Subscription, observation: Observation) -> None:
        try:
            event = subscription.update(observation, time.time())
        except Exception as error:  # noqa: BLE001 - the error ends the wait, which raises it
            subscription.emit(error)
            self.unsubscribe(subscription)
            return
        if event is not None:
            subscription.emit(event)
        if isinstance(event, Job) and event.ended:
            self._hints.record_end(subscription.job_id)
            self.unsubscribe(subscription)

    async def _sweep(self) -> None:
        async for missing, changed in self._sweeper.run(self._list_unfinished):
            for subscription, status in changed:
                self._evaluate(subscription, Job(subscription.job_id, JobState.RUNNING, status))
            self._poll(missing)
        for subscription in self._sweeper.release():
            if not subscription.polling:
                # The polls are spread over a whole interval, because the sweep checked all jobs at the same time.
                at = time.monotonic() + subscription.poll_interval * random.random()
                self._schedule_poll(subscription, at)
        self._wake()

    async def _list_unfinished(self, max_requests: int) -> Listed:
        return await self._in_thread(partial(list_unfinished, self._family, self._client, max_requests))
