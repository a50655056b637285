"""The life of jobs: submitted, moved on by the clock, ended by hand."""

from __future__ import annotations

import json
import uuid

from airflow_provider_ims.emulator import kinds, results
from airflow_provider_ims.emulator.actions import KINDS, JobKind, Phase
from airflow_provider_ims.emulator.clock import JobClock
from airflow_provider_ims.emulator.errors import ApiError
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.store import Job, Store

QUEUED_SHARE = 0.2
"""The part of a job's time in which it is created but does not run yet."""

KEPT_SECONDS = 365 * 24 * 3600
"""How long a job can be asked for."""

SESSION_SECONDS = 7 * 24 * 3600
"""How long a SessionId refuses another submit."""

FAILED = ("InternalError", "The job failed.")


class UnknownJobError(Exception):
    """There is no job with an id."""


class Jobs:
    """
    All jobs of one emulator.

    :param store: where they are kept.
    :param clock: what moves them.
    :param settings: how long they take.
    """

    def __init__(self, store: Store, clock: JobClock, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings

    def submit(self, action: str, parameters: dict[str, str], job_type: str) -> Job:
        """
        Return the job for a request: a new one, or that of an earlier request with the same ClientToken.

        :raises ApiError: if the token was used with other parameters, or the SessionId within the last days.
        """
        token = parameters.get("ClientToken")
        if token is not None and (earlier := self.store.job_of_token(token)) is not None:
            if earlier.parameters != parameters:
                raise ApiError("IdempotentParameterMismatch")
            return earlier
        now = self.clock.now()
        session_id = parameters.get("SessionId")
        if session_id and self.store.job_of_session(action, session_id, now - SESSION_SECONDS):
            raise ApiError("SessionIdExists")
        seconds = self.settings.seconds(action)
        job = Job(
            job_id=uuid.uuid4().hex,
            action=action,
            job_type=job_type,
            parameters=parameters,
            created=now,
            starts=now + seconds * QUEUED_SHARE,
            ends=now + seconds,
            client_token=token,
            video_id=parameters.get("VideoId"),
        )
        self.store.add_job(job)
        return job

    def phase(self, job: Job) -> Phase:
        """Return how far a job is now, or as far as the state it is pinned to says."""
        if job.pinned is not None:
            return self._pinned_phase(KINDS[job.action], job.pinned)
        return job.phase(self.clock.now())

    @staticmethod
    def _pinned_phase(kind: JobKind, word: str) -> Phase:
        if word in kind.states:
            return Phase(kind.states.index(word))
        return Phase.SUCCEEDED if word in kind.succeeded else Phase.FAILED if word in kind.failed else Phase.RUNNING

    def state(self, job: Job) -> str:
        """Return how far a job is now, in the words of its family."""
        return job.pinned or KINDS[job.action].states[self.phase(job)]

    def modified(self, job: Job) -> float:
        """Return when a job last changed its state."""
        return (job.created, job.starts, job.ends, job.ends)[self.phase(job)]

    def part_phase(self, job: Job, index: int, count: int) -> Phase:
        """Return how far one sub-job is; they run one after the other."""
        now = self.clock.now()
        share = (job.ends - job.starts) / count
        if now < job.starts + share * index:
            return Phase.CREATED
        # The last one ends with the job, whatever the rounding.
        if now < (job.ends if index == count - 1 else job.starts + share * (index + 1)):
            return Phase.RUNNING
        return Phase.FAILED if self.part_error(job, index) else Phase.SUCCEEDED

    def part_error(self, job: Job, index: int) -> tuple[str, str] | None:
        """Return the code and message one sub-job fails with, if it does."""
        if job.error_code is not None:
            return job.error_code, job.error_message or ""
        return job.failed_parts.get(str(index))

    def asked_for(self, job_id: str, *actions: str) -> Job | None:
        """
        Return the job that a query asks for, if it is of these submit actions and of the last year.

        :raises ApiError: if there is none and the settings want an error then.
        """
        job = self.store.job(job_id)
        if job is not None and job.action in actions and job.created > self.clock.now() - KEPT_SECONDS:
            return job
        if self.settings.unknown_job_is_error:
            raise ApiError("ResourceNotFound")
        return None

    def get(self, job_id: str) -> Job:
        """
        Return a job.

        :raises UnknownJobError: if there is none with this id.
        """
        job = self.store.job(job_id)
        if job is None:
            raise UnknownJobError(f"there is no job {job_id!r}")
        return job

    def finish(self, job_id: str) -> Job:
        """End a job now, successfully."""
        return self._end(job_id, None, None)

    def fail(self, job_id: str, code: str = FAILED[0], message: str = FAILED[1]) -> Job:
        """End a job now, with an error."""
        return self._end(job_id, code, message)

    def fail_at_end(self, job_id: str, code: str = FAILED[0], message: str = FAILED[1]) -> Job:
        """Let a job fail when its time is over."""
        job = self.get(job_id)
        job.error_code, job.error_message = code, message
        self.store.save_fate(job)
        return job

    def fail_videos(self, job_id: str, count: int, code: str = FAILED[0], message: str = FAILED[1]) -> Job:
        """Let the first ``count`` videos of a batch fail, or outputs of a transcoding; the job itself still ends."""
        job = self.get(job_id)
        total = part_count(job)
        if total is None:
            raise ValueError(f"{job_id} is no batch of videos")
        if not 0 <= count <= total:
            raise ValueError(f"{count} videos cannot fail, the batch has {total}")
        job.failed_parts = {str(index): (code, message) for index in range(count)}
        self.store.save_fate(job)
        return job

    def set_state(self, job_id: str, state: str | None) -> Job:
        """Show a state whatever the clock says; None goes back to the clock."""
        job = self.get(job_id)
        job.pinned = state
        if self.phase(job) is Phase.FAILED and job.error_code is None:
            job.error_code, job.error_message = FAILED
        self.store.save_fate(job)
        return job

    def set_seconds(self, job_id: str, seconds: float) -> Job:
        """Let a job take another time than others of its kind, counted from its submit."""
        job = self.get(job_id)
        job.starts, job.ends = job.created + seconds * QUEUED_SHARE, job.created + seconds
        self.store.save_fate(job)
        return job

    def _end(self, job_id: str, code: str | None, message: str | None) -> Job:
        job = self.get(job_id)
        now = self.clock.now()
        job.starts, job.ends = min(job.starts, now), min(job.ends, now)
        job.error_code, job.error_message, job.pinned = code, message, None
        self.store.save_fate(job)
        return job

    def describe(self, job: Job, result: object) -> dict[str, object]:
        """Return a job as the control interface shows it."""
        phase = self.phase(job)
        return {
            "job_id": job.job_id,
            "kind": job.action,
            "state": self.state(job),
            "created": job.created,
            "ended": job.ends if phase >= Phase.SUCCEEDED else None,
            "parameters": job.parameters,
            "error_code": job.error_code if phase is Phase.FAILED else None,
            "result": result,
        }


_PARTS = {
    **dict.fromkeys(
        ("SubmitBatchMediaProducingJob", "SubmitScreenMediaHighlightsJob", "SubmitSportsHighlightsJob"),
        results.video_count,
    ),
    "SubmitSceneBatchEditingJob": results.project_count,
    **{kind.key: kind.parts for kind in kinds.KINDS if kind.parts},
}


def part_count(job: Job) -> int | None:
    """Return how many parts a job has that can fail one by one; None where it has none."""
    count = _PARTS.get(job.action)
    return count(job.parameters) if count else None


def job_type_of_batch(action: str, parameters: dict[str, str]) -> str:
    """Return the job type that a submit makes a batch."""
    if action == "SubmitBatchMediaProducingJob":
        return "Script" if json.loads(parameters["InputConfig"]).get("MediaGroupArray") else "Smart_Mix"
    return (
        parameters.get("JobType")
        or {
            "SubmitSceneBatchEditingJob": "Scene_Batch_Editing",
            "SubmitScreenMediaHighlightsJob": "Screen_Media_Highlights",
            "SubmitSportsHighlightsJob": "Sports_Highlights",
        }[action]
    )
