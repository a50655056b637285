"""The trigger that all job families share, and the event it sends to the resuming task."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_ims.exceptions import ImsError, error_as_dict, error_from_dict
from airflow_provider_ims.jobs.job import Job
from airflow_provider_ims.jobs.kinds import family_of
from airflow_provider_ims.submission.cancel import ENDED_STATES, cancel_job, task_state
from airflow_provider_ims.waiting import poller_for, watch_job
from airflow_provider_ims.waiting.monitor import WaitMessage, log_progress

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.waiting.poller import Poller

#: The largest event in bytes; what is larger is fetched again by the worker, the event's way is the metadata database.
LARGEST_EVENT = 16 * 1024


class JobTrigger(BaseTrigger):
    """
    Wait for jobs of one family, and send one event when all have ended or the wait is over.

    It only reads: a trigger starts from zero whenever its triggerer does.

    :param job_ids: The jobs.
    :param deadline: When the wait ends, in epoch seconds, after one last look.
    :param ims_conn_id: The connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's.
    :param poll_interval: Seconds between two looks at a job. Default: 10.
    :param started: When the jobs were submitted, in epoch seconds, for the log. Default: now.
    :param cancel_on_kill: Whether the trigger may cancel the jobs: its task has submitted them. Default: false.
    """

    family: JobFamily
    hook_class: ClassVar[type[AlibabaCloudMediaHook]]

    def __init__(
        self,
        *,
        job_ids: Sequence[str],
        deadline: float,
        ims_conn_id: str = "ims_default",
        region_id: str | None = None,
        poll_interval: float = 10,
        started: float | None = None,
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job_ids = list(job_ids)
        self.deadline = deadline
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.poll_interval = poll_interval
        self.started = time.time() if started is None else started
        self.cancel_on_kill = cancel_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that the trigger is made from again."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {
            **self.jobs_arguments(self.family, self.job_ids),
            "deadline": self.deadline,
            "ims_conn_id": self.ims_conn_id,
            "region_id": self.region_id,
            "poll_interval": self.poll_interval,
            "started": self.started,
            "cancel_on_kill": self.cancel_on_kill,
        }

    @classmethod
    def jobs_arguments(cls, family: JobFamily, job_ids: Sequence[str]) -> dict[str, Any]:
        """
        Return the arguments by which a trigger of this class is told its jobs.

        :param family: Their family.
        :param job_ids: The jobs.
        """
        return {"job_ids": list(job_ids)}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Send one event: the ended jobs, or why there are none."""
        # One logger for all triggers of the class, instead of one for each of ten thousand.
        self.logger()
        try:
            event = ended_event(await self._ends(), self.started)
        except Exception as error:  # noqa: BLE001 - whatever it is, the task is to hear of it
            event = error_event(error)
        yield TriggerEvent(event)

    async def _ends(self) -> list[Job]:
        if len(self.job_ids) == 1:
            return [await self._end_of(self.job_ids[0])]
        try:
            async with asyncio.TaskGroup() as group:
                ends = [group.create_task(self._end_of(job_id)) for job_id in self.job_ids]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [end.result() for end in ends]

    @property
    def _poller(self) -> Poller:
        return poller_for(self.family, self.hook_class, self.ims_conn_id, self.region_id)

    async def on_kill(self) -> None:
        """
        Cancel the jobs if a user has marked the task as failed or successful.

        Airflow 3.3 also calls this when the triggerer has only lost its heartbeat, and when the task was cleared. The
        task waits in another triggerer then, or its next try decides what becomes of the job.
        """
        ti = self.task_instance
        if not self.cancel_on_kill or ti is None:
            return
        jobs = f"Job {', '.join(self.job_ids)}"
        try:
            state = await sync_to_async(task_state, thread_sensitive=False)(
                ti.dag_id, ti.run_id, ti.task_id, ti.map_index
            )
            if state not in ENDED_STATES:
                self.log.info("%s is not cancelled: no user has ended the task, which is %s", jobs, state)
                return
            resolver = self._poller.resolver
            await resolver.refresh()
        except Exception as error:  # noqa: BLE001 - whatever Airflow raises
            self.log.warning("%s was not cancelled: %s", jobs, error)
            return
        for job_id in self.job_ids:
            await asyncio.to_thread(cancel_job, self.family, resolver.hook, job_id, self.log)

    def _end_of(self, job_id: str) -> Coroutine[Any, Any, Job]:
        return watch_job(
            self._poller,
            job_id,
            poll_interval=self.poll_interval,
            started=self.started,
            deadline=self.deadline,
            emit=self._tell,
        )

    def _tell(self, told: Job | WaitMessage) -> None:
        log_progress(self.log, told, self.started)


class SingleJobTrigger(JobTrigger):
    """
    Wait for one job.

    :param job_id: The job.
    :param wait: As of :class:`JobTrigger`, without ``job_ids``.
    """

    def __init__(self, *, job_id: str, **wait: Any) -> None:
        super().__init__(job_ids=[job_id], **wait)

    @classmethod
    def jobs_arguments(cls, family: JobFamily, job_ids: Sequence[str]) -> dict[str, Any]:
        """Return the one job."""
        (job_id,) = job_ids
        return {"job_id": job_id}


class FamilyTrigger(JobTrigger):
    """
    Wait for jobs of a family that is named.

    :param family: Its name, such as ``smart``, or its query action.
    :param wait: As of :class:`JobTrigger`.
    """

    def __init__(self, *, family: str, **wait: Any) -> None:
        super().__init__(**wait)
        self.family = family_of(family)

    @classmethod
    def jobs_arguments(cls, family: JobFamily, job_ids: Sequence[str]) -> dict[str, Any]:
        """Return the jobs and their family."""
        return {"family": family.name, "job_ids": list(job_ids)}


class Ended(NamedTuple):
    """
    What an event tells of ended jobs.

    :param job_ids: Their ids.
    :param jobs: The jobs; ``None`` when they were too large for an event and must be fetched.
    :param started: When they were submitted, in epoch seconds, where the event says so.
    """

    job_ids: list[str]
    jobs: list[Job] | None
    started: float | None


def ended_event(jobs: Sequence[Job], started: float) -> dict[str, Any]:
    """
    Return the event that tells of ended jobs.

    :param jobs: The jobs.
    :param started: When they were submitted, in epoch seconds.
    :return: ``{"status": "ended", "job_ids": [...], "jobs": [...], "started": float}``; ``jobs`` is ``None`` when
        they are too large.
    """
    event: dict[str, Any] = {
        "status": "ended",
        "job_ids": [job.id for job in jobs],
        "jobs": [job.as_dict() for job in jobs],
        "started": started,
    }
    return event if len(json.dumps(event)) <= LARGEST_EVENT else {**event, "jobs": None}


def error_event(error: BaseException) -> dict[str, Any]:
    """Return the event that tells why a wait ended without the jobs' ends."""
    return {"status": "error", "error": error_as_dict(error)}


def read_event(event: Any) -> Ended:
    """
    Read an event on the worker.

    :param event: What the trigger sent.
    :raises ImsError: the error that the event tells of, or when the event is none of ours.
    """
    match event:
        case {"status": "error", "error": dict() as error}:
            raise error_from_dict(error)
        case {"status": "ended", "job_ids": list() as job_ids, "jobs": list() | None as jobs}:
            started = event.get("started")
            try:
                return Ended(
                    job_ids,
                    None if jobs is None else [Job.from_dict(job) for job in jobs],
                    float(started) if isinstance(started, (int, float)) else None,
                )
            except (TypeError, ValueError, KeyError):
                pass
    raise ImsError(f"The trigger sent an event that is not understood: {str(event)[:200]}")
