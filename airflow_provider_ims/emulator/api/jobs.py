"""The job life cycle: jobs are submitted, progress with the clock, and can be controlled."""

from __future__ import annotations

import uuid
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.model import JobKind, JobView
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.api.targets import has_callback
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.clock import JobClock
from airflow_provider_ims.emulator.state.store import Job, Phase, Store

QUEUED_SHARE = 0.2
"""The fraction of a job's duration during which the job is created but not yet running."""

QUERY_SECONDS = 365 * 24 * 3600
"""Seconds after its submission for which a job can be queried."""

DEFAULT_ERROR = ("InternalError", "The job failed.")
"""The default error code and message of a failed job."""


class UnknownJobError(Exception):
    """There is no job with this id."""


class Jobs:
    """
    All jobs of one emulator.

    :param store: The store of the jobs.
    :param clock: The job clock.
    :param settings: The job durations and other settings.
    :param region: The region in which jobs are submitted, queried and listed; by default, that of the settings. The
        control methods apply to jobs of all regions.
    """

    def __init__(self, store: Store, clock: JobClock, settings: Settings, region: str | None = None) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.region = region or settings.region_id

    def in_region(self, region: str) -> Jobs:
        """Return an instance for another region with the same store."""
        return Jobs(self.store, self.clock, self.settings, region)

    def submit(self, kind: JobKind, parameters: dict[str, str]) -> Job:
        """
        Return the job for a request, or the first one if the request creates several.

        :raises ApiError: See :meth:`submit_all`.
        """
        return self.submit_all(kind, parameters)[0]

    def submit_all(self, kind: JobKind, parameters: dict[str, str]) -> list[Job]:
        """
        Return the jobs for a request: new ones, or the job of an earlier request with the same action and ClientToken.

        If the caller assigns the job id, a second request with the same id restarts the job if it has ended.

        :raises ApiError: If the token was used with other parameters, if the SessionId was used recently, or if a job
            of another kind or region has the id.
        """
        token = parameters.get("ClientToken")
        if token is not None and (earlier := self.store.job_of_token(kind.key, self.region, token)) is not None:
            if earlier.parameters != parameters:
                raise ApiError("IdempotentParameterMismatch")
            return [earlier]
        session_id, since = parameters.get("SessionId"), self.clock.now() - kind.session_seconds
        if session_id and self.store.job_of_session(kind.key, self.region, session_id, since):
            raise ApiError("SessionIdExists")
        return [self._create(kind, one) for one in kind.split(parameters)]

    def create_draft(self, kind: JobKind, parameters: dict[str, str]) -> Job:
        """
        Return a new job that waits until it is submitted.

        :raises ApiError: If the caller assigns a key that another job has.
        """
        assert kind.draft is not None
        if kind.draft.key in parameters and self._draft(kind, parameters) is not None:
            raise ApiError("InvalidParameter", kind.draft.key, detail="It is already in use.")
        now = self.clock.now()
        job = Job(
            job_id=uuid.uuid4().hex,
            action=kind.key,
            region=self.region,
            job_type=kind.job_type_of(parameters),
            parameters=parameters,
            created=now,
            starts=now,
            ends=now,
        )
        self.store.add_job(job)
        # Its state does not follow the clock.
        return self._update(job, pinned=kind.family.states[Phase.CREATED])

    def _draft(self, kind: JobKind, parameters: dict[str, str]) -> Job | None:
        """Return the job that a request starts, if it was created before."""
        if kind.draft is None or (value := parameters.get(kind.draft.key)) is None:
            return None
        created = (job for job in self.store.jobs(kind.key) if job.region == self.region)
        return next((job for job in created if value in (job.job_id, job.parameters.get(kind.draft.key))), None)

    def _create(self, kind: JobKind, parameters: dict[str, str]) -> Job:
        now, seconds = self.clock.now(), self.settings.durations.get(kind.key, kind.seconds)
        token, named = parameters.get("ClientToken"), parameters.get(kind.job_id_parameter)
        existing = self.store.job(named) if named else self._draft(kind, parameters)
        if existing is not None and (named or existing.pinned is not None):
            return self._start_again(existing, kind, now, seconds)
        job = Job(
            job_id=named or uuid.uuid4().hex,
            action=kind.key,
            region=self.region,
            job_type=kind.job_type_of(parameters),
            parameters=parameters,
            created=now,
            starts=now + seconds * QUEUED_SHARE,
            ends=now + seconds,
            client_token=token,
            video_id=parameters.get("VideoId"),
        )
        self.store.add_job(job)
        self._expect_callback(job)
        return job

    def _expect_callback(self, job: Job) -> None:
        if has_callback(self.store.callbacks, JOB_KINDS[job.action], job.region, job.parameters):
            self.store.callbacks.expect(job.job_id, job.ends)

    def _start_again(self, job: Job, kind: JobKind, now: float, seconds: float) -> Job:
        if job.action != kind.key or job.region != self.region:
            raise ApiError("ResourceNotFound")
        is_draft = kind.draft is not None and job.pinned == kind.family.states[Phase.CREATED]
        if self.view(job).phase < Phase.SUCCEEDED and not is_draft:
            return job
        return self._continue(job, starts=now + seconds * QUEUED_SHARE, ends=now + seconds)

    def _continue(self, job: Job, **changes: Any) -> Job:
        """Continue a job, so that it ends again and sends another callback."""
        self.store.callbacks.delete(job.job_id)
        self._expect_callback(job)
        return self._update(job, error_code=None, error_message=None, pinned=None, **changes)

    def view(self, job: Job) -> JobView:
        """Return the current view of a job."""
        return JobView(job, JOB_KINDS[job.action], self.clock.now(), self.settings)

    def find(self, job_id: str, *actions: str) -> Job | None:
        """Return the job if it was submitted in this region with one of these actions."""
        job = self.store.job(job_id)
        return job if job is not None and job.region == self.region and job.action in actions else None

    def queried(self, job_id: str, *actions: str) -> Job | None:
        """
        Return the queried job if it was submitted in this region with one of these actions within the last year.

        :raises ApiError: If there is no such job and the settings require an error.
        """
        job = self.find(job_id, *actions)
        if job is not None and job.created > self.clock.now() - QUERY_SECONDS:
            return job
        if self.settings.unknown_job_is_error:
            raise ApiError(JOB_KINDS[actions[0]].family.unknown_job_code)
        return None

    def get(self, job_id: str) -> Job:
        """
        Return a job.

        :raises UnknownJobError: If no job has this id.
        """
        job = self.store.job(job_id)
        if job is None:
            raise UnknownJobError(f"there is no job {job_id!r}")
        return job

    def finish(self, job_id: str) -> Job:
        """End a job successfully now."""
        return self._end(job_id, None, None)

    def fail(self, job_id: str, code: str = DEFAULT_ERROR[0], message: str = DEFAULT_ERROR[1]) -> Job:
        """End a job with an error now."""
        return self._end(job_id, code, message)

    def fail_at_end(self, job_id: str, code: str, message: str) -> Job:
        """Make a job fail when it ends."""
        return self._update(self.get(job_id), error_code=code, error_message=message)

    def fail_videos(
        self, job_id: str, count: int, code: str = DEFAULT_ERROR[0], message: str = DEFAULT_ERROR[1]
    ) -> Job:
        """Make the first ``count`` videos of a batch, or outputs of another job, fail; the job itself succeeds."""
        job = self.get(job_id)
        kind = JOB_KINDS[job.action]
        if kind.parts is None:
            raise ValueError(f"the job {job_id} has no parts that can fail separately")
        total = kind.part_count(job.parameters)
        if not 0 <= count <= total:
            raise ValueError(f"count must be 0 to {total}, the number of parts of the job, not {count}")
        return self._update(job, failed_parts={str(index): (code, message) for index in range(count)})

    def set_state(self, job_id: str, state: str | None = None) -> Job:
        """Set a state that overrides the clock; None removes it."""
        job = self._update(self.get(job_id), pinned=state)
        if self.view(job).phase is Phase.FAILED and job.error_code is None:
            job = self._update(job, error_code=DEFAULT_ERROR[0], error_message=DEFAULT_ERROR[1])
        return job

    def resume(self, job_id: str) -> Job:
        """Continue a suspended job."""
        return self._continue(self.get(job_id))

    def set_seconds(self, job_id: str, seconds: float) -> Job:
        """Set the duration of a job, measured from its submission."""
        job = self.get(job_id)
        return self._update(job, starts=job.created + seconds * QUEUED_SHARE, ends=job.created + seconds)

    def _end(self, job_id: str, code: str | None, message: str | None) -> Job:
        job, now = self.get(job_id), self.clock.now()
        return self._update(
            job,
            starts=min(job.starts, now),
            ends=min(job.ends, now),
            error_code=code,
            error_message=message,
            pinned=None,
        )

    def _update(self, job: Job, **changes: Any) -> Job:
        for name, value in changes.items():
            setattr(job, name, value)
        self.store.update_job(job)
        self.store.callbacks.reschedule(job.job_id, self._end_of(job))
        return job

    def _end_of(self, job: Job) -> float | None:
        """Return when a job ends; None if its state was set to one that is not final."""
        if job.pinned is None:
            return job.ends
        return self.clock.now() if self.view(job).phase >= Phase.SUCCEEDED else None
