"""The operator that all job kinds share: check, submit, wait, hand on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator, conf

from airflow_provider_ims import metrics
from airflow_provider_ims.exceptions import ImsError, ImsJobTimeoutError, ImsRequestError
from airflow_provider_ims.jobs.kind import JobKind
from airflow_provider_ims.jobs.objects import OssObject, oss_objects
from airflow_provider_ims.jobs.parameters import encode_all
from airflow_provider_ims.submission import OnClear, OnUncertain, Submitter
from airflow_provider_ims.submission.cancel import (
    ENDED_STATES,
    ON_KILL_TIMEOUT,
    call_with_timeout,
    cancel_job,
    task_state,
)
from airflow_provider_ims.submission.record import STORE_KEY, SubmissionRecord, write_wait_outcome
from airflow_provider_ims.tasks import BACKSTOP, JobTask
from airflow_provider_ims.waiting.monitor import log_progress, wait_for_job

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.jobs.job import Job
    from airflow_provider_ims.submission import Submission
    from airflow_provider_ims.submission.record import WaitOutcome

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
    :param on_clear: What ``durable`` does when the task was cleared. ``auto`` joins the job from before the clear where
        its result was never collected and the parameters are the same, and submits a new one otherwise; ``new`` always
        submits; ``rejoin`` joins any job that has not failed. Needs Airflow 3.3; before it, a clear always submits.
        Default: ``auto``.
    :param cancel_on_kill: Cancel the job, where the service can, when a user marks the task as failed or successful,
        or clears it, while it waits, and when the wait of its last try times out. Default: true.
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
        on_clear: OnClear = "auto",
        cancel_on_kill: bool = True,
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
        _check_choice("on_uncertain", on_uncertain, OnUncertain)
        _check_choice("on_clear", on_clear, OnClear)
        self.on_uncertain = on_uncertain
        self.on_clear = on_clear
        self.cancel_on_kill = cancel_on_kill
        self._submission: Submission | None = None
        self._context: Context = {}

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
        self.begin_phase()
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
        submitter = Submitter(
            self.kind,
            hook,
            parameters,
            on_uncertain=self.on_uncertain,
            failed=self.counts_as_failed,
            on_clear=self.on_clear,
            cancel_on_kill=self.cancel_on_kill,
        )
        # Without a task instance, as when a test executes the task by hand, there is no run to join jobs of.
        in_a_run = context.get("ti") is not None
        submission = submitter.submit_or_join(context) if self.durable and in_a_run else submitter.submit()
        self._submission, self._context = submission, context
        job, waits_since = submission.job, time.time()
        metrics.job_begun(self.kind.submit_action, "joined" if submission.joined else "submitted")
        self.push_console_link(context, hook, job.id)
        if not self.wait_for_completion:
            self._write_outcome(context, job.id, "collected")
            return {"job_id": job.id, "state": job.status}
        if not job.ended and self.deferrable:
            self.defer(method_name="execute_complete", **deferral(job.id, submission.submitted_at))
        if not job.ended:
            with self._failing_waits(context, job.id):
                job = wait_for_job(
                    self.kind.family,
                    hook,
                    job.id,
                    poll_interval=poll_interval,
                    started=waits_since,
                    timeout=timeout,
                    emit=partial(log_progress, self.log, started=submission.submitted_at),
                )
        return self._end(context, job, submission.submitted_at)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """
        Take the trigger's event and end the task.

        :param context: The task's context.
        :param event: What the trigger sent.
        :return: As :meth:`execute`.
        """
        self.begin_phase()
        with self._failing_waits(context):
            (job,), submitted_at = self.ended_jobs(event)
        return self._end(context, job, submitted_at)

    def on_kill(self) -> None:
        """
        Cancel the job where a user has ended the task, and say what becomes of it.

        Airflow also calls this when the worker shuts down, when it has given the task to another worker, and at
        ``execution_timeout``. A later try joins the job then.
        """
        if self._submission is None:
            return
        job_id = self._submission.job.id
        if not self.cancel_on_kill:
            self.log.warning("Job %s continues and is billed: cancel_on_kill is off", job_id)
        elif self._ended_by_a_user(job_id):
            cancel_job(self.family, self.new_hook(), job_id, self.log)

    def _ended_by_a_user(self, job_id: str) -> bool:
        """Tell whether the task instance has ended, and the job still belongs to this try; or no try could join it."""
        ti: Any = self._context.get("ti")
        if not self._can_be_joined(self._context):
            return True

        def ask() -> tuple[str | None, bool]:
            record = self._record(self._context)
            owned = record is None or record.try_number == int(ti.try_number)
            return task_state(ti.dag_id, ti.run_id, ti.task_id, ti.map_index), owned

        try:
            state, owned = call_with_timeout(ON_KILL_TIMEOUT, ask)
        except Exception as error:  # noqa: BLE001 - whatever Airflow raises, the job must not be lost by it
            self.log.warning("Job %s is left running: the task's state could not be read: %s", job_id, error)
            return False
        if not owned:
            self.log.info("Job %s is left running: another try of this task has joined it", job_id)
        elif state not in ENDED_STATES:
            self.log.info(
                "Job %s is left running for the next try of this task to join: no user has ended the task, which is %s",
                job_id,
                state,
            )
        return owned and state in ENDED_STATES

    def _can_be_joined(self, context: Context) -> bool:
        """Tell whether another try could join the job: by the record of it, its ClientToken or its marker."""
        recorded = context.get("task_state_store") is not None
        found = self.kind.takes_client_token or self.kind.takes_marker
        return self.durable and context.get("ti") is not None and (recorded or found)

    @contextmanager
    def _failing_waits(self, context: Context, job_id: str | None = None) -> Iterator[None]:
        """Store that a wait failed, so that a clear joins the job; cancel a job that no later try will join."""
        try:
            yield
        except (ImsError, AirflowTaskTimeout) as error:
            awaited = job_id or getattr(error, "job_id", None) or self._recorded_job(context)
            if awaited:
                self._write_outcome(context, awaited, "failed")
            if awaited and isinstance(error, (ImsJobTimeoutError, AirflowTaskTimeout)) and self.cancel_on_kill:
                self._cancel_in_the_last_try(context, awaited)
            raise

    def _record(self, context: Context) -> SubmissionRecord | None:
        """Return the record of the submission, where there is one."""
        store: Any = context.get("task_state_store")
        return SubmissionRecord.read(store.get(STORE_KEY)) if store is not None and self.durable else None

    def _recorded_job(self, context: Context) -> str | None:
        """Return the job id of the record; ``None``, and no second error, where the store cannot be read."""
        try:
            record = self._record(context)
        except Exception as error:  # noqa: BLE001 - whatever the store's backend raises
            self.log.warning("The record of the submission could not be read: %s", error)
            return None
        return None if record is None else record.job_id

    def _cancel_in_the_last_try(self, context: Context, job_id: str) -> None:
        ti: Any = context.get("ti")
        if self._can_be_joined(context) and int(ti.try_number) <= int(ti.max_tries):
            self.log.info("Job %s is left running for the next try of this task to join", job_id)
        else:
            cancel_job(self.family, self.new_hook(), job_id, self.log)

    def _write_outcome(self, context: Context, job_id: str, outcome: WaitOutcome) -> None:
        if self.durable:
            write_wait_outcome(context.get("task_state_store"), job_id, outcome)

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
        result = self.complete(context, job)
        self._write_outcome(context, job.id, "collected")
        return result

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
            cancel_on_kill=self.cancel_on_kill,
        )
        return {"trigger": trigger, "timeout": timedelta(seconds=max(0.0, deadline - now) + BACKSTOP)}


def _check_choice(name: str, value: Any, choices: Any) -> None:
    if value not in get_args(choices):
        raise ImsRequestError(f"{name}: {value!r} is not one of {', '.join(get_args(choices))}", field=name)


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= LONGEST:
        raise ImsRequestError(f"{name}: {value!r} is not a number of seconds above 0 and up to a year", field=name)
    return seconds
