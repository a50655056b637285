"""The base class of the triggers that wait for jobs."""

from __future__ import annotations

import asyncio
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from time import monotonic
from typing import Any

from airflow.providers.common.compat.sdk import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kinds import family_of
from airflow_provider_ims._submission.cancel import ENDED_STATES, cancel_jobs, task_state
from airflow_provider_ims._waiting.events import ended_event, error_event, unfinished_event
from airflow_provider_ims._waiting.many_jobs import wait_for_jobs
from airflow_provider_ims._waiting.monitor import WaitMessage, log_progress, timed_out_jobs
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.progress import Progress
from airflow_provider_ims._waiting.registry import poller_for
from airflow_provider_ims.exceptions import ImsJobTimeoutError

#: An event about unfinished jobs also contains the ids of all jobs that the trigger waited for, if there are at most
#: this many of them.
MAX_WAITED_FOR = 1000
#: The minimum number of seconds from the start of a trigger to its first event. Until the scheduler has processed the
#: exit of the task process that deferred the task, it treats a resumed task as killed and fails the try
#: (docs/decisions.md). The worker's supervisor may detect the exit of the task process only at its next heartbeat. The
#: additional 5 seconds are for the scheduler's delay.
FIRST_EVENT_DELAY = conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0) + 5.0
#: The maximum duration of ``on_kill``, in seconds. It is shorter than Airflow's own limit, ``[triggerer]
#: on_kill_timeout``, whose default is 30.
ON_KILL_SECONDS = 25.0


@dataclass(kw_only=True, eq=False, repr=False)
class JobTrigger(BaseTrigger):
    """
    Wait for jobs of one family (jobs with the same query action), and send one event when the wait ends.

    The trigger submits no jobs, because a restarted triggerer runs it again from the beginning.

    :param family: The name of the jobs' family, such as ``smart``.
    :param job_ids: The ids of the jobs.
    :param deadline: The time, in epoch seconds, at which the wait times out after a final poll.
    :param wait_started_at: When the task started to wait, in epoch seconds.
    :param submitted_at: When the jobs were submitted, in epoch seconds, if that is known.
    :param ims_conn_id: The connection id; ``None`` for the default credential chain of the Alibaba Cloud SDK. Default:
        ``ims_default``.
    :param region_id: A region that overrides the connection's.
    :param poll_interval: Seconds between two polls of a job. Default: 10.
    :param cancel_on_kill: Whether to cancel the jobs when a user marks the task as failed or successful. Set it only
        for jobs that the task submitted. Default: false.
    :param unfinished: For a wait for many jobs: the wait ends when at most this number of jobs have not ended, and the
        event contains ids instead of results. Default: wait for all jobs and send their results.
    :param total: For a wait for many jobs: the number of requests of the task.
    :param already_ended: For a wait for many jobs: how many of the ``total`` requests were complete when the trigger
        was created. A request is complete if its job has ended or the service has refused it.
    :param already_failed: For a wait for many jobs: how many of the ended jobs had failed.
    """

    family: str
    job_ids: Sequence[str]
    deadline: float
    wait_started_at: float
    submitted_at: float | None = None
    ims_conn_id: str | None = "ims_default"
    region_id: str | None = None
    poll_interval: float = 10
    cancel_on_kill: bool = False
    unfinished: int | None = None
    total: int = 0
    already_ended: int = 0
    already_failed: int = 0

    def __post_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job_ids = list(self.job_ids)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments of the trigger."""
        arguments = {argument.name: getattr(self, argument.name) for argument in fields(self)}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Send one event: the ended jobs, the ids of the unfinished jobs, or the error that ended the wait."""
        # Create one logger for all triggers of the class. Otherwise, each of ten thousand triggers creates its own.
        self.logger()
        started_at = monotonic()
        try:
            if self.unfinished is None:
                event = ended_event(await self._wait_for_all(), self.submitted_at)
            else:
                event = await self._wait_for_most(self.unfinished)
        except Exception as error:  # noqa: BLE001 - the task raises it
            event = error_event(error)
        await self._delay_first_event(started_at)
        yield TriggerEvent(event)

    async def _delay_first_event(self, started_at: float) -> None:
        left = started_at + FIRST_EVENT_DELAY - monotonic()
        # Only a triggerer sets trigger_id. dag.test() does not, and needs no delay, because it has no scheduler.
        if left > 0 and self.trigger_id is not None:
            await sleep(left)

    async def _wait_for_all(self) -> list[Job]:
        if len(self.job_ids) == 1:
            # Avoids an asyncio task for each of ten thousand triggers.
            return [await self._wait_for(self.job_ids[0])]
        try:
            async with asyncio.TaskGroup() as group:
                waits = [group.create_task(self._wait_until_deadline(job_id)) for job_id in self.job_ids]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        ended = [wait.result() for wait in waits]
        late = {one.job_id: str(one.last_seen) for one in ended if isinstance(one, ImsJobTimeoutError)}
        if late:
            raise timed_out_jobs(late, len(ended), time.time() - self.wait_started_at)
        return [one for one in ended if isinstance(one, Job)]

    async def _wait_until_deadline(self, job_id: str) -> Job | ImsJobTimeoutError:
        """Return a timeout instead of raising it: an error would cancel the last polls of the other jobs."""
        try:
            return await self._wait_for(job_id)
        except ImsJobTimeoutError as error:
            return error

    async def _wait_for_most(self, unfinished: int) -> dict[str, Any]:
        progress = Progress(self.log, self.total, self.already_ended, self.already_failed)
        left = await wait_for_jobs(
            self._poller,
            self.job_ids,
            unfinished=unfinished,
            poll_interval=self.poll_interval,
            wait_started_at=self.wait_started_at,
            deadline=self.deadline,
            progress=progress,
        )
        # The event contains these ids, because dag.test() drops the keyword arguments with which a task was deferred.
        waited_for = list(self.job_ids) if len(self.job_ids) <= MAX_WAITED_FOR else None
        return unfinished_event(left, progress.failures, waited_for)

    async def _wait_for(self, job_id: str) -> Job:
        return await self._poller.wait_for_job(
            job_id,
            poll_interval=self.poll_interval,
            wait_started_at=self.wait_started_at,
            deadline=self.deadline,
            emit=self._log_event,
        )

    @property
    def _poller(self) -> Poller:
        return poller_for(family_of(self.family), self.ims_conn_id, self.region_id)

    def _log_event(self, event: Job | WaitMessage) -> None:
        log_progress(self.log, event, wait_started_at=self.wait_started_at, submitted_at=self.submitted_at)

    async def on_kill(self) -> None:
        """
        Cancel the jobs if a user has marked the task as failed or successful.

        Airflow 3.3 also calls this method if the triggerer has missed heartbeats, or if the task was cleared. In these
        cases, the jobs are not cancelled. After missed heartbeats, the task waits in another triggerer. After a clear,
        the next try joins the jobs or submits new ones.
        """
        if not self.cancel_on_kill or self.task_instance is None:
            return
        cancellation = asyncio.ensure_future(self._cancel_jobs(self.task_instance))
        give_up_at = monotonic() + ON_KILL_SECONDS
        while not cancellation.done():
            try:
                await asyncio.shield(cancellation)
            except asyncio.CancelledError:
                # Airflow cancels the trigger again in each of its loops, about once a second, until the method returns.
                if monotonic() >= give_up_at:
                    raise

    async def _cancel_jobs(self, ti: Any) -> None:
        others = f" and {len(self.job_ids) - 10} others" if len(self.job_ids) > 10 else ""
        jobs = f"{'jobs' if len(self.job_ids) > 1 else 'job'} {', '.join(self.job_ids[:10])}{others}"
        try:
            read_state = sync_to_async(task_state, thread_sensitive=False)
            state = await read_state(ti.dag_id, ti.run_id, ti.task_id, ti.map_index)
            if state not in ENDED_STATES:
                self.log.info(
                    "Not cancelling %s: the task was not marked as failed or successful (state: %s)", jobs, state
                )
                return
            resolver = self._poller.resolver
            await resolver.refresh()
        except Exception as error:  # noqa: BLE001 - whatever Airflow raises
            self.log.warning("Could not cancel %s: %s", jobs, error)
            return
        await asyncio.to_thread(cancel_jobs, family_of(self.family), resolver.hook, self.job_ids, self.log)
