"""The life cycle of jobs: they are submitted, progress with the job clock, and can be controlled by tests."""

from __future__ import annotations

import uuid
from typing import Any

from airflow_provider_ims.emulator.api.ages import earliest_submission
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.model import JobKind, JobView, key_of
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.api.targets import has_callback
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.clock import JobClock
from airflow_provider_ims.emulator.state.store import Job, Phase, Store

QUEUED_SHARE = 0.2
"""The fraction of a job's duration that the job spends in the phase ``CREATED``, before it runs."""

DEFAULT_ERROR = ("InternalError", "The job failed.")
"""The default error code and message of a failed job."""


class UnknownJobError(Exception):
    """Raised if no job has the given id."""


class Jobs:
    """
    All jobs of one emulator.

    :param store: The store of the jobs.
    :param clock: The job clock.
    :param settings: The job durations and other settings.
    :param region: The region in which jobs are submitted, queried and listed; default: the region in the settings. The
        control methods, such as :meth:`finish`, apply to the jobs of all regions.
    """

    def __init__(self, store: Store, clock: JobClock, settings: Settings, region: str | None = None) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.region = region or settings.region_id

    def in_region(self, region: str) -> Jobs:
        """Return an instance for another region. Both instances use the same store."""
        return Jobs(self.store, self.clock, self.settings, region)

    def submit(self, kind: JobKind, parameters: dict[str, str]) -> Job:
        """
        Process a submit request and return the job, or the first of several jobs.

        :raises ApiError: See :meth:`submit_all`.
        """
        return self.submit_all(kind, parameters)[0]

    def submit_all(self, kind: JobKind, parameters: dict[str, str]) -> list[Job]:
        """
        Process a submit request and return its jobs.

        If an earlier request had the same action, region and ClientToken, return its job instead of a new one. A
        request can also refer to an existing job by its id, or to a draft by its key (see ``Draft``). The draft then
        starts; a job that has ended starts again.

        :raises ApiError: If the ClientToken was used with other parameters, if the SessionId was used in the last
            ``JobKind.session_seconds`` seconds, or if the job id in the request belongs to a job of another kind or
            region.
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
        Create a job that does not run until it is submitted.

        :raises ApiError: If another job already has the key that the request contains.
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
        # Pin the state, so that the job does not progress with the clock.
        return self._update(job, pinned=kind.family.states[Phase.CREATED])

    def _draft(self, kind: JobKind, parameters: dict[str, str]) -> Job | None:
        """Return the job that the draft key in a request identifies; None if no such job was created."""
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
        """Start or continue a job. If callbacks are configured, a callback is sent when the job ends."""
        self.store.callbacks.delete(job.job_id)
        self._expect_callback(job)
        return self._update(job, error_code=None, error_message=None, pinned=None, **changes)

    def view(self, job: Job) -> JobView:
        """Return the view of a job at the current time of the job clock."""
        return JobView(job, JOB_KINDS[job.action], self.clock.now(), self.settings)

    def find(self, job_id: str, *actions: str) -> Job | None:
        """
        Return a job that was submitted in this region with one of these actions; None if there is no such job.

        A job that is older than the documented maximum age for its query action is not returned.
        """
        job = self.store.job(job_id)
        if job is None or job.region != self.region or job.action not in actions:
            return None
        family = JOB_KINDS[job.action].family
        earliest = earliest_submission(key_of(family.query, family.product.version), self.clock.now())
        return job if earliest is None or job.created >= earliest else None

    def queried(self, job_id: str, *actions: str) -> Job | None:
        """
        Return the result of :meth:`find`.

        :raises ApiError: If :meth:`find` returns None and the setting ``unknown_job_is_error`` is True.
        """
        job = self.find(job_id, *actions)
        if job is None and self.settings.unknown_job_is_error:
            raise ApiError(JOB_KINDS[actions[0]].family.unknown_job_code)
        return job

    def get(self, job_id: str) -> Job:
        """
        Return a job of any region.

        :raises UnknownJobError: If no job has this id.
        """
        job = self.store.job(job_id)
        if job is None:
            raise UnknownJobError(f"there is no job {job_id!r}")
        return job

    def finish(self, job_id: str) -> Job:
        """
        End a job successfully now. A job that has already succeeded does not change.

        :raises ValueError: If the job has already failed.
        """
        return self._end(job_id, None, None)

    def fail(self, job_id: str, code: str = DEFAULT_ERROR[0], message: str = DEFAULT_ERROR[1]) -> Job:
        """
        End a job with an error now. A job that has already failed with the same error does not change.

        :raises ValueError: If the job has already succeeded, or failed with another error.
        """
        return self._end(job_id, code, message)

    def fail_at_end(self, job_id: str, code: str, message: str) -> Job:
        """Make a job fail when it ends."""
        return self._update(self.get(job_id), error_code=code, error_message=message)

    def fail_videos(
        self, job_id: str, count: int, code: str = DEFAULT_ERROR[0], message: str = DEFAULT_ERROR[1]
    ) -> Job:
        """
        Make the first ``count`` parts of a job fail, for example videos of a batch job. The job itself does not fail.

        :raises ValueError: If the job has no parts, or if ``count`` is negative or exceeds the number of parts.
        """
        job = self.get(job_id)
        kind = JOB_KINDS[job.action]
        if kind.parts is None:
            raise ValueError(f"the job {job_id} has no parts that can fail separately")
        total = kind.part_count(job.parameters)
        if not 0 <= count <= total:
            raise ValueError(f"count must be from 0 to {total} (the number of parts of the job), not {count}")
        return self._update(job, failed_parts={str(index): (code, message) for index in range(count)})

    def set_state(self, job_id: str, state: str | None = None) -> Job:
        """
        Pin a job to a state, regardless of the clock.

        If the state is a failed state and the job has no error yet, the job gets the default error.

        :param state: The name of the state. None unpins the job.
        """
        job = self._update(self.get(job_id), pinned=state)
        if self.view(job).phase is Phase.FAILED and job.error_code is None:
            job = self._update(job, error_code=DEFAULT_ERROR[0], error_message=DEFAULT_ERROR[1])
        return job

    def is_suspended(self, job: Job) -> bool:
        """Return whether a job is suspended. The resume action of its family accepts only suspended jobs."""
        family = JOB_KINDS[job.action].family
        return bool(family.resume) and job.pinned in family.failed

    def resume(self, job_id: str) -> Job:
        """Continue a suspended job."""
        return self._continue(self.get(job_id))

    def set_seconds(self, job_id: str, seconds: float) -> Job:
        """Set the time from the submission of a job to its end, in seconds."""
        job = self.get(job_id)
        return self._update(job, starts=job.created + seconds * QUEUED_SHARE, ends=job.created + seconds)

    def _end(self, job_id: str, code: str | None, message: str | None) -> Job:
        job, now = self.get(job_id), self.clock.now()
        view = self.view(job)
        if view.phase >= Phase.SUCCEEDED and not self.is_suspended(job):
            error = (job.error_code, job.error_message) if view.phase is Phase.FAILED else (None, None)
            if error == (code, message):
                return job
            raise ValueError(f"the job {job_id} has already ended in the state {view.state}")
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
        """Return the time at which a job ends; None if it is pinned to a state that is not final."""
        if job.pinned is None:
            return job.ends
        return self.clock.now() if self.view(job).phase >= Phase.SUCCEEDED else None
