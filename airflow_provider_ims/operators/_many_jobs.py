"""The base class of the operators that submit many jobs of any kind in one task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ims import _metrics as metrics
from airflow_provider_ims._jobs.bulk_query import query_jobs
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import kind_of
from airflow_provider_ims._jobs.rate_limiter import RateLimiter
from airflow_provider_ims._submission.bulk_submitter import BulkSubmitter
from airflow_provider_ims._submission.cancel import cancel_jobs, ended_by_user
from airflow_provider_ims._submission.ledger import Item
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.progress import Progress
from airflow_provider_ims.exceptions import (
    ImsError,
    ImsJobNotFoundError,
    ImsJobsFailedError,
    ImsJobTimeoutError,
    ImsRequestError,
    error_as_dict,
    error_from_dict,
)
from airflow_provider_ims.operators._any_job import accepting
from airflow_provider_ims.operators._results import JobResults
from airflow_provider_ims.operators._submit_operator import SubmitOperator, positive, seconds

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.hooks._actions import Product

MAX_REQUESTS = 10_000
MAX_SUBMITS_PER_SECOND = 30.0


class ManyJobsOperator(SubmitOperator):
    """
    Submit many jobs of one kind in one task, and wait until all have ended.

    Each request is billed once, also if the task or the worker crashes: a retry joins the jobs that run, collects those
    that have ended, and submits only those that failed. A job keeps its request if the list changes between two tries.

    :param job: The submit action, such as ``SubmitTextGenerateJob``. (templated)
    :param requests: Up to 10,000 dicts of parameters, with their API names as keys. Where the API takes a JSON string,
        a dict or a list is also accepted. (templated)
    :param parameters: Parameters that all requests have in common. A request overrides them. (templated)
    :param max_active_jobs: The maximum number of jobs that have not ended. More are submitted when half of them have
        ended. (templated) Default: no limit.
    :param max_submits_per_second: The maximum rate of submits; it falls while the service throttles requests.
        (templated) Default: 30.
    :param max_failures: How many jobs may fail: a number, or a fraction of all jobs if it is below 1. The task fails
        after all jobs have ended if more have failed. (templated) Default: 0.
    :param results_path: A path or URL for the results as JSON Lines, such as ``oss://bucket/results.jsonl`` or
        ``file:///data/results.jsonl``, one line for each request in their order. Required for results of more than
        512 KiB. (templated) Default: the results are part of the task's result.
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
        **kwargs: Any,
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
        self._active: Sequence[str] = ()
        self._submitter: BulkSubmitter | None = None
        self._ti: Any = None

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
        :return: ``{"total", "succeeded", "failed", "jobs": [{"index", "job_id", "state"}], "results": [...]}``, with
            ``results_path`` instead of ``results`` if that is set.
        :raises ImsRequestError: when an argument is invalid; it names the request. No job is submitted.
        :raises ImsJobsFailedError: when more jobs failed than ``max_failures``.
        :raises ImsJobTimeoutError: when jobs did not end before the timeout.
        :raises ImsError: when the service rejected all submits or was unavailable.
        """
        self.begin_phase()
        submitter = self._new_submitter(context)
        submitter.resume(context)
        return self._run(context, submitter, time.time())

    def execute_complete(
        self,
        context: Context,
        event: Any = None,
        job_ids: Sequence[str | None] | None = None,
        refused: Mapping[str, Mapping[str, Any]] | None = None,
        wait_started_at: float | None = None,
    ) -> dict[str, Any]:
        """
        Resume with the trigger's event: submit more jobs, or complete the task.

        :param context: The task's context.
        :param event: The event of the trigger.
        :param job_ids: The job of each request; ``None`` for a request without a job.
        :param refused: The errors of the requests that the service refused, by their index.
        :param wait_started_at: When this try started to wait, in epoch seconds.
        :return: Same as :meth:`execute`.
        """
        self.begin_phase()
        submitter = self._new_submitter(context)
        self._active = [job_id for job_id in job_ids or () if job_id]
        with self._cancelling(context):
            unfinished, waited_for = self.unfinished_jobs(event)
        submitter.restore(context, job_ids or waited_for)
        for item in submitter.items:
            item.ended = item.record.job_id is not None and item.record.job_id not in unfinished
            if error := (refused or {}).get(str(item.index)):
                item.error = error_from_dict(error)
        return self._run(context, submitter, wait_started_at or time.time())

    def _new_submitter(self, context: Context) -> BulkSubmitter:
        self.check_region()
        for name in ("poll_interval", "timeout"):
            seconds(name, getattr(self, name))
        hook = self.new_hook()
        requests = list(self._encoded_requests())
        # An invalid connection is also rejected before the first submit.
        hook.connect()
        self.kind.check_region(hook.settings)
        self._ti = context.get("ti")
        self._submitter = BulkSubmitter(
            self.kind,
            hook,
            requests,
            on_uncertain=self.on_uncertain,
            on_clear=self.on_clear,
            failed=self.failure_of,
            max_rate=positive("max_submits_per_second", self.max_submits_per_second, 1000, "up to 1,000"),
        )
        return self._submitter

    def on_kill(self) -> None:
        """Cancel the jobs if a user has ended the task; otherwise a later try joins them."""
        if not self._active:
            return
        jobs = f"{len(self._active)} jobs are"
        if not self.cancel_on_kill:
            self.log.warning("%s left running and are billed: cancel_on_kill is off", jobs)
        elif self._ti is None or ended_by_user(self._ti, self._is_owner, jobs, self.log):
            cancel_jobs(self.family, self.new_hook(), self._active, self.log)

    def _is_owner(self) -> bool:
        return self._submitter is None or self._submitter.is_owner(int(self._ti.try_number))

    def _encoded_requests(self) -> Iterator[dict[str, str]]:
        given, common = self.requests, self.parameters or {}
        if not isinstance(given, list | tuple) or not 0 < len(given) <= MAX_REQUESTS:
            raise ImsRequestError(f"requests: must be a list of 1 to {MAX_REQUESTS:,} dicts", field="requests")
        kind = accepting(self.kind, {})
        for index, request in enumerate(given):
            try:
                if not isinstance(request, Mapping) or not isinstance(common, Mapping):
                    raise ImsRequestError("must be a dict with parameter names as keys", field="parameters")
                merged = {**common, **request}
                if not merged.keys() <= {one.name for one in kind.parameters}:
                    kind = accepting(kind, merged)
                yield kind.encode(merged)
            except ImsRequestError as error:
                error.message = f"requests[{index}]: {error.message}"
                error.field = f"requests[{index}].{error.field}"
                raise

    def _allowed_failures(self, total: int) -> int:
        try:
            allowed = float(self.max_failures)
        except (TypeError, ValueError):
            allowed = -1.0
        if not allowed >= 0:
            raise ImsRequestError(f"max_failures: {self.max_failures!r} is not a number of jobs", field="max_failures")
        return int(allowed * total if allowed < 1 else allowed)

    @contextmanager
    def _cancelling(self, context: Context) -> Iterator[None]:
        """Cancel the jobs if the wait of the last try times out."""
        try:
            yield
        except (ImsJobTimeoutError, AirflowTaskTimeout):
            ti: Any = context.get("ti")
            if self.cancel_on_kill and (ti is None or int(ti.try_number) > int(ti.max_tries)):
                cancel_jobs(self.family, self.new_hook(), list(self._active), self.log)
            raise

    def _run(self, context: Context, submitter: BulkSubmitter, wait_started_at: float) -> dict[str, Any]:
        """Submit and wait in turns, until all jobs have ended; then collect the results."""
        limit = (
            None
            if self.max_active_jobs is None
            else int(positive("max_active_jobs", self.max_active_jobs, MAX_REQUESTS, f"up to {MAX_REQUESTS:,}"))
        )
        allowed = self._allowed_failures(len(submitter.items))
        while True:
            try:
                submitter.submit(limit)
            finally:
                self._active = [str(item.record.job_id) for item in submitter.active]
            if self._active and self._job_id is None:
                self.push_console_link(context, submitter.hook, self._active[0])
            if not self._active and not submitter.pending:
                return self._collect(context, submitter, allowed)
            unfinished = len(self._active) // 2 if submitter.pending else 0
            if self.deferrable:
                self._defer(context, submitter, unfinished, wait_started_at)
            with self._cancelling(context):
                left = set(self._wait(submitter, unfinished, wait_started_at))
            for item in submitter.active:
                item.ended = item.record.job_id not in left

    def _defer(self, context: Context, submitter: BulkSubmitter, unfinished: int, wait_started_at: float) -> NoReturn:
        items = submitter.items
        self.defer_wait(
            list(self._active),
            deadline=self.deadline(context, wait_started_at),
            poll_interval=seconds("poll_interval", self.poll_interval),
            cancel_on_kill=bool(self.cancel_on_kill),
            unfinished=unfinished,
            already_ended=sum(item.ended for item in items),
            resume_with={
                "job_ids": [item.record.job_id for item in items],
                "refused": {str(item.index): error_as_dict(item.error) for item in items if item.error is not None},
                "wait_started_at": wait_started_at,
            },
        )

    def _wait(self, submitter: BulkSubmitter, unfinished: int, wait_started_at: float) -> list[str]:
        """Block until at most ``unfinished`` jobs have not ended, and return these."""
        poller = Poller(self.family, lambda: submitter.hook, self.ims_conn_id)
        return asyncio.run(
            poller.wait_for_jobs(
                list(self._active),
                unfinished=unfinished,
                poll_interval=seconds("poll_interval", self.poll_interval),
                wait_started_at=wait_started_at,
                deadline=wait_started_at + seconds("timeout", self.timeout),
                progress=Progress(self.log, len(submitter.items), sum(item.ended for item in submitter.items)),
            )
        )

    def _collect(self, context: Context, submitter: BulkSubmitter, allowed: int) -> dict[str, Any]:
        """Query all jobs, publish their outputs and return the result of the task."""
        known = [str(item.record.job_id) for item in submitter.items if item.record.job_id is not None]
        jobs = query_jobs(self.family, submitter.hook, known, RateLimiter())
        with JobResults(self.results_path) as results:
            for item in submitter.items:
                outcome = self._outcome(item, next(jobs)[1] if item.record.job_id is not None else None)
                if isinstance(outcome, Job):
                    self.publish_outputs(context, outcome)
                    metrics.job_ended(self.kind.submit_action, "finished", None, outcome.usage)
                results.add(item.index, item.record.job_id, outcome)
        if results.failed > allowed:
            raise ImsJobsFailedError(
                f"{results.failed} of {results.total} jobs failed, and max_failures allows {allowed}. A retry submits "
                f"only these again. {results.describe_failures()}"
            )
        if results.failed:
            self.log.warning("%d of %d jobs failed. %s", results.failed, results.total, results.describe_failures())
        result = results.as_dict()
        submitter.record_collected()
        return result

    def _outcome(self, item: Item, job: Job | None) -> Job | ImsError:
        """Return the job of an item if it succeeded, otherwise the error."""
        job_id = item.record.job_id
        if item.error is not None:
            return item.error
        if job is None:
            return ImsJobNotFoundError(f"The service does not know job {job_id}", job_id=str(job_id))
        return self.failure_of(job) or job
