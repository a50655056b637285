"""The state of one emulator, and the commands of the control interface that change the state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.operations import render
from airflow_provider_ims.emulator.api.parameters import check_parameters
from airflow_provider_ims.emulator.api.queues import Queues
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.control.active_faults import Faults
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.clock import JobClock
from airflow_provider_ims.emulator.state.queues import Queue
from airflow_provider_ims.emulator.state.store import Job, Phase, Store


class EmulatedService:
    """
    The jobs, the queues, the clock and the faults of one emulator.

    :param settings: The settings of the emulator.
    :param store: The database that stores the state.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.clock = JobClock(settings.clock, store.setting("clock"))
        self.jobs = Jobs(store, self.clock, settings)
        self.queues = Queues(store, settings)
        self.faults = Faults()
        self._add_queues()
        self._save_clock()

    def advance(self, seconds: float) -> float:
        """Advance the job clock and return the new time."""
        now = self.clock.advance(seconds)
        self._save_clock()
        return now

    def add_jobs(
        self, kind: str, parameters: Mapping[str, str], seconds: Sequence[float], region: str | None = None
    ) -> list[str]:
        """
        Add one job for each duration in seconds, as if the jobs had just been submitted, and return the job ids.

        :param region: The region of the jobs; default: the region in the settings.
        :raises ValueError: If the kind is unknown, or a submit request with these parameters would be rejected.
        """
        if kind not in JOB_KINDS:
            raise ValueError(f"{kind!r} is not a submit action; known submit actions: {', '.join(JOB_KINDS)}")
        jobs = self.jobs.in_region(region or self.settings.region_id)
        try:
            checked = check_parameters(JOB_KINDS[kind].parameters, parameters)
            job_ids = [jobs.submit(JOB_KINDS[kind], checked).job_id for _ in seconds]
        except ApiError as error:
            raise ValueError(str(error)) from None
        for job_id, job_seconds in zip(job_ids, seconds, strict=True):
            self.jobs.set_seconds(job_id, job_seconds)
        self.store.commit()
        return job_ids

    def describe(self, job: Job) -> dict[str, Any]:
        """Return a job in the format of the control interface."""
        view = self.jobs.view(job)
        return {
            "job_id": job.job_id,
            "kind": job.action,
            "region": job.region,
            "state": view.state,
            "created": job.created,
            "ended": job.ends if view.phase >= Phase.SUCCEEDED else None,
            "parameters": job.parameters,
            "error_code": job.error_code if view.phase is Phase.FAILED else None,
            "result": _result(render(view), view.kind.family.result) if view.phase is Phase.SUCCEEDED else None,
        }

    def describe_queue(self, queue: Queue) -> dict[str, Any]:
        """Return a queue in the format of the control interface."""
        counts = self.store.queues.counts(queue, self.queues.now())
        return {"name": queue.name, "region": queue.region, **counts._asdict()}

    def reset(self) -> None:
        """Delete all jobs, resources, requests, callbacks, queues and faults, and set the clock to the real time."""
        self.faults.clear()
        self.store.reset()
        self.clock.reset()
        self._add_queues()
        self._save_clock()

    def _add_queues(self) -> None:
        for name in self.settings.queues:
            self.queues.find(name)

    def _save_clock(self) -> None:
        self.store.save_setting("clock", self.clock.save())
        self.store.commit()


def _result(fields: dict[str, Any], name: str) -> Any:
    result = fields[name] if name else fields
    return json.loads(result) if isinstance(result, str) else result
