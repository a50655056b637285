"""The operator that all job kinds share: check, submit, wait, hand on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_ims import metrics
from airflow_provider_ims.exceptions import ImsError, ImsJobTimeoutError, ImsRequestError
from airflow_provider_ims.jobs.kind import JobKind
from airflow_provider_ims.jobs.objects import OssObject, oss_objects
from airflow_provider_ims.jobs.parameters import encode_all
from airflow_provider_ims.submission import OnUncertain, Submitter
from airflow_provider_ims.tasks import BACKSTOP, JobTask
from airflow_provider_ims.watching import log_told, wait_for_job

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.jobs.job import Job
    from airflow_provider_ims.submission import Submission

#: Seconds between two looks, and the longest wait.
POLL_INTERVAL = 10.0
TIMEOUT = 24 * 60 * 60.0
#: Services tell of jobs of the last year.
LONGEST = 366 * 24 * 60 * 60.0


class JobOperator(JobTask, BaseOperator):
    """
    Submit a job and wait for its end.

    :param ims_conn_id: The connection. (templated) Default: ``ims_default``.
    :param region_id: A region that goes over the connection's, such as ``cn-shanghai``. (templated)
    :param wait_for_completion: Wait for the job's end; otherwise return right after the submit. Default: true.
    :param deferrable: Wait in the triggerer, without holding a worker. Default: ``[operators] default_deferrable``.
    :param poll_interval: Seconds between two looks at the job. (templated) Default: 10.
    :param timeout: Seconds to wait for the job's end, counted for each try. (templated) Default: a day.
    :param durable: Pay for one job only: a retry joins the job of an earlier try, and a submit whose answer was lost
        is looked for before it is repeated. Default: true.
    :param on_uncertain: What ``durable`` does when a submit got no answer and its job is not found either:
        ``submit`` again, or ``fail`` and leave it to you. Default: ``submit``.
    """

    #: An operator of one kind names it, and has its parameters in snake_case as arguments, all of them templated.
    kind: JobKind
    template_fields: Sequence[str] = ("ims_conn_id", "region_id", "poll_interval", "timeout")
    ui_color = "#ffe8d6"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make the parameters of the class's kind template fields, and show those that are JSON as such."""
        super().__init_subclass__(**kwargs)
        kind = vars(cls).get("kind")
        if isinstance(kind, JobKind):
            own = vars(cls)
            if "template_fields" not in own:
                cls.template_fields = (*(one.argument for one in kind.parameters), *JobOperator.template_fields)
            if "template_fields_renderers" not in own:
                cls.template_fields_renderers = {one.argument: "json" for one in kind.parameters if one.is_json}

    def __init__(
        self,
        *,
        ims_conn_id: str = "ims_default",
        region_id: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = POLL_INTERVAL,
        timeout: float = TIMEOUT,
        durable: bool = True,
        on_uncertain: OnUncertain = "submit",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.durable = durable
        if on_uncertain not in get_args(OnUncertain):
            raise ImsRequestError(
                f"on_uncertain: {on_uncertain!r} is not one of {', '.join(get_args(OnUncertain))}", field="on_uncertain"
            )
        self.on_uncertain = on_uncertain
        self._submission: Submission | None = None

    @property
    def family(self) -> JobFamily:
        """The family of the job."""
        return self.kind.family

    def arguments(self) -> Mapping[str, Any]:
        """Return what was given for the API's parameters, by their names in snake_case; other names do no harm."""
        return vars(self)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Submit the job, or join the one of an earlier try, and wait for it.

        :param context: The task's context.
        :return: ``{"job_id", "state"}``, and the result unless ``wait_for_completion`` is off.
        :raises ImsRequestError: when an argument is wrong; nothing was sent then.
        :raises ImsJobFailedError: when the job failed.
        :raises ImsJobTimeoutError: when it did not end in time.
        :raises ImsError: when the service refused the submit or could not be asked.
        """
        parameters = encode_all(self.kind.parameters, self.arguments())
        poll_interval = _seconds("poll_interval", self.poll_interval)
        timeout = _seconds("timeout", self.timeout)
        hook = self.new_hook()
        deferral = partial(self._deferral, context, poll_interval=poll_interval, timeout=timeout)
        # What is wrong with the connection must be known before a submit is noted.
        hook.connect()
        try:
            json.dumps(deferral("none yet", time.time())["trigger"].serialize())
        except (OverflowError, TypeError, ValueError) as error:
            # Found out at the deferral, it would leave a job that is paid for and not awaited.
            raise ImsRequestError(f"The wait could not be deferred, so nothing was submitted: {error}") from None
        submitter = Submitter(self.kind, hook, parameters, on_uncertain=self.on_uncertain, failed=self.counts_as_failed)
        # Without a task instance, as when a test executes the task by hand, there is no run to join jobs of.
        in_a_run = context.get("ti") is not None
        submission = submitter.submit_or_join(context) if self.durable and in_a_run else submitter.submit()
        self._submission = submission
        job, waits_since = submission.job, time.time()
        metrics.job_begun(self.kind.submit_action, "joined" if submission.joined else "submitted")
        self.show_job(context, hook, job.id)
        if not self.wait_for_completion:
            return {"job_id": job.id, "state": job.status}
        if not job.ended and self.deferrable:
            self.defer(method_name="execute_complete", **deferral(job.id, submission.submitted_at))
        if not job.ended:
            with self._cancelling_late_jobs():
                job = wait_for_job(
                    self.kind.family,
                    hook,
                    job.id,
                    poll_interval=poll_interval,
                    started=waits_since,
                    timeout=timeout,
                    tell=partial(log_told, self.log, started=submission.submitted_at),
                )
        return self._end(context, job, submission.submitted_at)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """
        Take the trigger's event and end the task.

        :param context: The task's context.
        :param event: What the trigger sent.
        :return: As :meth:`execute`.
        """
        with self._cancelling_late_jobs():
            (job,), submitted_at = self.ended_jobs(event)
        return self._end(context, job, submitted_at)

    def on_kill(self) -> None:
        """Stop the job where the service can, and say what becomes of it."""
        if self._submission is not None:
            self._cancel(self._submission.job.id)

    @contextmanager
    def _cancelling_late_jobs(self) -> Iterator[None]:
        """Stop a job that did not end in time, where the service can: nobody waits for it any more."""
        try:
            yield
        except ImsJobTimeoutError as error:
            self._cancel(error.job_id)
            raise

    def _cancel(self, job_id: str) -> None:
        action = self.kind.cancel_action
        if action is None:
            self.log.warning("Job %s goes on running and is billed: the service has no cancel", job_id)
            return
        try:
            self.new_hook().call(action, {"JobId": job_id}, attempts=2, patience=2.0)
        except ImsError as error:
            # What led here is what the task fails by.
            self.log.warning("Job %s could not be cancelled, and may go on running: %s", job_id, error)
        else:
            self.log.info("Cancelled job %s", job_id)

    def objects_read(self) -> Iterable[OssObject]:
        """Return the objects that the parameters name, but for where to put the output."""
        arguments = self.arguments()
        given = {parameter.name: arguments.get(parameter.argument) for parameter in self.kind.parameters}
        return oss_objects(given, without="output")

    def _end(self, context: Context, job: Job, submitted_at: float | None) -> dict[str, Any]:
        metrics.job_ended(
            self.kind.submit_action,
            "failed" if self.counts_as_failed(job) else "finished",
            None if submitted_at is None else time.time() - submitted_at,
            job.result.get("usage"),
        )
        return self.hand_on(context, job)

    def _deferral(
        self, context: Context, job_id: str, started: float, *, poll_interval: float, timeout: float
    ) -> dict[str, Any]:
        now = time.time()
        deadline = now + timeout
        ti: Any = context.get("ti")
        if self.execution_timeout is not None and ti is not None:
            # Airflow does not enforce it on a deferred task.
            deadline = min(deadline, ti.start_date.timestamp() + self.execution_timeout.total_seconds())
        trigger = self.trigger_class(
            **self.trigger_class.jobs_arguments(self.family, [job_id]),
            deadline=deadline,
            ims_conn_id=self.ims_conn_id,
            region_id=self.region_id,
            poll_interval=poll_interval,
            started=started,
        )
        return {"trigger": trigger, "timeout": timedelta(seconds=max(0.0, deadline - now) + BACKSTOP)}


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= LONGEST:
        raise ImsRequestError(f"{name}: {value!r} is not a number of seconds above 0 and up to a year", field=name)
    return seconds
