"""The base class of the operators that submit one job: it encodes the arguments, submits the job and waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_ims import _metrics as metrics
from airflow_provider_ims._arguments import SubmitArguments
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.objects import OssObject, oss_objects
from airflow_provider_ims._submission import EarlierJobs, Reuse, Submission, Submitter
from airflow_provider_ims._waiting.blocking import wait_for_job
from airflow_provider_ims._waiting.monitor import log_progress
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.operators._awaited_job import AwaitedJob
from airflow_provider_ims.operators._files import read_files
from airflow_provider_ims.operators._submit_operator import SubmitOperator, check_choice, seconds

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from jinja2 import Environment

    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

#: The default maximum age of a reused job.
REUSE_WITHIN = timedelta(days=7)


class JobOperator(SubmitOperator):
    """
    Submit a job and wait until it ends.

    An argument marked ``JSON`` accepts a JSON string, the name of a ``.json`` file in the DAG's folder or in its
    ``template_searchpath``, or a dict or list, depending on the type annotation of the argument.

    :param wait_for_completion: Wait until the job ends. If false, return right after the submission. Default: true.
    :param durable: Submit only one billed job for all tries of the task instance, unless the job fails or the task is
        cleared. A retry joins the job of an earlier try: it waits for this job instead of submitting a new one. If a
        submit request receives no response and the job kind supports a search, the operator searches for the job before
        it sends the request again. Default: true.
    :param reuse: ``inputs`` returns the result of a successful job that an earlier run of the task submitted with the
        same inputs, or submits a new job if there is none; this requires ``durable``. ``run`` does not use the jobs of
        earlier runs. Default: ``run``.
    :param reuse_within: The maximum time since the submission of a reused job, as a ``timedelta``. Default: 7 days.
    :param kwargs: Arguments of :class:`~airflow_provider_ims.operators._submit_operator.SubmitOperator`.
    """

    #: The job kind. If a subclass sets it, the arguments of the subclass are the parameters of the kind in snake_case.
    #: All of them are templated.
    kind: JobKind

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Derive the template fields of an operator for one job kind, and their renderers, from this kind."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if isinstance(kind := own.get("kind"), JobKind):
            if "template_fields" not in own:
                cls.template_fields = (*(one.argument for one in kind.parameters), *SubmitOperator.template_fields)
            if "template_fields_renderers" not in own:
                cls.template_fields_renderers = {one.argument: "json" for one in kind.parameters if one.is_json}

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        durable: bool = True,
        reuse: Reuse = "run",
        reuse_within: timedelta = REUSE_WITHIN,
        **kwargs: Unpack[SubmitArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.durable = durable
        check_choice("reuse", reuse, Reuse)
        if reuse == "inputs" and not durable:
            raise ImsRequestError("reuse: 'inputs' requires durable=True", field="reuse")
        if not isinstance(reuse_within, timedelta):
            raise ImsRequestError(f"reuse_within: {reuse_within!r} is not a timedelta", field="reuse_within")
        self.reuse = reuse
        self.reuse_within = seconds("reuse_within", reuse_within)
        self._awaited: AwaitedJob | None = None

    @property
    def family(self) -> JobFamily:  # type: ignore[override]  # a class attribute in sensors
        """The family of the job."""
        return self.kind.family

    def arguments(self) -> Mapping[str, Any]:
        """Return the values of the API parameters, with argument names as keys; other keys are ignored."""
        return vars(self)

    def read_files(self, context: Context, environment: Environment) -> None:
        """Replace each argument that is the name of a file with the file's contents."""
        parameters = {one.argument: one for one in self.kind.parameters}
        for argument, content in read_files(self.arguments(), parameters, environment).items():
            setattr(self, argument, content)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Submit the job, or join the job of an earlier try, and wait for it.

        :param context: The task's context.
        :return: ``{"job_id", "state"}``, and the job's result unless ``wait_for_completion`` is false.
        :raises ImsRequestError: when an argument is invalid (no request is sent), or when the service rejects a value.
        :raises ImsJobFailedError: when the job failed, or a part of it failed and ``fail_on_partial_failure`` is set.
        :raises ImsJobTimeoutError: when the job did not end before the timeout.
        :raises ImsUncertainSubmitError: when a submit request returned no job id, and its job was not found.
        :raises ImsError: when the service rejected the request or was unavailable.
        """
        self.check_files()
        if self.reuse == "inputs" and not self.kind.reusable:
            problem = "because several jobs of this kind can have the same id"
            raise ImsRequestError(
                f"reuse: 'inputs' is not available for {self.kind.submit_action}, {problem}", field="reuse"
            )
        parameters = self.kind.encode(self.arguments())
        poll_interval = seconds("poll_interval", self.poll_interval)
        timeout = seconds("timeout", self.timeout)
        hook = self.new_hook()
        # An invalid connection is also rejected before the job is submitted.
        hook.connect()
        self.kind.check_region(hook.settings)
        submission = self._submit(context, hook, parameters)
        job = submission.job
        self._awaited = awaited = self._awaited_job(context, job.id)
        how: metrics.Beginning = "reused" if submission.reused else "joined" if submission.joined else "submitted"
        metrics.job_begun(self.kind.submit_action, how)
        self.push_console_link(context, hook, job.id, submission.submitted_at)
        if not self.wait_for_completion:
            awaited.record_outcome(job.id, "collected")
            # From here on, on_kill() does not cancel the job.
            self._awaited = None
            return {"job_id": job.id, "state": job.status}
        if not job.ended:
            with awaited.waiting():
                job = self._wait(context, hook, submission, poll_interval=poll_interval, timeout=timeout)
                job = job.with_result(submission.job.result)
        return self._collect(awaited, job, submission.submitted_at, reused=submission.reused)

    def _submit(self, context: Context, hook: AlibabaCloudMediaHook, parameters: Mapping[str, str]) -> Submission:
        # Without a task instance, as in a test that calls execute(), there is no earlier try.
        has_run = context.get("ti") is not None
        earlier = None
        if self.reuse == "inputs" and has_run:
            store = context.get("task_state_store")
            earlier = EarlierJobs(self.kind, hook, parameters, context["ti"], store, self.reuse_within, self.failure_of)
        submitter = Submitter(
            self.kind,
            hook,
            parameters,
            on_uncertain=self.on_uncertain,
            failed=self.failure_of,
            on_clear=self.on_clear,
            cancel_on_kill=self.cancel_on_kill,
            earlier=earlier,
            # A task that waits on its worker does not read the messages of the queue.
            queue=hook.settings.smq_queue if self.deferrable or not self.wait_for_completion else None,
        )
        return submitter.submit_or_join(context) if self.durable and has_run else submitter.submit()

    def _wait(
        self,
        context: Context,
        hook: AlibabaCloudMediaHook,
        submission: Submission,
        *,
        poll_interval: float,
        timeout: float,
    ) -> Job:
        """Defer the task, or block until the job has ended and return the job."""
        now = time.time()
        if self.deferrable:
            self.defer_wait(
                [submission.job.id],
                deadline=self.deadline(context, now),
                submitted_at=submission.submitted_at,
                poll_interval=poll_interval,
                cancel_on_kill=bool(self.cancel_on_kill),
                resume_with={"submit_result": submission.job.result} if submission.job.result else None,
            )
        return wait_for_job(
            self.family,
            hook,
            submission.job.id,
            poll_interval=poll_interval,
            timeout=timeout,
            emit=partial(log_progress, self.log, wait_started_at=now, submitted_at=submission.submitted_at),
        )

    def execute_complete(
        self, context: Context, event: Any = None, submit_result: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """
        Resume the task with the trigger's event, and return the result of the job.

        :param context: The task's context.
        :param event: The event of the trigger.
        :param submit_result: The part of the result that only the response to the submit request contains.
        :return: Same as :meth:`execute`.
        """
        awaited = self._awaited_job(context)
        with awaited.waiting():
            (job,), submitted_at = self.ended_jobs(event)
        return self._collect(awaited, job.with_result(submit_result or {}), submitted_at)

    def on_kill(self) -> None:
        """
        Cancel the job if a user has marked the task as failed or successful, or if no later try can join the job.

        If ``cancel_on_kill`` is false, the job is never cancelled.

        Airflow also calls this method when the worker shuts down, when another worker has taken over the task, and at
        ``execution_timeout``. In these cases, a job that a later try can join is not cancelled here.
        """
        if self._awaited is not None:
            self._awaited.on_kill()

    def input_objects(self) -> Iterable[OssObject]:
        """Return the OSS objects that the parameters refer to, except outputs."""
        arguments = self.arguments()
        given = {parameter.name: arguments.get(parameter.argument) for parameter in self.kind.parameters}
        return oss_objects(given, without="output")

    def _collect(
        self, awaited: AwaitedJob, job: Job, submitted_at: float | None, *, reused: bool = False
    ) -> dict[str, Any]:
        # No metrics are emitted for a reused job, because the run that submitted it may have emitted them. For the same
        # reason, sensors emit no metrics.
        if not reused:
            waited = None if submitted_at is None else time.time() - submitted_at
            how: metrics.Ending = "failed" if self.failure_of(job) else "finished"
            metrics.job_ended(self.kind.submit_action, how, waited, job.usage)
        result = self.complete(awaited.context, job)
        awaited.record_outcome(job.id, "collected")
        return result

    def _awaited_job(self, context: Context, job_id: str | None = None) -> AwaitedJob:
        return AwaitedJob(self.kind, self.new_hook, context, self.log, self.durable, self.cancel_on_kill, job_id)
