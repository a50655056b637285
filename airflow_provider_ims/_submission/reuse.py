"""
Finds a finished job that an earlier run of the same task submitted with the same inputs.

Each run stores its job in two XComs. The key of the first XCom contains a digest of the inputs; later runs find the job
by this key. The second XCom has a fixed key; if no job has the same inputs, a later run logs which inputs differ from
those in this XCom. All supported versions of Airflow can read the XComs of earlier runs. Airflow deletes the XComs of a
task that is cleared, so the task run reads its own job from a copy in the task state store (Airflow 3.3 and later).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._submission.record import digest
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

log = logging.getLogger(__name__)

#: ``run`` uses only the job of the same task run; ``inputs`` also uses a job that an earlier run submitted with the
#: same inputs.
Reuse: TypeAlias = Literal["run", "inputs"]

#: The fixed key of the XCom with the job of a run. With a digest of the inputs appended, it is the key by which later
#: runs find the job.
XCOM_KEY = "ims_reuse"
#: The maximum number of jobs to query. An older job is queried only if no newer job can be reused.
MAX_QUERIES = 5


@dataclass(frozen=True, slots=True)
class StoredJob:
    """
    A job as stored in an XCom.

    :param job_id: The id of the job.
    :param submitted_at: Its submission time, in epoch seconds.
    :param run_id: The run id of the DAG run that submitted it.
    :param inputs: A digest of each input, by name.
    """

    job_id: str
    submitted_at: float
    run_id: str
    inputs: Mapping[str, str]

    @classmethod
    def read(cls, stored: Any) -> StoredJob | None:
        """Return the job in the value of an XCom, or ``None`` if the value has another format."""
        try:
            job = cls(**stored)
            return cls(str(job.job_id), float(job.submitted_at), str(job.run_id), dict(job.inputs))
        except (TypeError, ValueError):
            return None

    def __str__(self) -> str:
        submitted = datetime.fromtimestamp(self.submitted_at, UTC).isoformat(timespec="seconds")
        return f"job {self.job_id} (submitted at {submitted} by run {self.run_id})"


@dataclass(slots=True)
class EarlierJobs:
    """
    The jobs that earlier runs of a task submitted.

    :param parameters: The parameters of the request of this run.
    :param ti: The task instance.
    :param state_store: The task state store, if there is one.
    :param within: The maximum age of a job, in seconds since its submission.
    :param failed: A function that returns a true value if an ended job counts as failed for the task.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    parameters: Mapping[str, str]
    ti: Any
    state_store: Any
    within: float
    failed: Callable[[Job], object]
    now: Callable[[], float] = time.time

    def find(self) -> tuple[StoredJob, Job] | None:
        """
        Return the newest job with the same inputs that can be reused, or ``None``, and log the decision.

        A job can be reused if it has ended, has not failed, and is not older than ``within``.

        :raises ImsError: if a query fails for any reason other than a rejection by the service. In this case, the task
            submits no job.
        """
        inputs = self._inputs()
        rejected = "no earlier run stored a job"
        candidates = self._candidates(inputs)
        for stored in candidates[:MAX_QUERIES]:
            if not self.is_recent(stored.submitted_at):
                rejected = f"{stored} is older than reuse_within ({self.within:,.0f} s)"
                break
            job = self._query(stored.job_id)
            if job is not None and job.ended and not self.failed(job):
                log.info("Reusing %s with the same inputs: no job is submitted", stored)
                return stored, job
            rejected = f"{stored} has the same inputs, but {_problem(job)}"
            log.info("Not reusing a job: %s", rejected)
        if not candidates and (last := self._last()) is not None:
            rejected = f"{last} had other inputs: {', '.join(_differences(last.inputs, inputs))}"
        log.info("Submitting a new job, because %s", rejected)
        return None

    def _query(self, job_id: str) -> Job | None:
        try:
            return self.kind.family.query(self.hook, [job_id]).get(job_id)
        except ImsRequestError as error:
            # For some job kinds, the error that a service returns for an unknown job is not documented.
            log.info("The service rejected the query for job %s: %s", job_id, error)
            return None

    def is_recent(self, submitted_at: float) -> bool:
        """Return whether a job is young enough to be reused."""
        return self.now() - submitted_at <= self.within

    def store(self, job_id: str, submitted_at: float, run_id: str | None = None) -> None:
        """
        Store the job of this run, so that later runs can reuse it.

        :param run_id: The run id of the DAG run that submitted the job. Default: the run id that an earlier try stored
            for this job; if there is none, the run id of this run.
        """
        inputs = self._inputs()
        try:
            before = None if self.state_store is None else StoredJob.read(self.state_store.get(XCOM_KEY))
            if run_id is None:
                run_id = before.run_id if before and before.job_id == job_id else str(self.ti.run_id)
            value = asdict(StoredJob(job_id, submitted_at, run_id, inputs))
            for key in (_key_of(inputs), XCOM_KEY):
                self.ti.xcom_push(key, value)
                if self.state_store is not None:
                    self.state_store.set(key, value)
        except Exception as error:  # noqa: BLE001 - depends on the backends; the job exists already
            log.warning("Storing job %s failed, so later runs cannot reuse it: %s", job_id, error)

    def _inputs(self) -> dict[str, str]:
        """Return a digest of each input. XComs are visible in the UI, so they contain no values."""
        settings = self.hook.settings
        target = {
            "action": self.kind.submit_action,
            "ims_conn_id": self.hook.ims_conn_id,
            "region_id": settings.region_id or "",
            "endpoint": settings.endpoint(self.kind.family.product.code),
        }
        given = {**target, **self.parameters}
        return {name: hashlib.sha256(f"{name}={value}".encode()).hexdigest()[:16] for name, value in given.items()}

    def _candidates(self, inputs: Mapping[str, str]) -> list[StoredJob]:
        """Return the stored jobs with the same inputs, for any map index, newest first and without duplicates."""
        found = {job.job_id: job for job in self._pull(_key_of(inputs)) if job.inputs == inputs}
        return sorted(found.values(), key=lambda job: job.submitted_at, reverse=True)

    def _last(self) -> StoredJob | None:
        """Return the newest job that this run or an earlier run stored for the same map index."""
        stored = self._pull(XCOM_KEY, map_indexes=self.ti.map_index)
        return max(stored, key=lambda job: job.submitted_at, default=None)

    def _pull(self, key: str, **options: Any) -> Iterator[StoredJob]:
        """Yield the jobs that this run and earlier runs stored under a key."""
        try:
            # Without map_indexes, Airflow returns a list with the values of all map indexes, or a single value.
            values = self.ti.xcom_pull(task_ids=self.ti.task_id, key=key, include_prior_dates=True, **options)
            own = None if self.state_store is None else self.state_store.get(key)
        except Exception as error:  # noqa: BLE001 - depends on the backends; a new job is submitted instead
            log.warning("The jobs of earlier runs could not be read: %s", error)
            return
        for value in (*(values if isinstance(values, list) else [values]), own):
            if (job := StoredJob.read(value)) is not None:
                yield job


def _problem(job: Job | None) -> str:
    """Return why a job cannot be reused."""
    if job is None:
        return "is unknown to the service"
    if not job.ended:
        return f"is still {job.status}"
    return "has failed parts" if job.partial else "failed"


def _key_of(inputs: Mapping[str, str]) -> str:
    return f"{XCOM_KEY}_{digest(inputs)}"


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of the inputs that differ."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
