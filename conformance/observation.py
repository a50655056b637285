"""Submits the jobs of a run and observes them until they have ended and are listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.jobs import Inputs, JobPlan, JobRun
from conformance.service import Service


@dataclass(frozen=True)
class Limits:
    """
    The poll interval and the time limits of a run, in seconds.

    :param interval: The time between two polls.
    :param job: The maximum time until a job ends.
    :param listing: The maximum time until a listing contains a job.
    """

    interval: float = 5.0
    job: float = 900.0
    listing: float = 120.0


class Observation:
    """
    The jobs of one run.

    :param plans: The jobs to submit.
    :param run_id: The part of the markers that distinguishes them from the markers of other runs.
    :param report: A function that prints a line about the progress.
    """

    def __init__(
        self,
        service: Service,
        inputs: Inputs,
        plans: Sequence[JobPlan],
        *,
        run_id: str,
        limits: Limits,
        report: Callable[[str], object],
    ) -> None:
        self.service = service
        self.inputs = inputs
        self.limits = limits
        self._report = report
        self.jobs = {
            plan.name: JobRun(plan=plan, marker=f"ims-conformance-{run_id}-{plan.name}", problem=plan.missing(inputs))
            for plan in plans
        }

    def submit(self) -> None:
        """Submit the jobs. A submit request without a response is not repeated, to prevent a second job."""
        for job in self.jobs.values():
            if not job.problem:
                self._submit(job)

    def observe(self) -> None:
        """Poll the jobs and their listings until all jobs have ended and are listed, or the time limits expire."""
        waiting = [job for job in self.jobs.values() if job.job_id]
        while waiting:
            for job in waiting:
                self._poll(job)
            for job in waiting:
                job.observed = not self._is_waiting(job)
            waiting = [job for job in waiting if not job.observed]
            if waiting:
                self.service.sleep(self.limits.interval)

    def _submit(self, job: JobRun) -> None:
        plan = job.plan
        parameters = plan.parameters(self.inputs, job.marker)
        # Set before the request is sent, because the job may exist even if the request is interrupted.
        job.sent = True
        job.submit = self.service.send(plan.product, plan.action, parameters)
        if job.job_id:
            self._report(f"{plan.name}: submitted job {job.job_id} (marker {job.marker})")
        elif job.submit.status:
            job.problem = f"the submit request was rejected: {job.submit.error}"
            self._report(f"{plan.name}: {job.problem}: {job.submit.body.get('Message')}")
        else:
            job.problem = f"{job.submit.error}; a job with this marker may exist"
            self._report(f"{plan.name}: {job.problem}: {job.marker}")
        if job.job_id:
            # Query the job immediately after the submission, for the facts query.first.*.
            self._query(job)
        if job.job_id and plan.repeats:
            job.repeat = self.service.send(plan.product, plan.action, parameters)

    def _poll(self, job: JobRun) -> None:
        states = job.states
        if job.ended is None:
            self._query(job)
        if job.listed is None:
            self._search(job)
        if job.states != states:
            seconds = self.service.clock() - _submitted(job)
            self._report(f"{job.plan.name}: {job.states[-1] or 'no state'} after {seconds:.1f} s")

    def _query(self, job: JobRun) -> None:
        plan = job.plan
        poll = self.service.read(plan.product, plan.query, **{plan.id_parameter: job.job_id})
        job.polls.append(poll)
        if job.has_ended(plan.job_in(poll.body, job.job_id)):
            job.ended = poll.time

    def _search(self, job: JobRun) -> None:
        listing = job.plan.listing
        job.searched = self.service.read(job.plan.product, listing.action, **listing.parameters(self.inputs))
        if listing.find(job.searched, job.job_id) is not None:
            job.listed = job.searched
            self._report(f"{job.plan.name}: listed after {job.searched.time - _submitted(job):.1f} s")

    def _is_waiting(self, job: JobRun) -> bool:
        passed = self.service.clock() - _submitted(job)
        if job.ended is None and (job.polls[-1].is_denied or passed >= self.limits.job):
            denied = f"{job.plan.query} failed: {job.polls[-1].error}"
            job.problem = denied if job.polls[-1].is_denied else f"the job did not end within {self.limits.job:g} s"
            self._report(f"{job.plan.name}: {job.problem}")
            return False
        # The listing of AI images contains the images of a job only after the job has ended.
        since = max(_submitted(job), job.ended or 0.0) if not job.plan.listing.state else _submitted(job)
        unlisted = job.listed is None and self.service.clock() - since < self.limits.listing
        return job.ended is None or unlisted


def _submitted(job: JobRun) -> float:
    assert job.submit is not None
    return job.submit.time
