"""The base class of the operators that submit many jobs of one kind in one task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Unpack

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ims import _metrics as metrics
from airflow_provider_ims._arguments import SubmitArguments
from airflow_provider_ims._jobs.bulk_query import query_jobs
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._jobs.objects import OssObject, oss_objects
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._submission.bulk_submitter import BulkSubmitter
from airflow_provider_ims._submission.cancel import cancel_jobs, ended_by_user
from airflow_provider_ims._submission.ledger import Item
from airflow_provider_ims._waiting.progress import Progress
from airflow_provider_ims.exceptions import (
    ImsError,
    ImsJobNotFoundError,
    ImsJobsFailedError,
    ImsJobTimeoutError,
    error_as_dict,
    error_from_dict,
)
from airflow_provider_ims.links import MediaLink
from airflow_provider_ims.operators._awaited_job import can_be_joined, has_next_try
from airflow_provider_ims.operators._files import ReadsParameterFiles
from airflow_provider_ims.operators._request_list import MAX_REQUESTS, encode_again, encode_requests
from airflow_provider_ims.operators._results import JobResults, allowed_failures
from airflow_provider_ims.operators._submit_operator import SubmitOperator, positive, seconds, whole

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.hooks._actions import Product

MAX_SUBMITS_PER_SECOND = 30.0


class ManyJobsOperator(ReadsParameterFiles, SubmitOperator):
    """
    Submit many jobs of one kind in one task, and wait until all have ended.

    If the task or the worker crashes, no request is billed twice, except as described for ``on_uncertain``: a retry
    waits for the running jobs (it joins them), collects the results of ended jobs, and submits jobs only for requests
    that have no job or whose job failed. A request keeps its job even if the list changes between two tries.

    :param job: The submit action, such as ``SubmitTextGenerateJob``. (templated)
    :param requests: Up to 10,000 dicts of parameters, with their API names as keys. Where the API requires a JSON
        string, a dict, a list or the name of a ``.json`` file is also accepted. (templated)
    :param parameters: Parameters that all requests have in common. The values in a request override them. (templated)
    :param max_active_jobs: The maximum number of unfinished jobs at a time. When half of them have ended, more jobs are
        submitted. (templated) Default: no limit.
    :param max_submits_per_second: The maximum number of submit requests per second, up to
        ``[ims] max_requests_per_second``; the rate falls while the service throttles requests. (templated) Default: 30.
    :param max_failures: How many jobs are allowed to fail: a number, or a fraction of all jobs if it is less than 1. If
        more jobs fail, the task fails after all jobs have ended. (templated) Default: 0.
    :param results_path: A path or URL for the results as JSON Lines, such as ``oss://bucket/results.jsonl`` or
        ``file:///data/results.jsonl``. The file contains one line per request, in the order of the requests. Required
        for results of more than 512 KiB. (templated) Default: the results are part of the task's result.
    :param fail_on_partial_failure: Count a job as failed if any part of it failed. Default: false.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._submit_operator.SubmitOperator`.
    """

    product: Product
    template_fields: Sequence[str] = (
        "job",
        "requests",
        "parameters",
        "max_active_jobs",
        "max_submits_per_second",
        "max_failures",
        "results_path",
        *SubmitOperator.template_fields,
    )
    template_fields_renderers = {"requests": "json", "parameters": "json"}

    def __init__(
        self,
        *,
        job: str,
        requests: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any] | None = None,
        max_active_jobs: int | None = None,
        max_submits_per_second: float = MAX_SUBMITS_PER_SECOND,
        max_failures: float = 0,
        results_path: str | None = None,
        fail_on_partial_failure: bool = False,
        **kwargs: Unpack[SubmitArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.requests = requests
        self.parameters = parameters
        self.max_active_jobs = max_active_jobs
        self.max_submits_per_second = max_submits_per_second
        self.max_failures = max_failures
        self.results_path = results_path
        self.fail_on_partial_failure = fail_on_partial_failure
        self._submitter: BulkSubmitter | None = None
        self._context: Context | None = None
        #: The number of failed jobs in this try, for the log.
        self._failures = 0

    @property
    def kind(self) -> JobKind:
        """The job kind, from the rendered ``job``."""
        return kind_of(self.job, self.product)

    @property
    def family(self) -> JobFamily:  # type: ignore[override]  # a class attribute in sensors
        """The family of the jobs."""
        return self.kind.family

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Submit the jobs, or join those of an earlier try, and wait for them.

        :param context: The task's context.
        :return: ``{"total", "succeeded", "failed", "jobs": [{"index", "job_id", "state"}], "results": [...]}``. If
            ``results_path`` is set, the dict contains ``results_path`` instead of ``results``.
        :raises ImsRequestError: when an argument is invalid (no job is submitted), or when the results are too large
            for XCom.
        :raises ImsJobsFailedError: when more jobs failed than ``max_failures`` allows.
        :raises ImsJobTimeoutError: when some requests were not sent, or some jobs did not end, before the timeout.
        :raises ImsError: when the service denied the action, rejected the credentials or was unavailable.
        """
        self.check_files()
        submitter = self._new_submitter(context, encode_requests(self.kind, self.requests, self.parameters))
        started_at = time.time()
        with self._cancelling():
            with self._counting(submitter):
                submitter.resume(context)
            return self._run(context, submitter, started_at)

    def execute_complete(
        self,
        context: Context,
        event: Any = None,
        state: Mapping[str, Any] | None = None,
        refused: Mapping[str, Mapping[str, Any]] | None = None,
        wait_started_at: float | None = None,
    ) -> dict[str, Any]:
        """
        Resume the task with the trigger's event: submit more jobs and wait again, or return the result.

        :param context: The task's context.
        :param event: The event of the trigger.
        :param state: The jobs of this try, from ``BulkSubmitter.dump``.
        :param refused: The errors of the requests that have no job, with the index of each request as the key.
        :param wait_started_at: The time at which this try started, in epoch seconds.
        :return: Same as :meth:`execute`.
        """
        submitted = state["jobs"] if state else ()
        requests = encode_again(self.kind, self.requests, self.parameters, submitted)
        submitter = self._new_submitter(context, requests)
        with self._cancelling():
            if state is None and context.get("task_state_store") is None and event.get("waited_for"):
                # dag.test() drops the arguments of the deferral.
                state = {"jobs": event["waited_for"]}
            submitter.restore(context, state)
            job_ids, self._failures = self.unfinished_jobs(event)
            unfinished = set(job_ids)
            for item in submitter.items:
                item.ended = item.record.job_id is not None and item.record.job_id not in unfinished
                if error := (refused or {}).get(str(item.index)):
                    item.error = error_from_dict(error)
            return self._run(context, submitter, wait_started_at or time.time())

    def _new_submitter(self, context: Context, requests: list[dict[str, str]]) -> BulkSubmitter:
        for name in ("poll_interval", "timeout"):
            seconds(name, getattr(self, name))
        self._max_active()
        JobResults(self.results_path)
        hook = self.new_hook()
        allowed_failures(self.max_failures, len(requests))
        # An invalid connection is also rejected before the first job is submitted.
        hook.connect()
        self.kind.check_region(hook.settings)
        self._context = context
        self._submitter = BulkSubmitter(
            self.kind,
            hook,
            requests,
            on_uncertain=self.on_uncertain,
            on_clear=self.on_clear,
            cancel_on_kill=self.cancel_on_kill,
            failed=self.failure_of,
            max_rate=positive("max_submits_per_second", self.max_submits_per_second, 1000),
            queue=hook.settings.smq_queue if self.deferrable else None,
        )
        return self._submitter

    def input_objects(self) -> Iterable[OssObject]:
        """Return the OSS objects that the requests refer to, except outputs."""
        return oss_objects([self.parameters, *(self.requests or ())], without="output")

    def on_kill(self) -> None:
        """
        Cancel the jobs if a user has marked the task as failed or successful, or if no later try can join the jobs.

        If ``cancel_on_kill`` is false, the jobs are never cancelled.
        """
        job_ids = self._active_jobs()
        if not job_ids or self._context is None:
            return
        jobs = "1 job is" if len(job_ids) == 1 else f"{len(job_ids)} jobs are"
        if not self.cancel_on_kill:
            self.log.warning("%s left running and billed: cancel_on_kill is false", jobs)
        elif not can_be_joined(self.kind, self._context) or ended_by_user(
            self._context.get("ti"), self._is_owner, jobs, self.log
        ):
            cancel_jobs(self.family, self.new_hook(), job_ids, self.log)

    def _active_jobs(self) -> list[str]:
        active = [] if self._submitter is None else self._submitter.active
        return list(dict.fromkeys(str(item.record.job_id) for item in active))

    def _is_owner(self) -> bool:
        ti: Any = None if self._context is None else self._context.get("ti")
        return self._submitter is None or self._submitter.is_owner(int(ti.try_number))

    def _max_active(self) -> int | None:
        limit = self.max_active_jobs
        return None if limit is None else whole("max_active_jobs", limit, MAX_REQUESTS)

    @contextmanager
    def _cancelling(self) -> Iterator[None]:
        """On a timeout, if ``cancel_on_kill`` is true, cancel the jobs unless a later try can join them."""
        try:
            yield
        except (ImsJobTimeoutError, AirflowTaskTimeout):
            job_ids, context = self._active_jobs(), self._context
            if job_ids and context is not None and self.cancel_on_kill:
                if can_be_joined(self.kind, context) and has_next_try(context):
                    self.log.info(
                        "%d jobs are left running for the next try of this task, which can wait for them", len(job_ids)
                    )
                else:
                    cancel_jobs(self.family, self.new_hook(), job_ids, self.log)
            raise

    @contextmanager
    def _counting(self, submitter: BulkSubmitter) -> Iterator[None]:
        """Emit the metrics of the jobs that are submitted or joined."""
        known = {item.index for item in submitter.items if item.record.job_id is not None}
        try:
            yield
        finally:
            new = [item for item in submitter.items if item.record.job_id is not None and item.index not in known]
            submitted = sum(item.submits > 0 for item in new)
            metrics.job_begun(self.kind.submit_action, "submitted", submitted)
            metrics.job_begun(self.kind.submit_action, "joined", len(new) - submitted)

    def _run(self, context: Context, submitter: BulkSubmitter, started_at: float) -> dict[str, Any]:
        """Submit jobs and wait alternately, until all jobs have ended; then collect the results."""
        deadline = self.deadline(context, started_at)
        while True:
            with self._counting(submitter):
                in_time = submitter.submit(self._max_active(), deadline)
            active = self._active_jobs()
            if active and self._job_id is None:
                self.push_console_link(context, submitter.hook, active[0], started_at)
            if not in_time:
                sent_for = f"within {time.time() - started_at:.0f} s"
                raise ImsJobTimeoutError(
                    f"{len(submitter.pending)} of {len(submitter.items)} requests were not sent {sent_for}",
                    job_id=active[0] if active else "",
                )
            if not active and not submitter.pending:
                return self._collect(context, submitter)
            unfinished = len(active) // 2 if submitter.pending else 0
            if self.deferrable:
                self._defer(submitter, active, unfinished, started_at, deadline)
            left = set(self._wait(submitter, active, unfinished, started_at, deadline))
            for item in submitter.active:
                item.ended = item.record.job_id not in left

    def _defer(
        self, submitter: BulkSubmitter, active: list[str], unfinished: int, started_at: float, deadline: float
    ) -> NoReturn:
        items = submitter.items
        self.defer_wait(
            active,
            deadline=deadline,
            poll_interval=seconds("poll_interval", self.poll_interval),
            cancel_on_kill=bool(self.cancel_on_kill),
            unfinished=unfinished,
            total=len(items),
            already_ended=submitter.ended,
            already_failed=self._failures,
            resume_with={
                "state": submitter.dump(),
                "refused": {str(item.index): error_as_dict(item.error) for item in items if item.error is not None},
                "wait_started_at": started_at,
            },
        )

    def _wait(
        self, submitter: BulkSubmitter, active: list[str], unfinished: int, started_at: float, deadline: float
    ) -> list[str]:
        """Block until at most ``unfinished`` jobs are still running, and return the ids of these jobs."""
        from airflow_provider_ims._waiting.many_jobs import wait_for_jobs
        from airflow_provider_ims._waiting.poller import Poller

        poller = Poller(self.family, lambda: submitter.hook, self.ims_conn_id)
        progress = Progress(self.log, len(submitter.items), submitter.ended, self._failures)
        left = asyncio.run(
            wait_for_jobs(
                poller,
                active,
                unfinished=unfinished,
                poll_interval=seconds("poll_interval", self.poll_interval),
                wait_started_at=started_at,
                deadline=deadline,
                progress=progress,
            )
        )
        self._failures = progress.failures
        return left

    def _collect(self, context: Context, submitter: BulkSubmitter) -> dict[str, Any]:
        """Query all jobs, publish their outputs and return the result of the task."""
        allowed = allowed_failures(self.max_failures, len(submitter.items))
        known = [str(item.record.job_id) for item in submitter.items if item.record.job_id is not None]
        jobs = query_jobs(self.family, submitter.hook, known, RateLimiter())
        with JobResults(self.results_path) as results:
            for item in submitter.items:
                outcome = self._outcome(item, next(jobs)[1] if item.record.job_id is not None else None)
                if isinstance(outcome, Job):
                    self.publish_outputs(context, outcome)
                results.add(item.index, item.record.job_id, outcome)
        if results.failed > allowed:
            submitter.record_outcome("failed")
            MediaLink().record_failure(context, results.as_dict() if results.fit_into_xcom else None)
            raise ImsJobsFailedError(
                f"{results.failed} of {results.total} jobs failed, and max_failures allows {allowed}. "
                f"{results.advice()}. {results.describe_failures()}",
                permanent_failures=results.permanent_failures,
                max_failures=allowed,
            )
        if results.failed:
            self.log.warning("%d of %d jobs failed. %s", results.failed, results.total, results.describe_failures())
        result = results.as_dict()
        submitter.record_outcome("collected")
        return result

    def _outcome(self, item: Item, job: Job | None) -> Job | ImsError:
        """Return the job of a request, or the error if the job failed or is missing. Emit the metrics of the job."""
        job_id = item.record.job_id
        if job_id is None:
            return item.error or ImsError("The request was not sent")
        if job is None:
            return ImsJobNotFoundError(f"The service does not know job {job_id}", job_id=job_id)
        if not job.ended:
            return ImsError(f"Job {job_id} has ended, but its status is now {job.status}")
        error = self.failure_of(job)
        if not item.counted:
            metrics.job_ended(self.kind.submit_action, "failed" if error else "finished", None, job.usage)
        return error or job
